"""The step that makes every table between the raw layer and the snapshot, and creates the metrics.

One step for them all, as dbt's models are one in Dagster: a step of its own for each would cost more
than most take to make, and steps in one process follow one another where two tables can be made at
once. What a user selects of them is made, and no other.
"""

from collections.abc import Collection, Iterator, Sequence

import dagster as dg
import duckdb

from pipelines import warehouse as store
from pipelines.assets.common import Materialized, Part, Report, begin
from pipelines.assets.resources import Warehouse
from pipelines.errors import TableError
from pipelines.fingerprint import COMPLETE, of_run
from pipelines.making import NOBODYS_FAULT, everything_before, two_at_a_time


def tables_asset(parts: Sequence[Part], code: str = "") -> dg.AssetsDefinition:
    """All parts as the assets of one step, each with its checks.

    code: a hash of the code and SQL that they are of.
    """
    checks = [spec for part in parts for spec in part.checks]
    blocking = {spec.key for spec in checks if spec.blocking}

    @dg.multi_asset(
        name="tables",
        specs=[spec for part in parts for spec in part.specs],
        check_specs=checks,
        can_subset=True,
    )
    def tables(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[Report]:
        selected = {*context.selected_asset_keys, *context.selected_asset_check_keys}
        chosen = {part.name: part for part in parts if part.offers & selected}
        whole = all(part.keys <= selected for part in parts)
        fingerprint = of_run(warehouse.settings, code, warehouse.connection)
        if context.selected_asset_keys:
            store.set_note(warehouse.connection, COMPLETE, None)

        def work(name: str) -> list[Report]:
            return _work(chosen[name], warehouse, make=bool(chosen[name].keys & selected))

        def make(name: str) -> list[Report]:
            begin(".".join(key.path) for key in chosen[name].keys)
            return work(name)

        def once_more(name: str, error: Exception) -> list[Report]:
            if not isinstance(error, duckdb.OutOfMemoryException):
                context.log.warning(f"DuckDB failed within itself, trying once more: {error}")
                warehouse.reopen()
            try:
                return store.with_memory(warehouse.connection, lambda: work(name))
            except NOBODYS_FAULT as again:
                raise TableError(f"{name} failed: {again}") from again

        def holds(reports: list[Report]) -> bool:
            return not any(_failed(report, blocking & selected) for report in reports)

        made = set()
        for name, reports in two_at_a_time(_needs(parts, chosen), make, once_more, holds):
            made.add(name)
            context.log.info("%s: %s", name, _in_words(reports))
            for report in reports:
                if _key(report) in selected:
                    yield report
                elif isinstance(report, dg.MaterializeResult) and _is_anew(report):
                    context.log_event(_event(report))  # made along with one that is selected
        if whole and made == chosen.keys():
            store.set_note(warehouse.connection, COMPLETE, fingerprint)

    return tables


def _needs(parts: Sequence[Part], chosen: Collection[str]) -> dict[str, set[str]]:
    """For each chosen part the chosen ones that come before it, also by way of others."""
    maker = {key: part.name for part in parts for key in part.keys}
    before = everything_before(
        {part.name: {maker[key] for key in part.reads & maker.keys()} for part in parts}
    )
    return {name: before[name].intersection(chosen) for name in chosen}


def _work(part: Part, warehouse: Warehouse, make: bool) -> list[Report]:
    """Make and check a part on a connection of its own; raises TableError, which names it.

    make: False to check what stands there.
    """
    with warehouse.cursor() as connection:
        try:
            made = part.make(connection, warehouse.settings) if make else ()
            return [*made, *part.check(connection, warehouse.settings)]
        except NOBODYS_FAULT:
            raise
        except Exception as error:
            raise TableError(f"{part.name} failed: {error}") from error


def _is_anew(report: Materialized) -> bool:
    return bool((report.metadata or {}).get("recomputed"))


def _in_words(reports: Collection[Report]) -> str:
    """How a part was come by."""
    told = [report.metadata or {} for report in reports if isinstance(report, dg.MaterializeResult)]
    for metadata in told:
        if metadata.get("recomputed"):
            return f"made in {metadata['seconds']} s"
        if "recomputed" in metadata:
            return "kept: this code already made it from the same inputs"
    return "created" if told else "checked"


def _event(report: Materialized) -> dg.AssetMaterialization:
    assert report.asset_key is not None
    assert report.data_version is not None
    return dg.AssetMaterialization(
        report.asset_key,
        metadata=report.metadata,
        tags={"dagster/data_version": report.data_version.value},
    )


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
