"""What the doctor sees, and what it says to do about it."""

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines import cli, doctor, publish
from pipelines.doctor import Finding, examine
from pipelines.settings import Settings
from pipelines.sources.find import sha256_of
from pipelines.sources.manifest import Manifest, now, write_manifest
from pipelines.warehouse import open_warehouse
from tests.readers.make_workbook import make_book, save

ROOT = Path(__file__).resolve().parent.parent
HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A data folder in which nothing was done yet."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return Settings(home=ROOT, data=tmp_path / "data", mirror=None)


def found(settings: Settings, area: str) -> list[Finding]:
    return [finding for finding in examine(settings) if finding.area == area]


def only(settings: Settings, area: str) -> Finding:
    (finding,) = found(settings, area)
    return finding


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Another process that has the file open for writing."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdin
    try:
        assert process.stdout.readline() == "held\n"
        yield process.pid
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


def publish_something(settings: Settings) -> Path:
    with open_warehouse(settings.warehouse) as warehouse:
        return publish.publish(settings, warehouse, [], [], {"excerpt": "SIPRI 2017"})


def test_a_fresh_clone_is_well(settings: Settings) -> None:
    findings = examine(settings)

    assert {finding.state for finding in findings} == {"ok", "note"}
    assert all(finding.advice for finding in findings if finding.state == "note")
    assert "make build" in only(settings, "snapshot").advice
    assert "milex fetch" in only(settings, "files").advice


def test_versions_name_what_is_installed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [finding.what for finding in found(settings, "versions")]
    assert f"duckdb {duckdb.__version__}" in said
    assert any(text.startswith("Python 3.") for text in said)

    monkeypatch.setattr(doctor, "PACKAGES", ("no-such-package",))
    missing = found(settings, "versions")[-1]
    assert missing.state == "problem"
    assert "make build" in missing.advice


def test_a_mirror_that_is_not_there_is_a_problem(settings: Settings) -> None:
    named = Settings(settings.home, settings.data, mirror=settings.data / "nowhere")

    (problem,) = [finding for finding in examine(named) if finding.state == "problem"]
    assert "nowhere" in problem.what
    assert "MILEX_MIRROR" in problem.advice


def test_a_file_in_the_way_of_a_folder_is_a_problem(settings: Settings) -> None:
    settings.data.mkdir()
    settings.raw.write_text("")

    problems = [finding for finding in found(settings, "paths") if finding.state == "problem"]
    assert [finding.what for finding in problems] == [
        f"data/raw: {settings.raw} is no folder that can be written to"
    ]


def test_each_file_is_held_against_the_catalogue(settings: Settings) -> None:
    settings.raw.mkdir(parents=True)
    workbook = save(make_book(), settings.raw / "own.xlsx")
    (settings.raw / "half.csv").write_text("atopid,begyr,endyr,version\n1,2,3,\n")
    said = {finding.what: finding for finding in found(settings, "files")}
    assert said["raw: own.xlsx has bytes that the catalogue does not know; it is read all the same"]
    assert said["raw: half.csv cannot be read"].state == "problem"

    about = {"url": "http://x/own.xlsx", "retrieved_at": now(), "bytes": 1}
    write_manifest(workbook, Manifest(sha256=sha256_of(workbook), **about))
    assert "publisher: own.xlsx has bytes that" in str(found(settings, "files"))
    write_manifest(workbook, Manifest(sha256="0" * 64, **about))
    changed = found(settings, "files")[-1]
    assert changed.what == "raw: own.xlsx was changed since it was downloaded"
    assert "milex fetch --dataset sipri --force" in changed.advice


@pytest.mark.mirror
def test_the_publishers_own_files_are_known_for_that(settings: Settings, mirror: Path) -> None:
    said = [finding.what for finding in found(Settings(ROOT, settings.data, mirror), "files")]

    assert "mirror: SIPRI-Milex-data-1948-2023.xlsx is the publisher's own" in said
    assert "mirror: atop3_0a.csv is a known copy" in said


