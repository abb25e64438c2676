"""Figures on lifespans from small tables, and the page that shows them."""

import duckdb
import pandas as pd
import pytest

from dashboard import alliance_queries as asked
from dashboard import data, survival_charts
from tests.dashboard.pages import opened

CURVES = pd.DataFrame(
    {
        "level": ["a", "a", "b"],
        "years": [5.0, 20.0, 10.0],
        "survival": [0.75, 0.5, 0.0],
        "lower": [0.5, 0.2, None],
        "upper": [0.9, 0.7, None],
    }
)
AT_RISK = pd.DataFrame(
    [("a", 0, 4), ("a", 20, 2), ("a", 40, 1), ("a", 60, 0), ("b", 0, 2), ("b", 20, 0)],
    columns=["level", "age", "at_risk"],
)


def drawn(**changed):
    given = {"unit": "alliances", "source": "Source: s", "names": {"b": "B", "a": "A <b>"}}
    return survival_charts.survival("Takeaway", CURVES, AT_RISK, **{**given, **changed})


def texts(figure) -> str:
    return " ".join(
        [figure.layout.title.text, *(note.text or "" for note in figure.layout.annotations)]
    )


def line(figure, name):
    return next(t for t in figure.data if t.name == name and t.mode == "lines" and not t.fill)


def test_a_curve_begins_at_100_percent_and_goes_on_as_long_as_somebody_is_watched():
    figure = drawn()
    curve = line(figure, "A &lt;b&gt;")
    assert list(curve.x) == [0, 5, 20, 40]
    assert list(curve.y) == [100, 75, 50, 50]
    assert list(line(figure, "B").y) == [100, 0]


def test_a_band_is_drawn_in_steps_and_only_where_there_is_one():
    bands = [t for t in drawn().data if t.fill == "toself"]
    assert [band.name for band in bands] == ["A &lt;b&gt;, 95 % band"]
    assert list(bands[0].x) == [5, 20, 20, 40, 40, 20, 20, 5]
    assert list(bands[0].y) == pytest.approx([90, 90, 70, 70, 20, 20, 50, 50])


def test_numbers_at_risk_stand_under_the_curves():
    table = next(t for t in drawn().data if t.name == "at risk")
    assert list(table.text) == ["2", "0", "0", "0", "0", "0", "4", "2", "1", "0", "0", "0"]
    assert list(table.x)[:6] == [0, 20, 40, 60, 80, 100]


def test_curves_differ_by_dash_as_well_as_by_colour_and_are_named():
    figure = drawn()
    lines = [t for t in figure.data if t.mode == "lines" and not t.fill]
    assert len({t.line.dash for t in lines}) == len(lines) == 2
    assert "Takeaway" in texts(figure)
    assert "A &lt;b&gt;" in texts(figure)
    assert "Source: s" in texts(figure)
    assert figure.layout.showlegend is False


def test_few_traces_are_enough():
    assert len(drawn().data) <= 2 * 2 + 1


def test_nothing_to_draw_is_a_figure_that_says_so():
    none = CURVES.iloc[:0]
    for figure in (
        survival_charts.survival("t", none, AT_RISK, unit="u", source="s"),
        survival_charts.lifespans(
            "t", pd.DataFrame({"lifespan_years": []}), [], unit="u", source="s"
        ),
        survival_charts.incidence(
            "t", pd.DataFrame({"ending": [], "years": []}), unit="u", source="s"
        ),
    ):
        assert "nothing to draw" in texts(figure)
        assert not figure.data


def test_lifespans_are_counted_once_and_marked():
    spans = pd.DataFrame({"lifespan_years": [0, 1, 1, 3, 200]})
    figure = survival_charts.lifespans(
        "t", spans, [(41.0, "mean"), (None, "no median"), (3.0, "other")], unit="u", source="s"
    )
    assert sum(figure.data[0].y) == 5
    assert figure.data[0].y[0] == 3
    assert figure.data[0].y[-1] == 1
    assert "80 years or more" in figure.data[0].customdata[-1]
    assert [shape.x0 for shape in figure.layout.shapes] == [3.0, 41.0]
    assert len({shape.line.dash for shape in figure.layout.shapes}) == 2
    assert "no median" not in texts(figure)


