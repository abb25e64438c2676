"""The step that makes every table between the raw layer and the snapshot, and creates the metrics.

One step for them all, as dbt's models are one in Dagster: a step of its own for each would cost more
than most take to make, and steps in one process follow one another where two tables can be made at
once. What a user selects of them is made, and no other.
"""

from collections.abc import Callable, Collection, Iterator, Sequence

import dagster as dg
import duckdb

from pipelines import warehouse as store
from pipelines.assets.common import Part, Report, begin
from pipelines.assets.resources import Warehouse
from pipelines.errors import TableError
from pipelines.making import NOBODYS_FAULT, two_at_a_time

STEP = "tables"


def tables_asset(parts: Sequence[Part]) -> dg.AssetsDefinition:
    """All parts as the assets of one step, each with its checks."""
    checks = [spec for part in parts for spec in part.checks]
    blocking = {spec.key for spec in checks if spec.blocking}

    @dg.multi_asset(
        name=STEP,
        specs=[spec for part in parts for spec in part.specs],
        check_specs=checks,
        can_subset=True,
    )
    def tables(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[Report]:
        selected = {*context.selected_asset_keys, *context.selected_asset_check_keys}
        chosen = {part.name: part for part in parts if part.offers & selected}
        made = two_at_a_time(
            _needs(chosen.values()),
            lambda name: _make(chosen[name], warehouse),
            lambda name, error: _make_alone(chosen[name], warehouse, error, context.log.warning),
            lambda reports: not any(_failed(report, blocking & selected) for report in reports),
        )
        for name, reports in made:
            context.log.info("%s: %s", name, _in_words(reports))
            yield from (report for report in reports if _key(report) in selected)

    return tables


def _needs(parts: Collection[Part]) -> dict[str, set[str]]:
    """For each part the parts that make what it reads."""
    maker = {key: part.name for part in parts for key in part.keys}
    return {part.name: {maker[key] for key in part.reads & maker.keys()} for part in parts}


def _make(part: Part, warehouse: Warehouse) -> list[Report]:
    """Make a part on a connection of its own; raises TableError, which names it."""
    begin(".".join(key.path) for key in part.keys)
    with store.cursor(warehouse.connection) as connection:
        try:
            return list(part.make(connection, warehouse.settings))
        except NOBODYS_FAULT:
            raise
        except Exception as error:
            raise TableError(f"{part.name} failed: {error}") from error


def _make_alone(
    part: Part, warehouse: Warehouse, error: Exception, say: Callable[[str], None]
) -> list[Report]:
    """Make a part once more while no other is made, on a file opened anew if DuckDB broke down."""
    if not isinstance(error, duckdb.OutOfMemoryException):
        say(f"DuckDB failed within itself, trying once more: {error}")
        warehouse.reopen()
    try:
        return store.with_memory(warehouse.connection, lambda: _make(part, warehouse))
    except NOBODYS_FAULT as again:
        raise TableError(f"{part.name} failed: {again}") from again


def _in_words(reports: Collection[Report]) -> str:
    """How a part was come by."""
    told = [report.metadata or {} for report in reports if isinstance(report, dg.MaterializeResult)]
    for metadata in told:
        if metadata.get("recomputed"):
            return f"made in {metadata['seconds']} s"
        if "recomputed" in metadata:
            return "kept: this code already made it from the same inputs"
    return "created"


def _key(report: Report) -> dg.AssetKey | dg.AssetCheckKey:
    assert report.asset_key is not None
    if isinstance(report, dg.MaterializeResult):
        return report.asset_key
    assert report.check_name is not None
    return dg.AssetCheckKey(report.asset_key, report.check_name)


def _failed(report: Report, blocking: Collection[dg.AssetKey | dg.AssetCheckKey]) -> bool:
    """Whether a report is of a check that stops what rests on its table."""
    return (
        isinstance(report, dg.AssetCheckResult) and not report.passed and _key(report) in blocking
    )
