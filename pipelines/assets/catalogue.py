"""All assets of the project in one list, in the order of the layers."""

import dagster as dg

from pipelines import ingest
from pipelines.assets import claims, fetching, models, published, raw
from pipelines.checks import load_checks
from pipelines.models import load_models
from pipelines.settings import Settings


def all_assets(settings: Settings) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Publishers, raw, staging, main, metrics, claims, the snapshot and what reads it."""
    sql = load_models(settings.sql)
    checks = load_checks(settings.sql / "checks")
    python_tables = {
        "raw.files",
        *ingest.SIPRI_TABLES,
        *ingest.ALLIANCE_TABLES,
        *raw.NAME_TABLES,
        *claims.TABLES,
    }
    return [
        *fetching.with_freshness(raw.publishers()),
        raw.raw_files,
        raw.raw_sipri,
        raw.raw_alliances,
        raw.staging_names,
        *(
            models.model_asset(model, sql, python_tables, checks)
            for model in sql.values()
            if not model.is_macro
        ),
        models.metric_asset(sql),
        *claims.claim_assets(sql),
        *published.published_assets(sql),
    ]
