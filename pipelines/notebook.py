"""The published snapshot for a notebook or a script: one function; knows no table."""

from __future__ import annotations

import duckdb

from pipelines.claims.show import current_or_fail
from pipelines.settings import load_settings


def connect() -> duckdb.DuckDBPyConnection:
    """A read-only connection to the current snapshot, with its tables and metrics.

    It is the caller's own DuckDB: other files and data frames can be joined; the snapshot cannot be
    written to. A snapshot that is published later is seen by the next call, not by this connection.
    Raises MilexError when there is no snapshot.
    """
    return duckdb.connect(str(current_or_fail(load_settings())), read_only=True)
