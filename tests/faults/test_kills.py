"""Killed at any moment: what is published is whole, and the next one who publishes heals."""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from pipelines import publish, reading_ahead
from pipelines.publish import current_snapshot, snapshots
from pipelines.settings import Settings
from tests.faults import house
from tests.faults.nursery import (
    Project,
    contents,
    nursery,
    published,
    version_in_warehouse,
    version_of,
)

KILLS = 100
BUILD_KILLS = int(os.environ.get("MILEX_BUILD_KILLS", "30"))
SEED = 20251


def test_a_publisher_killed_a_hundred_times_never_leaves_a_broken_snapshot(
    settings: Settings,
) -> None:
    moments = random.Random(SEED)
    house.publish_once(settings)
    begin = time.monotonic()
    house.publish_once(settings)
    pace = time.monotonic() - begin
    rows, interrupted = house.ROWS, 0
    for _ in range(KILLS):
        begun = house.FORK.Event()
        publisher = house.child(house.publish_for_ever, settings, begun)
        assert begun.wait(300)
        publisher.join(moments.uniform(0, pace))
        publisher.kill()
        publisher.join()
        current = current_snapshot(settings)
        assert current is not None
        found = house.rows_of(current)
        assert found >= rows
        # However busy the machine is, one in ten comes as far as to publish.
        pace *= 1.03 if found == rows else 0.8
        rows = found
        interrupted += bool(house.unfinished(settings))
    assert interrupted > 10, "the kills missed the moments that matter"
    assert rows > house.ROWS + 2, "nothing was published between the kills"

    last = house.publish_once(settings)
    assert current_snapshot(settings) == last
    assert house.rows_of(last) > rows
    assert house.unfinished(settings) == []
    assert len(snapshots(settings)) == publish.KEPT_SNAPSHOTS
    for path in snapshots(settings):
        house.rows_of(path)


def killed_before(settings: Settings, step: str, call: int) -> None:
    """Publish, and die when a step is about to be taken for the nth time."""
    owners: dict[str, Any] = {"replace": os, "symlink_to": Path, "copyfile": shutil}
    owner = owners.get(step, publish)
    take: Callable[..., Any] = getattr(owner, step)
    calls = []

    def die(*given: Any, **named: Any) -> Any:
        calls.append(given)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return take(*given, **named)

    setattr(owner, step, die)
    house.publish_once(settings)


@pytest.mark.parametrize(
    ("step", "call", "published"),
    [
        ("_count", 1, False),
        ("copyfile", 1, False),
        ("_complete", 1, False),
        ("create", 1, False),
        ("_sync", 1, False),
        ("replace", 1, False),
        ("symlink_to", 1, False),
        ("replace", 2, False),
        ("_prune", 1, True),
    ],
)
def test_killed_before_any_step_the_old_or_the_new_one_is_published(
    settings: Settings, step: str, call: int, published: bool
) -> None:
    old = house.publish_once(settings)
    victim = house.child(killed_before, settings, step, call)
    victim.join()
    assert victim.exitcode == -signal.SIGKILL
    current = current_snapshot(settings)
    assert current is not None
    assert (current != old) is published
    house.rows_of(current)

    new = house.publish_once(settings)
    assert current_snapshot(settings) == new
    assert house.unfinished(settings) == []


def test_builds_killed_over_their_whole_length_are_healed_by_the_next(tmp_path: Path) -> None:
    """Each begins with what the one before left, and has another version of the workbook to read."""
    project = Project.begun(tmp_path)
    settings, chance = project.settings, random.Random(SEED)
    with nursery(project) as build:
        assert build().code == 0
        project.change(1)
        length = build().seconds
        version, early, late = published(settings), 0, 0
        assert version == 1
        # One moment in each of as many equal parts of a build, in an order by chance.
        for number, part in enumerate(chance.sample(range(BUILD_KILLS), BUILD_KILLS), 2):
            if number % 10 == 0:
                settings.warehouse.unlink()  # then files are read in a second process
            project.change(number)
            ended = build(killed_after=length * (part + chance.random()) / BUILD_KILLS).code
            found = published(settings)
            assert ended in (0, -signal.SIGKILL)
            assert found == number or (found == version and ended)
            version = found
            if found != number:
                in_warehouse = version_in_warehouse(settings.warehouse)
                early += in_warehouse != number
                late += in_warehouse == number
        assert early > BUILD_KILLS // 10, "no build was killed before its tables were made"
        assert late > BUILD_KILLS // 10, "no build was killed between its tables and publication"

        assert build().code == 0
        healed = current_snapshot(settings)
        assert healed is not None
        assert version_of(healed) == BUILD_KILLS + 1
        assert house.unfinished(settings) == []
        assert not list(settings.processed.glob("*.wal"))
        for path in snapshots(settings):
            version_of(path)
        fresh = project.beside(tmp_path / "fresh")
        assert build(fresh).code == 0
        with (
            duckdb.connect(str(healed), read_only=True) as mended,
            duckdb.connect(str(fresh.settings.pointer.resolve()), read_only=True) as whole,
        ):
            assert contents(mended) == contents(whole)


def read_ahead(settings: Settings, pids: Any) -> None:
    """A build that waits for its second process."""
    with reading_ahead.begun(settings):
        pids.put(reading_ahead._begun[-1].pid)
        reading_ahead.finish()


def test_the_process_that_reads_ahead_ends_with_a_build_that_is_killed(settings: Settings) -> None:
    settings.warehouse.unlink()
    settings.raw.mkdir()
    with (settings.raw / "endless.xlsx").open("wb") as sparse:
        sparse.truncate(2**38)  # takes no space, and minutes to read
    pids = house.FORK.Queue()
    build = house.child(read_ahead, settings, pids)
    reader = psutil.Process(pids.get(timeout=60))
    build.kill()
    build.join()
    _, alive = psutil.wait_procs([reader], timeout=20)
    for process in alive:
        process.kill()
    assert alive == []
