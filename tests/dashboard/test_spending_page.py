"""Lines from plain values with what is estimated told apart, and the page at any address."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import spending_charts
from dashboard.spending_charts import Trend, apart, spans, takeaway, told
from tests.dashboard.pages import opened

CHINA = Trend(
    "China <b>",
    [2000, 2001, 2002, 2003, 2004],
    [1000.0, 2000.0, None, 4000.0, 8000.0],
    ["reported", "reported", "unavailable", "uncertain", "estimate"],
)
JAPAN = Trend("Japan", [2000, 2001, 2002, 2003, 2004], [500.0] * 5, ["reported"] * 5)


def texts(figure) -> str:
    return " ".join(
        [figure.layout.title.text, *(note.text or "" for note in figure.layout.annotations)]
    )


def drawn(*trends, **changed):
    given = {"measure": "constant_usd", **changed}
    return spending_charts.trends("Takeaway", trends, "US$ billions", "Source: s", **given)


def by_dash(figure):
    return {trace.line.dash: trace for trace in figure.data if trace.mode == "lines"}


def test_firm_years_are_solid_estimates_dashed_with_open_marks_and_gaps_stay():
    figure = drawn(CHINA)
    lines = by_dash(figure)
    assert list(lines["solid"].x) == [2000, 2001, None]
    assert list(lines["dot"].x) == [2003, 2004, None]
    (marks,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert list(marks.x) == [2000, 2001, 2003, 2004]
    assert list(marks.marker.symbol) == ["circle", "circle", "diamond-open", "circle-open"]
    assert list(marks.marker.size) == [0, 0, 6, 6]
    assert list(marks.y) == [1, 2, 4, 8]
    assert "highly uncertain" in texts(figure)
    assert marks.customdata[3] == "China &lt;b&gt;, 2004: $8.0 billion (estimate)"


def test_a_firm_year_alone_is_a_mark():
    lonely = Trend("A", [2000, 2001, 2002], [None, 3.0, None], ["unavailable", "reported", ""])
    (marks,) = drawn(lonely).data
    assert list(marks.marker.size) == [5]
    assert "estimate" not in texts(drawn(lonely))


def test_places_are_named_at_the_end_of_their_lines_and_not_over_one_another():
    figure = drawn(CHINA, JAPAN, Trend("Other", JAPAN.years, JAPAN.values, JAPAN.statuses))
    names = {note.text: note.y for note in figure.layout.annotations if note.xref == "paper"}
    assert {"China &lt;b&gt;", "Japan", "Other"} <= set(names)
    low, high = figure.layout.yaxis.range
    pixels = abs(names["Japan"] - names["Other"]) * spending_charts.PLOT_HEIGHT / (high - low)
    assert pixels >= spending_charts.LINE_HEIGHT - 1e-6
    assert figure.layout.showlegend is False


def test_a_series_that_ends_early_says_when():
    ended = Trend("USSR", [1989, 1990, 1991], [1.0, 2.0, None], ["estimate"] * 2 + ["unavailable"])
    assert "(to 1990)" in texts(drawn(ended)).replace("<br>", " ")


def test_a_logarithmic_axis_leaves_zeros_out():
    zeros = Trend("A", [2000, 2001], [0.0, 100.0], ["reported"] * 2)
    figure = drawn(zeros, log=True)
    assert figure.layout.yaxis.type == "log"
    assert list(figure.data[0].x) == [2001]
    assert all(math.isfinite(end) for end in figure.layout.yaxis.range)
    assert list(drawn(zeros).data[0].x) == [2000, 2001, None]


def test_shares_are_drawn_in_percent():
    figure = drawn(Trend("A", [2000, 2001], [0.02, 0.03], ["reported"] * 2), measure="share_of_gdp")
    assert list(figure.data[0].y) == [2, 3, None]
    assert figure.layout.yaxis.ticksuffix == " %"


def test_nothing_to_draw_is_a_figure_that_says_so():
    figure = drawn(Trend("A", [2000], [None], ["unavailable"]))
    assert not figure.data
    assert "nothing to draw" in texts(figure)


def test_eight_places_need_few_traces_that_all_differ():
    figure = drawn(*(Trend(f"P{n}", CHINA.years, CHINA.values, CHINA.statuses) for n in range(8)))
    assert len(figure.data) <= 24
    assert len({trace.line.color for trace in figure.data if trace.mode == "lines"}) == 8


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=8),
    st.floats(1, 10),
)
def test_labels_with_room_keep_their_order_distance_and_place(wanted, height):
    at = apart(wanted, [height] * len(wanted), (0, 100))
    ordered = sorted(at)
    assert all(b - a >= height - 1e-6 for a, b in pairwise(ordered))
    assert all(height / 2 - 1e-6 <= y <= 100 - height / 2 + 1e-6 for y in at)
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    assert [at[n] for n in order] == ordered


def test_years_are_written_as_people_write_them():
    assert spans([2001, 1990, 1991, 1992]) == "1990–92, 2001"
    assert spans(range(1999, 2002)) == "1999–2001"
    assert spans([]) == ""


def test_values_are_written_in_the_unit_of_their_measure():
    assert told(477_123, "constant_usd") == "$477 billion"
    assert told(0.0172, "share_of_gdp") == "1.7 %"
    assert told(231.4, "per_capita_usd") == "$231"
    assert told(0.0, "constant_usd") == "nothing"


def test_the_takeaway_names_the_most_and_the_least_of_the_last_year():
    said = takeaway([JAPAN, CHINA], "constant_usd", None)
    assert said == "2004: China <b> has the most ($8.0 billion), Japan the least ($500 million)"
    assert takeaway([CHINA], "constant_usd", None).startswith("China <b>: $8.0 billion in 2004")
    assert "No figure" in takeaway([], "constant_usd", None)
    indexed = Trend("A", [2000, 2001], [100.0, 250.0], ["reported"] * 2)
    assert takeaway([indexed], "constant_usd", 2000) == "With 2000 as 100, A is at 250 in 2001"


@pytest.fixture
def page(app, tmp_path):
    """The page on a data folder, at an address."""
    return lambda settings, **query: opened(app, settings, tmp_path, "spending", **query)


def words(test) -> str:
    parts = [*test.title, *test.subheader, *test.markdown, *test.caption, *test.info]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def chart(test) -> str:
    (only,) = test.get("plotly_chart")
    return only.proto.spec


@pytest.mark.mirror
def test_the_page_shows_lines_and_says_what_is_estimated(page, full_data):
    test = page(full_data.settings)
    assert not test.exception
    assert not test.error
    assert "**China**: SIPRI's estimate 1990–2025." in words(test)
    assert "edition 2025" in chart(test)
    assert "prices of 2024" in chart(test)
    frame = test.dataframe[0].value
    assert set(frame["place"]) == {"China", "India", "Japan", "Korea, South"}
    assert "value [US$ millions, prices of 2024]" in frame.columns


@pytest.mark.mirror
def test_unavailable_and_not_independent_are_told_apart(page, full_data):
    test = page(full_data.settings, places=["Russia", "Afghanistan"], years=["1985", "2025"])
    assert not test.exception
    assert "not independent 1985–91" in words(test)
    assert "**Afghanistan**: unavailable" in words(test)


@pytest.mark.mirror
def test_an_index_leaves_out_who_has_no_figure_then_and_says_so(page, full_data):
    test = page(
        full_data.settings,
        places=["Japan", "Russia"],
        values="Indexed",
        years=["1985", "2025"],
        index_year="1990",
    )
    assert not test.exception
    assert "**Russia** is not drawn: it has no figure above zero in 1990" in words(test)
    assert "With 1990 as 100, Japan is at" in chart(test)
    test.selectbox(key="index_year").set_value(1992).run()
    assert "is not drawn" not in words(test)


@pytest.mark.mirror
def test_an_index_begins_where_every_place_has_a_figure(page, full_data):
    test = page(full_data.settings, places=["Japan", "Russia"], values="Indexed")
    assert test.selectbox(key="index_year").value == 1992


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("Constant US$", "Regions: SIPRI's total."),
        ("Share of GDP", "share of GDP is implied"),
        ("US$ per head", "**Asia & Oceania** is not drawn: SIPRI gives totals of regions in US$"),
        ("Share of government spending", "no government spending to divide by"),
    ],
)
def test_a_region_has_money_and_an_implied_burden_and_else_says_why_not(
    page, full_data, measure, said
):
    test = page(
        full_data.settings,
        places=["Asia & Oceania", "Japan"],
        measure=measure,
        axis="Logarithmic",
    )
    assert not test.exception
    assert said in words(test) + chart(test).replace("<br>", " ")
    assert "Japan" in chart(test)


@pytest.mark.mirror
def test_no_place_asks_for_one(page, full_data):
    test = page(full_data.settings, places="")
    assert not test.exception
    assert "Choose a country or a region" in words(test)


@pytest.mark.mirror
@pytest.mark.parametrize(
    "query",
    [
        {"places": "Atlantis"},
        {"places": "<script>alert(1)</script>", "measure": "'; DROP TABLE x"},
        {"years": ["3000", "4000"], "edition": "3000", "values": "", "axis": "x" * 3000},
        {"years": "abc", "measure": "", "basis": "none"},
    ],
)
def test_an_impossible_address_shows_the_default(page, full_data, query):
    test = page(full_data.settings, **query)
    assert not test.exception
    assert not test.error
    assert test.multiselect[0].value == ["China", "India", "Japan", "Korea, South"]
    assert [box.value for box in test.selectbox] == ["constant_usd", 2025]
    assert test.slider[0].value == (1990, 2025)


@pytest.mark.mirror
def test_years_the_wrong_way_round_are_turned(page, full_data):
    test = page(full_data.settings, years=["2010", "2000"])
    assert not test.exception
    assert test.dataframe[0].value["year"].min() == 2000


@pytest.mark.mirror
def test_years_stay_as_far_as_another_edition_or_measure_reaches(page, full_data):
    test = page(full_data.settings, years=["1960", "2024"])
    test.selectbox(key="edition").set_value(2017).run()
    assert test.slider[0].value == (1960, 2017)
    test.selectbox(key="measure").set_value("per_capita_usd").run()
    assert test.slider[0].value == (1988, 2017)


@pytest.mark.mirror
def test_years_that_another_measure_does_not_have_are_forgotten(page, full_data):
    test = page(full_data.settings, years=["1960", "1970"])
    test.selectbox(key="measure").set_value("per_capita_usd").run()
    assert not test.exception
    assert test.slider[0].value == (1990, 2025)


@pytest.mark.parametrize("measure", ["Constant US$", "Share of GDP", "US$ per head"])
def test_the_excerpt_says_what_it_lacks(page, excerpt_data, measure):
    test = page(excerpt_data.settings, measure=measure, places=["China", "Asia & Oceania"])
    assert not test.exception
    assert not test.error
    assert "committed excerpt" in words(test)
    assert "in edition 2025 for" in words(test) or "nothing to draw" in chart(test)
