"""The last asset: the published snapshot, and the dashboard that reads it."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from pipelines import bootstrap, build, publish, replicas
from pipelines import warehouse as store
from pipelines.assets.common import OWNERS, key_of
from pipelines.assets.models import asset_key
from pipelines.assets.resources import Warehouse
from pipelines.models import Model

SNAPSHOT = dg.AssetKey(["published", "snapshot"])


def published_assets(models: dict[str, Model]) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """The snapshot, and the dashboard as what closes the lineage."""
    offered = {**models, bootstrap.TABLE.table: bootstrap.TABLE}
    public = [model for model in models.values() if model.schema == "main"]

    @dg.asset(
        key=SNAPSHOT,
        deps=[*(asset_key(model) for model in public), key_of("main.claims")],
        group_name="published",
        kinds={"duckdb"},
        owners=OWNERS,
        description="One complete, immutable DuckDB file of the public tables and metrics, checked, "
        "and the stable path data/processed/milex.duckdb swapped to it in one step.",
    )
    def snapshot(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[dg.MaterializeResult[Any]]:
        settings = warehouse.settings
        connection = warehouse.connection
        bootstrap.prepare(connection)
        path = store.with_memory(
            connection, lambda: build.publish_snapshot(settings, connection, offered)
        )
        if settings.snapshots_url:
            replicas.share(settings, path)
        facts = publish.snapshot_facts(path)
        yield dg.MaterializeResult(
            metadata={
                "snapshot": path.name,
                "bytes": path.stat().st_size,
                **{name: value for name, value in facts.items() if value},
            },
            data_version=dg.DataVersion(facts["fingerprint"] or path.name),
        )

    dashboard = dg.AssetSpec(
        "dashboard",
        deps=[SNAPSHOT],
        group_name="published",
        kinds={"streamlit", "plotly"},
        owners=OWNERS,
        description="The Streamlit dashboard: reads the published snapshot and nothing else. "
        "`make dashboard` opens it.",
    )
    return [snapshot, dashboard]
