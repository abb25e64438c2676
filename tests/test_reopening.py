"""An internal error of DuckDB costs a second try and not the run."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from pipelines.assets import models as assets
from pipelines.assets.resources import Warehouse
from pipelines.assets.tables import tables_asset
from pipelines.models import Model, create, read_model

SQL = """-- One row.
--
-- key: a
-- columns:
--   a INTEGER: one

SELECT 1 AS a
"""


@pytest.fixture
def model(tmp_path: Path) -> Model:
    path = tmp_path / "main" / "thing.sql"
    path.parent.mkdir()
    path.write_text(SQL, encoding="utf-8")
    return read_model(path)


@pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated")  # Dagster's
@pytest.mark.parametrize(("errors", "succeeds"), [(1, True), (2, False)])
def test_a_model_is_tried_once_more_on_a_new_connection(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, errors: int, succeeds: bool
) -> None:
    monkeypatch.setenv("MILEX_DATA", str(tmp_path / "data"))
    seen: list[duckdb.DuckDBPyConnection] = []

    def failing(connection: duckdb.DuckDBPyConnection, made: Model) -> None:
        seen.append(connection)
        if len(seen) <= errors:
            raise duckdb.InternalException("INTERNAL Error: something changed identity")
        create(connection, made)

    monkeypatch.setattr(assets, "create", failing)
    asset = tables_asset([assets.model_part(model, {model.table: model}, set(), [])])
    result = dg.materialize([asset], resources={"warehouse": Warehouse()}, raise_on_error=False)
    assert result.success is succeeds
    assert len(seen) == 2
    assert seen[0] is not seen[1]
