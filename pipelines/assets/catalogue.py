"""All assets of the project in one list, in the order of the layers."""

import dagster as dg

from pipelines import raw_layer
from pipelines.assets import claims, fetching, models, names, published, raw
from pipelines.assets.common import Part
from pipelines.assets.tables import tables_asset
from pipelines.checks import load_checks
from pipelines.fingerprint import of_code
from pipelines.models import Model, load_models
from pipelines.settings import Settings


def all_assets(settings: Settings) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Publishers, raw, every table and metric, the snapshot and what reads it."""
    sql = load_models(settings.sql)
    return [
        *fetching.with_freshness(raw.publishers()),
        raw.raw_files,
        raw.raw_sipri,
        raw.raw_alliances,
        tables_asset(parts(settings, sql), of_code(settings)),
        *published.published_assets(sql),
    ]


def parts(settings: Settings, sql: dict[str, Model]) -> list[Part]:
    """What lies between the raw layer and the snapshot: names, models, metrics, claims."""
    checks = load_checks(settings.sql / "checks")
    python_tables = {
        "raw.files",
        *raw_layer.SIPRI_TABLES,
        *raw_layer.ALLIANCE_TABLES,
        *names.NAME_TABLES,
        *claims.TABLES,
    }
    return [
        names.names_part(),
        *(models.model_part(model, sql, python_tables, checks) for model in sql.values()),
        *claims.claim_parts(sql),
    ]
