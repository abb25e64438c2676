"""The SQL page as the server runs it: addresses, examples, what is refused, charts, odd values."""

import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import sql_console as console
from dashboard import sql_workers
from dashboard.data import Snapshot
from pipelines.adhoc.examples import load_examples
from pipelines.adhoc.limits import DASHBOARD, QueryError
from pipelines.adhoc.pool import Answer
from pipelines.table import Table
from tests.dashboard.pages import opened

Opening = Callable[..., AppTest]


@pytest.fixture
def page(app, excerpt_data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opening]:
    """The page at an address; its workers end afterwards."""
    monkeypatch.setattr(sql_workers, "LIMITS", replace(DASHBOARD, seconds=3.0))
    sql_workers.pool.clear()

    def open_page(**query: str) -> AppTest:
        return opened(app, excerpt_data.settings, tmp_path, "sql", **query)

    yield open_page
    sql_workers.pool.clear()


def test_the_page_opens_with_an_answer(page: Opening) -> None:
    test = page()
    assert not test.exception
    assert not test.error
    assert "country" in test.dataframe[0].value.columns


def test_the_workers_are_warm_before_the_page_is_opened(
    app, excerpt_data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILEX_SQL_WORKERS", "3")
    sql_workers.pool.clear()
    try:
        test = opened(app, excerpt_data.settings, tmp_path, "data")
        assert not test.exception
        deadline = time.monotonic() + 30
        while len(warm := set(sql_workers.pool().processes())) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        test.switch_page("app_pages/sql.py").run()
        assert not test.error
        assert set(sql_workers.pool().processes()) == warm
    finally:
        sql_workers.pool.clear()


def test_an_address_carries_a_query(page: Opening) -> None:
    test = page(q="SELECT 40 + 2 AS answer")
    assert not test.exception
    assert test.dataframe[0].value["answer"].tolist() == [42]
    assert any("1 row in" in caption.value for caption in test.caption)
    assert "SELECT 40 \\+ 2 AS answer" in [button.label for button in test.button]


def test_an_example_runs_when_it_is_picked(page: Opening, excerpt_data) -> None:
    test = page()
    name = "same_year_in_every_edition"
    test.selectbox(key="sql example").set_value(name).run()
    assert not test.exception
    assert test.query_params["q"] == load_examples(excerpt_data.settings)[name].sql
    assert "base year" in test.dataframe[0].value.columns


def test_the_trap_of_editions_is_named_beside_the_result(page: Opening) -> None:
    test = page(q="SELECT sum(current_usd_m) FROM spending WHERE year = 2017")
    assert not test.exception
    (warning,) = test.warning
    assert "spending\\_latest" in warning.value
    assert len(test.dataframe) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS a, 1 AS a, NULL AS b",
        "SELECT 2::HUGEINT ** 100 AS big, 170141183460469231731687303715884105727::HUGEINT AS huge",
        "SELECT 'NaN'::DOUBLE AS x, 'Infinity'::DOUBLE AS y UNION ALL SELECT 1, 2",
        "SELECT [1, 2] AS list, {'a': 1} AS struct, MAP {'k': [1]} AS map, 'ab'::BLOB AS blob",
        "SELECT DATE '0001-01-01' AS early, 'infinity'::DATE AS never, INTERVAL 1 MONTH AS month",
        "SELECT TIME '10:00' AS t, TIMESTAMPTZ '2017-01-01 00:00:00+00' AS z",
        "SELECT chr(0) AS nothing, '<b>' AS tag, '$x$' AS tex",
        "SELECT * FROM claims WHERE false",
        'SELECT unnest([1, 2]) AS "<script>", \'a\' AS "[a](b)"',
        "SHOW TABLES",
        "SELECT * FROM range(20000)",
    ],
)
def test_odd_values_are_shown(page: Opening, sql: str) -> None:
    test = page(q=sql)
    assert not test.exception
    assert not test.error
    assert len(test.dataframe) == 1


