"""What the second process reads is what the first would have read; without it nothing is lost."""

from pathlib import Path

import pytest

from pipelines import ingest, reading_ahead
from pipelines.settings import Settings
from tests.readers.make_workbook import make_book, save

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=ROOT, data=tmp_path, mirror=None)
    settings.raw.mkdir()
    save(make_book(), settings.raw / "edition.xlsx")
    (settings.raw / "broken.xlsx").write_bytes(b"no workbook")
    return settings


def test_a_first_build_finds_every_file_read(settings: Settings) -> None:
    files = {file.file_name: file for file in ingest.files_at_hand(settings)}
    with reading_ahead.of_a_first_build(settings):
        ahead = reading_ahead.found(files["edition.xlsx"].source_id)
        broken = reading_ahead.found(files["broken.xlsx"].source_id)
        assert reading_ahead.found("no such file") is None
    here = ingest.read_workbook(files["edition.xlsx"])
    assert ahead is not None
    assert ahead.figures.equals(here.figures)
    assert str(broken) == str(ingest.read_workbook(files["broken.xlsx"]))


def test_a_later_build_reads_by_itself(settings: Settings) -> None:
    settings.warehouse.parent.mkdir(parents=True)
    settings.warehouse.touch()
    with reading_ahead.of_a_first_build(settings):
        assert reading_ahead.found("anything") is None


def test_a_second_process_that_is_killed_costs_nothing_but_time(settings: Settings) -> None:
    with reading_ahead.of_a_first_build(settings):
        reading_ahead._begun[-1].process.kill()
        assert reading_ahead.found("anything") is None
    assert reading_ahead._begun == []
