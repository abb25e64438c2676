"""Files read in a second process while the first one still imports Dagster.

The first build reads every file, and nothing else can begin before: this takes it off the way.
Knows how a file is read; nothing of tables, assets or runs.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.errors import ReadError
    from pipelines.readers.sipri import SipriEdition
    from pipelines.readers.treaties import AllianceVersion

    Read: TypeAlias = SipriEdition | AllianceVersion | ReadError

_begun: list[_Reader] = []


class _Reader:
    """The second process, and what it read once that was asked for."""

    def __init__(self, settings: Settings) -> None:
        # A command of its own, not multiprocessing: that would run the caller's script again.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.reading_ahead"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdin is not None
        pickle.dump(settings, self.process.stdin)
        self.process.stdin.flush()  # and stays open: the other end sees by it that this one lives
        self.read: dict[str, Read] | None = None

    def take(self, name: str) -> Read | None:
        if self.read is None:
            assert self.process.stdout is not None
            try:
                self.read = pickle.load(self.process.stdout)
            except (EOFError, pickle.UnpicklingError):  # it was killed: the caller reads by itself
                self.read = {}
        return self.read.pop(name, None)

    def stop(self) -> None:
        self.process.kill()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@contextmanager
def of_a_first_build(settings: Settings) -> Iterator[None]:
    """Begin to read in the background where there is no warehouse that remembers what was read."""
    if settings.warehouse.exists():
        yield
        return
    reader = _Reader(settings)
    _begun.append(reader)
    try:
        yield
    finally:
        _begun.remove(reader)
        reader.stop()


def found(name: str) -> Read | None:
    """What reading came to, or None if it was not begun; waits for it.

    name: a workbook's source_id, or a dataset of alliances and its version.
    """
    return _begun[-1].take(name) if _begun else None


def _read_everything(settings: Settings) -> dict[str, Read]:
    from pipelines import ingest

    files = ingest.files_at_hand(settings)
    workbooks = [file for file in files if file.dataset == "SIPRI" and file.origin != "excerpt"]
    read: dict[str, Read] = {file.source_id: ingest.read_workbook(file) for file in workbooks}
    for dataset, version, group in ingest.alliance_groups(files):
        read[f"{dataset} {version}"] = ingest.read_alliances(dataset, group)
    return read


def _end_with(pipe: int) -> None:
    """End this process once nobody holds the other end of a pipe: who asked was killed."""
    os.read(pipe, 1)
    os._exit(1)


if __name__ == "__main__":
    given = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with, args=(sys.stdin.fileno(),), daemon=True).start()
    pickle.dump(_read_everything(given), sys.stdout.buffer, protocol=5)
