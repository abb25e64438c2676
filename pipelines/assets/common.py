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
    """Keep tables that this code made from these inputs before, or make them; True if made."""
    begin(tables[0])
    made = store.keep_or_make(connection, tables, code_version, inputs, make)
    return told(context, made)


def begin(table: str) -> None:
    """Say what is made next."""
    TABLES.info(table)


def told(context: dg.AssetExecutionContext, made: bool) -> bool:
    """Whether tables were made in this run, and a word in its log where they were not."""
    if not made:
        context.log.info("Kept: this code already made these tables from the same inputs.")
    return made


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
