"""What answers SQL: a protocol, and a plain connection; knows no table and no page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import duckdb

from pipelines.table import Table


class Database(Protocol):
    """Whatever answers SQL with a Table: a cached snapshot here, a plain connection in tests."""

    def rows(self, sql: str, *parameters: Any) -> Table:
        """Run one query."""


@dataclass(frozen=True)
class Connected:
    """A database over a connection, without a cache."""

    connection: duckdb.DuckDBPyConnection

    def rows(self, sql: str, *parameters: Any) -> Table:
        """Run one query on a cursor of its own."""
        with self.connection.cursor() as cursor:
            found = cursor.execute(sql, list(parameters))
            columns = tuple(entry[0] for entry in found.description or [])
            return Table(columns, found.fetchall())
