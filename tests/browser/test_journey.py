"""From an empty folder to a claim on the screen: Dagster's UI first, then the dashboard."""

import re
from dataclasses import replace

import pytest

from pipelines.serve import dagster_command, dashboard_command
from pipelines.settings import load_settings
from tests.browser.servers import ask, free_port, served, until

pytestmark = pytest.mark.browser
RUN_ENDS_WITHIN = 240
LOADED = """{ workspaceOrError { ... on Workspace { locationEntries {
    locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
RUNS = "{ runsOrError { ... on Runs { results { runId status } } } }"


def test_materialize_all_and_then_open_a_claim(browser, tmp_path, monkeypatch):
    from playwright.sync_api import expect

    settings = replace(load_settings(), data=tmp_path / "data")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    environment = {
        "MILEX_HOME": str(settings.home),
        "MILEX_DATA": str(settings.data),
        "PYTHONPATH": str(settings.home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    port = free_port()
    dagster = f"http://127.0.0.1:{port}"
    with served(dagster_command(settings, port), environment, f"{dagster}/server_info", tmp_path):
        (location,) = ask(dagster, LOADED)["workspaceOrError"]["locationEntries"]
        assert location["locationOrLoadError"]["__typename"] == "RepositoryLocation", location
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{dagster}/asset-groups")
        page.locator("button").filter(has_text="Materialize all").click(timeout=60_000)
        expect(page.get_by_text("Launched run")).to_be_visible(timeout=60_000)
        status = until(lambda: _ended(dagster), RUN_ENDS_WITHIN, "the end of the run")
        assert status == "SUCCESS"
        page.close()
    assert settings.pointer.is_file()

    port = free_port()
    dashboard = f"http://127.0.0.1:{port}"
    with served(
        dashboard_command(settings, port), environment, f"{dashboard}/_stcore/health", tmp_path
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(dashboard)
        statement = page.get_by_role("button", name="Military spending in Asia and Oceania rose")
        expect(statement).to_be_visible(timeout=30_000)
        expect(page.get_by_text(re.compile(r"^reproduced$")).first).to_be_visible()
        statement.click()
        expect(page.get_by_test_id("stMetricValue").get_by_text("58.9 %")).to_be_visible()
        expect(page.get_by_test_id("stCode").first).to_contain_text("growth('Asia & Oceania'")
        expect(page).to_have_url(re.compile("claim=asia-growth"))
        page.close()


def _ended(url: str) -> str | None:
    """The status of the only run once it has ended."""
    runs = ask(url, RUNS)["runsOrError"]["results"]
    assert len(runs) <= 1
    ended = [run["status"] for run in runs if run["status"] in ("SUCCESS", "FAILURE", "CANCELED")]
    return ended[0] if ended else None
