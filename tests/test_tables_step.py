"""The step that makes all tables: what a user selects is made, and what goes wrong is named."""

import threading
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.assets.common import Part, keep_or_make, key_of, result
from pipelines.assets.models import model_part
from pipelines.assets.resources import Warehouse
from pipelines.assets.tables import tables_asset
from pipelines.checks import load_checks
from pipelines.fingerprint import COMPLETE, of_code
from pipelines.models import load_models
from pipelines.settings import load_settings
from pipelines.warehouse import note, open_warehouse, recorded

pytestmark = pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated")
HEADER = "-- One row.\n--\n-- key: a\n-- columns:\n--   a INTEGER: it\n\n"
FILES = {
    "sql/main/first.sql": HEADER + "SELECT 1 AS a",
    "sql/main/second.sql": HEADER + "SELECT a + 1 AS a FROM main.first",
    "sql/main/third.sql": HEADER + "SELECT y::INTEGER AS a FROM twice(1)",
    "sql/main/fourth.sql": HEADER + "SELECT a FROM main.second",
    "sql/metrics/twice.sql": "-- Twice.\n--\n-- returns: one row\n\n"
    "CREATE OR REPLACE MACRO twice(x) AS TABLE SELECT 2 * x + a AS y FROM main.first;",
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
    return loaded(tmp_path)


def loaded(home: Path) -> dg.AssetsDefinition:
    """The step as a server loads it."""
    models = load_models(home / "sql")
    checks = load_checks(home / "sql" / "checks")
    parts = [model_part(m, models, set(), checks) for m in models.values()]
    return tables_asset([*parts, PAIR], of_code(load_settings()))


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
    assert made(ended) == {"first", "second", "third", "fourth", "twice", "left", "right"}
    assert checked(ended) == ["few", *["key_is_unique"] * 4]
    with open_warehouse(load_settings().warehouse) as warehouse:
        assert warehouse.execute("FROM main.third").fetchall() == [(3,)]


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


def test_a_check_alone_makes_nothing(step: dg.AssetsDefinition, tmp_path: Path) -> None:
    assert run(step).success
    (tmp_path / "sql/main/second.sql").write_text(HEADER + "SELECT 99 AS a")
    alone = run(
        loaded(tmp_path),
        dg.AssetSelection.checks(dg.AssetCheckKey(key_of("main.second"), "few")),
    )
    assert [check.passed for check in alone.get_asset_check_evaluations()] == [True]
    with open_warehouse(load_settings().warehouse) as warehouse:
        assert warehouse.execute("FROM main.second").fetchall() == [(2,)]


def test_what_is_read_through_a_metric_is_an_input_too(
    step: dg.AssetsDefinition, tmp_path: Path
) -> None:
    assert run(step).success
    (tmp_path / "sql/main/first.sql").write_text(HEADER + "SELECT 5 AS a")
    # Without the metric between them, too, the one waits for the other.
    assert run(loaded(tmp_path), [key_of("main.third"), key_of("main.first")]).success
    with open_warehouse(load_settings().warehouse) as warehouse:
        assert warehouse.execute("FROM main.third").fetchall() == [(7,)]


def test_what_is_made_along_with_what_is_selected_is_told(
    step: dg.AssetsDefinition,
) -> None:
    assert made(run(step, [key_of("main.right")])) == {"left", "right"}
    assert made(run(step, [key_of("main.right")])) == {"right"}


def test_all_are_of_one_fingerprint_only_after_a_run_of_all(
    step: dg.AssetsDefinition, tmp_path: Path
) -> None:
    def complete() -> str | None:
        with open_warehouse(load_settings().warehouse) as warehouse:
            return note(warehouse, COMPLETE)

    assert run(step).success
    first = complete()
    assert first
    run(step, dg.AssetSelection.checks(dg.AssetCheckKey(key_of("main.second"), "few")))
    assert complete() == first
    assert run(step, [key_of("main.second")]).success
    assert complete() is None
    assert run(step).success
    assert complete() == first
    (tmp_path / "sql/main/first.sql").write_text(HEADER + "SELECT 5 AS a")
    assert run(step).success  # a server that has not loaded the change
    assert complete() == first
    assert run(loaded(tmp_path)).success
    assert complete() not in (None, first)


def test_the_files_stay_open_until_every_thread_is_done(
    step: dg.AssetsDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the run fails in the midst of the step, while the other thread still makes a table."""
    begun, ended = threading.Event(), threading.Event()

    def slow(connection: Any, settings: Any) -> Any:
        begun.set()
        time.sleep(0.5)
        connection.execute("CREATE TABLE main.slow AS SELECT 1 AS a")
        ended.set()
        yield from _pair(connection, settings)

    failing = Part("quick", [dg.AssetSpec("quick")], lambda c, s: iter([_broken(begun)]))
    slow_one = Part("slow", PAIR.specs, slow)
    assert not run(tables_asset([failing, slow_one])).success
    assert ended.is_set()
    with open_warehouse(load_settings().warehouse) as warehouse:
        assert warehouse.execute("FROM main.slow").fetchall() == [(1,)]


def _broken(begun: threading.Event) -> dg.MaterializeResult[Any]:
    """What Dagster cannot take: it raises where the step yields it."""
    assert begun.wait(30)
    return dg.MaterializeResult(asset_key="quick", metadata={"x": object()})  # type: ignore[dict-item]


def test_an_error_names_the_table_and_leaves_what_rests_on_it(
    step: dg.AssetsDefinition, tmp_path: Path
) -> None:
    (tmp_path / "sql/main/second.sql").write_text(HEADER + "SELECT b AS a FROM main.first")
    models = load_models(tmp_path / "sql")
    failing = tables_asset([model_part(m, models, set(), []) for m in models.values()])
    ended = run(failing)
    assert not ended.success
    assert "first" in made(ended)
    assert not made(ended) & {"second", "fourth"}
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
    for table, reads in {"main/second": "first", "metrics/twice": "first"}.items():
        own = tags[reads]["dagster/data_version"]
        assert tags[table.split("/")[1]][f"dagster/input_data_version/main/{reads}"] == own
