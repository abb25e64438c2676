"""A code location of the pipeline's first assets: enough to write the warehouse, and soon done."""

import dagster as dg

from pipelines.assets import raw
from pipelines.assets.resources import Warehouse

defs = dg.Definitions(
    assets=[raw.raw_files, raw.raw_sipri, raw.raw_alliances],
    jobs=[dg.define_asset_job("read", selection=dg.AssetSelection.groups("raw"))],
    resources={"warehouse": Warehouse()},
    executor=dg.in_process_executor,
)
