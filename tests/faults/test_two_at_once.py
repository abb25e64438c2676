"""Two who write are told of each other; twenty who read notice nothing."""

import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from pipelines import publish
from pipelines.publish import current_snapshot
from pipelines.settings import Settings
from tests.browser.servers import until
from tests.conftest import ROOT, BuiltData
from tests.faults import house
from tests.faults.nursery import contents, row_counts
from tests.readers.make_workbook import make_book, save

DAGSTER_RUN = """
import sys
import dagster as dg
from pipelines.assets.resources import Warehouse

@dg.asset
def slow(warehouse: Warehouse) -> None:
    print("open", flush=True)
    sys.stdin.read()

sys.exit(not dg.materialize([slow], resources={"warehouse": Warehouse()}).success)
"""
PUBLISHED = 12
PROCESSES, THREADS = 2, 10
# During a build; the first of them keep one connection all the time.
READERS, KEEP_OPEN = 20, 3


def has_open(process: int, path: Path) -> bool | None:
    """Seen from outside: to try the lock would be to hold it for a moment."""
    try:
        opened = {Path(file.path) for file in psutil.Process(process).open_files()}
    except psutil.Error:
        return None
    return path in opened or None


def refused(settings: Settings, holder: int) -> None:
    """A build that finds the warehouse held names the holder in one message, and changes nothing."""
    before = current_snapshot(settings)
    with house.milex(settings, "build", "--force") as second:
        answer, said = second.communicate(timeout=120)
    assert second.returncode == 1
    assert answer == ""
    (message,) = (line for line in said.splitlines() if line.startswith("milex: "))
    assert re.search(
        rf"held by another build: process {holder} \(.*python.*\), running since 2\d\d\d-", message
    )
    assert "Wait for it to finish" in message
    assert "Traceback" not in said
    assert current_snapshot(settings) == before


def test_of_two_builds_the_second_says_who_holds_the_warehouse(
    excerpt_data: BuiltData, tmp_path: Path
) -> None:
    settings = house.copied(excerpt_data.settings, tmp_path)
    with house.milex(settings, "build", "--force") as first:
        until(
            lambda: has_open(first.pid, settings.warehouse),
            120,
            "the first build holds the warehouse",
        )
        with house.milex(settings, "build", "--force") as second:
            _, of_second = second.communicate(timeout=120)
        _, of_first = first.communicate(timeout=120)
    assert first.returncode == 0, of_first
    # On a slow machine the first may be through before the second comes to the warehouse.
    assert second.returncode == 0 or f"process {first.pid} (" in of_second
    assert "Traceback" not in of_second
    assert current_snapshot(settings) == publish.snapshots(settings)[-1]
    assert house.unfinished(settings) == []


def test_a_build_during_a_run_of_dagster_says_so(excerpt_data: BuiltData, tmp_path: Path) -> None:
    settings = house.copied(excerpt_data.settings, tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", DAGSTER_RUN],
        cwd=ROOT,
        env=house.environment(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "open\n"
        refused(settings, run.pid)
        run.communicate("")
    assert run.returncode == 0
    duckdb.connect(str(settings.warehouse)).close()


def read_until(settings: Settings, over: Any, answers: Any) -> None:
    """Ten readers in one process, each with connections of its own; tells what they met."""
    seen: list[set[int]] = [set() for _ in range(THREADS)]
    errors: list[str] = []

    def read(mine: set[int]) -> None:
        try:
            while not over.is_set() or not mine:
                current = current_snapshot(settings)
                assert current is not None
                mine.add(house.rows_of(current))
                over.wait(0.02)  # as a person does, if faster
        except Exception as error:
            errors.append(repr(error))

    threads = [threading.Thread(target=read, args=(mine,)) for mine in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put((seen, errors))


def test_twenty_readers_see_whole_snapshots_while_others_are_published(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Builds take seconds, these milliseconds: none is pruned between being found and being opened.
    monkeypatch.setattr(publish, "KEPT_SNAPSHOTS", PUBLISHED + 1)
    house.publish_once(settings)
    over, answers = house.FORK.Event(), house.FORK.Queue()
    readers = [house.child(read_until, settings, over, answers) for _ in range(PROCESSES)]
    for _ in range(PUBLISHED):
        house.publish_once(settings)
    over.set()
    found = [answers.get(timeout=60) for _ in readers]
    for reader in readers:
        reader.join()

    assert [errors for _, errors in found] == [[]] * PROCESSES
    seen = [mine for several, _ in found for mine in several]
    assert len(seen) == PROCESSES * THREADS
    assert all(rows > house.ROWS for mine in seen for rows in mine)
    assert len(set().union(*seen)) > 2, "the readers saw nothing change"


def look_until(settings: Settings, over: Any, answers: Any, keeps_open: bool) -> None:
    """One reader in a process of its own, as another tool would be: on the stable path.

    Counts every table's rows each time, and where the numbers are new looks at every row.
    """
    seen: dict[tuple[tuple[str, int], ...], dict[str, str]] = {}
    error = ""
    try:
        connection = duckdb.connect(str(settings.pointer), read_only=True)
        ended = False
        while not ended:
            ended = over.is_set()  # and look once more
            counted = tuple(sorted(row_counts(connection).items()))
            if counted not in seen:
                seen[counted] = contents(connection)
            over.wait(0.6)  # as a person does, if faster
            if not keeps_open:
                connection.close()
                connection = duckdb.connect(str(settings.pointer), read_only=True)
    except Exception as raised:
        error = repr(raised)
    answers.put((keeps_open, list(seen.values()), error))


def test_twenty_readers_see_the_old_or_the_new_snapshot_while_a_build_runs(
    excerpt_data: BuiltData, tmp_path: Path
) -> None:
    """A real build of one edition more: every reader finds all tables old, or all of them new."""
    settings = house.copied(excerpt_data.settings, tmp_path)
    with duckdb.connect(str(settings.pointer.resolve()), read_only=True) as connection:
        old = contents(connection)
    settings.raw.mkdir()
    save(make_book([*range(2015, 2027)]), settings.raw / "next.xlsx")
    over, answers = house.FORK.Event(), house.FORK.Queue()
    readers = [
        house.child(look_until, settings, over, answers, number < KEEP_OPEN)
        for number in range(READERS)
    ]
    with house.milex(settings, "build", "--force") as build:
        _, said = build.communicate(timeout=300)
    over.set()
    found = [answers.get(timeout=120) for _ in readers]
    for reader in readers:
        reader.join()
    assert build.returncode == 0, said

    with duckdb.connect(str(settings.pointer.resolve()), read_only=True) as connection:
        new = contents(connection)
    assert new.keys() == old.keys()
    assert new["observations"] != old["observations"]
    assert [error for _, _, error in found] == [""] * READERS
    for keeps_open, seen, _ in found:
        assert seen == ([old] if keeps_open else [old, new])
