"""A browser and the dashboard's server for the journeys."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.browser import launch, open_page
from pipelines.serve import dashboard_command
from tests.browser.servers import free_port, served


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator:
    """A Chromium that is opened once a module.

    Playwright keeps an event loop running, in which other modules could not start their own.
    """
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # a deadline for busy machines, not a time that is waited
    with sync_playwright() as playwright:
        opened = launch(playwright, chromium)
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    """A wide page of the browser, closed afterwards."""
    opened = open_page(browser)
    opened.set_default_timeout(30_000)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def dashboard(full_data, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the dashboard on the full snapshot."""
    settings = full_data.settings
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with served(
        dashboard_command(settings, port),
        {"MILEX_DATA": str(settings.data), "PYTHONPATH": str(settings.home)},
        f"{url}/_stcore/health",
        tmp_path_factory.mktemp("dashboard"),
    ):
        yield url
