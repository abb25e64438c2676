"""Damaged, foreign and missing files: what is mended by the next build, and what readers are told."""

import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from pipelines import publish
from pipelines.cli import app
from pipelines.errors import MilexError
from pipelines.publish import current_snapshot, point_to, rollback
from pipelines.settings import Settings
from pipelines.warehouse import is_damage, keep_or_make, open_warehouse, public_file
from tests.conftest import NOBODY, ROOT, BuiltData
from tests.dashboard import conftest as dashboard_fixtures
from tests.faults import house

open_app = dashboard_fixtures.app
NOISE = random.Random(7)
KILLED_WITH_A_LOG = """
import os, signal, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE t AS SELECT range AS a FROM range(5000)")
os.kill(os.getpid(), signal.SIGKILL)
"""


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("no database\n" * 2000)


def cut_off(path: Path) -> None:
    os.truncate(path, 20_000)


def header_of_noise(path: Path) -> None:
    overwrite(path, 0, NOISE.randbytes(3 * 4096))


def second_header_of_noise(path: Path) -> None:
    overwrite(path, 4096, NOISE.randbytes(2 * 4096))


def of_a_later_duckdb(path: Path) -> None:
    """A file whose header names a version of the format that this DuckDB does not know."""
    path.unlink()
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS other (STORAGE_VERSION 'v1.0.0')")
        connection.execute("CREATE TABLE other.t AS SELECT 1 AS a")
    overwrite(path, 12, struct.pack("<Q", 12345))


