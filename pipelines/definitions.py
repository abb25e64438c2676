"""The entry point that `dg` and `dagster dev` load: every asset, check, job and resource."""

import dagster as dg

from pipelines.assets import fetching
from pipelines.assets.catalogue import all_assets
from pipelines.assets.resources import Warehouse
from pipelines.settings import load_settings

everything = dg.define_asset_job(
    "everything",
    selection=dg.AssetSelection.all(),
    description="From the publishers' files to the published snapshot.",
)
data = dg.define_asset_job(
    "data",
    selection=dg.AssetSelection.groups("raw", "staging", "main"),
    description="Files to tables: nothing is evaluated and nothing is published.",
)
claims = dg.define_asset_job(
    "claims",
    selection=dg.AssetSelection.groups("metrics", "analysis", "claims")
    | dg.AssetSelection.assets(["published", "snapshot"]),
    description="Metrics, survival and claims anew on the tables at hand, and a new snapshot.",
)

defs = dg.Definitions(
    assets=all_assets(load_settings()),
    jobs=[everything, data, claims, fetching.fetch_sources],
    schedules=[fetching.every_may],
    sensors=[fetching.new_editions, fetching.new_files],
    resources={"warehouse": Warehouse()},
    # These tables are small: a second process costs seconds and fights for DuckDB's lock. A
    # deployment that needs more names another executor in its run configuration.
    executor=dg.in_process_executor,
)
