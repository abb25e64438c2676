"""Figures on the structure of security from small tables, the graph behind them, and their page."""

import datetime

import pandas as pd
import pytest

from dashboard import alliance_queries as asked
from dashboard import security_charts
from pipelines import graph
from tests.dashboard.pages import opened

DAY = datetime.date
PHASES = pd.DataFrame(
    [
        ("3260", "SEATO (1954)", DAY(1954, 9, 8), DAY(1977, 6, 30), "defense", False),
        ("3260", "SEATO (1954)", DAY(1977, 6, 30), None, "defense", True),
        ("3755", "A treaty <i>of</i> amity (1976)", DAY(1976, 2, 24), None, "nonaggression", False),
    ],
    columns=["alliance_id", "name", "begin_date", "end_date", "strongest", "bilateral"],
).assign(closing_date=DAY(2018, 12, 31))
TIES = pd.DataFrame(
    [
        (2, 740, "defense", True, "3375"),
        (740, 840, "nonaggression", False, "3755"),
        (2, 999, "consultation", False, "1"),
    ],
    columns=["state_a", "state_b", "strongest", "bilateral", "alliance_ids"],
)


def texts(figure) -> str:
    return " ".join(
        [figure.layout.title.text, *(note.text or "" for note in figure.layout.annotations)]
    )


def plan(**changed):
    given = {
        "places": graph.positions(2, [740, 840], [740, 840, 850], [365]),
        "labels": {2: "USA", 740: "JPN", 840: "PHL", 850: "IDN", 365: "RUS"},
        "names": {2: "United States", 740: "Japan", 840: "Philippines"},
        "hub": 2,
        "spokes": [740, 840],
        "inside": [740, 840, 850],
    }
    return security_charts.Plan(**{**given, **changed})


def test_a_timeline_has_a_row_a_pact_and_an_arrow_where_it_goes_on():
    figure = security_charts.timeline("Takeaway", PHASES, source="Source: s")
    bars = [t for t in figure.data if t.type == "bar"]
    assert [bar.name for bar in bars] == ["defence", "non-aggression"]
    assert list(bars[0].y) == [0, 0]
    assert list(bars[1].y) == [1]
    assert bars[0].base[0] == pytest.approx(1954.69, abs=0.01)
    assert len({bar.marker.pattern.shape for bar in bars}) == 2
    arrows = next(t for t in figure.data if t.name == "in force at the closing")
    assert list(arrows.x) == pytest.approx([2018.997, 2018.997], abs=0.01)
    assert "<i>" not in figure.to_json().replace("\\u003c", "<")
    assert "Source: s" in texts(figure)
    assert "in force at closing, then unknown" in texts(figure)
    assert "in force at the closing" in bars[0].customdata[1]
    assert "30 Jun 1977" in bars[0].customdata[0].replace("<br>", " ")


def test_the_network_draws_ties_by_obligation_and_names_the_untied_in_grey():
    figure = security_charts.network("t", TIES, plan(), source="s")
    by_name = {trace.name: trace for trace in figure.data}
    assert by_name["defence, bilateral"].line.dash == "solid"
    assert (
        by_name["defence, bilateral"].line.width
        > by_name["non-aggression, multilateral only"].line.width
    )
    assert list(by_name["no tie"].text) == ["IDN", "RUS"]
    assert list(by_name["hub"].text) == ["USA"]
    assert by_name["hub"].marker.symbol != by_name["spoke"].marker.symbol
    assert not any("consultation" in name for name in by_name)  # of a state without a place
    assert len(figure.data) <= 12
    (told, other) = by_name["ties"].customdata
    assert "United States and Japan" in told.replace("<br>", " ")
    assert "3755" in other


def test_a_year_without_ties_is_a_picture_of_states():
    figure = security_charts.network("t", TIES.iloc[:0], plan(), source="s")
    assert [trace.name for trace in figure.data] == ["no tie"]


def test_places_do_not_depend_on_the_year():
    states = [740, 840, 850, 710, 920]
    once = graph.positions(2, [740, 840], states, [365, 200])
    assert once == graph.positions(2, [740, 840], reversed(states), {200, 365, 740})
    assert once[2] == (0, 0)
    assert len({(round(x, 6), round(y, 6)) for x, y in once.values()}) == len(once) == 8
    assert all(x * x + y * y <= 1.000001 for x, y in once.values())


