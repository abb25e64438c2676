"""What every asset reports, and how one whose inputs are unchanged is kept as it is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import dagster as dg
import duckdb

from pipelines import warehouse as store
from pipelines.models import Column, Model
from pipelines.progress import TABLES

OWNERS = ["team:milex"]
PREVIEW_ROWS = 5


def key_of(table: str) -> dg.AssetKey:
    """The asset of a warehouse table: the schema is the first part of its key."""
    return dg.AssetKey(table.split("."))


def column_schema(columns: Iterable[Column]) -> dg.TableSchema:
    """Documented columns as Dagster shows them, units first."""
    return dg.TableSchema(
        columns=[dg.TableColumn(column.name, column.type, column.comment) for column in columns]
    )


def keep_or_make(
    context: dg.AssetExecutionContext,
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[str],
    code_version: str,
    inputs: Mapping[str, str],
    make: Callable[[], object],
) -> bool:
    """Run `make` unless the tables were made by this code from these inputs; True if it ran."""
    TABLES.info(tables[0])
    unchanged = all(_is_current(connection, table, code_version, inputs) for table in tables)
    if unchanged:
        context.log.info("Unchanged: same code, same inputs; the tables are kept as they are.")
        return False
    store.with_memory(connection, make)
    for table in tables:
        data_version, rows = store.content_hash(connection, table)
        store.record(
            connection,
            store.Materialization(table, code_version, inputs, data_version, rows),
        )
    return True


def _is_current(
    connection: duckdb.DuckDBPyConnection, table: str, code_version: str, inputs: Mapping[str, str]
) -> bool:
    made = store.recorded(connection, table)
    schema, name = table.split(".")
    return (
        made is not None
        and made.code_version == code_version
        and dict(made.inputs) == dict(inputs)
        and store.table_exists(connection, schema, name)
    )


def versions_of(connection: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> dict[str, str]:
    """The data versions of upstream tables, as last recorded."""
    found = {}
    for table in sorted(tables):
        made = store.recorded(connection, table)
        found[table] = made.data_version if made else "missing"
    return found


def result(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    changed: bool,
    metadata: Mapping[str, Any] | None = None,
) -> dg.MaterializeResult[Any]:
    """What is reported of a table: rows, a preview, whether it changed, and its data version."""
    made = store.recorded(connection, table)
    assert made is not None
    return dg.MaterializeResult(
        asset_key=key_of(table),
        metadata={
            "dagster/row_count": made.rows,
            "preview": dg.MetadataValue.md(preview(connection, table)),
            "recomputed": changed,
            **(metadata or {}),
        },
        data_version=dg.DataVersion(made.data_version),
    )


def preview(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """The first rows as a markdown table."""
    relation = connection.execute(f"SELECT * FROM {table} LIMIT {PREVIEW_ROWS}")
    return markdown_table([entry[0] for entry in relation.description or []], relation.fetchall())


def markdown_table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A markdown table; long cells are cut, bars escaped."""
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    text = "" if value is None else f"{value:,.6g}" if isinstance(value, float) else str(value)
    text = text.replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= 60 else text[:57] + "…"


def model_description(model: Model) -> str:
    """The header's prose, then the SQL."""
    return f"{model.description}\n\n```sql\n{model.body}\n```"
