"""Dagster's run history, written without waiting for the disk after every event.

A run records some five hundred events, and Dagster opens and closes its SQLite files for each. Every
commit waits for the disk, and so does the last close of a file: together that can take longer than
the run. Knows SQLite's connections and nothing of what is recorded.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Reused(sqlite3.Connection):
    """A connection that goes back to a shelf when it is closed, to be opened again from there."""

    shelf: list[_Reused] | None = None

    def close(self) -> None:
        """Give up what was not committed, and wait for the next."""
        if self.shelf is None:
            super().close()
        else:
            self.rollback()
            self.shelf.append(self)


@contextmanager
def quick_writes() -> Iterator[None]:
    """Keep SQLite files open from one use to the next, and leave syncing them to the end.

    A power cut may cost the last events of the run, never the files: they have a write-ahead log.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    shelves: dict[tuple[int, str], list[_Reused]] = {}
    opened: list[_Reused] = []

    def connect(dialect: Any, _record: Any, arguments: list[Any], options: Any) -> Any:
        if dialect.driver != "pysqlite" or ":memory:" in arguments[0] or options.get("uri"):
            return None
        shelf = shelves.setdefault((threading.get_ident(), arguments[0]), [])
        if shelf:
            return shelf.pop()
        options = {**options, "check_same_thread": False}  # closed at the end, by this thread
        connection = sqlite3.connect(*arguments, factory=_Reused, **options)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.shelf = shelf
        opened.append(connection)
        return connection

    event.listen(Engine, "do_connect", connect)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", connect)
        for connection in opened:
            connection.shelf = None
            connection.close()
