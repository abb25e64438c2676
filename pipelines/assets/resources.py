"""What assets are given: the settings and the warehouse; connections are closed whatever happens."""

from contextlib import AbstractContextManager

import dagster as dg
import duckdb

from pipelines.settings import Settings, load_settings
from pipelines.warehouse import open_warehouse


class Warehouse(dg.ConfigurableResource[duckdb.DuckDBPyConnection]):
    """The pipeline's DuckDB file, opened for one asset at a time."""

    def connect(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection for one `with` block."""
        return open_warehouse(self.settings.warehouse)

    @property
    def settings(self) -> Settings:
        """Where things are, read anew so that one server serves whatever is there now."""
        return load_settings()
