"""Half-written files: only those whose writer is gone count as left."""

import os
import subprocess
import sys
import time
from pathlib import Path

from pipelines.unfinished import clear_unfinished, unfinished_files, unfinished_path


def test_a_file_is_left_once_its_writer_is_gone(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    mine = unfinished_path(tmp_path / "a.csv")
    left = [
        tmp_path / f".a.csv.{gone.pid}.tmp",
        tmp_path / f".a.csv.{gone.pid}.tmp.wal",
        tmp_path / "below" / f".b.csv.{gone.pid}.tmp",
    ]
    others = [tmp_path / ".tmp", tmp_path / ".a.x.tmp", tmp_path / f"a.{gone.pid}.tmp"]
    for path in (mine, *left, *others):
        path.touch()
    assert unfinished_files(tmp_path) == left
    assert unfinished_files(tmp_path, below=False) == left[:2]

    clear_unfinished(tmp_path)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {mine, *others}


def test_a_later_process_of_the_same_number_did_not_write_it(tmp_path: Path) -> None:
    """So it is in a container that begins anew over a volume that stayed."""
    path = unfinished_path(tmp_path / "a.csv")
    path.touch()
    before_this_process = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    os.utime(path, (before_this_process, before_this_process))
    assert unfinished_files(tmp_path) == [path]
