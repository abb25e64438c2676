"""Publishing: what a reader finds before, while and after a snapshot is swapped in."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines import publish
from pipelines.errors import MilexError
from pipelines.models import Model, create, read_model
from pipelines.publish import current_snapshot, point_to, rollback, snapshot_facts, snapshots
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse
from tests.conftest import NOBODY

THING = """\
-- One row per thing.
--
-- key: a
-- columns:
--   a INTEGER [years]: its age
--   b VARCHAR: its name

"""
TWICE = """\
-- Twice a number.
--
-- returns: one row

CREATE OR REPLACE MACRO twice(x) AS TABLE SELECT 2 * x AS y;
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, data=tmp_path / "data", mirror=None)


class House:
    """A warehouse of one table and one metric, published on demand."""

    def __init__(
        self, folder: Path, settings: Settings, connection: duckdb.DuckDBPyConnection
    ) -> None:
        self.settings = settings
        self.connection = connection
        self.thing = self._model(folder, "main/thing", THING + "SELECT 2::INTEGER AS a, 'x' AS b")
        self.twice = self._model(folder, "metrics/twice", TWICE)
        for model in (self.thing, self.twice):
            create(self.connection, model)

    def _model(self, folder: Path, name: str, text: str) -> Model:
        path = folder / f"{name}.sql"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        return read_model(path)

    def publish(self, name: str = "x", fingerprint: str = "f") -> Path:
        """Put a name into the table and publish it."""
        self.connection.execute("UPDATE main.thing SET b = ?", [name])
        return publish.publish(
            self.settings,
            self.connection,
            [self.thing],
            [self.twice],
            {"fingerprint": fingerprint},
        )


@pytest.fixture
def house(tmp_path: Path, settings: Settings) -> Iterator[House]:
    with open_warehouse(tmp_path / "pipeline" / "warehouse.duckdb") as connection:
        yield House(tmp_path, settings, connection)


