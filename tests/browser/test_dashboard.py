"""The dashboard in a real Chromium: links, the way back, narrow screens, downloads, nothing fetched."""

import csv
from pathlib import Path

import pytest

from bench.browser import NARROW, open_page, wait_until_drawn
from bench.dashboard import PAGES

pytestmark = pytest.mark.browser

# Every page, and a claim and a question opened.
PATHS = [
    *(f"/{name}" for name in PAGES),
    "/?claim=asia-growth",
    "/?claim=alliance-count",
    "/check?metric=Growth&place=Asia+%26+Oceania&edition=2017&years=2008&years=2017&stated=59",
]


def test_a_claim_leads_to_its_curve_sql_and_rows_and_back(page, dashboard):
    from playwright.sync_api import expect

    page.goto(dashboard)
    page.get_by_role("button", name="The average lifespan of these alliances").click()
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    expect(page.get_by_test_id("stCode").first).to_contain_text("FROM alliance_lifespan(")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    address = page.url
    assert "claim=alliance-lifespan" in address
    page.get_by_role("button", name="All claims").click()
    expect(page.get_by_role("heading", name="Do the figures hold?")).to_be_visible()
    page.goto(address)
    expect(page.get_by_role("heading", name="The average lifespan")).to_be_visible()


@pytest.mark.parametrize("path", PATHS)
def test_a_phone_shows_everything_without_scrolling_sideways(browser, dashboard, path):
    page = open_page(browser, NARROW, color_scheme="light")
    try:
        page.goto(dashboard + path)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            wait_until_drawn(page)
            wide = page.evaluate(
                "() => [document.documentElement, document.querySelector('[data-testid=stMain]')]"
                ".map(e => e.scrollWidth - e.clientWidth)"
            )
            assert wide == [0, 0], scheme
        assert "Traceback" not in page.content()
    finally:
        page.close()


def test_a_download_holds_rows_units_edition_and_citation(page, dashboard, tmp_path):
    page.goto(f"{dashboard}/?claim=china-share")
    page.get_by_role("button", name="Download rows").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    file = tmp_path / "rows.csv"
    download.value.save_as(file)
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    notes = [line for line in lines if line.startswith("#")]
    assert any("SIPRI 2017" in note and "Stockholm" in note for note in notes)
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert rows[0]["country"] == "China"
    assert float(rows[0]["value 2017 [US$ millions, current prices]"]) > 200_000


def test_an_impossible_address_shows_the_list(page, dashboard):
    from playwright.sync_api import expect

    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(f"{dashboard}/?claim=<script>alert(1)</script>")
    expect(page.get_by_role("heading", name="Do the figures hold?")).to_be_visible()
    wait_until_drawn(page)
    assert dialogs == []


def test_nothing_is_fetched_from_elsewhere(page, dashboard):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{dashboard}/?claim=asia-growth")
    wait_until_drawn(page)
    assert [url for url in asked if not url.startswith((dashboard, "data:", "blob:"))] == []


def test_charts_say_their_takeaway_to_those_who_do_not_see_them(page, dashboard):
    from playwright.sync_api import expect

    page.goto(f"{dashboard}/?claim=asia-growth")
    expect(page.get_by_label("up 58.9 %", exact=False).first).to_be_attached()
