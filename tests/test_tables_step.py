"""The step that makes all tables: what a user selects is made, and what goes wrong is named."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.assets.common import Part, keep_or_make, key_of, result
from pipelines.assets.models import model_part
from pipelines.assets.resources import Warehouse
from pipelines.assets.tables import tables_asset
from pipelines.checks import load_checks
from pipelines.models import load_models
from pipelines.settings import load_settings
from pipelines.warehouse import open_warehouse, recorded

pytestmark = pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated")
HEADER = "-- One row.\n--\n-- key: a\n-- columns:\n--   a INTEGER: it\n\n"
FILES = {
    "sql/main/first.sql": HEADER + "SELECT 1 AS a",
    "sql/main/second.sql": HEADER + "SELECT a + 1 AS a FROM main.first",
    "sql/main/third.sql": HEADER + "SELECT y AS a FROM twice(1) UNION ALL FROM main.second",
    "sql/metrics/twice.sql": "-- Twice.\n--\n-- returns: one row\n\n"
    "CREATE OR REPLACE MACRO twice(x) AS TABLE SELECT 2 * x + 1 AS y;",
    "sql/checks/few.sql": "-- There are few.\n--\n-- asset: main.second\n-- severity: error\n\n"
    "SELECT 1 AS edition, 'A' AS subject, 1 AS year, 'no' AS detail FROM main.second WHERE a > 9",
    "sql/checks/known_exceptions.yaml": "[]",
}


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.AssetsDefinition:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("MILEX_HOME", str(tmp_path))
    monkeypatch.setenv("MILEX_DATA", str(tmp_path / "data"))
    models = load_models(tmp_path / "sql")
    checks = load_checks(tmp_path / "sql" / "checks")
    return tables_asset([*(model_part(m, models, set(), checks) for m in models.values()), PAIR])


def _pair(connection: Any, _settings: Any) -> Any:
    made = keep_or_make(
        connection,
        ["main.left", "main.right"],
        "code",
        {},
        lambda: connection.execute(
            "CREATE OR REPLACE TABLE main.left AS SELECT 1 AS a;"
            "CREATE OR REPLACE TABLE main.right AS SELECT 2 AS a"
        ),
    )
    for table in ("main.left", "main.right"):
        yield result(connection, table, made)


PAIR = Part(
    "main.left", [dg.AssetSpec(key_of("main.left")), dg.AssetSpec(key_of("main.right"))], _pair
)


def run(step: dg.AssetsDefinition, selection: Any = None) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [step],
            resources={"warehouse": Warehouse()},
            instance=instance,
            selection=selection,
            raise_on_error=False,
        )


def made(of: dg.ExecuteInProcessResult) -> set[str]:
    keys = (event.asset_key for event in of.get_asset_materialization_events())
    return {key.path[-1] for key in keys if key}


def checked(of: dg.ExecuteInProcessResult) -> list[str]:
    return sorted(check.check_name for check in of.get_asset_check_evaluations())


def test_all_is_made_with_its_checks(step: dg.AssetsDefinition) -> None:
    ended = run(step)
    assert ended.success
    assert made(ended) == {"first", "second", "third", "twice", "left", "right"}
    assert checked(ended) == ["few", *["key_is_unique"] * 3]
    with open_warehouse(load_settings().warehouse) as warehouse:
        assert warehouse.execute("FROM main.third").fetchall() == [(2,), (3,)]


def test_what_is_selected_is_made_and_no_other(step: dg.AssetsDefinition) -> None:
    assert run(step).success
    one = run(step, [key_of("main.second")])
    assert one.success
    assert made(one) == {"second"}
    assert checked(one) == ["few", "key_is_unique"]
    half = run(step, [key_of("main.right")])
    assert half.success
    assert made(half) == {"right"}


def test_a_check_can_be_run_alone(step: dg.AssetsDefinition) -> None:
    assert run(step).success
    alone = run(
        step,
        dg.AssetSelection.checks(dg.AssetCheckKey(key_of("main.second"), "few")),
    )
    assert alone.success
    assert made(alone) == set()
    assert checked(alone) == ["few"]


def test_an_error_names_the_table_and_leaves_what_rests_on_it(
    step: dg.AssetsDefinition, tmp_path: Path
) -> None:
    (tmp_path / "sql/main/second.sql").write_text(HEADER + "SELECT b AS a FROM main.first")
    models = load_models(tmp_path / "sql")
    failing = tables_asset([model_part(m, models, set(), []) for m in models.values()])
    ended = run(failing)
    assert not ended.success
    assert made(ended) == {"first", "twice"}
    (failure,) = ended.filter_events(lambda event: event.is_step_failure)
    told = str(failure.step_failure_data.error)
    assert "main.second failed: Binder Error" in told
    with open_warehouse(load_settings().warehouse) as warehouse:
        assert recorded(warehouse, "main.first") is not None
        assert recorded(warehouse, "main.second") is None


def test_nothing_is_stale_after_a_run(step: dg.AssetsDefinition) -> None:
    """Each table's provenance names the versions that were made in the very same step."""
    with dg.DagsterInstance.ephemeral() as instance:
        ended = dg.materialize([step], resources={"warehouse": Warehouse()}, instance=instance)
        tags = {
            key.path[-1]: materialization.tags
            for event in ended.get_asset_materialization_events()
            if (key := event.asset_key)
            and (materialization := event.step_materialization_data.materialization).tags
        }
    for table, reads in {"second": "first", "third": "second"}.items():
        own = tags[reads]["dagster/data_version"]
        assert tags[table][f"dagster/input_data_version/main/{reads}"] == own
