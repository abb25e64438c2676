"""Fetching as Dagster does it: the job, the schedule, the sensors, all off by default."""

import asyncio
import json
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster._core.definitions import freshness_evaluator
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.instance.methods import event_methods
from dagster._core.loader import LoadingContextForTest

from pipelines.assets import fetching
from pipelines.sources import errand
from tests.conftest import _build
from tests.readers.make_workbook import make_book, save
from tests.sources.conftest import NAME, PATH, Desk
from tests.sources.publisher import Answer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pipelines.definitions import defs

NEXT = "/files/SIPRI-Milex-data-1949-2026.xlsx"
PAGE = "/databases/milex"


@pytest.fixture
def office(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Dagster works in the desk's folder, and knows the local publisher only."""
    monkeypatch.setattr(fetching, "load_settings", lambda: desk.settings)
    monkeypatch.setattr(errand, "load_catalogue", lambda: desk.catalogue)
    monkeypatch.setattr(errand, "PATIENT", desk.limits)
    monkeypatch.setattr(errand, "BRIEF", replace(desk.limits, attempts=1))
    return desk


def page_of(desk: Desk, *paths: str) -> None:
    text = "".join(f'<a href="{path}">data</a>' for path in paths)
    desk.publisher.on(PAGE, text.encode())
    desk.publisher.on("/data.html", b"nothing")


def run_job(config: dict[str, Any] | None = None) -> dg.ExecuteInProcessResult:
    given = {"ops": {"fetch": {"config": config or {}}}}
    return fetching.fetch_sources.execute_in_process(run_config=given, raise_on_error=False)


# --- nothing is downloaded unless asked ----------------------------------------------------------


def test_sensors_and_schedule_are_off_until_switched_on() -> None:
    repository = defs.get_repository_def()
    sensors = {sensor.name: sensor for sensor in repository.sensor_defs}

    assert set(sensors) == {"new_editions", "new_files"}
    for sensor in sensors.values():
        assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    (schedule,) = repository.schedule_defs
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.cron_schedule == "0 6 15 5 *"
    assert sensors["new_editions"].minimum_interval_seconds == 86_400


def test_materializing_every_asset_downloads_nothing() -> None:
    """The publishers' datasets cannot be materialized, and no asset's code fetches."""
    graph = defs.resolve_asset_graph()
    publishers = {key for key in graph.get_all_asset_keys() if key.path[0] == "publishers"}

    assert publishers == set(fetching.PUBLISHERS.values())
    assert not publishers & graph.materializable_asset_keys
    nodes = {node.name for node in defs.resolve_job_def("everything").graph.nodes}
    assert "fetch" not in nodes


def test_the_publishers_datasets_have_freshness_policies() -> None:
    specs = {spec.key: spec for spec in defs.resolve_all_asset_specs()}

    assert {key for key, spec in specs.items() if spec.freshness_policy} == set(
        fetching.PUBLISHERS.values()
    )


@pytest.mark.parametrize(
    ("name", "fetched", "today", "state"),
    [
        ("SIPRI", None, "2026-05-20", FreshnessState.UNKNOWN),
        ("SIPRI", "2026-05-15", "2026-05-20", FreshnessState.PASS),
        ("SIPRI", "2026-05-15", "2027-05-31", FreshnessState.PASS),
        ("SIPRI", "2026-05-15", "2027-06-02", FreshnessState.FAIL),
        ("SIPRI", "2027-06-20", "2027-07-01", FreshnessState.PASS),
        ("ATOP", "2026-05-15", "2027-06-02", FreshnessState.PASS),
        ("COW", "2026-05-15", "2027-07-01", FreshnessState.FAIL),
    ],
)
def test_a_dataset_is_fresh_after_it_was_fetched_and_until_its_publisher_has_more(
    monkeypatch: pytest.MonkeyPatch, name: str, fetched: str | None, today: str, state: object
) -> None:
    key = fetching.PUBLISHERS[name]
    node = defs.resolve_asset_graph().get(key)
    evaluate = freshness_evaluator.FRESHNESS_EVALUATORS_BY_POLICY_TYPE[type(node.freshness_policy)]
    now = datetime.fromisoformat(today).replace(tzinfo=UTC)
    monkeypatch.setattr(freshness_evaluator, "get_current_datetime", lambda _zone: now)
    monkeypatch.setattr(freshness_evaluator, "get_current_timestamp", now.timestamp)
    with dg.DagsterInstance.ephemeral() as instance:
        if fetched:
            at = datetime.fromisoformat(fetched).replace(tzinfo=UTC).timestamp()
            monkeypatch.setattr(event_methods, "get_current_timestamp", lambda: at)
            instance.report_runless_asset_event(dg.AssetMaterialization(key))
        found = asyncio.run(evaluate().evaluate_freshness(LoadingContextForTest(instance), node))
    assert found == state


# --- the job -------------------------------------------------------------------------------------


def test_the_job_fetches_and_reports_the_dataset(office: Desk, workbook: bytes) -> None:
    office.publisher.on(PATH, Answer(workbook, headers={"ETag": '"a"'}))
    office.lists("/files/gone.xlsx", version="2015")
    office.lists(PATH)
    page_of(office, PATH)

    result = run_job({"dataset": "SIPRI"})

    assert result.success
    assert office.workbook.read_bytes() == workbook
    (event,) = [e for e in result.all_events if e.is_step_materialization]
    assert event.asset_key == dg.AssetKey(["publishers", "sipri_milex"])
    materialization = event.step_materialization_data.materialization
    lines = str(materialization.metadata["sources"].value)
    assert f"fetched     {NAME}" in lines
    assert "gone        gone.xlsx" in lines
    (file,) = materialization.metadata["files"].records
    at = file.data.pop("retrieved_at")
    assert datetime.now(UTC) - datetime.fromisoformat(str(at)) < timedelta(minutes=5)
    assert file.data == {
        "file": NAME,
        "bytes": len(workbook),
        "sha256": sha256(workbook).hexdigest(),
        "url": office.publisher.url + PATH,
        "etag": '"a"',
    }


def test_what_was_not_to_be_had_leaves_the_dataset_as_old_as_it_was(office: Desk) -> None:
    office.lists("/files/gone.xlsx", version="2015")
    page_of(office, PATH)
    office.publisher.on(PATH, Answer(b"", 404))

    for config in ({"dataset": "SIPRI"}, {"dataset": "SIPRI", "version": "2015"}):
        result = run_job(config)
        assert not result.success
        assert not [event for event in result.all_events if event.is_step_materialization]


def test_the_job_fails_at_the_end_and_keeps_what_it_had(office: Desk, workbook: bytes) -> None:
    office.publisher.on(PATH, workbook)
    office.lists("/files/page.xlsx", version="2015")
    office.publisher.on("/files/page.xlsx", b"<html>Access denied</html>")
    office.lists(PATH)
    page_of(office, PATH)

    result = run_job()

    assert not result.success
    assert office.workbook.exists()
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "page.xlsx" in failure.step_failure_data.user_failure_data.description
    assert not [e for e in result.all_events if e.is_step_materialization]


def test_a_dataset_that_does_not_exist_is_one_message(office: Desk) -> None:
    (failure,) = [e for e in run_job({"dataset": "FAO"}).all_events if e.is_step_failure]

    assert "no dataset 'FAO'" in failure.step_failure_data.user_failure_data.description


# --- new editions --------------------------------------------------------------------------------


@pytest.fixture
def ask() -> Iterator[Callable[[], dg.SensorResult | dg.SkipReason]]:
    with dg.DagsterInstance.ephemeral() as instance:

        def asked() -> dg.SensorResult | dg.SkipReason:
            answer = fetching.new_editions(dg.build_sensor_context(instance=instance))
            assert isinstance(answer, dg.SensorResult | dg.SkipReason)
            return answer

        yield asked


def requests(answer: dg.SensorResult | dg.SkipReason) -> list[dg.RunRequest]:
    assert isinstance(answer, dg.SensorResult), answer
    return list(answer.run_requests or [])


def test_a_new_edition_on_the_page_is_requested(
    office: Desk, ask: Callable[[], Any], workbook: bytes
) -> None:
    office.publisher.on(NEXT, Answer(workbook, headers={"ETag": '"a"'}))
    page_of(office, PATH, NEXT)

    (request,) = requests(ask())

    assert request.run_key.startswith('SIPRI-Milex-data-1949-2026.xlsx "a" ')
    assert request.run_config == {
        "ops": {"fetch": {"config": {"dataset": "SIPRI", "version": "2026"}}}
    }
    dg.validate_run_config(fetching.fetch_sources, request.run_config)
    assert not list(office.settings.raw.rglob("*.xlsx")), "asking is not downloading"


def test_once_it_is_fetched_it_is_not_requested_again(
    office: Desk, ask: Callable[[], Any], workbook: bytes, another_workbook: bytes
) -> None:
    office.publisher.on(NEXT, Answer(workbook, headers={"ETag": '"a"'}))
    page_of(office, NEXT)
    (request,) = requests(ask())
    assert run_job(request.run_config["ops"]["fetch"]["config"]).success

    skipped = ask()
    assert isinstance(skipped, dg.SkipReason)
    assert "SIPRI-Milex-data-1949-2026.xlsx is here." in str(skipped.skip_message)

    office.publisher.on(NEXT, Answer(another_workbook, headers={"ETag": '"b"'}))
    (changed,) = requests(ask())
    assert '"b"' in changed.run_key
    assert changed.run_key != request.run_key


def test_ones_own_copy_of_the_newest_file_is_not_requested(
    office: Desk, ask: Callable[[], Any], workbook: bytes
) -> None:
    office.publisher.on(PATH, Answer(workbook, headers={"ETag": '"a"'}))
    page_of(office, PATH)
    office.workbook.parent.mkdir()
    office.workbook.write_bytes(workbook)

    assert isinstance(ask(), dg.SkipReason)


def test_the_publishers_own_file_is_not_requested_whatever_its_etag(
    office: Desk, ask: Callable[[], Any], workbook: bytes
) -> None:
    office.publisher.on(PATH, Answer(workbook, headers={"ETag": '"a"'}))
    office.lists(PATH, sha256=sha256(workbook).hexdigest(), pin=True)
    page_of(office, PATH)
    assert run_job({"dataset": "SIPRI"}).success
    office.publisher.on(PATH, Answer(workbook, headers={"ETag": '"b"'}))

    assert isinstance(ask(), dg.SkipReason)


def test_a_page_without_links_is_skipped_with_what_was_looked_for(
    office: Desk, ask: Callable[[], Any]
) -> None:
    office.publisher.on(PAGE, b"<html>moved</html>")
    office.publisher.on("/data.html", Answer(status=503))

    skipped = ask()

    assert isinstance(skipped, dg.SkipReason)
    assert "no link of the form SIPRI-Milex-data-" in str(skipped.skip_message)
    assert "503" in str(skipped.skip_message)


@pytest.mark.parametrize(
    "fault",
    [
        Answer(silent=True),
        Answer(b"<a href='atop_5.2__.csv_.zip'>", cut_after=5),
        Answer(status=404),
        Answer(status=429),
        Answer(status=302, headers={"Location": "/data.html"}),
        Answer(bytes(range(256)) * 40, headers={"Content-Type": "application/pdf"}),
    ],
    ids=["slow", "cut off", "404", "429", "circle", "wrong type"],
)
def test_one_page_that_is_out_of_order_does_not_hide_the_other(
    office: Desk, ask: Callable[[], Any], workbook: bytes, fault: Answer
) -> None:
    office.publisher.on(NEXT, workbook)
    page_of(office, NEXT)
    office.publisher.on("/data.html", fault)

    (request,) = requests(ask())
    assert request.tags["milex/new"] == NEXT.rsplit("/", 1)[-1]


def test_a_file_that_the_page_names_and_that_is_not_there_is_no_news(
    office: Desk, ask: Callable[[], Any]
) -> None:
    page_of(office, NEXT)

    skipped = ask()
    assert isinstance(skipped, dg.SkipReason)
    assert f"{NEXT} is not there (404)" in str(skipped.skip_message)


def test_the_schedule_fetches_everything() -> None:
    tick = datetime(2026, 5, 15, 6, tzinfo=UTC)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=tick)
        (request,) = fetching.every_may.evaluate_tick(context).run_requests or []
    assert dg.validate_run_config(fetching.fetch_sources, request.run_config)


