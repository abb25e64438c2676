"""Every SQL model and metric as an asset, with its checks; knows no table by name."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import duckdb

from pipelines.assets.common import (
    OWNERS,
    column_schema,
    keep_or_make,
    key_of,
    markdown_table,
    model_description,
    result,
)
from pipelines.assets.plots import PLOTS
from pipelines.assets.resources import Warehouse
from pipelines.checks import EXCEPTIONS, Check, Outcome, load_exceptions, run_check
from pipelines.models import Model, create, duplicate_keys, everything_behind
from pipelines.warehouse import at_once, versions_of


def asset_key(model: Model) -> dg.AssetKey:
    """A table's key is its name in the warehouse; a metric's stands under `metrics`."""
    return dg.AssetKey(["metrics", model.name]) if model.is_macro else key_of(model.table)


def model_asset(
    model: Model, models: dict[str, Model], tables: set[str], checks: list[Check]
) -> dg.AssetsDefinition:
    """The asset that builds one table model and runs its checks."""
    upstream = sorted(model.references & (models.keys() | tables) - {model.table})
    own_checks = [check for check in checks if check.asset == model.table]

    @dg.asset(
        key=asset_key(model),
        deps=[asset_key(models[name]) if name in models else key_of(name) for name in upstream],
        group_name=group_of(model, models),
        kinds={"duckdb", "sql"},
        owners=OWNERS,
        code_version=model.code_version,
        description=model_description(model),
        metadata={
            "dagster/column_schema": column_schema(model.columns),
            "key": ", ".join(model.key),
        },
        check_specs=[
            dg.AssetCheckSpec(
                "key_is_unique",
                asset=asset_key(model),
                blocking=True,
                description=f"({', '.join(model.key)}) is unique and never NULL.",
            ),
            *(
                dg.AssetCheckSpec(
                    check.name,
                    asset=asset_key(model),
                    blocking=check.severity == "blocking",
                    description=check.description,
                )
                for check in own_checks
            ),
        ],
    )
    def build(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        data = [name for name in upstream if name not in models or not models[name].is_macro]
        code = model.code_version + "".join(
            metric.code_version[:6] for metric in metrics_behind(model, models)
        )

        def make(connection: duckdb.DuckDBPyConnection) -> bool:
            return keep_or_make(
                context,
                connection,
                [model.table],
                code,
                versions_of(connection, data),
                lambda: create(connection, model),
            )

        try:
            changed = make(warehouse.connection)
        except duckdb.InternalException as error:  # a mistake of DuckDB's own, now and then
            context.log.warning(f"DuckDB failed within itself, trying once more: {error}")
            changed = make(warehouse.reopen())
        connection = warehouse.connection
        duplicates = duplicate_keys(connection, model)
        if own_checks:
            load_exceptions(connection, warehouse.settings.sql / "checks" / EXCEPTIONS)
        outcomes = [run_check(connection, check) for check in own_checks]
        plot = PLOTS.get(model.table) if changed else None
        yield result(
            connection,
            model.table,
            changed,
            {"plot": dg.MetadataValue.md(plot(connection))} if plot else None,
        )
        yield dg.AssetCheckResult(
            check_name="key_is_unique",
            passed=duplicates == 0,
            metadata={"rows_with_a_shared_or_missing_key": duplicates},
        )
        yield from map(_check_result, outcomes)

    return build


def group_of(model: Model, models: dict[str, Model]) -> str:
    """The layer that a table stands in, so that the collapsed graph runs from left to right.

    It is the schema, but public tables that rest on claims stand with the claims, and those that
    rest on metrics (survival) stand right of them.
    """
    if model.schema != "main":
        return model.schema
    behind = everything_behind(model, models)
    if any(name.startswith("claims.") for name in behind):
        return "claims"
    return "analysis" if any(n in models and models[n].is_macro for n in behind) else "main"


def metrics_behind(model: Model, models: dict[str, Model]) -> list[Model]:
    """Every metric that a model calls, also through other metrics, in a fixed order.

    Tables in between are not looked through: their own data version tells whether they changed.
    """
    behind = everything_behind(model, models, through=lambda other: other.is_macro)
    return [models[name] for name in sorted(behind & models.keys()) if models[name].is_macro]


def _check_result(outcome: Outcome) -> dg.AssetCheckResult:
    check = outcome.check
    return dg.AssetCheckResult(
        check_name=check.name,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.WARN
        if check.severity == "warning"
        else dg.AssetCheckSeverity.ERROR,
        metadata={
            "failing": len(outcome.failing),
            "failing_rows": dg.MetadataValue.md(
                markdown_table(["edition", "subject", "year", "detail"], outcome.failing[:50])
            ),
            "known_exceptions": dg.MetadataValue.md(
                markdown_table(
                    ["edition", "subject", "year", "detail", "reason"], outcome.excepted[:50]
                )
            ),
            "query": dg.MetadataValue.md(f"```sql\n{check.sql}\n```"),
        },
    )


def metric_asset(models: dict[str, Model]) -> dg.AssetsDefinition:
    """All metrics in one step: they are created in milliseconds and have no data of their own."""
    metrics = [model for model in models.values() if model.is_macro]

    @dg.multi_asset(
        name="metrics",
        specs=[
            dg.AssetSpec(
                asset_key(model),
                deps=[
                    asset_key(models[name])
                    for name in sorted(model.references & models.keys() - {model.table})
                ],
                group_name="metrics",
                kinds={"duckdb", "sql"},
                owners=OWNERS,
                code_version=model.code_version,
                description=model_description(model),
                metadata={
                    "signature": f"{model.name}({model.arguments})",
                    **(
                        {"dagster/column_schema": column_schema(model.columns)}
                        if model.columns
                        else {}
                    ),
                },
            )
            for model in metrics
        ],
    )
    def build(warehouse: Warehouse) -> Iterator[dg.MaterializeResult[Any]]:
        connection = warehouse.connection
        with at_once(connection):
            for model in metrics:
                create(connection, model)
        for model in metrics:
            yield dg.MaterializeResult(
                asset_key=asset_key(model), data_version=dg.DataVersion(model.code_version)
            )

    return build
