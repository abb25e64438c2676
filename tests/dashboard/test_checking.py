"""A reader's question: what is typed, the claim file it is written as, its figure and its verdict."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import checking, data, queries
from dashboard.checking import KINDS, Question, stated_in
from dashboard.database import Connected
from pipelines.claims.files import Stated
from pipelines.claims.metrics import METRICS
from pipelines.claims.show import check_file
from pipelines.errors import MilexError
from pipelines.models import load_models

MODELS = load_models(Path(__file__).resolve().parents[2] / "sql")
REGIONS = ["World", "World (excluding Iraq)", "Asia & Oceania", "Asia & Oceania without Oceania"]
CHOICES = {
    "place": "Asia & Oceania",
    "country": "China",
    "from_year": 2008,
    "to_year": 2017,
    "year": 2017,
    "edition": 2017,
    "prices": "constant",
    "basis": "published",
    "top": 15,
    "amount": 189.9,
    "dataset": "ATOP 3.0",
    "unit": "alliance",
    "obligation": "all",
    "members": "all",
    "ended_by": "2001",
    "statistic": "mean",
}


def question(metric: str, stated: Stated | None = None, **changed) -> Question:
    chosen = {**CHOICES, **changed}
    return Question(metric, {name: chosen[name] for name in KINDS[metric].asks}, stated)


GROWTH = question("growth", Stated(59.0, "=", 0, "%"))


@pytest.mark.parametrize(
    ("text", "value", "decimals"),
    [
        ("59", 59, 0),
        (" 58.90 % ", 58.9, 2),
        ("-3.5", -3.5, 1),
        ("−3.5 %", -3.5, 1),
        ("1,234.5", 1234.5, 1),
        ("8th", 8, 0),
        ("US", None, None),
    ],
)
def test_a_stated_figure_is_as_precise_as_it_is_typed(text, value, decimals):
    if value is None:
        with pytest.raises(MilexError):
            stated_in(text, "=", "growth")
        return
    assert stated_in(text, "=", "growth") == Stated(value, "=", decimals, "%")


def test_two_figures_are_a_span_and_nothing_is_no_statement():
    assert stated_in("70 to 60.5", "between", "growth") == Stated(60.5, "between", 1, "%", 70.0)
    assert stated_in("60-70", "between", "growth") == Stated(60, "between", 0, "%", 70)
    assert stated_in("  ", "=", "growth") is None


@pytest.mark.parametrize(
    "text",
    ["<script>", "58,9", "1.2.3", "60 and 70", "59 59", "9" * 400, "1.2345678", "nan", "1e5"],
)
def test_what_is_no_figure_is_one_message(text):
    with pytest.raises(MilexError, match="is not a figure"):
        stated_in(text, "=", "growth")


@pytest.mark.parametrize("metric", KINDS)
def test_every_kind_is_a_claim_file_that_can_be_read(metric):
    asked = question(metric)
    claim = checking.claim_of(checking.written(asked, REGIONS, 1.234))
    assert claim.metric is METRICS[metric]
    assert {name: claim.definition[name] for name in asked.choices} == asked.choices
    assert set(claim.alternatives) <= set(KINDS[metric].varied)
    assert {"edition", "dataset"} & set(claim.alternatives)
    assert "{value}" in claim.found


@given(
    value=st.integers(-(10**9), 10**9),
    decimals=st.integers(0, 6),
    comparison=st.sampled_from(["=", ">", ">=", "<", "<="]),
)
def test_a_stated_figure_survives_the_file(value, decimals, comparison):
    stated = Stated(value / 10**decimals, comparison, decimals, "%")
    text = checking.written(replace(GROWTH, stated=stated), REGIONS, None)
    assert checking.claim_of(text).stated == stated


def test_without_a_statement_the_figure_found_stands_at_the_precision_of_its_kind():
    unstated = replace(GROWTH, stated=None)
    claim = checking.claim_of(checking.written(unstated, REGIONS, 58.94))
    assert claim.stated == Stated(59.0, "=", 0, "%")
    assert checking.claim_of(checking.written(unstated, REGIONS, None)).stated.value == 0


def test_what_the_reader_names_is_not_varied_and_what_is_open_is():
    assert checking.alternatives(GROWTH, REGIONS) == {
        "edition": "every",
        "prices": "every",
        "basis": "every",
        "coverage": "every",
        "shift": [-1],
        "place": ["Asia & Oceania without Oceania"],
    }
    of_country = checking.alternatives(question("growth", place="China"), REGIONS)
    assert of_country == {"edition": "every", "prices": "every", "shift": [-1]}
    lineages = checking.alternatives(question("alliance_count", unit="lineage"), REGIONS)
    assert "unit" not in lineages


def test_an_address_names_every_choice():
    words = {"prices": {"constant": "Constant prices"}}
    assert checking.address(GROWTH, words) == {
        "metric": "Growth",
        "place": "Asia & Oceania",
        "edition": "2017",
        "prices": "Constant prices",
        "basis": "published",
        "years": ["2008", "2017"],
        "stated": "59",
        "comparison": "exactly",
    }
    said = checking.address(question("share", Stated(1.0, "between", 1, "%", 2.0)), words)
    assert (said["region"], said["stated"]) == ("Asia & Oceania", "1.0 and 2.0")
    assert checking.address(question("money", amount=1e9), {})["amount"] == "1000000000"


def regions_of(db) -> list[str]:
    return queries.regions(Connected(db))


@pytest.mark.parametrize("metric", KINDS)
def test_the_figure_alone_is_the_one_of_the_grid(full_db, metric):
    asked = question(metric)
    regions = regions_of(full_db)
    first = checking.claim_of(checking.written(asked, regions, None))
    value = checking.value_of(Connected(full_db), first)
    assert value is not None
    with full_db.cursor() as connection:
        found = checking.answer(connection, checking.written(asked, regions, value), MODELS)
    assert found.claim["recomputed_value"] == pytest.approx(value, rel=1e-12)
    assert found.claim["verdict"] == "reproduced"
    assert len(found.grid.all.rows) == found.claim["specifications"] > 1
    assert found.grid.thinned.dots
    assert bool(found.grid.editions.rows) == ("edition" in asked.choices)


def test_a_published_claim_as_a_question_gives_the_published_figure(full_db):
    db = Connected(full_db)
    asked = {
        claim["claim_id"]: (claim, found)
        for claim in queries.claims(db)
        if (found := checking.question_of(claim))
    }
    assert {"asia-growth", "china-share", "rank-japan", "alliance-lifespan"} <= set(asked)
    assert not {"hub-six-spokes", "nuclear-warheads", "ranks-together"} & set(asked)
    for claim, one in asked.values():
        own = checking.claim_of(checking.written(one, regions_of(full_db), None))
        assert checking.value_of(db, own) == pytest.approx(claim["recomputed_value"], rel=1e-9)
        assert own.stated.value == claim["stated_value"]


def test_a_claim_with_a_choice_that_the_page_does_not_offer_is_no_question():
    own = {**GROWTH.choices, "shift": 0, "coverage": "all"}
    claim = {
        "metric": "growth",
        "stated_value": 59.0,
        "stated_upper": None,
        "comparison": "=",
        "decimals": 0,
        "unit": "%",
    }
    assert checking.question_of({**claim, "definition": json.dumps(own)}) == GROWTH
    assert checking.question_of({**claim, "definition": json.dumps({**own, "shift": -1})}) is None


@pytest.mark.parametrize(("stated", "verdict"), [(59.0, "reproduced"), (12.0, "not reproduced")])
def test_the_saved_file_comes_to_the_same_with_the_command(
    full_data, full_db, tmp_path, stated, verdict
):
    asked = replace(GROWTH, stated=Stated(stated, "=", 0, "%"))
    text = checking.written(asked, regions_of(full_db), None)
    with full_db.cursor() as connection:
        claim = checking.answer(connection, text, MODELS).claim
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    told = "\n".join(check_file(full_data.settings, path, 0))
    assert claim["verdict"] == verdict
    assert f"{claim['claim_id']}: {verdict}" in told
    assert claim["explanation"] in told
    assert "58.9 %" in claim["finding"]


def test_a_question_leaves_nothing_behind_and_sees_nothing_of_another(full_data, tmp_path):
    copy = tmp_path / "snapshot.duckdb"
    copy.hardlink_to(full_data.snapshot)
    texts = [
        checking.written(question("rank", country=country), REGIONS, None)
        for country in ("China", "Japan", "India", "Germany")
    ]
    with duckdb.connect(str(copy), read_only=True, config=data.GUARD) as base:
        before = base.execute("SELECT count(*) FROM duckdb_databases()").fetchall()
        published = base.execute("SELECT count(*) FROM main.claims").fetchall()

        def figure_of(text: str) -> float:
            with base.cursor() as connection:
                found = checking.answer(connection, text, MODELS).claim["recomputed_value"]
                assert (
                    connection.execute("SELECT count(*) FROM main.claims").fetchall() == published
                )
            return found

        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(figure_of, texts))
        assert together == [figure_of(text) for text in texts]
        assert len(set(together)) == 4
        assert base.execute("SELECT count(*) FROM duckdb_databases()").fetchall() == before
        with pytest.raises(duckdb.Error):
            base.execute("SELECT * FROM read_text('/etc/hostname')")


def test_a_year_that_the_edition_lacks_is_data_missing_with_the_reason(full_db):
    asked = question("growth", from_year=2015, to_year=2020)
    text = checking.written(asked, regions_of(full_db), None)
    assert checking.value_of(Connected(full_db), checking.claim_of(text)) is None
    with full_db.cursor() as connection:
        claim = checking.answer(connection, text, MODELS).claim
    assert claim["verdict"] == "data missing"
    assert checking.reason(claim).endswith("It has the years 1949–2017.")
    assert claim["specifications"] > 0
