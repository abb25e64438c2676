"""Milex: military-spending and alliance claims, recomputed from the editions they were made from."""
