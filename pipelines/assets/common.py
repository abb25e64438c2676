"""What every asset reports, and how one whose inputs are unchanged is kept as it is."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import dagster as dg
import duckdb

from pipelines import raw_layer
from pipelines import warehouse as store
from pipelines.models import Column, Model
from pipelines.progress import TABLES
from pipelines.settings import Settings

OWNERS = ["team:milex"]
PREVIEW_ROWS = 5

Materialized: TypeAlias = dg.MaterializeResult[Any]
Report: TypeAlias = Materialized | dg.AssetCheckResult


@dataclass(frozen=True)
class Part:
    """Tables that are made together, or one metric: what Dagster shows of them, and their making.

    make and check are called with a connection of their own, maybe in a thread, and yield what there
    is to report; check looks at what stands there, made now or before.
    """

    name: str
    specs: Sequence[dg.AssetSpec]
    make: Callable[[duckdb.DuckDBPyConnection, Settings], Iterator[Materialized]]
    checks: Sequence[dg.AssetCheckSpec] = ()
    check: Callable[[duckdb.DuckDBPyConnection, Settings], Iterator[dg.AssetCheckResult]] = (
        lambda connection, settings: iter(())
    )

    @property
    def keys(self) -> set[dg.AssetKey]:
        """The assets that it makes."""
        return {spec.key for spec in self.specs}

    @property
    def offers(self) -> set[dg.AssetKey | dg.AssetCheckKey]:
        """What a user can select of it: its assets, and the checks of them."""
        return {*self.keys, *(spec.key for spec in self.checks)}

    @property
    def reads(self) -> set[dg.AssetKey]:
        """The assets that it is made from."""
        return {dep.asset_key for spec in self.specs for dep in spec.deps} - self.keys


@dataclass(frozen=True)
class Made:
    """Whether tables were made in this run or kept from one before, and how long that took."""

    anew: bool
    seconds: float


def key_of(table: str) -> dg.AssetKey:
    """The asset of a warehouse table: the schema is the first part of its key."""
    return dg.AssetKey(table.split("."))


def python_spec(
    table: str, description: str, deps: Sequence[dg.AssetKey], kinds: set[str]
) -> dg.AssetSpec:
    """A table that the readers' code makes; its layer is its schema."""
    return dg.AssetSpec(
        key_of(table),
        description=description,
        deps=deps,
        group_name=table.split(".", maxsplit=1)[0],
        kinds=kinds,
        owners=OWNERS,
        code_version=raw_layer.reader_version(),
    )


def column_schema(columns: Iterable[Column]) -> dg.TableSchema:
    """Documented columns as Dagster shows them, units first."""
    return dg.TableSchema(
        columns=[dg.TableColumn(column.name, column.type, column.comment) for column in columns]
    )


def keep_or_make(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[str],
    code_version: str,
    inputs: Mapping[str, str],
    make: Callable[[], object],
) -> Made:
    """Keep tables that this code made from these inputs before, or make them."""
    return timed(lambda: store.keep_or_make(connection, tables, code_version, inputs, make))


def begin(tables: Iterable[str]) -> None:
    """Say what is made next, for whoever watches."""
    for table in tables:
        TABLES.info(table)


def timed(make: Callable[[], bool]) -> Made:
    """Take the time of what tells whether it had to make anything."""
    start = time.perf_counter()
    return Made(make(), time.perf_counter() - start)


def result(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    made: Made,
    metadata: Mapping[str, Any] | None = None,
) -> dg.MaterializeResult[Any]:
    """What is reported of a table: rows, a preview, whether it changed, and its data version."""
    entry = store.recorded(connection, table)
    assert entry is not None
    return dg.MaterializeResult(
        asset_key=key_of(table),
        metadata={
            "dagster/row_count": entry.rows,
            "preview": dg.MetadataValue.md(preview(connection, table)),
            "recomputed": made.anew,
            "seconds": round(made.seconds, 3),
            **(metadata or {}),
        },
        data_version=dg.DataVersion(entry.data_version),
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
