"""The entry point that `dg` and `dagster dev` load: every asset, check, job and resource."""

import dagster as dg

from pipelines.assets.catalogue import all_assets
from pipelines.assets.resources import Warehouse
from pipelines.settings import load_settings

everything = dg.define_asset_job(
    "everything",
    selection=dg.AssetSelection.all(),
    description="From the publishers' files to the published snapshot.",
)
spending = dg.define_asset_job(
    "spending",
    selection=dg.AssetSelection.assets(["main", "regional_spending"]).upstream(),
    description="SIPRI's editions only, up to the regional totals; publishes nothing.",
)
alliances = dg.define_asset_job(
    "alliances",
    selection=dg.AssetSelection.assets(["main", "alliance_units"]).upstream(),
    description="ATOP and COW only, up to the units of lifespan; publishes nothing.",
)

defs = dg.Definitions(
    assets=all_assets(load_settings()),
    jobs=[everything, spending, alliances],
    resources={"warehouse": Warehouse()},
    # These tables are small: a second process costs seconds and fights for DuckDB's lock. A
    # deployment that needs more names another executor in its run configuration.
    executor=dg.in_process_executor,
)
