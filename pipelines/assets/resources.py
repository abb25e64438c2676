"""What assets are given: the settings and the warehouse, closed whatever happens."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg
import duckdb
from pydantic import PrivateAttr

from pipelines import reading_ahead
from pipelines.settings import Settings, load_settings
from pipelines.warehouse import cursor, open_warehouse


class Warehouse(dg.ConfigurableResource["Warehouse"]):
    """The pipeline's DuckDB files, opened once a run and shared by its steps and their threads.

    (The library's own DuckDB resource leaves the file locked when an asset raises.)
    """

    _connection: duckdb.DuckDBPyConnection | None = PrivateAttr(default=None)
    _open: ExitStack = PrivateAttr(default_factory=ExitStack)
    # How many threads work on it, told under the condition.
    _at_work: int = PrivateAttr(default=0)
    _changed: threading.Condition = PrivateAttr(default_factory=threading.Condition)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Warehouse"]:
        """Open for the run; close in any case."""
        reading_ahead.finish()
        with self._open:
            self._connection = self._open.enter_context(open_warehouse(self.settings.warehouse))
            try:
                yield self
            finally:
                self._connection = None
                # A run that fails in the midst of a step leaves a thread that still makes a table.
                with self._changed:
                    self._changed.wait_for(lambda: self._at_work == 0)

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of a thread's own; the files are not closed while there is one."""
        with self._changed:
            self._at_work += 1
        try:
            with cursor(self.connection) as own:
                yield own
        finally:
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def reopen(self) -> duckdb.DuckDBPyConnection:
        """Close the files and open them anew: after an internal error DuckDB answers nothing else."""
        self._connection = None
        self._open.close()
        self._connection = self._open.enter_context(open_warehouse(self.settings.warehouse))
        return self._connection

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The run's connection."""
        assert self._connection is not None, "a warehouse is open during a run only"
        return self._connection

    @property
    def settings(self) -> Settings:
        """Where things are, read anew so that one server serves whatever is there now."""
        return load_settings()