def test_a_star_is_a_perfect_hub_and_spokes():
    star = graph.measures([(2, 740), (2, 732), (2, 840)], 2)
    assert star["centralisation"] == pytest.approx(1)
    assert star["closed_triangles"] == 0
    assert star["share_at_hub"] == 1
    assert star["components"] == 1
    triangle = graph.measures([(1, 2), (2, 3), (1, 3)], 2, states=[1, 2, 3, 4])
    assert triangle["closed_triangles"] == 1
    assert triangle["states"] == 4
    assert triangle["density"] == pytest.approx(0.5)
    assert triangle["largest_component"] == 3


def test_no_ties_have_no_measures_and_no_crash():
    none = graph.measures([], 2)
    assert none["ties"] == none["components"] == none["hub_degree"] == 0
    assert none["density"] is none["centralisation"] is none["share_at_hub"] is None


def test_years_after_the_closing_are_marked_unknown_and_not_zero():
    pacts = pd.DataFrame(
        {"year": [1951, 2018], "strongest": "defense", "bilateral": True, "pacts": [2, 5]}
    )
    figure = security_charts.obligations("t", pacts, last_year=2018, source="s", bilateral=True)
    (area,) = figure.data
    assert list(area.x) == list(range(1945, 2019))
    assert area.y[0] == 0
    assert area.y[-1] == 5
    assert "unknown" in texts(figure)
    (shape,) = figure.layout.shapes
    assert shape.x0 == 2018.5
    assert figure.layout.xaxis.range[1] > 2018.5


def test_a_share_without_a_base_is_a_gap():
    rows = pd.DataFrame({"year": [1951, 1953], "share": [0.5, 0.25]})
    figure = security_charts.shares("t", [("a", rows)], unit="%", source="s", last_year=1954)
    known = dict(zip(figure.data[0].x, figure.data[0].y, strict=True))
    assert known[1951] == 50
    assert known[1952] is None
    assert known[1954] is None
    assert figure.data[0].connectgaps is False


def test_allies_and_others_differ_by_dash_and_one_or_two_countries_are_no_group():
    rows = pd.DataFrame(
        [(2000, True, 3, 0.02), (2000, False, 5, 0.01), (2001, True, 2, 0.9)],
        columns=["year", "allied", "countries", "mean_share_of_gdp"],
    )
    figure = security_charts.burden("t", rows, source="s", last_year=2001)
    assert [t.line.dash for t in figure.data] == ["solid", "dash"]
    assert [v for v in figure.data[0].y if v is not None] == [pytest.approx(2)]


def test_nothing_to_draw_is_a_figure_that_says_so():
    none = pd.DataFrame(columns=["year", "strongest", "bilateral", "pacts", "allied", "countries"])
    for figure in (
        security_charts.timeline("t", PHASES.iloc[:0], source="s"),
        security_charts.obligations("t", none, last_year=2018, source="s", bilateral=True),
        security_charts.shares("t", [], unit="u", source="s", last_year=2018),
        security_charts.burden("t", none, source="s", last_year=2018),
    ):
        assert "nothing to draw" in texts(figure)


@pytest.mark.mirror
def test_hub_ties_say_by_what_since_when_and_ended_when(snapshot):
    found = {
        (row["state_b"], row["alliance_id"], str(row["since"]), row["ended"] and str(row["ended"]))
        for row in asked.hub_ties(snapshot, "ATOP", "5.1", asked.HUB, asked.SPOKES).records()
        if row["strongest"] == "defense"
    }
    assert found == {
        (740, "3220", "1951-09-08", "1960-01-19"),
        (740, "3375", "1960-01-19", None),
        (732, "3240", "1953-10-01", None),
        (840, "3210", "1951-08-30", None),
        (840, "3260", "1954-09-08", "1977-06-30"),
        (713, "3270", "1954-12-02", "1980-01-01"),
        (800, "3260", "1954-09-08", "1977-06-30"),
        (800, "3260", "1977-06-30", None),
        (900, "3215", "1951-09-01", None),
        (900, "3260", "1954-09-08", "1977-06-30"),
    }


