"""Journeys over several pages in a real Chromium: a claim to its SQL and rows; a question asked,
sent as a link, saved as a file."""

import csv
import re
from pathlib import Path

import pytest

from bench.browser import reruns, wait_until_drawn
from pipelines.claims.show import check_file

pytestmark = pytest.mark.browser

QUESTION = (
    "/check?metric=Growth&place=Asia+%26+Oceania&edition=2017&years=2008&years=2017&stated=59"
)


def saved(page, button: str, folder: Path) -> Path:
    """The file that a button gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_claim_leads_to_its_sql_and_the_sql_to_the_figure(page, dashboard):
    from playwright.sync_api import expect

    page.goto(f"{dashboard}/?claim=asia-growth")
    sql = page.get_by_test_id("stCode").first
    expect(sql).to_contain_text("growth('Asia & Oceania', 2008, 2017, edition := 2017")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    page.get_by_role("link", name="Run this SQL").click()
    expect(page.get_by_role("heading", name="SQL", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile("^1 row in"))).to_be_visible()
    assert "/sql?q=SELECT" in page.url


def test_a_claim_becomes_a_question_with_the_same_figure(page, dashboard):
    from playwright.sync_api import expect

    page.goto(f"{dashboard}/?claim=china-share")
    page.get_by_role("link", name="Ask this with another").click()
    expect(page.get_by_role("heading", name="47.8 % in 2017")).to_be_visible()
    expect(page.get_by_text("The statement, 48 %, is reproduced.").first).to_be_visible()


def test_a_question_is_asked_sent_and_reopened(page, dashboard):
    from playwright.sync_api import expect

    page.goto(f"{dashboard}/check")
    expect(page.get_by_role("heading", name="Does a figure hold?")).to_be_visible()
    page.get_by_role("combobox", name="Figure").click()
    page.get_by_role("option", name="Rank in the world").click()
    expect(page.get_by_role("heading", name="China ranked 2nd")).to_be_visible()
    page.get_by_role("textbox", name="Stated figure").fill("3")
    page.get_by_role("textbox", name="Stated figure").press("Enter")
    verdict = page.get_by_text("The statement, 3rd, is not reproduced.").first
    expect(verdict).to_be_visible()
    wait_until_drawn(page)
    found = page.get_by_role("heading", name="China ranked").inner_text()
    address, link = page.url, page.get_by_test_id("stCode").last.inner_text().strip()
    assert "stated=3" in address
    for sent in (address, link.replace("\n", "")):
        page.goto(sent)
        expect(verdict).to_be_visible()
        expect(page.get_by_role("heading", name=found, exact=True)).to_be_visible()


def test_the_address_stays_true_when_one_choice_changes_what_another_can_be(page, dashboard):
    from playwright.sync_api import expect

    page.goto(f"{dashboard}/check?metric=Rank+in+the+world&country=Japan&year=2016")
    heading = page.get_by_role("heading", name="Japan ranked")
    expect(heading).to_contain_text("in 2016 (current prices, SIPRI edition 2025)")
    page.get_by_role("combobox", name="Edition").click()
    page.get_by_role("option", name="2019").click()
    expect(heading).to_contain_text("in 2016 (current prices, SIPRI edition 2019)")
    wait_until_drawn(page)
    page.goto(page.url)
    expect(heading).to_contain_text("in 2016 (current prices, SIPRI edition 2019)")


def test_a_question_is_downloaded_as_rows_and_as_a_claim_file(page, dashboard, full_data, tmp_path):
    page.goto(dashboard + QUESTION)
    wait_until_drawn(page)
    path = saved(page, "Save as claim file", tmp_path)
    told = "\n".join(check_file(full_data.settings, path, 0))
    assert ": reproduced" in told
    assert "58.9 %" in told
    page.get_by_role("button", name="Download rows").click()
    lines = saved(page, "CSV", tmp_path).read_text(encoding="utf-8").splitlines()
    notes = [line for line in lines if line.startswith("#")]
    assert any("SIPRI 2017" in note and "Stockholm" in note for note in notes)
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    by_year = {row["year"]: float(row["value usd m [US$ millions]"]) for row in rows}
    assert by_year["2017"] / by_year["2008"] - 1 == pytest.approx(0.589, abs=5e-4)


def follow(page, title: str) -> None:
    """Go to a page by the menu."""
    before = reruns(page)
    page.get_by_role("link", name=title, exact=True).first.click()
    wait_until_drawn(page, before)


def test_a_filter_goes_along_from_page_to_page(page, dashboard):
    from playwright.sync_api import expect

    page.goto(f"{dashboard}/region?edition=2020&years=2000&years=2010")
    wait_until_drawn(page)
    for title in ("Ranking", "Spending", "Region", "Check a claim"):
        follow(page, title)
        expect(page.get_by_role("combobox", name="Edition")).to_have_value("2020")
        assert "edition=2020" in page.url
    assert "years=2000&years=2010" in page.url


def test_a_filter_is_there_again_after_a_page_that_has_none_like_it(page, dashboard):
    from playwright.sync_api import expect

    page.goto(f"{dashboard}/region")
    wait_until_drawn(page)
    summed = page.get_by_role("radio", name="sum of its countries")
    before = reruns(page)
    summed.click()
    wait_until_drawn(page, before)
    for title in ("Ranking", "Security structure", "Region"):
        follow(page, title)
    expect(summed).to_be_checked()


def test_a_page_that_knows_fewer_years_leaves_the_year_of_others_alone(page, dashboard):
    from playwright.sync_api import expect

    page.goto(f"{dashboard}/ranking?year=2024")
    wait_until_drawn(page)
    follow(page, "Security structure")
    follow(page, "Ranking")
    expect(page.get_by_role("slider", name="Year").first).to_have_value("2024")
    assert "year=2024" in page.url
