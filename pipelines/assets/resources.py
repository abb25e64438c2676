"""What assets are given: the settings and the warehouse, closed whatever happens."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg
import duckdb
from pydantic import PrivateAttr

from pipelines import reading_ahead
from pipelines.settings import Settings, load_settings
from pipelines.warehouse import open_warehouse


class Warehouse(dg.ConfigurableResource["Warehouse"]):
    """The pipeline's DuckDB file, opened once a run and shared by its steps, one at a time.

    (The library's own DuckDB resource leaves the file locked when an asset raises.)
    """

    _connection: duckdb.DuckDBPyConnection | None = PrivateAttr(default=None)
    _open: ExitStack = PrivateAttr(default_factory=ExitStack)

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

    def reopen(self) -> duckdb.DuckDBPyConnection:
        """Close the file and open it anew: after an internal error DuckDB answers nothing else."""
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
