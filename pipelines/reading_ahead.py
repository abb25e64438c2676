"""The raw layer brought up to date in a second process while the first one imports Dagster.

Reading the files and importing Dagster take about as long, and neither needs the other. What this
process did not come to, the run does itself. Knows how the raw layer is filled; nothing of assets
or runs.
"""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pipelines.settings import Settings

_begun: list[subprocess.Popen[bytes]] = []


def finish() -> None:
    """Wait for the process that reads, if there is one: it writes to the warehouse."""
    for reader in _begun:
        reader.wait()


@contextmanager
def begun(settings: Settings) -> Iterator[None]:
    """Read in a second process, which ends with the block if it has not before."""
    # A command of its own, not multiprocessing: that would run the caller's script again.
    reader = subprocess.Popen(
        [sys.executable, "-m", "pipelines.reading_ahead"], stdin=subprocess.PIPE
    )
    assert reader.stdin is not None
    try:
        with suppress(BrokenPipeError):  # it was killed: the run reads by itself
            pickle.dump(settings, reader.stdin)
            reader.stdin.flush()  # and stays open: the other end sees by it that this one lives
        _begun.append(reader)
        yield
    finally:
        _begun.clear()
        reader.kill()
        with suppress(BrokenPipeError):
            reader.stdin.close()
        reader.wait()


def _bring_up_to_date(settings: Settings) -> None:
    from pipelines import raw_layer
    from pipelines.progress import FILES
    from pipelines.sources.find import files_at_hand
    from pipelines.warehouse import open_warehouse

    if not sys.stderr.isatty():  # a terminal has the run's progress bar
        FILES.setLevel(logging.INFO)
        FILES.addHandler(logging.StreamHandler())
    files = files_at_hand(settings)
    with open_warehouse(settings.warehouse) as connection:
        raw_layer.bring_sipri(connection, files)
        raw_layer.bring_alliances(connection, files)


def _end_with(pipe: int) -> None:
    """End this process once nobody holds the other end of a pipe: who asked was killed."""
    os.read(pipe, 1)
    os._exit(1)


if __name__ == "__main__":
    given = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with, args=(sys.stdin.fileno(),), daemon=True).start()
    try:
        _bring_up_to_date(given)
    except Exception:  # the run meets the same, and tells it
        sys.exit(1)