@pytest.mark.parametrize("kind", ["Line", "Bar"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT country, year, current_usd_m FROM spending WHERE edition = 2017",
        "SELECT 1 AS a, 2 AS b UNION ALL SELECT NULL, NULL",
        "SELECT 'x' AS a, NULL::DOUBLE AS b UNION ALL SELECT 'y', 'NaN'::DOUBLE",
        "SELECT true AS a, 'Infinity'::DOUBLE AS b UNION ALL SELECT false, -1",
    ],
)
def test_a_quick_chart_shows_what_there_is(page: Opening, kind: str, sql: str) -> None:
    test = page(q=sql)
    test.segmented_control(key="sql chart").set_value(kind).run()
    assert not test.exception
    assert len(test.get("plotly_chart")) == 1


def test_a_table_and_a_metric_are_described(page: Opening) -> None:
    test = page()
    test.selectbox(key="sql table").set_value("spending").run()
    test.selectbox(key="sql metric").set_value("growth").run()
    assert not test.exception
    described = test.dataframe[-1].value
    units = dict(zip(described["column"], described["unit"], strict=True))
    assert units["share_of_gdp"] == "fraction"
    assert any(code.value.startswith("growth(place, from_year") for code in test.code)


def test_a_query_that_is_too_long_for_an_address_still_runs(page: Opening) -> None:
    test = page(q="SELECT 1 AS one -- " + "x" * 5_000)
    assert not test.exception
    assert test.dataframe[0].value["one"].tolist() == [1]
    assert "q" not in test.query_params
    assert "too long for an address" in "\n".join(text.value for text in test.markdown)


def test_a_link_gives_the_query_back() -> None:
    sql = "SELECT 'é & ü', 1 + 1 -- 100 %"
    address = console.link("http://127.0.0.1:8501/sql?q=old", sql)
    assert address is not None
    parts = urllib.parse.urlsplit(address)
    assert urllib.parse.parse_qs(parts.query) == {"q": [sql]}
    assert console.link("", "x" * console.LONGEST_LINK) is None


def test_the_last_queries_are_kept_once_each_newest_first() -> None:
    history: list[str] = []
    for number in (*range(console.KEPT_QUERIES + 5), 7):
        history = console.remembered(history, f"SELECT {number}")
    assert history[:2] == ["SELECT 7", f"SELECT {console.KEPT_QUERIES + 4}"]
    assert len(history) == len(set(history)) == console.KEPT_QUERIES


def test_a_chart_with_many_lines_says_that_it_shows_the_largest() -> None:
    rows = [(f"c{n}", year, float(n)) for n in range(20) for year in (2000, 2001)]
    figure = console.quick_lines(Table(("c", "year", "v"), rows), "year", "v", "c", "here")
    assert len(figure.data) == console.MOST_LINES
    assert "the 8 largest of 20" in figure.layout.title.text.replace("<br>", " ")


def test_only_numbers_can_be_charted() -> None:
    kinds = ("INTEGER", "VARCHAR", "DECIMAL(18,3)", "INTEGER[]", "STRUCT(a INTEGER)", "DOUBLE")
    answer = Answer(Table(tuple("abcdef"), []), kinds, None, (), 0.0)
    assert console.numeric(answer) == ["a", "c", "f"]


def test_every_completion_names_something(excerpt_data) -> None:
    found = {
        entry["caption"]: entry["meta"]
        for entry in console.completions(str(excerpt_data.settings.pointer.resolve()))
    }
    assert found["spending_latest"] == "table"
    assert found["growth"] == "metric"
    assert found["current_usd_m"].startswith("column")


def test_what_cannot_run_is_no_exception(page: Opening, excerpt_data) -> None:
    outcome = sql_workers.run(Snapshot(str(excerpt_data.settings.pointer.resolve())), "SELECT")
    assert isinstance(outcome, QueryError)
