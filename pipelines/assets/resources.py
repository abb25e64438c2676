"""What assets are given: the settings and the warehouse, closed whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import duckdb
from pydantic import PrivateAttr

from pipelines.settings import Settings, load_settings
from pipelines.warehouse import open_warehouse


class Warehouse(dg.ConfigurableResource["Warehouse"]):
    """The pipeline's DuckDB file, opened once a run and shared by its steps, one at a time.

    (The library's own DuckDB resource leaves the file locked when an asset raises.)
    """

    _connection: duckdb.DuckDBPyConnection | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Warehouse"]:
        """Open for the run; close in any case."""
        with open_warehouse(self.settings.warehouse) as connection:
            self._connection = connection
            try:
                yield self
            finally:
                self._connection = None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The run's connection."""
        assert self._connection is not None, "a warehouse is open during a run only"
        return self._connection

    @property
    def settings(self) -> Settings:
        """Where things are, read anew so that one server serves whatever is there now."""
        return load_settings()