def with_a_damaged_log(path: Path) -> None:
    path.unlink()
    run = subprocess.run([sys.executable, "-c", KILLED_WITH_A_LOG, str(path)], check=False)
    assert run.returncode == -signal.SIGKILL
    log = path.with_name(path.name + ".wal")
    overwrite(log, log.stat().st_size // 2, NOISE.randbytes(100))


def overwrite(path: Path, start: int, content: bytes) -> None:
    with path.open("r+b") as stream:
        stream.seek(start)
        stream.write(content)


DAMAGE = [
    emptied,
    text,
    cut_off,
    header_of_noise,
    second_header_of_noise,
    of_a_later_duckdb,
    with_a_damaged_log,
]


@pytest.mark.parametrize("which", ["warehouse", "public"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_set_aside_with_its_date_and_begun_anew(
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], None],
    which: str,
) -> None:
    damaged = settings.processed / f"{which}.duckdb"
    damage(damaged)
    content = damaged.read_bytes()
    with open_warehouse(settings.warehouse) as warehouse:
        assert warehouse.execute("SELECT count(*) FROM meta.materializations").fetchall() == [(0,)]
        tables = warehouse.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    kept = {"first", "second"} if which == "warehouse" else set()
    assert {name for (name,) in tables} == {"materializations", "notes", *kept}
    (aside,) = settings.processed.glob("*-damaged-*.duckdb")
    assert re.fullmatch(rf"{which}-damaged-2\d{{7}}T\d{{6}}Z\.duckdb", aside.name)
    assert aside.read_bytes() == content
    (message,) = caplog.messages
    assert message.startswith(f"{which}.duckdb cannot be read (")
    assert f"set aside as {aside.name}, and everything is made anew" in message
    assert not damaged.with_name(f"{damaged.name}.wal").exists()


def test_tables_of_a_public_file_that_is_gone_are_made_anew(settings: Settings) -> None:
    def made() -> bool:
        with open_warehouse(settings.warehouse) as warehouse:
            return keep_or_make(
                warehouse,
                ["main.first"],
                "code",
                {},
                lambda: warehouse.execute("CREATE OR REPLACE TABLE main.first AS SELECT 1 AS a"),
            )

    assert made()
    assert not made()
    public_file(settings.warehouse).unlink()
    assert made()


def test_damage_that_is_met_while_reading_is_known_as_such(settings: Settings) -> None:
    public = public_file(settings.warehouse)
    size = public.stat().st_size
    whole = public.read_bytes()
    for damage in (
        lambda: os.truncate(public, size // 2),
        lambda: overwrite(public, 12_288, NOISE.randbytes(size // 2)),
    ):
        public.write_bytes(whole)
        damage()
        with pytest.raises(duckdb.Error) as raised, duckdb.connect(public) as connection:
            connection.execute("SELECT sum(a) FROM first").fetchall()
        assert is_damage(raised.value)


def test_a_sound_warehouse_that_the_system_refuses_is_not_set_aside(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise duckdb.IOException("IO Error: Cannot open file: Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(duckdb, "connect", refuse)
        with (
            pytest.raises(MilexError, match=r"cannot be opened: .*Permission denied.*doctor"),
            open_warehouse(settings.warehouse),
        ):
            pass
    assert list(settings.processed.glob("*damaged*")) == []
    house.publish_once(settings)


def test_a_folder_in_the_warehouses_place_is_one_message(settings: Settings) -> None:
    settings.warehouse.unlink()
    settings.warehouse.mkdir()
    with (
        pytest.raises(MilexError, match=r"cannot be opened: .*Is a directory"),
        open_warehouse(settings.warehouse),
    ):
        pass


def test_what_a_killed_build_spilled_is_removed(settings: Settings) -> None:
    spilled = settings.warehouse.with_name("warehouse.duckdb.tmp")
    spilled.mkdir()
    (spilled / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"much")
    with open_warehouse(settings.warehouse):
        assert not spilled.exists()


def test_a_build_on_a_damaged_warehouse_and_snapshot_makes_both_anew(
    excerpt_data: BuiltData, tmp_path: Path
) -> None:
    settings = house.copied(excerpt_data.settings, tmp_path)
    broken = current_snapshot(settings)
    assert broken is not None
    emptied(broken)
    # Damage that DuckDB does not meet before it reads the tables.
    size = settings.warehouse.stat().st_size
    overwrite(settings.warehouse, size // 4, NOISE.randbytes(size // 2))
    with house.milex(settings, "build") as build:
        _, said = build.communicate(timeout=300)
    assert build.returncode == 0, said
    assert f"{broken.name} cannot be read and is made anew" in said
    assert "It is set aside as warehouse-damaged-" in said
    current = current_snapshot(settings)
    assert current is not None
    assert current > broken
    with (
        duckdb.connect(str(current), read_only=True) as mended,
        duckdb.connect(str(excerpt_data.snapshot), read_only=True) as whole,
    ):
        verdicts = "SELECT claim_id, verdict, recomputed_value FROM claims ORDER BY ALL"
        assert mended.execute(verdicts).fetchall() == whole.execute(verdicts).fetchall()


def missing(settings: Settings) -> str:
    settings.pointer.resolve().unlink()
    return "leads to no snapshot"


def a_regular_file(settings: Settings) -> str:
    settings.pointer.unlink()
    settings.pointer.write_bytes(b"something")
    return "There is no snapshot yet"


def of_text(settings: Settings) -> str:
    text(settings.pointer.resolve())
    return "cannot be read"


def without_bytes(settings: Settings) -> str:
    emptied(settings.pointer.resolve())
    return "cannot be read"


def halved(settings: Settings) -> str:
    snapshot = settings.pointer.resolve()
    os.truncate(snapshot, snapshot.stat().st_size // 2)
    return "cannot be read"


BROKEN = [missing, a_regular_file, of_text, without_bytes, halved]


@pytest.mark.parametrize("broken", BROKEN)
def test_the_next_publication_mends_the_pointer(
    settings: Settings, broken: Callable[[Settings], str]
) -> None:
    house.publish_once(settings)
    dangling = settings.pointer.with_name(f".milex.duckdb.{NOBODY}.tmp")
    dangling.symlink_to("snapshots/gone.duckdb")
    broken(settings)
    new = house.publish_once(settings)
    assert current_snapshot(settings) == new
    house.rows_of(new)
    assert house.unfinished(settings) == []


@pytest.mark.parametrize("broken", BROKEN)
def test_readers_are_told_in_one_message_what_to_do(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[Settings], str],
) -> None:
    house.publish_once(settings)
    reason = broken(settings)
    monkeypatch.setenv("MILEX_HOME", str(ROOT))
    monkeypatch.setenv("MILEX_DATA", str(settings.data))
    for words in (
        ["claims"],
        ["sql", "SELECT 1"],
        ["claim", str(ROOT / "claims" / "1-article" / "asia-growth.yaml")],
        ["export", str(tmp_path / "out")],
    ):
        shown = CliRunner().invoke(app, words)
        assert shown.exit_code == 1, words
        assert isinstance(shown.exception, SystemExit)
        assert shown.stdout == ""
        (message,) = shown.stderr.strip().splitlines()
        assert reason in message
        assert "make build" in message


@pytest.mark.parametrize("broken", [missing, of_text])
def test_the_report_is_not_written_from_what_cannot_be_read(
    settings: Settings, tmp_path: Path, broken: Callable[[Settings], str]
) -> None:
    house.publish_once(settings)
    reason = broken(settings)
    with house.milex(settings, "report", str(tmp_path / "report.md")) as report:
        _, said = report.communicate(timeout=60)
    assert report.returncode == 1
    assert len(said.splitlines()) == 1
    assert reason in said
    assert not (tmp_path / "report.md").exists()


@pytest.mark.parametrize(
    ("broken", "shown"), [(missing, "make build"), (of_text, "does not answer what the page asks")]
)
def test_the_dashboard_says_what_to_do(
    settings: Settings,
    open_app: Callable[..., AppTest],
    broken: Callable[[Settings], str],
    shown: str,
) -> None:
    house.publish_once(settings)
    broken(settings)
    test = open_app(replace(settings, home=ROOT))
    assert not test.exception
    texts = [part.value for part in (*test.error, *test.code, *test.title, *test.markdown)]
    assert shown in "\n".join(texts)


def test_rollback_passes_over_a_snapshot_that_cannot_be_read(settings: Settings) -> None:
    first, second, _ = (house.publish_once(settings) for _ in range(3))
    cut_off(second)
    assert rollback(settings) == first


def test_a_file_of_ones_own_among_the_snapshots_is_let_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "KEPT_SNAPSHOTS", 1)
    mine = shutil.copy(house.publish_once(settings), settings.snapshots / "milex-mine.duckdb")
    new = house.publish_once(settings)
    assert publish.snapshots(settings) == [new]
    assert Path(mine).exists()


def test_a_folder_in_the_pointers_place_leaves_everything_as_it_was(settings: Settings) -> None:
    settings.pointer.mkdir()
    with pytest.raises(OSError, match="directory"):
        house.publish_once(settings)
    assert publish.snapshots(settings) == []
    assert house.unfinished(settings) == []
    settings.pointer.rmdir()
    house.publish_once(settings)


def test_a_pointer_to_an_older_snapshot_is_followed(settings: Settings) -> None:
    first, _ = house.publish_once(settings), house.publish_once(settings)
    point_to(settings, first)
    assert current_snapshot(settings) == first