def test_a_held_warehouse_names_the_process(settings: Settings) -> None:
    settings.processed.mkdir(parents=True)
    with held(settings.warehouse) as process:
        finding = only(settings, "warehouse")

    assert finding.what.startswith(f"held by process {process} (")
    assert "wait" in finding.advice
    assert "nobody holds it" in only(settings, "warehouse").what


def test_a_damaged_warehouse_is_a_problem(settings: Settings) -> None:
    settings.processed.mkdir(parents=True)
    settings.warehouse.write_bytes(b"no database" * 1000)

    finding = only(settings, "warehouse")
    assert finding.state == "problem"
    assert "sets the file aside" in finding.advice


def test_a_snapshot_is_told_with_its_age_and_size(settings: Settings) -> None:
    snapshot = publish_something(settings)
    about, excerpt = found(settings, "snapshot")

    assert about.what.startswith(f"{snapshot.name}, ")
    assert about.what.endswith(" MB, 0.0 hours old; 1 of at most 5 kept")
    assert excerpt.what == "rests on the excerpt: SIPRI 2017"


def test_a_pointer_to_nothing_says_what_is_kept(settings: Settings) -> None:
    first = publish_something(settings)
    second = publish_something(settings)
    second.unlink()
    kept = only(settings, "snapshot")
    assert kept.state == "problem"
    assert kept.what.endswith("leads to no snapshot; 1 are kept")
    assert "make rollback" in kept.advice

    first.unlink()
    assert only(settings, "snapshot").advice == "`make build` makes a new one."


def test_a_snapshot_that_cannot_be_opened_is_a_problem(settings: Settings) -> None:
    publish_something(settings).write_bytes(b"no database")

    finding = only(settings, "snapshot")
    assert finding.state == "problem"
    assert "rollback" in finding.advice


def test_leftovers_of_killed_work_are_listed(settings: Settings) -> None:
    assert only(settings, "leftovers").what == "none"
    settings.snapshots.mkdir(parents=True)
    settings.raw.mkdir(parents=True)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (settings.snapshots / f".milex-000002-x.duckdb.{gone.pid}.tmp").write_bytes(b"half")
    (settings.raw / f".a.xlsx.{gone.pid}.tmp").write_bytes(b"half")
    (settings.raw / f".b.xlsx.{os.getpid()}.tmp").write_bytes(b"under way")

    finding = only(settings, "leftovers")
    assert f".milex-000002-x.duckdb.{gone.pid}.tmp" in finding.what
    assert ".a.xlsx." in finding.what
    assert ".b.xlsx." not in finding.what


def test_a_disk_that_is_nearly_full_is_a_problem(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")(10**9, 9 * 10**8, 10**8)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)

    finding = only(settings, "disk")
    assert finding.state == "problem"
    assert "100.0 MB free" in finding.what


def test_what_cannot_be_looked_at_is_a_finding(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(settings: Settings) -> list[object]:
        raise PermissionError(13, "Permission denied", "data/raw")

    monkeypatch.setattr(doctor, "find_files", refuse)

    finding = only(settings, "files")
    assert finding.state == "problem"
    assert "Permission denied" in finding.what


def test_the_command_is_plain_when_piped_and_fails_on_a_problem(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "load_settings", lambda: settings)
    well = CliRunner().invoke(cli.app, ["doctor"])
    assert well.exit_code == 0
    rows = [line.split("\t") for line in well.stdout.splitlines()]
    assert {row[0] for row in rows} == {"ok", "note"}
    assert {len(row) for row in rows} <= {3, 4}

    settings.processed.mkdir(parents=True)
    settings.warehouse.write_bytes(b"no database" * 1000)
    ill = CliRunner().invoke(cli.app, ["doctor"])
    assert ill.exit_code == 1
    assert "problem\twarehouse\t" in ill.stdout


def test_a_table_is_shown_at_a_terminal(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    doctor.show([Finding("disk", "[red]full[/red]", "problem", "Free some space.")])

    shown = capsys.readouterr().out
    assert "What to do" in shown
    assert "[red]full[/red]" in shown, "a file's name is no markup"
