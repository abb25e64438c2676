"""Dagster's run history, written without waiting for the disk after every event.

A run records some five hundred events, and Dagster opens and closes its SQLite files for each. The
last close of a file folds its log back and waits for the disk, and so does every commit: together
that takes longer than the run. Knows SQLAlchemy's connections and nothing of what is recorded.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any


@contextmanager
def quick_writes() -> Iterator[None]:
    """Keep each SQLite file that is opened meanwhile open to the end, and sync it then.

    A power cut may cost the last events of the run, never the files: they keep a write-ahead log.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    with ExitStack() as stack:
        kept: set[str] = set()

        def relax(connection: Any, _record: Any) -> None:
            if not isinstance(connection, sqlite3.Connection):
                return
            connection.execute("PRAGMA synchronous=NORMAL")
            file = connection.execute("PRAGMA database_list").fetchone()[2]
            if file and file not in kept:
                kept.add(file)
                keeper = sqlite3.connect(file, check_same_thread=False)
                stack.enter_context(closing(keeper))
                keeper.execute("SELECT count(*) FROM sqlite_master").fetchone()

        event.listen(Engine, "connect", relax)
        stack.callback(event.remove, Engine, "connect", relax)
        yield
