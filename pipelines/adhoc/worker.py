"""The child process that runs one query at a time: `main` is all that the parent starts.

It has no environment, few files, little memory and a low priority; what it opens is one snapshot,
read-only, with settings that cannot be changed. Requests and answers are JSON over one socket. It
ends with its parent: a thread reads the socket while DuckDB works, and its end is the process's.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb

from pipelines.adhoc.guard import Guard, Refused

FILES = 64
ROWS_AT_ONCE = 500
READY = b"ready"
# The parent stops a query that takes too long. If the parent is gone or stuck, the system does.
SECONDS_AFTER_LIMIT = 5
SETTINGS = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",  # a size of 0 alone still lets it make one beside the snapshot
    "max_temp_directory_size": "0B",
    "lock_configuration": "true",
}


class Snapshot:
    """One snapshot that is open, with its guard."""

    def __init__(self, path: str, memory_mb: int, threads: int) -> None:
        """Open it. Raises duckdb.Error."""
        limits = {"memory_limit": f"{memory_mb}MB", "threads": str(threads)}
        self.path = path
        self.connection = duckdb.connect(path, read_only=True, config={**limits, **SETTINGS})
        self.guard = Guard.of(self.connection)

    def answer(self, sql: str, rows: int | None, result_bytes: int) -> dict[str, Any]:
        """Run one query: its columns, types, rows as JSON text, units, warnings and what was cut."""
        query = self.guard.check(sql)
        with self.connection.cursor() as cursor:
            found = cursor.execute(query.sql)
            described = found.description or []
            texts, cut = _bounded(_rows(cursor), rows, result_bytes)
            if cut:
                cursor.interrupt()
        return {
            "columns": _distinct([str(name) for name, *_ in described]),
            "types": [str(kind) for _, kind, *_ in described],
            "rows": texts,
            "cut": cut,
            "units": query.units,
            "warnings": query.warnings,
        }


def _distinct(names: list[str]) -> list[str]:
    """Columns of one name get numbers: a table on a page knows its columns by name."""
    given: set[str] = set()
    for number, name in enumerate(names):
        distinct, count = name, 1
        while distinct.casefold().replace("_", " ") in given:
            count += 1
            distinct = f"{name}_{count}"
        names[number] = distinct
        given.add(distinct.casefold().replace("_", " "))
    return names


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        yield from rows


def _bounded(
    found: Iterator[tuple[Any, ...]], rows: int | None, result_bytes: int
) -> tuple[list[str], str | None]:
    """The first rows as JSON, and which bound cut them, if one did."""
    texts: list[str] = []
    size = 0
    for row in found:
        if rows is not None and len(texts) == rows:
            return texts, "rows"
        text = json.dumps([_plain(value) for value in row], default=str)
        size += len(text)
        if size > result_bytes:
            return texts, "size"
        texts.append(text)
    return texts, None


def _plain(value: Any) -> Any:
    """A value as JSON has it; a decimal number is a float, a day or time is ISO text."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    return str(value)


def main(descriptor: int, memory_mb: int, room_mb: int, threads: int) -> None:
    """Answer requests from a socket until it closes."""
    _confine(room_mb)
    connection = Connection(descriptor)
    requests: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_receive, args=(connection, requests), daemon=True).start()
    snapshot: Snapshot | None = None
    connection.send_bytes(READY)
    while True:
        request = json.loads(requests.get())
        used = time.process_time()
        _limit(resource.RLIMIT_CPU, int(used + request["seconds"] * threads) + SECONDS_AFTER_LIMIT)
        try:
            if snapshot is None or snapshot.path != request["path"]:
                snapshot = Snapshot(request["path"], memory_mb, threads)
            answer = snapshot.answer(request["sql"], request["rows"], request["bytes"])
            reply = json.dumps(answer).encode()
        except Refused as error:
            reply = _failure(error.kind, str(error))
        except (duckdb.OutOfMemoryException, MemoryError):
            reply = _failure("memory", "")
        except duckdb.Error as error:
            reply = _failure("failed", _without_path(str(error), request["path"]))
        except Exception as error:  # whatever DuckDB's bindings make of it, the next query comes
            reply = _failure("failed", f"DuckDB cannot run this: {type(error).__name__}.")
        connection.send_bytes(reply)


def _receive(connection: Connection, requests: queue.Queue[bytes]) -> None:
    with suppress(EOFError, OSError):
        while True:
            requests.put(connection.recv_bytes())
    os._exit(0)


def _confine(room_mb: int) -> None:
    os.environ.clear()
    os.chdir("/")
    _limit(resource.RLIMIT_AS, room_mb * 1_000_000)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, FILES)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(what: int, most: int) -> None:
    """Set the soft limit, which a later request may raise; no system knows every limit."""
    with suppress(ValueError, OSError):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most, hard if what == resource.RLIMIT_CPU else most))


def _failure(kind: str, message: str) -> bytes:
    return json.dumps({"kind": kind, "message": message}).encode()


def _without_path(message: str, path: str) -> str:
    """DuckDB's message, which may name the file, without saying where that is."""
    return message.replace(path, Path(path).name).replace(str(Path(path).parent), "…")
