"""A disk without room: one message that says how much and where, and everything as it was."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pipelines import publish
from pipelines.errors import MilexError
from pipelines.publish import current_snapshot, snapshots
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse
from tests.conftest import ROOT
from tests.faults import house

LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
from pipelines.cli import app
app()
"""


def full(*_: Any, **__: Any) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def complains(message: str, folder: Path) -> bool:
    return (
        f"There is no room to write in {folder}: " in message
        and "MB are free there, and a full build takes 500 MB" in message
        and "MILEX_DATA" in message
        and "\n" not in message
    )


@pytest.mark.parametrize(
    ("owner", "step"),
    [(publish, "_sync"), (os, "fsync"), (os, "replace"), (Path, "symlink_to")],
)
def test_a_step_that_finds_no_room_leaves_the_old_snapshot_and_nothing_else(
    settings: Settings, owner: Any, step: str
) -> None:
    old = house.publish_once(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, step, full)
        with pytest.raises(MilexError) as raised:
            house.publish_once(settings)
    assert complains(str(raised.value), settings.snapshots)
    assert snapshots(settings) == [old]
    assert current_snapshot(settings) == old
    assert house.unfinished(settings) == []
    assert house.rows_of(house.publish_once(settings)) == house.rows_of(old) + 2


def publish_within(settings: Settings, limit: int, answers: Any) -> None:
    """Publish where no file may grow beyond a limit; tells the error's message."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open_warehouse(settings.warehouse) as warehouse:
        house.add(warehouse)
        # Hashes cannot be compressed: the snapshot is larger than any of the limits.
        for table in ("first", "second"):
            warehouse.execute(
                f"INSERT INTO main.{table} SELECT hash(range) >> 1 FROM range(1, 99001)"
            )
        warehouse.execute("CHECKPOINT")  # the limit would also hold for what is in the file already
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            house.publish_all(settings, warehouse)
        except Exception as error:
            answers.put(f"{type(error).__name__}: {error}")
        else:
            answers.put("no error")


@pytest.mark.parametrize("limit", [4096, 20_000, 300_000])
def test_a_snapshot_that_does_not_fit_is_not_published(settings: Settings, limit: int) -> None:
    old = house.publish_once(settings)
    answers = house.FORK.Queue()
    victim = house.child(publish_within, settings, limit, answers)
    message = answers.get(timeout=60)
    victim.join()
    assert message.startswith("MilexError: ")
    assert complains(message, settings.snapshots), message
    assert snapshots(settings) == [old]
    assert current_snapshot(settings) == old
    assert house.unfinished(settings) == []
    new = house.publish_once(settings)
    assert current_snapshot(settings) == new
    assert house.rows_of(new) == house.rows_of(old) + 2 + 99_000
    assert house.unfinished(settings) == []


def limited(settings: Settings, limit: int, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *words],
        cwd=ROOT,
        env=house.environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_build_that_does_not_fit_says_so_and_the_next_one_goes_on(tmp_path: Path) -> None:
    settings = Settings(home=ROOT, data=tmp_path, mirror=None)
    for limit in (100_000, 12_000_000):  # Dagster's own files; the warehouse
        failed = limited(settings, limit, "build")
        assert failed.returncode == 1
        (message,) = (line for line in failed.stderr.splitlines() if line.startswith("milex: "))
        assert "There is no room to write in" in message
        assert "a full build takes 500 MB" in message
        assert message.count("The published snapshot, if there is one, is untouched.") == 1
        assert "Traceback" not in failed.stderr
        assert current_snapshot(settings) is None
        assert house.unfinished(settings) == []
    with house.milex(settings, "build") as build:
        _, said = build.communicate(timeout=300)
    assert build.returncode == 0, said
    assert current_snapshot(settings) is not None
