"""The three uses together: Dagster's UI, the dashboard and SQL, from an empty folder to a new edition."""

import re
from dataclasses import replace
from urllib.parse import quote

import pytest

from bench.browser import open_page
from pipelines.serve import dagster_command, dashboard_command
from pipelines.settings import load_settings
from tests.browser.servers import ask, free_port, served, until
from tests.readers.make_workbook import make_book, save

pytestmark = pytest.mark.browser
RUN_ENDS_WITHIN = 240
# After the end of a run, in milliseconds.
SHOWN_WITHIN = 15_000
LOADED = """{ workspaceOrError { ... on Workspace { locationEntries {
    locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
RUNS = "{ runsOrError { ... on Runs { results { runId status } } } }"


def test_materialize_all_then_a_claim_then_a_new_edition(browser, tmp_path, monkeypatch):
    settings = replace(load_settings(), data=tmp_path / "data")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    environment = {
        "MILEX_HOME": str(settings.home),
        "MILEX_DATA": str(settings.data),
        "PYTHONPATH": str(settings.home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    port, other = free_port(), free_port()
    dagster, dashboard = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{other}"
    with served(dagster_command(settings, port), environment, f"{dagster}/server_info", tmp_path):
        materialize_all(browser, dagster, runs=1)
        assert settings.pointer.is_file()
        with served(
            dashboard_command(settings, other),
            environment,
            f"{dashboard}/_stcore/health",
            tmp_path,
        ):
            a_claim_opens(browser, dashboard)
            editions, sql = open_pages(browser, dashboard)
            settings.raw.mkdir(exist_ok=True)
            save(make_book(list(range(2015, 2031))), settings.raw / "my-copy.xlsx")
            materialize_all(browser, dagster, runs=2)
            the_new_edition_shows(editions, sql)


def materialize_all(browser, dagster: str, runs: int) -> None:
    """Click it, and wait for the end of the run."""
    from playwright.sync_api import expect

    (location,) = ask(dagster, LOADED)["workspaceOrError"]["locationEntries"]
    assert location["locationOrLoadError"]["__typename"] == "RepositoryLocation", location
    page = open_page(browser)
    page.goto(f"{dagster}/asset-groups")
    page.locator("button").filter(has_text="Materialize all").click(timeout=60_000)
    expect(page.get_by_text("Launched run")).to_be_visible(timeout=60_000)
    ended = until(lambda: _ended(dagster, runs), RUN_ENDS_WITHIN, "the end of the run")
    assert ended == ["SUCCESS"] * runs
    page.close()


def a_claim_opens(browser, dashboard: str) -> None:
    """The list of claims, one of them opened, its figure, its SQL, its address."""
    from playwright.sync_api import expect

    page = open_page(browser)
    page.goto(dashboard)
    statement = page.get_by_role("button", name="Military spending in Asia and Oceania rose")
    expect(statement).to_be_visible(timeout=30_000)
    expect(page.get_by_text(re.compile(r"^reproduced$")).first).to_be_visible()
    statement.click()
    expect(page.get_by_test_id("stMetricValue").get_by_text("58.9 %")).to_be_visible()
    expect(page.get_by_test_id("stCode").first).to_contain_text("growth('Asia & Oceania'")
    expect(page).to_have_url(re.compile("claim=asia-growth"))
    page.close()


def open_pages(browser, dashboard: str):
    """The ranking of the newest edition and a query, both open while a new edition comes."""
    from playwright.sync_api import expect

    ranking = open_page(browser)
    ranking.goto(f"{dashboard}/ranking")
    expect(ranking.get_by_role("combobox", name="Edition")).to_have_value("2025")
    sql = open_page(browser)
    sql.goto(f"{dashboard}/sql?q={quote('SELECT max(edition) AS newest FROM editions')}")
    expect(sql.get_by_text("1 row in")).to_be_visible()
    return ranking, sql


def the_new_edition_shows(ranking, sql) -> None:
    """Within the time that a reader would wait, without a reload and without an error."""
    from playwright.sync_api import expect

    new = ranking.get_by_text(re.compile("Snapshot milex-000002"))
    expect(new).to_be_visible(timeout=SHOWN_WITHIN)
    ranking.get_by_role("combobox", name="Edition").click()
    expect(ranking.get_by_role("option", name="2030")).to_be_visible()
    expect(ranking.get_by_test_id("stException")).to_have_count(0)
    sql.reload()
    expect(sql.get_by_text("1 row in")).to_be_visible(timeout=SHOWN_WITHIN)
    with sql.expect_download() as download:
        sql.get_by_role("button", name="Download rows").click()
        sql.get_by_role("button", name="CSV", exact=True).click()
    assert download.value.path().read_text(encoding="utf-8").splitlines()[-1] == "2030"


def _ended(url: str, runs: int) -> list[str] | None:
    """The states of all runs once each has ended."""
    states = [run["status"] for run in ask(url, RUNS)["runsOrError"]["results"]]
    assert len(states) <= runs
    over = all(state in ("SUCCESS", "FAILURE", "CANCELED") for state in states)
    return states if over and len(states) == runs else None
