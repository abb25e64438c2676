"""The pipeline's own DuckDB file: opening and closing it, and what was materialized from what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from pipelines.errors import MilexError

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

# What does not fit is spilled beside the file, so that a build stays below 500 MB in all. The few
# things that DuckDB cannot spill get more, one at a time.
MEMORY_LIMIT = "128MB"
MORE_MEMORY = "2GB"
SCHEMAS = ("raw", "staging", "main", "claims", "meta")

_LEDGER = """
CREATE TABLE IF NOT EXISTS meta.materializations (
    asset VARCHAR PRIMARY KEY,
    code_version VARCHAR,
    inputs VARCHAR,
    data_version VARCHAR,
    rows BIGINT
)
"""


@dataclass(frozen=True)
class Materialization:
    """What an asset's table was made from, and the hash of what it holds."""

    asset: str
    code_version: str
    inputs: Mapping[str, str]
    data_version: str
    rows: int


@contextmanager
def open_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, with its schemas; closed whatever happens.

    Raises MilexError when another process holds the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(
            str(path), config={"memory_limit": MEMORY_LIMIT, "preserve_insertion_order": False}
        )
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise MilexError(
                f"{path.name} is held by another build (Dagster's UI or a second terminal). "
                f"Wait for it to finish, then run this again. DuckDB says: {error}"
            ) from error
        raise
    try:
        for schema in SCHEMAS:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        connection.execute(_LEDGER)
        yield connection
    finally:
        connection.close()


def with_memory(connection: duckdb.DuckDBPyConnection, make: Callable[[], T]) -> T:
    """Run `make`, and once more with more memory if it does not fit and cannot be spilled."""
    try:
        return make()
    except duckdb.OutOfMemoryException:
        connection.execute(f"SET memory_limit = '{MORE_MEMORY}'")
        try:
            return make()
        finally:
            with suppress(duckdb.OutOfMemoryException):
                connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")


def replace_table(connection: duckdb.DuckDBPyConnection, table: str, frame: pd.DataFrame) -> None:
    """Put a data frame in the place of a table, in one statement."""
    connection.register("incoming", frame)
    try:
        connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM incoming")
    finally:
        connection.unregister("incoming")


def table_exists(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    """Whether a table or view of that name is in the schema."""
    found = first_row(
        connection,
        "SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = ?",
        [schema, name],
    )
    return found is not None


def content_hash(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[str, int]:
    """A hash of a table's rows that their order does not change, and their number.

    A sum and an exclusive-or over the rows' hashes: in the first, equal rows do not cancel out; in
    the second, no carry hides a change.
    """
    row = first_row(
        connection,
        "SELECT count(*), coalesce(sum(hash::HUGEINT), 0), coalesce(bit_xor(hash), 0) "
        f"FROM (SELECT hash(t) AS hash FROM {table} AS t)",
    )
    assert row is not None
    rows, total, mixed = row
    return f"{rows}-{int(total) & (2**64 - 1):016x}{int(mixed):016x}", int(rows)


def recorded(connection: duckdb.DuckDBPyConnection, asset: str) -> Materialization | None:
    """What the warehouse says of an asset's last materialization."""
    row = first_row(
        connection,
        "SELECT asset, code_version, inputs, data_version, rows "
        "FROM meta.materializations WHERE asset = ?",
        [asset],
    )
    if row is None:
        return None
    return Materialization(row[0], row[1], json.loads(row[2]), row[3], row[4])


def record(connection: duckdb.DuckDBPyConnection, made: Materialization) -> None:
    """Remember a materialization."""
    connection.execute(
        "INSERT OR REPLACE INTO meta.materializations VALUES (?, ?, ?, ?, ?)",
        [
            made.asset,
            made.code_version,
            json.dumps(dict(sorted(made.inputs.items()))),
            made.data_version,
            made.rows,
        ],
    )


def first_row(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: object = None
) -> tuple[Any, ...] | None:
    """The first row of a query, or None; reads it to the end.

    A result that is not read to its end keeps DuckDB's connection busy for what comes next.
    """
    rows = connection.execute(query, parameters).fetchall()
    return rows[0] if rows else None
