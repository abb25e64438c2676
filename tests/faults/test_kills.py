"""Killed at any moment: what is published is whole, and the next one who publishes heals."""

import os
import random
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
from tests.browser.servers import until
from tests.conftest import BuiltData
from tests.faults import house

KILLS = 100
# More kills of whole builds than a quick run can afford.
BUILD_KILLS = int(os.environ.get("MILEX_BUILD_KILLS", "3"))
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
    owner: Any = os if step == "replace" else Path if step == "symlink_to" else publish
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
        ("_copy", 1, False),
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


def counts(snapshot: Path) -> dict[str, int]:
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        names = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        return {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0]
            for (name,) in names
        }


def test_a_whole_build_killed_at_random_is_healed_by_the_next(
    excerpt_data: BuiltData, tmp_path: Path
) -> None:
    moments = random.Random(SEED)
    settings = Settings(home=excerpt_data.settings.home, data=tmp_path, mirror=None)
    stages = (
        lambda: settings.warehouse.exists() or None,
        lambda: any(settings.processed.glob("warehouse.duckdb.wal")) or None,
        lambda: any(settings.snapshots.glob(".milex-*.tmp")) or None,
    )
    whole = counts(excerpt_data.snapshot)
    for number in range(BUILD_KILLS):
        with house.milex(settings, "build", "--force") as build:
            until(stages[number % len(stages)], 120, f"stage {number % len(stages)} of a build")
            time.sleep(moments.uniform(0, 0.5))
            family = psutil.Process(build.pid).children(recursive=True)
            build.kill()
        _, alive = psutil.wait_procs(family, timeout=20)
        assert alive == []
        current = current_snapshot(settings)
        assert current is None or counts(current) == whole
    with house.milex(settings, "build", "--force") as build:
        _, said = build.communicate(timeout=300)
    assert build.returncode == 0, said
    current = current_snapshot(settings)
    assert current is not None
    assert counts(current) == whole
    assert house.unfinished(settings) == []
    assert not settings.warehouse.with_name("warehouse.duckdb.wal").exists()


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