@pytest.mark.mirror
def test_spokes_owe_one_another_defence_only_in_a_treaty_of_the_hub(snapshot):
    rows = asked.spoke_ties(snapshot, "ATOP", "5.1", asked.HUB, asked.SPOKES).records()
    defence = [row for row in rows if row["strongest"] == "defense"]
    assert {row["alliance_id"] for row in defence} == {"3260"}
    assert all(row["hub_is_in_it"] for row in defence)
    assert any(row["alliance_id"] == "3755" for row in rows)


@pytest.mark.mirror
def test_every_tie_that_is_drawn_or_left_out_is_accounted_for(snapshot):
    for defence in (True, False):
        states = asked.states(snapshot, "ATOP", "5.1", 1, defence).records()
        known = {row["state"] for row in states}
        for year in (1951, 1980, 2018):
            ties = asked.ties(snapshot, "ATOP", "5.1", 1, year).records()
            ends = {
                row[end]
                for row in ties
                if row["strongest"] == "defense" or not defence
                for end in ("state_a", "state_b")
            }
            assert ends <= known


@pytest.mark.mirror
def test_a_weaker_bilateral_pact_does_not_make_a_treatys_defence_bilateral(snapshot):
    rows = asked.ties(snapshot, "ATOP", "5.1", 1, 1965).records()
    found = {(r["state_a"], r["state_b"]): (r["strongest"], r["bilateral"]) for r in rows}
    assert found[800, 840] == ("defense", False)  # SEATO, beside a non-aggression pact of 1949
    assert found[2, 840] == ("defense", True)
    assert found[2, 900] == ("defense", False)  # ANZUS


@pytest.mark.mirror
def test_no_year_beyond_the_closing_has_ties_or_layers(snapshot):
    assert asked.ties(snapshot, "ATOP", "5.1", 3, 2019).rows == []
    assert asked.layer(snapshot, "ATOP", "5.1", 3, 2019).rows == []


@pytest.fixture
def page(app, tmp_path):
    """The page on a data folder, at an address."""
    return lambda settings, **query: opened(app, settings, tmp_path, "security", **query)


@pytest.mark.mirror
def test_the_page_shows_the_newest_year_that_is_known(page, full_data):
    test = page(full_data.settings)
    assert not test.exception
    assert not test.error
    assert test.slider[0].value == 2018
    assert len(test.get("plotly_chart")) == 6
    assert any("nothing of cause" in caption.value for caption in test.caption)


@pytest.mark.mirror
def test_the_address_chooses_year_version_region_and_pacts(page, full_data):
    test = page(
        full_data.settings,
        data="COW 4.1",
        level="with South Asia",
        network_year="1960",
        ties="all",
        pacts="defence",
    )
    assert not test.exception
    assert test.slider[0].value == 1960
    assert [box.value for box in test.selectbox] == ["COW 4.1", "with South Asia"]
    test.selectbox[0].set_value("ATOP 3.0").run()
    assert not test.exception
    assert test.slider[0].value == 1960


@pytest.mark.mirror
def test_a_year_that_another_version_does_not_know_becomes_its_last(page, full_data):
    test = page(full_data.settings, network_year="2015")
    assert test.slider[0].value == 2015
    test.selectbox[0].set_value("ATOP 3.0").run()
    assert not test.exception
    assert test.slider[0].value == 2003


@pytest.mark.mirror
@pytest.mark.parametrize(
    "query",
    [
        {"network_year": "1800"},
        {"network_year": "2019"},
        {"network_year": "abc"},
        {"data": "ATOP 9"},
        {"level": "9"},
        {"ties": "<script>"},
        {"pacts": "'"},
        {"edition": "1900"},
    ],
)
def test_an_impossible_address_shows_the_default(page, full_data, query):
    test = page(full_data.settings, **query)
    assert not test.exception
    assert not test.error
    assert test.slider[0].value == 2018
    assert [box.value for box in test.selectbox] == ["ATOP 5.1", "core", 2025]


@pytest.mark.mirror
def test_the_first_and_an_empty_year_have_pictures_too(page, full_data):
    test = page(full_data.settings, network_year="1945")
    assert not test.exception
    assert test.slider[0].value == 1945
    test.slider[0].set_value(1946).run()
    assert not test.exception
    assert len(test.get("plotly_chart")) == 6


def test_the_excerpt_shows_the_version_that_has_members(page, excerpt_data):
    test = page(excerpt_data.settings, data="ATOP 3.0")
    assert not test.exception
    assert not test.error
    assert test.selectbox[0].options == ["ATOP 5.1"]