def test_endings_are_stacked_with_patterns():
    endings = pd.DataFrame(
        {
            "ending": ["violated", "violated", "fulfilled", "fulfilled"],
            "years": [1.0, 2.0, 1.0, 2.0],
            "cumulative_incidence": [0.1, 0.3, 0.0, 0.2],
        }
    )
    figure = survival_charts.incidence("t", endings, unit="u", source="s", to_age=10)
    assert [t.name for t in figure.data] == ["fulfilled", "violated"]
    assert list(figure.data[1].x) == [0, 1, 2, 10]
    assert list(figure.data[1].y) == pytest.approx([0, 10, 30, 30])
    assert len({t.fillpattern.shape for t in figure.data}) == 2


def test_a_legend_breaks_before_it_is_too_long_for_a_phone():
    assert survival_charts.key([("#000", "━", "a" * 20)] * 3).count("<br>") == 2


@pytest.mark.mirror
def test_at_risk_agrees_with_the_curves_and_with_the_units(snapshot):
    for dataset, version in (("ATOP", "5.1"), ("COW", "4.1")):
        first = asked.curves(snapshot, dataset, version, "alliance", "all").records()
        ages = asked.at_risk(snapshot, dataset, version, "alliance", "all", [0, 20]).records()
        assert ages[0]["at_risk"] >= first[0]["at_risk"] > 0
        after = next(row for row in first if row["years"] >= 20)
        assert ages[1]["at_risk"] >= after["at_risk"]
        (row,) = asked.lifespans(snapshot, dataset, version, "alliance", "all").records()
        assert len(asked.spans(snapshot, dataset, version, "alliance").rows) == row["ended"]
        assert row["ended"] + row["in_force"] == row["units"]


@pytest.mark.mirror
def test_units_are_whole_in_the_full_data_and_alliances_alone_in_the_excerpt(
    snapshot, excerpt_db: duckdb.DuckDBPyConnection
):
    assert {unit for _, _, unit in asked.units(snapshot).rows} == set(asked.UNITS)
    assert asked.units(data.Connected(excerpt_db)).rows == [
        ("ATOP", "5.1", "alliance"),
        ("ATOP", "3.0", "alliance"),
    ]


@pytest.fixture
def page(app, tmp_path):
    """The page on a data folder, at an address."""
    return lambda settings, **query: opened(app, settings, tmp_path, "alliances", **query)


def words(test) -> str:
    parts = [*test.title, *test.subheader, *test.markdown, *test.caption, *test.info]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


@pytest.mark.mirror
def test_the_page_states_its_unit_and_both_means(page, full_data):
    test = page(full_data.settings)
    assert not test.exception
    assert not test.error
    assert [box.value for box in test.selectbox] == ["ATOP 5.1", "alliance", "all"]
    metrics = {metric.label: metric.value for metric in test.metric}
    assert metrics["Alliances"] == "789"
    assert metrics["In force at the closing"] == "372"
    assert len(test.get("plotly_chart")) == 3
    for said in ("Unit: alliance", "biases downwards", "US and Japan 1951 and 1960"):
        assert said in words(test)


@pytest.mark.mirror
@pytest.mark.parametrize("by", ["obligation", "members", "era"])
def test_the_address_chooses_the_curves_and_the_test_is_told(page, full_data, by):
    test = page(full_data.settings, data="ATOP 3.0", unit="lineage", by=by)
    assert not test.exception
    assert [box.value for box in test.selectbox] == ["ATOP 3.0", "lineage", by]
    assert "Log-rank test" in words(test)
    assert "χ²" in words(test)


@pytest.mark.mirror
def test_cow_says_that_it_codes_no_endings(page, full_data):
    test = page(full_data.settings, data="COW 4.1", unit="dyad")
    assert not test.exception
    assert "does not code how an alliance ended" in words(test)
    assert len(test.get("plotly_chart")) == 2


@pytest.mark.mirror
@pytest.mark.parametrize(
    "query",
    [{"data": "ATOP 9.9"}, {"unit": "<script>"}, {"by": "x" * 3000}, {"data": "", "unit": "'"}],
)
def test_an_impossible_address_shows_the_default(page, full_data, query):
    test = page(full_data.settings, **query)
    assert not test.exception
    assert not test.error
    assert [box.value for box in test.selectbox] == ["ATOP 5.1", "alliance", "all"]


def test_the_excerpt_offers_alliances_alone_and_says_why(page, excerpt_data):
    test = page(excerpt_data.settings, data="ATOP 3.0", unit="dyad")
    assert not test.exception
    assert [box.value for box in test.selectbox] == ["ATOP 3.0", "alliance", "all"]
    assert "need the members of every alliance" in words(test)
