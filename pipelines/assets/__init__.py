"""Thin Dagster assets: each calls a reader or runs a model, and reports what it made."""
