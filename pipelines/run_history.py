"""Dagster's event log in SQLite, with files and compiled statements kept from one event to the next.

A run records some five hundred events. Dagster's own storage makes a new engine for each, which
opens the file, compiles the statement and waits for the disk anew: together that takes longer than
the run. Knows SQLite's files and nothing of what is recorded.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import sqlalchemy as db
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy.pool import QueuePool

# Dagster's own wait for a file that another process writes, in seconds.
BUSY_TIMEOUT = 60
# Runs whose files are kept open at once; older ones are closed and opened again when asked for.
KEPT_OPEN = 8


class EventLog(SqliteEventLogStorage):
    """Dagster's SQLite event log, its format unchanged: only the way to its files is shorter.

    A power cut may cost the last events of a run, never the files: they have a write-ahead log.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open the index; base_dir is the folder of the files."""
        self._engines: dict[str, db.Engine] = {}
        self._known: set[str] = set()
        # While a batch is written: its connections, one a file.
        self._batch: tuple[ExitStack, dict[str, db.Connection]] | None = None
        super().__init__(base_dir, inst_data)
        # A batch holds it while it stores each of its events.
        self._db_lock = threading.RLock()  # type: ignore[assignment]

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> EventLog:
        """Made from `dagster.yaml`, whose base_dir is Dagster's home: the files stay in its usual place."""
        return cls(os.path.join(config_value["base_dir"], "history", "runs"), inst_data)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Events that come together, such as what a run plans to make: all in one transaction."""
        with self._db_lock, ExitStack() as open_until_all_are_stored:
            self._batch = open_until_all_are_stored, {}
            try:
                for event in events:
                    self.store_event(event)
            finally:
                self._batch = None

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        with self._db_lock:
            if self._batch is None:
                with self._engine(shard).begin() as connection:
                    yield connection
                return
            open_until_all_are_stored, connections = self._batch
            if shard not in connections:
                connections[shard] = open_until_all_are_stored.enter_context(
                    self._engine(shard).begin()
                )
            yield connections[shard]

    def _engine(self, shard: str) -> db.Engine:
        """The engine of a run's file, or of the index; a file that was deleted is made anew."""
        engine = self._engines.pop(shard, None)
        if engine is not None and not os.path.exists(self.path_for_shard(shard)):
            engine.dispose()
            self._initialized_dbs.discard(shard)
            engine = None
        if engine is None:
            engine = db.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False},
            )
            db.event.listen(engine, "connect", _leave_syncing_to_checkpoints)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        self._engines[shard] = engine  # the last used stands last
        for oldest in list(self._engines)[:-KEPT_OPEN]:
            self._engines.pop(oldest).dispose()
        return engine

    def has_secondary_index(self, name: str) -> bool:
        """Whether a migration was done; asked before every query, and never undone."""
        return self._is_known(
            f"migration {name}", lambda: super(EventLog, self).has_secondary_index(name)
        )

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; asked with every check, and never undone."""
        return self._is_known(
            f"table {table_name}", lambda: super(EventLog, self).has_table(table_name)
        )

    def _is_known(self, what: str, look: Callable[[], bool]) -> bool:
        """Whether something is there, looked for until it is."""
        if what not in self._known and look():
            self._known.add(what)
        return what in self._known

    def dispose(self) -> None:
        """Close every file."""
        super().dispose()
        while self._engines:
            self._engines.popitem()[1].dispose()


def _leave_syncing_to_checkpoints(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")
