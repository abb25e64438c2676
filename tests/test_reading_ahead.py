"""The second process fills the raw layer as the run would; without it nothing is lost."""

from pathlib import Path

import pytest

from pipelines import raw_layer, reading_ahead
from pipelines.settings import Settings
from pipelines.sources.find import files_at_hand
from pipelines.warehouse import open_warehouse, recorded
from tests.readers.make_workbook import make_book, save

ROOT = Path(__file__).resolve().parent.parent
TABLES = (*raw_layer.SIPRI_TABLES, *raw_layer.ALLIANCE_TABLES)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=ROOT, data=tmp_path, mirror=None)
    settings.raw.mkdir()
    save(make_book(), settings.raw / "edition.xlsx")
    (settings.raw / "broken.xlsx").write_bytes(b"no workbook")
    return settings


def data_versions(warehouse: Path) -> dict[str, str]:
    with open_warehouse(warehouse) as connection:
        made = {table: recorded(connection, table) for table in TABLES}
        return {table: one.data_version for table, one in made.items() if one}


def test_it_makes_what_the_run_would_make_which_then_keeps_it(settings: Settings) -> None:
    with reading_ahead.begun(settings):
        reading_ahead.finish()
    ahead = data_versions(settings.warehouse)
    files = files_at_hand(settings)
    with open_warehouse(settings.warehouse) as connection:
        assert not raw_layer.bring_sipri(connection, files)
        assert not raw_layer.bring_alliances(connection, files)
        (failure,) = raw_layer.failures(connection, "SIPRI")
    assert failure.file_name == "broken.xlsx"
    settings.warehouse.unlink()
    with open_warehouse(settings.warehouse) as connection:
        assert raw_layer.bring_sipri(connection, files)
        assert raw_layer.bring_alliances(connection, files)
    assert data_versions(settings.warehouse) == ahead
    assert ahead.keys() == set(TABLES)


def test_one_that_is_killed_costs_nothing_but_time(settings: Settings) -> None:
    with reading_ahead.begun(settings):
        reading_ahead._begun[-1].kill()
        reading_ahead.finish()
        with open_warehouse(settings.warehouse) as connection:
            raw_layer.bring_sipri(connection, files_at_hand(settings))
            assert recorded(connection, "raw.sipri_figures") is not None
    assert reading_ahead._begun == []


def test_it_ends_with_the_block(settings: Settings) -> None:
    with reading_ahead.begun(settings):
        (reader,) = reading_ahead._begun
    assert reader.poll() is not None
    reading_ahead.finish()  # there is none to wait for


def test_it_leaves_a_warehouse_alone_that_another_build_holds(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    with open_warehouse(settings.warehouse), reading_ahead.begun(settings):
        (reader,) = reading_ahead._begun
        assert reader.wait(60) == 1
    assert capfd.readouterr() == ("", "")
