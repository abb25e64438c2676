"""What Dagster is given: every asset described, owned and grouped, and the edges of the lineage."""

import warnings

import dagster as dg
import pytest

from pipelines.settings import load_settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pipelines.definitions import defs

ORDER = ["publishers", "raw", "staging", "main", "metrics", "analysis", "claims", "published"]
SPECS = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_it_loads_and_every_job_resolves() -> None:
    dg.Definitions.validate_loadable(defs)
    defs.get_repository_def().load_all_definitions()

    assert {job.name for job in defs.resolve_all_job_defs()} >= {"everything", "data", "claims"}


@pytest.mark.parametrize("key", sorted(SPECS))
def test_an_asset_says_what_it_is(key: str) -> None:
    spec = SPECS[key]

    assert spec.description
    assert spec.owners == ["team:milex"]
    assert spec.group_name in ORDER
    assert spec.kinds


@pytest.mark.parametrize(
    "key", sorted(k for k, spec in SPECS.items() if spec.group_name in ("main", "metrics"))
)
def test_tables_and_metrics_show_their_sql_or_columns(key: str) -> None:
    spec = SPECS[key]

    assert "```sql" in (spec.description or "") or "dagster/column_schema" in spec.metadata
    assert spec.code_version


def test_data_moves_to_the_right_only() -> None:
    """No asset reads a layer to its right."""
    for spec in SPECS.values():
        for dep in spec.deps:
            upstream = SPECS[dep.asset_key.to_user_string()]
            left, right = ORDER.index(upstream.group_name or ""), ORDER.index(spec.group_name or "")
            assert left <= right, f"{spec.key} reads {upstream.key}"


def test_the_lineage_runs_from_the_publishers_to_the_dashboard() -> None:
    def upstream(key: str) -> set[str]:
        found = {dep.asset_key.to_user_string() for dep in SPECS[key].deps}
        return found.union(*(upstream(name) for name in found))

    assert upstream("dashboard") >= {
        "publishers/sipri_milex",
        "publishers/atop",
        "publishers/cow_alliances",
        "raw/sipri_figures",
        "main/spending",
        "metrics/growth",
        "main/claims",
        "published/snapshot",
    }


def test_integrity_blocks_and_verdicts_do_not() -> None:
    checks = {
        (spec.asset_key.to_user_string(), spec.name): spec.blocking
        for asset in defs.resolve_asset_graph().assets_defs
        for spec in asset.check_specs
    }

    assert checks["staging/country_names", "every_name_is_mapped"]
    assert checks["main/observations", "key_is_unique"]
    assert not checks["raw/sipri_editions", "every_file_is_read"]
    assert not [name for asset, name in checks if asset == "main/claims" and checks[asset, name]]


def test_settings_have_no_hidden_folder() -> None:
    settings = load_settings()

    assert settings.snapshots.is_relative_to(settings.processed)
    assert settings.excerpt.is_relative_to(settings.home)
