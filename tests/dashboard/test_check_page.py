"""The page Check a claim at any address, on everything and on the excerpt; claims lead to it."""

from urllib.parse import parse_qs

import pytest

from dashboard.checking import KINDS
from tests.dashboard.pages import opened
from tests.dashboard.test_pages import shown

GROWTH = {
    "metric": "Growth",
    "place": "Asia & Oceania",
    "years": ["2008", "2017"],
    "edition": "2017",
    "stated": "59",
}


@pytest.fixture
def check(app, tmp_path_factory):
    def at(built, **query):
        return opened(app, built.settings, tmp_path_factory.mktemp("check"), "check", **query)

    return at


def heading(test) -> str:
    (found,) = [header.value for header in test.header]
    return found.replace("\\", "")


def test_a_statement_gets_its_figure_verdict_chart_curve_sql_and_citation(check, full_data):
    test = check(full_data, **GROWTH)
    assert not test.exception
    assert heading(test) == (
        "Military expenditure of Asia & Oceania changed by 58.9 % from 2008 to 2017 "
        "(constant prices, SIPRI edition 2017)."
    )
    assert "The statement, 59 %, is reproduced." in shown(test)
    assert "What matters most: the prices" in shown(test)
    assert len(test.get("plotly_chart")) == 3
    sql, paste, link = [code.value for code in test.code]
    assert "growth('Asia & Oceania', 2008, 2017, edition := 2017" in sql
    assert "Stockholm International Peace Research Institute" in paste
    assert "58.9 %" in paste
    assert link in paste
    assert "Save as claim file" in [button.label for button in test.get("download_button")]


def test_the_link_asks_the_same_again(check, full_data):
    test = check(
        full_data,
        **{**GROWTH, "stated": "70 and 80"},
        comparison="between",
        basis="sum of its countries",
    )
    said = parse_qs(test.code[-1].value.removeprefix("?"))
    assert said["years"] == ["2008", "2017"]
    again = check(full_data, **{k: v if len(v) > 1 else v[0] for k, v in said.items()})
    assert heading(again) == heading(test)
    assert "summed" in again.code[0].value
    assert again.code[-1].value == test.code[-1].value


@pytest.mark.parametrize("metric", KINDS)
def test_every_kind_of_figure_has_an_answer_without_a_statement(check, full_data, metric):
    test = check(full_data, metric=KINDS[metric].label)
    assert not test.exception
    assert not test.error
    assert heading(test)
    assert "specifications give" in shown(test)
    assert "The statement" not in shown(test)
    assert len(test.get("plotly_chart")) >= 2


def test_a_rank_by_constant_prices_shows_the_ranking_by_constant_prices(check, full_data):
    chosen = {"metric": "Rank in the world", "country": "Japan", "year": "2016", "edition": "2017"}
    test = check(full_data, **chosen, prices="Constant prices")
    assert not test.exception
    assert "constant prices" in heading(test)
    table = test.dataframe[0].value
    rank = table.loc[table["country"] == "Japan", "rank"].item()
    assert f"ranked {rank}th" in heading(test)
    assert "constant usd m [US$ millions, constant prices]" in table.columns


def test_a_choice_of_region_offers_its_countries_alone(check, full_data):
    test = check(full_data, metric="Share of a region", region="Oceania", country="China")
    assert not test.exception
    assert "Oceania" in heading(test)
    assert "China" not in test.selectbox(key="country").options
    assert "China" not in heading(test)


def test_choices_left_alone_follow_their_defaults_so_that_the_address_stays_true(check, full_data):
    test = check(full_data)
    assert "from 2015 to 2025 (constant" in heading(test)
    test.selectbox(key="edition").set_value(2017).run()
    assert "from 2007 to 2017 (constant" in heading(test)
    test.selectbox(key="metric").set_value("Rank in the world").run()
    assert "in 2017 (current" in heading(test)
    test.selectbox(key="edition").set_value(2025).run()
    assert "in 2025 (current" in heading(test)
    test.slider(key="year").set_value(2016).run()
    test.selectbox(key="edition").set_value(2017).run()
    assert "in 2016 (current" in heading(test)
    test.selectbox(key="metric").set_value("Share of a region").run()
    test.selectbox(key="region").set_value("Oceania").run()
    assert "The share of Australia" in heading(test)
    test.selectbox(key="region").set_value("Asia & Oceania").run()
    assert "The share of China" in heading(test)
    assert not test.exception


@pytest.mark.parametrize(
    "query",
    [
        {"metric": "no such metric", "edition": "3000", "place": "Atlantis", "years": "x"},
        {"metric": "<script>alert(1)</script>", "place": "' OR 1=1 --", "stated": ""},
        {"years": ["3000", "4000"], "prices": "", "basis": "x", "comparison": "like"},
        {"metric": "", "edition": "", "place": "", "years": ""},
    ],
)
def test_an_impossible_address_shows_the_default(check, full_data, query):
    test = check(full_data, **query)
    assert not test.exception
    assert not test.error
    assert heading(test).startswith("Military expenditure of Asia & Oceania changed by")
    assert "script" not in shown(test)


@pytest.mark.parametrize("stated", ["<script>alert(1)</script>", "58,9", "x" * 5000, "1e400"])
def test_what_is_no_figure_is_said_and_the_rest_is_shown(check, full_data, stated):
    test = check(full_data, **{**GROWTH, "stated": stated})
    assert not test.exception
    assert "58.9 %" in heading(test)
    assert "alert" not in shown(test)
    assert "The statement" not in shown(test)


def test_one_year_twice_is_no_question_about_growth(check, full_data):
    test = check(full_data, **{**GROWTH, "years": ["2010", "2010"]})
    assert not test.exception
    assert "two different years" in shown(test)


def test_years_without_a_total_say_why(check, full_data):
    test = check(full_data, **{**GROWTH, "years": ["1950", "1960"]})
    assert not test.exception
    assert "Data missing: SIPRI 2017 is at hand, but SIPRI publishes no such total." in shown(test)
    assert "The sum of its countries may be there" in shown(test)
    assert not test.header


@pytest.mark.parametrize("metric", KINDS)
def test_on_the_excerpt_every_kind_has_a_figure_or_says_what_is_missing(
    check, excerpt_data, metric
):
    test = check(excerpt_data, metric=KINDS[metric].label)
    assert not test.exception
    assert not test.error
    assert test.header or "Data missing" in shown(test) or len(test.info) > 1


def test_a_claim_leads_to_its_question_its_query_and_its_address(app, full_data):
    test = app(full_data.settings, claim="china-share")
    assert not test.exception
    links = {link.label: link for link in test.get("page_link")}
    assert "Run this SQL" in links
    assert any(label.startswith("Ask this with another") for label in links)
    assert test.code[-1].value == "?claim=china-share"
    assert "What matters most" in shown(test)


def test_a_claim_that_the_page_cannot_ask_does_not_offer_it(app, full_data):
    test = app(full_data.settings, claim="hub-six-spokes")
    assert not test.exception
    assert not [link for link in test.get("page_link") if link.label.startswith("Ask this")]
