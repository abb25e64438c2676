"""Ranks from a tiny database and the full one, their figures, and the page at any address."""

import duckdb
import pytest

from dashboard import queries, ranking_charts, spending_queries
from dashboard import ranking_queries as asked
from dashboard.database import Connected
from tests.dashboard.pages import opened

# Edition 2010: country, year, value, status. World totals: published 2000 below the sum.
FIGURES = [
    ("A", 2000, 50.0, "reported"),
    ("B", 2000, 40.0, "estimate"),
    ("C", 2000, 30.0, "reported"),
    ("D", 2000, None, "not_independent"),
    ("A", 2010, 60.0, "reported"),
    ("B", 2010, None, "unavailable"),
    ("C", 2010, 60.0, "uncertain"),
    ("D", 2010, 10.0, "reported"),
]
WORLD = [
    (2000, "published", 0.1),
    (2000, "summed", 0.12),
    (2010, "published", 0.2),
    (2010, "summed", 0.13),
]


@pytest.fixture
def tiny():
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE TABLE editions AS SELECT 2010 AS edition, 2009 AS base_year, false AS is_excerpt;
            CREATE TABLE countries (country VARCHAR, iso3 VARCHAR, region VARCHAR);
            INSERT INTO countries VALUES ('A', 'AAA', 'R'), ('B', 'BBB', 'R'), ('C', 'CCC', 'R'),
                ('D', NULL, 'R'), ('E', 'EEE', 'R');
            CREATE TABLE spending AS SELECT 2010 AS edition, country FROM countries;
            CREATE TABLE observations (edition INTEGER, measure VARCHAR, country VARCHAR,
                year INTEGER, value DOUBLE, status VARCHAR);
            CREATE TABLE regional_spending (edition INTEGER, region VARCHAR, year INTEGER,
                basis VARCHAR, constant_usd_bn DOUBLE, current_usd_bn DOUBLE)
            """
        )
        for measure in ("constant_usd", "share_of_gdp"):
            connection.executemany(
                f"INSERT INTO observations VALUES (2010, '{measure}', ?, ?, ?, ?)", FIGURES
            )
        connection.executemany(
            "INSERT INTO regional_spending VALUES (2010, 'World', ?, ?, ?, NULL)", WORLD
        )
        yield Connected(connection)


def by_country(db, measure="constant_usd", n=2, year=2010, before=2000):
    return {
        row["country"]: row for row in asked.ranking(db, 2010, measure, year, before, n).records()
    }


def test_equal_figures_share_a_rank_and_the_next_is_left_out(tiny):
    rows = by_country(tiny)
    assert [rows[name]["rank"] for name in ("A", "C", "D", "B")] == [1, 1, 3, None]
    assert [rows[name]["tied"] for name in ("A", "C", "D")] == [True, True, False]
    assert [rows[name]["rank_before"] for name in ("A", "B", "C", "D")] == [1, 2, 3, None]
    assert list(rows) == ["A", "C", "D", "B"]


def test_movement_is_into_out_of_and_within_the_first_n(tiny):
    rows = by_country(tiny)
    assert {name: row["movement"] for name, row in rows.items()} == {
        "A": "same rank",
        "B": "left",
        "C": "entered",
        "D": "one year only",
    }
    assert by_country(tiny, n=3)["C"]["movement"] == "rose"
    assert by_country(tiny, n=3)["D"]["movement"] == "entered"
    assert rows["C"]["places_gained"] == 2
    assert rows["C"]["change"] == pytest.approx(1.0)


def test_a_country_without_a_figure_keeps_the_reason(tiny):
    rows = by_country(tiny)
    assert (rows["B"]["value"], rows["B"]["status"]) == (None, "unavailable")
    assert (rows["D"]["value_before"], rows["D"]["status_before"]) == (None, "not_independent")
    lacking = asked.without_figure(tiny, 2010, "constant_usd", 2010)
    assert lacking.rows == [("B", "unavailable"), ("E", None)]


def test_a_share_is_of_the_published_total_unless_the_countries_add_up_to_more(tiny):
    rows = by_country(tiny)
    assert rows["A"]["share_of_world"] == pytest.approx(60 / 200)
    assert asked.world_basis(tiny, 2010, "constant_usd", 2010) == "published"
    then = by_country(tiny, year=2000, before=2000)
    assert then["A"]["share_of_world"] == pytest.approx(50 / 120)
    assert asked.world_basis(tiny, 2010, "constant_usd", 2000) == "summed"


def test_what_does_not_add_up_has_no_share_of_the_world(tiny):
    assert by_country(tiny, "share_of_gdp")["A"]["share_of_world"] is None
    assert asked.world_basis(tiny, 2010, "share_of_gdp", 2010) is None


def test_ranks_at_current_prices_are_those_of_the_metric(snapshot):
    for edition in queries.editions(snapshot).column("edition"):
        for year in (edition, edition - 20):
            own = asked.ranking(snapshot, edition, "current_usd", year, year, 15).records()
            ours = [
                (row["rank"], row["country"], row["region"], row["value"], row["share_of_world"])
                for row in own
                if row["rank"] and row["rank"] <= 15
            ]
            assert ours == queries.top(snapshot, year, edition, 15).rows


@pytest.mark.parametrize("measure", ["constant_usd", "per_capita_usd", "share_of_gdp"])
def test_every_figure_of_a_year_is_ranked_and_every_other_country_is_named(snapshot, measure):
    found = asked.ranking(snapshot, 2025, measure, 2017, 2007, 15)
    ranked = {row["country"] for row in found.records() if row["rank"]}
    named = set(asked.without_figure(snapshot, 2025, measure, 2017).column("country"))
    listed = snapshot.rows("SELECT DISTINCT country FROM spending WHERE edition = 2025")
    assert ranked | named == set(listed.column("country"))
    assert not ranked & named
    assert found.units["value"] == spending_queries.unit(snapshot, measure, 2025)


ROWS = [
    {"country": "A", "iso3": "AAA", "rank": 1, "tied": False, "rank_before": 2},
    {"country": "B <b>", "iso3": None, "rank": 2, "tied": True, "rank_before": 1},
    {"country": "C", "iso3": "CCC", "rank": 9, "tied": False, "rank_before": 3},
    {"country": "D", "iso3": "DDD", "rank": 2, "tied": True, "rank_before": None},
    {"country": "E", "iso3": "EEE", "rank": None, "tied": False, "rank_before": 30},
]
ROWS = [{**row, "tied_before": False, "movement": "", "places_gained": 0} for row in ROWS]


def test_a_slope_chart_joins_ranks_and_puts_those_beyond_below_the_line():
    figure = ranking_charts.moves("T", ROWS, 3, (2000, 2010), "rank", "Source: s")
    names = {trace.name for trace in figure.data if trace.mode == "lines+markers"}
    assert names == {"rose", "fell"}
    assert len(figure.data) <= 4
    labels = next(trace for trace in figure.data if trace.mode == "text")
    assert [" ".join(text.split()) for text in labels.text] == [
        "1 A",
        "=2 B &lt;b&gt;",
        "9 C",
        "=2 D",
    ]
    at = dict(zip(("A", "B", "C", "D"), labels.y, strict=True))
    assert at["A"] < at["B"] < at["D"] < figure.layout.shapes[0].y0 < at["C"]
    left = [" ".join(text.split()) for text in figure.layout.yaxis.ticktext]
    assert left == ["AAA 2", "B &lt;b&gt; 1", "CCC 3", "DDD –"]


def test_lines_differ_by_dash_as_well_as_by_colour():
    dashes = [dash for _, dash, _ in ranking_charts.MOVES.values()]
    colours = [colour for colour, _, _ in ranking_charts.MOVES.values()]
    assert len(set(zip(dashes, colours, strict=True))) == 3
    assert dict(zip(ranking_charts.MOVES, dashes, strict=True))["fell"] == "dash"


def test_estimates_are_hatched_marked_and_labelled_outside():
    figure = ranking_charts.ranked(
        "T",
        [("1  A", 10.0, "$10", "estimate"), ("2  B", 9.0, "$9", "reported")],
        "US$",
        "Source: s",
    )
    (bars,) = figure.data
    assert list(bars.marker.pattern.shape) == ["/", ""]
    assert list(bars.text) == ["$10 ○", "$9"]
    assert list(bars.textposition) == ["outside", "inside"]


def test_the_takeaway_names_who_rose_most_and_counts_who_came_and_went():
    rows = [
        {"country": "A", "rank": 1, "rank_before": 9, "places_gained": 8, "movement": "entered"},
        {"country": "B", "rank": 2, "rank_before": 1, "places_gained": -1, "movement": "fell"},
        {"country": "C", "rank": 5, "rank_before": 2, "places_gained": -3, "movement": "left"},
    ]
    told = ranking_charts.takeaway(rows, 3, (2000, 2010))
    assert told == "2000 to 2010: A rose most, from 9th to 1st; 1 entered the first 3, 1 left"
    assert "nobody entered" in ranking_charts.takeaway(rows[1:2], 3, (2000, 2010))


def written(test) -> str:
    parts = [*test.title, *test.subheader, *test.markdown, *test.caption, *test.info, *test.warning]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"measure": "Share of GDP", "edition": "2019", "year": "2010", "before": "1990", "n": "40"},
        {"measure": "US$ per head", "year": "1988"},
        {"measure": "<script>alert(1)</script>", "edition": "x", "year": "3000", "n": "7"},
        {"year": "", "before": "2999", "edition": "", "measure": "", "n": ""},
        {"edition": "1066", "year": "-5", "unknown": "1"},
    ],
)
def test_the_page_opens_at_any_address(app, full_data, tmp_path, query):
    test = opened(app, full_data.settings, tmp_path, "ranking", **query)
    assert not test.exception
    assert not test.error
    assert "Who ranks where" in written(test)
    assert "script" not in written(test)
    assert len(test.get("plotly_chart")) == (1 if query.get("year") == "1988" else 2)


def test_an_impossible_address_shows_the_newest_year(app, full_data, tmp_path):
    test = opened(app, full_data.settings, tmp_path, "ranking", year="3000", edition="x")
    assert test.slider(key="year").value == 2025
    assert test.segmented_control(key="n").value == 15


def test_an_address_is_kept(app, full_data, tmp_path):
    query = {"edition": "2017", "year": "2017", "before": "2007", "n": "10"}
    test = opened(app, full_data.settings, tmp_path, "ranking", **query)
    assert test.subheader[0].value == "From 2007 to 2017"
    assert test.segmented_control(key="n").value == 10
    assert "**Unavailable" in written(test)
    assert "Not independent" in written(test)


def test_on_the_excerpt_ranks_are_said_to_be_partial_and_unlike_years_are_not_compared(
    app, excerpt_data, tmp_path
):
    test = opened(app, excerpt_data.settings, tmp_path, "ranking", measure="Current US$")
    assert not test.exception
    assert "is here as an excerpt" in written(test)
    assert "cannot be compared" in written(test)
    assert "rank before" not in test.dataframe[0].value.columns
    alike = opened(
        app,
        excerpt_data.settings,
        tmp_path / "alike",
        "ranking",
        measure="Current US$",
        year="2017",
        before="2016",
    )
    assert "cannot be compared" not in written(alike)


def test_a_measure_that_the_excerpt_lacks_is_a_message(app, excerpt_data, tmp_path):
    test = opened(app, excerpt_data.settings, tmp_path, "ranking", measure="US$ per head")
    assert not test.exception
    assert "no figure of this measure" in written(test)