# --- new files -----------------------------------------------------------------------------------


class Watch:
    """The sensor of new files, looking again and again."""

    def __init__(self) -> None:
        self.cursor: str | None = None

    def builds(self) -> int:
        """How many builds the next look requests."""
        context = dg.build_sensor_context(cursor=self.cursor)
        answer = fetching.new_files(context)
        assert isinstance(answer, dg.SensorResult)
        self.cursor = answer.cursor or self.cursor
        return len(answer.run_requests or [])


def test_a_new_file_is_built_once_after_it_has_come_to_rest(office: Desk, workbook: bytes) -> None:
    watch = Watch()
    assert [watch.builds() for _ in range(3)] == [0, 1, 0]

    office.workbook.parent.mkdir()
    office.workbook.write_bytes(workbook[:100])
    assert watch.builds() == 0
    office.workbook.write_bytes(workbook)
    assert [watch.builds() for _ in range(3)] == [0, 1, 0]

    os.utime(office.workbook, (1, 1))
    assert [watch.builds() for _ in range(3)] == [0, 1, 0]
    office.workbook.unlink()
    assert [watch.builds() for _ in range(3)] == [0, 1, 0]


def test_what_no_reader_looks_at_is_no_new_file(office: Desk) -> None:
    watch = Watch()
    assert [watch.builds() for _ in range(2)] == [0, 1]
    folder = office.workbook.parent
    folder.mkdir()
    for name in (".half.xlsx.123.tmp", "notes.txt", "~$open.xlsx", "a.xlsx.fetched.json"):
        (folder / name).write_bytes(b"")

    assert [watch.builds() for _ in range(2)] == [0, 0]


