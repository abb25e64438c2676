"""A build on what other files left is the same, to the last digit, as one from nothing."""

from pathlib import Path

import duckdb
import pytest

from pipelines.assets.catalogue import parts
from pipelines.models import load_models
from pipelines.settings import Settings
from tests.conftest import BuiltData
from tests.faults import house

pytestmark = pytest.mark.mirror
ROOT = Path(__file__).resolve().parent.parent


def contents(settings: Settings) -> dict[str, str]:
    """The hash of each table's content."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        return dict(
            warehouse.execute("SELECT asset, data_version FROM meta.materializations").fetchall()
        )


def test_full_files_after_the_excerpt_and_the_excerpt_after_full_files(
    excerpt_data: BuiltData, full_data: BuiltData, mirror: Path, tmp_path: Path
) -> None:
    own = house.copied(excerpt_data.settings, tmp_path)
    for expected, also in ((full_data, {"MILEX_MIRROR": str(mirror)}), (excerpt_data, {})):
        with house.milex(own, "build", **also) as build:
            _, said = build.communicate(timeout=300)
        assert build.returncode == 0, said
        assert contents(own) == contents(expected.settings)


def test_every_table_is_in_the_ledger(full_data: BuiltData) -> None:
    settings = full_data.settings
    made = {key for part in parts(settings, load_models(settings.sql)) for key in part.keys}
    tables = {".".join(key.path) for key in made if key.path[0] != "metrics"}
    assert tables <= contents(settings).keys()