def names(path: Path) -> list[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return [row[0] for row in connection.execute("SELECT b FROM thing").fetchall()]


def everything(settings: Settings) -> set[str]:
    return {path.name for path in settings.processed.rglob("*") if not path.is_dir()}


def test_the_pointer_leads_to_a_complete_snapshot(house: House, settings: Settings) -> None:
    path = house.publish("first", "abc")
    assert current_snapshot(settings) == path
    assert everything(settings) == {"milex.duckdb", path.name}
    with duckdb.connect(str(settings.pointer), read_only=True) as snapshot:
        assert snapshot.execute("SELECT a, b FROM thing").fetchall() == [(2, "first")]
        assert snapshot.execute("SELECT y FROM twice(21)").fetchall() == [(42,)]
        assert snapshot.execute(
            "SELECT comment FROM duckdb_tables() WHERE table_name = 'thing'"
        ).fetchone() == (
            "One row per thing.\n\nKey: a\n\nSource: Milex\n\nRows: 1\n\n"
            "Example: SELECT a, b FROM thing LIMIT 5",
        )
        assert snapshot.execute(
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'thing' AND column_name = 'a'"
        ).fetchone() == ("its age [years]",)
    facts = snapshot_facts(path)
    assert facts["fingerprint"] == "abc"
    assert facts["built_at"].startswith("20")


@pytest.mark.parametrize("anew", [False, True])
def test_nothing_is_left_of_a_table_that_was_dropped_once_the_file_is_written_anew(
    house: House, anew: bool
) -> None:
    """DuckDB frees the space of what is dropped, and does not blank it."""
    house.connection.execute("SET force_compression = 'uncompressed'")
    for name in ("secret", "other"):  # the space of the second keeps the first's in the file
        house.connection.execute(
            f"CREATE TABLE main.{name} AS SELECT '{name} of a publisher' || range AS a "
            "FROM range(20000)"
        )
        house.connection.execute("CHECKPOINT")
    house.connection.execute("DROP TABLE main.secret")
    path = publish.publish(house.settings, house.connection, [house.thing], [], {}, anew)
    assert (b"secret of a publisher" in path.read_bytes()) is not anew
    assert house.connection.execute("SELECT y FROM twice(21)").fetchall() == [(42,)]


def test_a_file_that_is_mostly_space_of_dropped_tables_is_written_anew(house: House) -> None:
    for name in ("first", "second"):
        house.connection.execute(
            f"CREATE TABLE main.{name} AS SELECT hash(range) AS a FROM range(200000)"
        )
        house.connection.execute("CHECKPOINT")
    large = house.publish().stat().st_size
    house.connection.execute("DROP TABLE main.first")
    assert house.publish().stat().st_size < 0.6 * large


def test_what_is_none_of_the_projects_any_more_is_left_out(house: House) -> None:
    for statement in (
        "CREATE TABLE main.formerly AS SELECT 1 AS a",
        "CREATE MACRO a_metric() AS TABLE SELECT 1 AS a",
        "CREATE MACRO a_function(x) AS x + 1",
    ):
        house.connection.execute(statement)
    with duckdb.connect(str(house.publish()), read_only=True) as snapshot:
        tables = snapshot.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        macros = snapshot.execute(
            "SELECT function_name FROM duckdb_functions() WHERE NOT internal"
        ).fetchall()
    assert {name for (name,) in tables} == {"thing", "snapshot"}
    assert macros == [("twice",)]


def test_the_link_is_relative_so_that_the_folder_can_be_moved(
    house: House, settings: Settings, tmp_path: Path
) -> None:
    path = house.publish("first")
    assert os.readlink(settings.pointer) == f"snapshots/{path.name}"
    moved = settings.data.rename(tmp_path / "elsewhere")
    assert names(moved / "processed" / "milex.duckdb") == ["first"]


def test_a_duckdb_of_version_1_can_open_it(house: House) -> None:
    header = house.publish().read_bytes()[:64]
    assert header[8:12] == b"DUCK"
    (version,) = struct.unpack("<Q", header[12:20])
    assert version == 64  # DuckDB 1.0.0 to 1.1; 1.x reads it


def test_every_snapshot_has_a_new_name_in_order(house: House, settings: Settings) -> None:
    made = [house.publish(str(number)) for number in range(3)]
    assert len(set(made)) == 3
    assert made == sorted(made) == snapshots(settings)
    assert current_snapshot(settings) == made[-1]


def test_names_go_up_even_when_the_clock_goes_back(house: House, settings: Settings) -> None:
    settings.snapshots.mkdir(parents=True)
    house.publish().rename(settings.snapshots / "milex-000041-29991231T000000Z.duckdb")
    assert house.publish().name.startswith("milex-000042-")


def test_a_reader_keeps_what_it_opened_and_the_next_one_gets_the_new(
    house: House, settings: Settings
) -> None:
    old = house.publish("old")
    with duckdb.connect(str(settings.pointer.resolve()), read_only=True) as reader:
        new = house.publish("new")
        assert reader.execute("SELECT b FROM thing").fetchall() == [("old",)]
        assert names(settings.pointer.resolve()) == ["new"]
        assert reader.execute("SELECT b FROM thing").fetchall() == [("old",)]
    assert old != new
    assert names(old) == ["old"]


def test_the_pointer_is_there_at_every_moment(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.publish("old")
    seen = []
    replace = os.replace

    def watched(source: Path, target: Path) -> None:
        seen.append((target.name, names(settings.pointer.resolve())))
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    new = house.publish("new")
    assert seen == [(new.name, ["old"]), ("milex.duckdb", ["old"])]
    assert names(settings.pointer) == ["new"]


def test_old_snapshots_are_pruned_but_never_the_current_one(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "KEPT_SNAPSHOTS", 2)
    made = [house.publish(str(number)) for number in range(4)]
    assert snapshots(settings) == made[-2:]
    point_to(settings, made[-2])
    monkeypatch.setattr(publish, "KEPT_SNAPSHOTS", 1)
    publish._prune(settings)
    assert snapshots(settings) == made[-2:]


def test_rollback_goes_back_one_by_one(house: House, settings: Settings) -> None:
    first, second, third = (house.publish(str(number)) for number in range(3))
    assert current_snapshot(settings) == third
    assert rollback(settings) == second
    assert rollback(settings) == first
    assert names(settings.pointer.resolve()) == ["0"]
    with pytest.raises(MilexError, match="no snapshot before"):
        rollback(settings)
    assert current_snapshot(settings) == first
    assert house.publish("again") > third


def test_rollback_finds_the_newest_where_the_pointer_is_broken(
    house: House, settings: Settings
) -> None:
    first, second = house.publish("0"), house.publish("1")
    second.unlink()
    assert current_snapshot(settings) is None
    assert rollback(settings) == first


def test_before_the_first_build_there_is_no_snapshot(settings: Settings) -> None:
    assert current_snapshot(settings) is None
    assert snapshots(settings) == []
    with pytest.raises(MilexError):
        rollback(settings)


def test_a_failed_copy_leaves_everything_as_it_was(house: House, settings: Settings) -> None:
    old = house.publish("old")
    before = everything(settings)
    house.connection.execute("ALTER TABLE main.thing RENAME TO gone")
    with pytest.raises(duckdb.CatalogException):
        publish.publish(settings, house.connection, [house.thing], [house.twice], {})
    assert everything(settings) == before
    assert current_snapshot(settings) == old
    house.connection.execute("ALTER TABLE main.gone RENAME TO thing")
    assert names(house.publish("new")) == ["new"]


def test_a_snapshot_that_lost_rows_is_not_published(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = house.publish("old")
    before = everything(settings)
    count = publish._count
    monkeypatch.setattr(
        publish, "_count", lambda *given: {n: c + 1 for n, c in count(*given).items()}
    )
    with pytest.raises(MilexError, match=r"thing has 1 rows, the warehouse has 2.*stays"):
        house.publish("new")
    assert everything(settings) == before
    assert current_snapshot(settings) == old


def test_a_metric_that_fails_is_not_published(house: House, settings: Settings) -> None:
    old = house.publish("old")
    before = everything(settings)
    house.twice.path.write_text(TWICE.replace("2 * x", "y FROM nowhere"), encoding="utf-8")
    with pytest.raises(duckdb.Error):
        publish.publish(
            settings, house.connection, [house.thing], [read_model(house.twice.path)], {}
        )
    assert everything(settings) == before
    assert names(old) == ["old"]


def test_what_a_killed_build_left_is_cleared(house: House, settings: Settings) -> None:
    settings.snapshots.mkdir(parents=True)
    half = f".milex-000001-20260101T000000Z.duckdb.{NOBODY}.tmp"
    for name in (half, f"{half}.wal"):
        (settings.snapshots / name).write_bytes(b"half")
    other = settings.snapshots / "notes.txt"
    other.write_text("mine")
    path = house.publish()
    assert everything(settings) == {"milex.duckdb", path.name, "notes.txt"}


@pytest.mark.parametrize("obstacle", ["file", "dangling"])
def test_what_stands_at_the_pointers_place_is_replaced(
    house: House, settings: Settings, obstacle: str
) -> None:
    settings.processed.mkdir(parents=True)
    if obstacle == "file":
        settings.pointer.write_bytes(b"")
    else:
        settings.pointer.symlink_to("snapshots/nothing.duckdb")
    path = house.publish("new")
    assert current_snapshot(settings) == path
