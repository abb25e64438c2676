"""Publishers' formats into tidy tables: plain functions on a path; no Dagster, no database."""
