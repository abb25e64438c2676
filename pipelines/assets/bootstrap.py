"""The intervals of the alliance grids as a partitioned asset, in a code location of its own.

They take minutes where the whole build takes seconds, so that "Materialize all" must not ask for
them: `dagster dev -m pipelines.definitions -m pipelines.assets.bootstrap` loads both.
"""

import re

import dagster as dg
import duckdb

from pipelines import bootstrap, publish
from pipelines.assets.common import OWNERS, column_schema, key_of, preview
from pipelines.errors import MilexError
from pipelines.settings import load_settings
from pipelines.sources.catalogue import load_catalogue
from pipelines.warehouse import open_warehouse

# Far longer than any build: one that holds the warehouse so long hangs.
PATIENCE_SECONDS = 1800.0
UNITS = ("alliance", "phase", "lineage", "member spell", "dyad")
VERSIONS = sorted(
    {
        f"{file.dataset} {file.version}"
        for file in load_catalogue().files
        if file.dataset in ("ATOP", "COW") and re.fullmatch(r"\d+\.\d+", file.version)
    }
)


@dg.asset(
    key=key_of(bootstrap.TABLE.table),
    deps=[key_of(name) for name in sorted(bootstrap.TABLE.references)],
    partitions_def=dg.StaticPartitionsDefinition(
        [f"{version} {unit}" for version in VERSIONS for unit in UNITS]
    ),
    group_name="claims",
    kinds={"python", "numpy", "dask", "duckdb"},
    owners=OWNERS,
    code_version=bootstrap.code_version(),
    description="Bootstrapped 95 % intervals of every distinct sample of the alliance grids, by "
    "dataset, version and unit. Samples are read from the published snapshot, figures are computed "
    "here or on the Dask cluster that MILEX_DASK names, and this step alone writes them into the "
    "warehouse. The next snapshot has them.",
    metadata={"dagster/column_schema": column_schema(bootstrap.TABLE.columns)},
)
def alliance_intervals(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Compute the intervals of one partition, and write them once they are whole."""
    settings = load_settings()
    snapshot = publish.current_snapshot(settings)
    if snapshot is None:
        raise MilexError("Nothing has been published yet, so there are no samples: `milex build`.")
    dataset, version, unit = context.partition_key.split(" ", 2)
    with duckdb.connect(str(snapshot), read_only=True) as published:
        samples = bootstrap.samples(published, dataset, version, unit)
    computed_on = settings.dask or "this process"
    context.log.info("%d samples, resampled on %s", len(samples), computed_on)
    intervals = bootstrap.intervals(samples, settings.dask)
    # Opened to write and closed again: a build need not wait while figures are computed. Nor are
    # they thrown away because one is under way now.
    with open_warehouse(settings.warehouse, PATIENCE_SECONDS, context.log.info) as warehouse:
        bootstrap.write(warehouse, dataset, version, unit, intervals)
        shown = preview(warehouse, bootstrap.TABLE.table)
    return dg.MaterializeResult(
        metadata={
            "samples": len(samples),
            "computed_on": computed_on,
            "preview": dg.MetadataValue.md(shown),
        }
    )


defs = dg.Definitions(assets=[alliance_intervals], executor=dg.in_process_executor)