def test_the_cursor_survives_as_text(office: Desk) -> None:
    watch = Watch()
    watch.builds()
    assert json.loads(watch.cursor or "")


# --- an edition that nobody has seen -------------------------------------------------------------


def test_the_next_edition_is_fetched_read_checked_and_published(
    office: Desk, tmp_path: Path
) -> None:
    """And one whose layout fails blocks only itself."""
    good, bad = make_book([*range(2015, 2027)]), make_book([*range(2015, 2028)])
    bad.remove(bad["Share of GDP"])
    new = {"2026": good, "2027": bad}
    paths = {year: f"/files/SIPRI-Milex-data-1949-{year}.xlsx" for year in new}
    for year, book in new.items():
        workbook = save(book, tmp_path / f"{year}.xlsx").read_bytes()
        office.publisher.on(paths[year], workbook)
    page_of(office, *paths.values())
    for year in new:
        assert run_job({"dataset": "SIPRI", "version": year}).success

    built = _build(office.settings.data, mirror=None)
    assert "error" not in built, built["error"]

    with duckdb.connect(str(built["snapshot"]), read_only=True) as snapshot:
        assert snapshot.sql("SELECT max(edition) FROM editions").fetchall() == [(2026,)]
        assert snapshot.sql(
            "SELECT version, origin, url, catalogued, error FROM sources WHERE file_name LIKE '%2026.xlsx'"
        ).fetchall() == [("2026", "publisher", office.publisher.url + paths["2026"], False, None)]
        ((rejected,),) = snapshot.sql(
            "SELECT error FROM sources WHERE file_name LIKE '%2027.xlsx'"
        ).fetchall()
        revised = snapshot.sql(
            "SELECT DISTINCT from_edition FROM revisions WHERE to_edition = 2026"
        )
        assert (2025,) in revised.fetchall()
        checked = snapshot.sql("SELECT count(*) FROM checks").fetchall()
    assert "Share of GDP" in rejected
    assert checked > [(10,)]
    assert any("every_file_is_read" in check for check in built["failed_checks"])
