"""Every SQL model and metric as a part of the run, with its checks; knows no table by name."""

from collections.abc import Collection, Iterator

import dagster as dg
import duckdb

from pipelines.assets.common import (
    OWNERS,
    Materialized,
    Part,
    column_schema,
    keep_or_make,
    key_of,
    markdown_table,
    model_description,
    result,
)
from pipelines.assets.plots import PLOTS
from pipelines.checks import EXCEPTIONS, Check, Outcome, load_exceptions, run_check
from pipelines.models import Model, create, duplicate_keys, everything_behind
from pipelines.settings import Settings
from pipelines.warehouse import versions_of


def asset_key(model: Model) -> dg.AssetKey:
    """A table's key is its name in the warehouse; a metric's stands under `metrics`."""
    return dg.AssetKey(["metrics", model.name]) if model.is_macro else key_of(model.table)


def asset_named(name: str, models: dict[str, Model]) -> dg.AssetKey:
    """The asset of a table or metric; a table that is no model's is one that Python makes."""
    return asset_key(models[name]) if name in models else key_of(name)


def model_part(
    model: Model, models: dict[str, Model], tables: set[str], checks: list[Check]
) -> Part:
    """How one table is built and checked, or one metric created.

    models: all of them, by name; tables: what else can be read, which Python makes.
    """
    upstream = sorted(model.references & (models.keys() | tables) - {model.table})
    deps = [asset_named(name, models) for name in upstream]
    if model.is_macro:
        return _metric(model, deps)
    own_checks = [check for check in checks if check.asset == model.table]
    data = data_behind(model, models, tables)
    code = model.code_version + version_of_metrics(model, models)

    def make(connection: duckdb.DuckDBPyConnection, _settings: Settings) -> Iterator[Materialized]:
        made = keep_or_make(
            connection,
            [model.table],
            code,
            versions_of(connection, data),
            lambda: create(connection, model),
        )
        plot = PLOTS.get(model.table) if made.anew else None
        yield result(
            connection,
            model.table,
            made,
            {"plot": dg.MetadataValue.md(plot(connection))} if plot else None,
        )

    def check(
        connection: duckdb.DuckDBPyConnection, settings: Settings
    ) -> Iterator[dg.AssetCheckResult]:
        duplicates = duplicate_keys(connection, model)
        yield dg.AssetCheckResult(
            asset_key=asset_key(model),
            check_name="key_is_unique",
            passed=duplicates == 0,
            metadata={"rows_with_a_shared_or_missing_key": duplicates},
        )
        if own_checks:
            load_exceptions(connection, settings.sql / "checks" / EXCEPTIONS)
        for own in own_checks:
            yield _check_result(run_check(connection, own))

    return Part(
        model.table,
        [
            dg.AssetSpec(
                asset_key(model),
                deps=deps,
                group_name=group_of(model, models),
                kinds={"duckdb", "sql"},
                owners=OWNERS,
                code_version=model.code_version,
                description=model_description(model),
                metadata={
                    "dagster/column_schema": column_schema(model.columns),
                    "key": ", ".join(model.key),
                },
            )
        ],
        make,
        [
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
        check,
    )


def _metric(model: Model, deps: list[dg.AssetKey]) -> Part:
    """A metric is created in a millisecond and has no data of its own."""

    def make(connection: duckdb.DuckDBPyConnection, _settings: Settings) -> Iterator[Materialized]:
        create(connection, model)
        yield dg.MaterializeResult(
            asset_key=asset_key(model), data_version=dg.DataVersion(model.code_version)
        )

    schema = {"dagster/column_schema": column_schema(model.columns)} if model.columns else {}
    return Part(
        model.table,
        [
            dg.AssetSpec(
                asset_key(model),
                deps=deps,
                group_name="metrics",
                kinds={"duckdb", "sql"},
                owners=OWNERS,
                code_version=model.code_version,
                description=model_description(model),
                metadata={"signature": f"{model.name}({model.arguments})", **schema},
            )
        ],
        make,
    )


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


def data_behind(model: Model, models: dict[str, Model], tables: Collection[str]) -> list[str]:
    """The tables that a model reads, itself or through metrics that it calls, in a fixed order.

    tables: those that Python makes, beside the models'.
    """
    behind = everything_behind(model, models, through=lambda other: other.is_macro)
    known = {name for name, other in models.items() if not other.is_macro}.union(tables)
    return sorted(behind & known - {model.table})


def version_of_metrics(model: Model, models: dict[str, Model]) -> str:
    """Changes with any metric that a model calls."""
    return "".join(metric.code_version[:6] for metric in metrics_behind(model, models))


def metrics_behind(model: Model, models: dict[str, Model]) -> list[Model]:
    """Every metric that a model calls, also through other metrics, in a fixed order.

    Tables in between are not looked through: their own data version tells whether they changed.
    """
    behind = everything_behind(model, models, through=lambda other: other.is_macro)
    return [models[name] for name in sorted(behind & models.keys()) if models[name].is_macro]


def _check_result(outcome: Outcome) -> dg.AssetCheckResult:
    check = outcome.check
    return dg.AssetCheckResult(
        asset_key=key_of(check.asset),
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
