"""The memory that a process and all that it began take together."""

from __future__ import annotations

import threading
from contextlib import suppress

import psutil

BETWEEN_SECONDS = 0.1


class Peak:
    """The largest resident size of a process and its children while it is watched, in MB."""

    def __init__(self, pid: int) -> None:
        """Watch from now on."""
        self._process = psutil.Process(pid)
        self._most = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(BETWEEN_SECONDS):
            with suppress(psutil.Error):
                whole = [self._process, *self._process.children(recursive=True)]
                self._most = max(self._most, sum(p.memory_info().rss for p in whole) / 1e6)

    def stop(self) -> float:
        """Watch no longer; returns the peak."""
        self._done.set()
        self._thread.join()
        return self._most
