"""Ad hoc SQL in a terminal: one query as a table, or DuckDB's own shell where it is installed."""

from __future__ import annotations

import shutil
import subprocess

import duckdb

from pipelines.claims.show import current_or_fail
from pipelines.errors import MilexError
from pipelines.settings import Settings


def run(settings: Settings, query: str | None) -> int:
    """Run one query, or open a shell; returns an exit code."""
    snapshot = current_or_fail(settings)
    if query is None:
        shell = shutil.which("duckdb")
        if shell is None:
            raise MilexError(
                'No DuckDB shell is installed. Ask a query: milex sql "SELECT * FROM claims", or '
                f"open {settings.pointer} with any DuckDB client, read-only."
            )
        return subprocess.run([shell, "-readonly", str(snapshot)], check=False).returncode
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        try:
            relation = connection.sql(query)
        except duckdb.Error as error:
            raise MilexError(f"The query failed: {error}") from None
        if relation is not None:
            relation.show(max_rows=200, max_width=200)
    return 0
