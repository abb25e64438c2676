"""Warm child processes that run queries: started before they are needed, ended when one runs away.

Knows no SQL: a query goes to a child as it is, and its answer comes back as bounded JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from pipelines.adhoc.limits import MB, Limits, QueryError
from pipelines.errors import MilexError
from pipelines.table import Table

HOME = Path(__file__).resolve().parent.parent.parent
# A child imports DuckDB and this package, and nothing else of its parent; what its parent does for
# people who wait goes before it from the start.
START = (
    "import os, sys; os.nice(5); sys.path.insert(0, sys.argv[1]); "
    "from pipelines.adhoc.worker import main; main(*map(int, sys.argv[2:]))"
)
QUEUE_SECONDS = 15.0
STARTS_WITHIN = 20.0


@dataclass(frozen=True)
class Answer:
    """A query's rows. types: DuckDB's, one a column; cut: 'rows' or 'size' when there were more."""

    table: Table
    types: tuple[str, ...]
    cut: str | None
    warnings: tuple[str, ...]
    seconds: float


class Worker:
    """One child process."""

    def __init__(self, limits: Limits) -> None:
        """Start it; it is warm some tenths of a second later.

        Raises MilexError where no process can be started.
        """
        self._limits = limits
        self._ours, theirs = Pipe()
        try:
            numbers = (theirs.fileno(), limits.memory_mb, limits.room_mb, limits.threads)
            self.process = subprocess.Popen(
                [sys.executable, "-E", "-s", "-c", START, str(HOME), *map(str, numbers)],
                env={},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            self._ours.close()
            raise MilexError(f"No process for queries can be started: {error.strerror}.") from error
        finally:
            theirs.close()
        self._warm = False

    def run(self, path: Path, sql: str) -> Answer:
        """Run one query on a snapshot.

        Raises QueryError; after one of kind time or memory the worker may be `dead`.
        """
        limits = self._limits
        started = time.monotonic()
        request = {
            "path": str(path),
            "sql": sql,
            "rows": limits.rows,
            "bytes": limits.result_mb * MB,
            "seconds": limits.seconds,
        }
        try:
            self._wait_until_warm()
            self._ours.send_bytes(json.dumps(request).encode())
            if not self._ours.poll(limits.seconds):
                self.close()
                raise QueryError(
                    "time",
                    f"The query was stopped after {limits.seconds:g} s, the limit here. Read fewer "
                    "rows, or aggregate before joining.",
                )
            answer = json.loads(self._ours.recv_bytes())
        except (EOFError, OSError):
            self.close()
            raise _too_much_memory(limits) from None
        if answer.get("kind") == "memory":
            raise _too_much_memory(limits)
        if "kind" in answer:
            raise QueryError(answer["kind"], answer["message"])
        return Answer(
            Table(tuple(answer["columns"]), _rows(answer), answer["units"]),
            tuple(answer["types"]),
            answer["cut"],
            tuple(answer["warnings"]),
            time.monotonic() - started,
        )

    def _wait_until_warm(self) -> None:
        """Raise MilexError if the child does not start."""
        if self._warm:
            return
        with suppress(EOFError):
            self._warm = self._ours.poll(STARTS_WITHIN) and bool(self._ours.recv_bytes())
        if not self._warm:
            self.close()
            raise MilexError(
                "The process that runs queries did not start. Is memory left on this machine?"
            )

    @property
    def dead(self) -> bool:
        """Whether the child has ended."""
        return self.process.poll() is not None

    def close(self) -> None:
        """End the child, whatever it does."""
        self._ours.close()
        self.process.kill()
        self.process.wait()


class Pool:
    """Some workers that any thread may ask; a query waits while all are busy."""

    def __init__(self, limits: Limits, size: int, queue_seconds: float = QUEUE_SECONDS) -> None:
        """Start nothing yet. queue_seconds: how long a query waits for a free worker."""
        self._limits = limits
        self._size = size
        self._queue_seconds = queue_seconds
        self._free: list[Worker] = []
        self._slots = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._closed = False

    def warm(self, path: Path) -> None:
        """Start the workers in the background and let each open a snapshot.

        A query that comes meanwhile waits for one of them, no longer than for a worker of its own.
        """
        threading.Thread(target=self._warm, args=(path,), name="milex-sql", daemon=True).start()

    def _warm(self, path: Path) -> None:
        places = sum(self._slots.acquire(blocking=False) for _ in range(self._size))
        workers: list[Worker] = []
        try:
            with suppress(MilexError):  # whoever asks next is told
                workers.extend(self._take() for _ in range(places))
                for worker in workers:
                    worker.run(path, "SELECT 1")
        finally:
            for worker in workers:
                self._give(worker)
            for _ in range(places):
                self._slots.release()

    def run(self, path: Path, sql: str) -> Answer:
        """Run one query on a snapshot, on a worker that is free.

        Raises QueryError, and MilexError where no worker can be started.
        """
        if not self._slots.acquire(timeout=self._queue_seconds):
            raise QueryError(
                "busy",
                f"All {self._size} places are taken, and none came free within "
                f"{self._queue_seconds:g} s. Try again in a moment.",
            )
        try:
            worker = self._take()
            try:
                return worker.run(path, sql)
            finally:
                if worker.dead:  # the next one starts now, and is warm when somebody asks
                    with suppress(MilexError):
                        worker = Worker(self._limits)
                self._give(worker)
        finally:
            self._slots.release()

    def close(self) -> None:
        """End all workers; one that is at work ends with its query."""
        with self._lock:
            self._closed = True
            for worker in self._free:
                worker.close()
            self._free.clear()

    def processes(self) -> list[int]:
        """The process ids of the workers that are free."""
        with self._lock:
            return [worker.process.pid for worker in self._free]

    def _take(self) -> Worker:
        with self._lock:
            while self._free:
                worker = self._free.pop()
                if not worker.dead:
                    return worker
                worker.close()
        return Worker(self._limits)

    def _give(self, worker: Worker) -> None:
        with self._lock:
            if not self._closed:
                self._free.append(worker)
                return
        worker.close()


def run_once(path: Path, sql: str, limits: Limits) -> Answer:
    """Run one query in a child of its own."""
    worker = Worker(limits)
    try:
        return worker.run(path, sql)
    finally:
        worker.close()


def _too_much_memory(limits: Limits) -> QueryError:
    return QueryError(
        "memory",
        f"The query needs more memory than a query has here ({limits.memory_mb} MB). Read fewer "
        "rows or columns, or aggregate before joining.",
    )


def _rows(answer: dict[str, Any]) -> list[tuple[Any, ...]]:
    kinds: Sequence[Any] = [_PARSED.get(kind) for kind in answer["types"]]
    rows = (json.loads(text) for text in answer["rows"])
    if not any(kinds):
        return [tuple(row) for row in rows]
    return [
        tuple(
            value if kind is None or value is None else _or_text(kind, value)
            for kind, value in zip(kinds, row, strict=True)
        )
        for row in rows
    ]


def _or_text(parse: Any, text: str) -> Any:
    """A day or time; what Python's calendar does not have stays text."""
    with suppress(ValueError):
        return parse(text)
    return text


_PARSED = {
    "DATE": date.fromisoformat,
    "TIMESTAMP": datetime.fromisoformat,
    "TIMESTAMP_S": datetime.fromisoformat,
    "TIMESTAMP_MS": datetime.fromisoformat,
    "TIMESTAMP WITH TIME ZONE": datetime.fromisoformat,
}
