"""What editions say of the same years, from plain values and the full snapshot, and the page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import queries, revision_charts, spending_queries
from dashboard import revision_queries as asked
from dashboard.revision_charts import signed
from dashboard.revision_queries import Cell, Series, cell
from dashboard.spending_charts import Trend
from tests.dashboard.pages import opened

OLD = Series(
    2001,
    2000,
    {1999: 10.0, 2000: 20.0, 2001: None},
    {1999: "reported", 2000: "estimate", 2001: "unavailable"},
)
NEW = Series(
    2003,
    2002,
    {1999: None, 2000: 30.0, 2001: 40.0, 2002: 50.0, 2003: 60.0},
    {
        1999: "not_independent",
        2000: "reported",
        2001: "reported",
        2002: "reported",
        2003: "uncertain",
    },
)


def test_a_cell_is_the_change_against_the_other_edition():
    assert cell(NEW, OLD, 2000) == Cell("revised", pytest.approx(0.5))
    assert cell(OLD, NEW, 2000) == Cell("revised", pytest.approx(-1 / 3))
    assert cell(NEW, NEW, 2000) == Cell("same", 0.0)


def test_a_figure_that_only_one_edition_has_is_added_removed_or_beyond_the_other():
    assert cell(NEW, OLD, 2001) == Cell("added", None)
    assert cell(NEW, OLD, 1999) == Cell("removed", None)
    assert cell(NEW, OLD, 2002) == Cell("beyond", None)
    assert cell(OLD, OLD, 2001) is None


@given(st.floats(1, 1e6), st.floats(1e-9, 5e-7))
def test_what_differs_by_less_than_printing_does_is_the_same(value, part):
    other = Series(2001, 2000, {2000: value * (1 + part)}, {2000: "reported"})
    this = Series(2001, 2000, {2000: value}, {2000: "reported"})
    assert cell(this, other, 2000).kind == "same"


def test_a_change_from_nothing_has_no_size():
    nothing = Series(2001, 2000, {2000: 0.0}, {2000: "reported"})
    assert cell(NEW, nothing, 2000) == Cell("revised", None)
    assert cell(nothing, NEW, 2000) == Cell("revised", None)
    assert cell(nothing, nothing, 2000) == Cell("same", 0.0)


@given(st.floats(0.01, 1e6))
def test_an_index_does_not_depend_on_the_base_year_of_the_prices(factor):
    other_dollars = Series(
        2003,
        1990,
        {year: None if v is None else v * factor for year, v in NEW.values.items()},
        NEW.statuses,
    )
    (plain,), (scaled,) = asked.indexed([NEW], 2000), asked.indexed([other_dollars], 2000)
    assert plain.values[2000] == 100
    assert scaled.values[2003] == pytest.approx(plain.values[2003])
    assert plain.values[1999] is None


def test_an_edition_without_a_figure_in_the_year_that_is_100_is_left_out():
    assert asked.indexed([OLD, NEW], 1999)[0].edition == 2001
    assert len(asked.indexed([OLD, NEW], 1999)) == 1
    assert asked.common_years([OLD, NEW]) == [2000]
    assert asked.common_years([]) == []


def test_each_edition_gives_the_series_as_it_was_published(snapshot):
    found = asked.series(snapshot, "China", "current_usd", "published", (2000, 2025))
    assert [one.edition for one in found] == sorted(queries.editions(snapshot).column("edition"))
    for one in found:
        own = spending_queries.series(
            snapshot, ["China"], one.edition, "current_usd", "published", (2000, 2025)
        )
        assert one.values == dict(zip(own.column("year"), own.column("value"), strict=True))
        assert max(one.values) == one.edition
    flat = asked.flat(found, "US$ millions")
    assert len(flat.rows) == sum(len(one.values) for one in found)


def test_cells_agree_with_the_table_of_revisions(snapshot):
    found = asked.series(snapshot, "Viet Nam", "current_usd", "published", (1990, 2025))
    old, new = found[0], found[-1]
    revised = {
        row["year"]: row["change"]
        for row in asked.revised(snapshot, old.edition, new.edition).records()
        if row["country"] == "Viet Nam" and row["kind"] == "revised"
    }
    assert revised
    for year in range(1990, old.edition + 1):
        against = cell(new, old, year)
        if year in revised:
            assert against == Cell("revised", pytest.approx(revised[year]))
        else:
            assert against is None or against.kind != "revised"


def test_the_largest_revisions_are_the_metrics_one_for_each_country(snapshot):
    ours = asked.largest(snapshot, 2017, 2025, 8).records()
    metric = snapshot.rows("FROM largest_revisions(2017, 2025, n := 100)").records()
    assert ours[0] == metric[0]
    countries = list(dict.fromkeys(row["country"] for row in metric))
    assert [row["country"] for row in ours] == countries[:8]
    amounts = asked.largest_amounts(snapshot, 2017, 2025, 8).column("change_usd_m")
    sizes = [abs(amount) for amount in amounts]
    assert sizes == sorted(sizes, reverse=True)
    every = asked.revised(snapshot, 2017, 2025).column("change_usd_m")
    assert sizes[0] == max(abs(amount) for amount in every if amount is not None)


def test_the_extent_counts_every_revision_once(snapshot):
    extent = asked.extent(snapshot, 2019, 2020)
    rows = asked.revised(snapshot, 2019, 2020)
    assert extent["revised"] + extent["added"] + extent["removed"] == len(rows.rows)
    assert 0 < extent["revised"] < extent["common"]


def test_the_parts_of_a_claims_revision_add_up(snapshot):
    moved = asked.claim_revisions(snapshot, "asia-growth", "%")
    assert len(moved.rows) == len(queries.editions(snapshot).rows) - 1
    for row in moved.records():
        parts = ("revised_data", "revised_deflators", "countries_entering", "published_residual")
        assert sum(row[part] for part in parts) == pytest.approx(row["change"])
    assert moved.units["change"] == "percentage points"
    assert moved.units["from_value"] == "%"


def test_changes_are_written_as_people_do():
    assert signed(0.123) == "+12.3 %"
    assert signed(-0.079) == "−7.9 %"
    assert signed(1329.4) == "×1,330"


def trends():
    return [
        Trend("2001", [1999, 2000, 2001], [10.0, 20.0, None], ["reported", "estimate", ""]),
        Trend("2002", [1999, 2000, 2001], [11.0, 21.0, 31.0], ["reported"] * 3),
        Trend("2003", [1999, 2000, 2001], [None, 22.0, 32.0], ["reported"] * 3),
    ]


def test_each_edition_is_a_line_of_its_own_dash_named_at_its_end():
    figure = revision_charts.by_edition("T", trends(), "US$ billions", "Source: s")
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert len({trace.line.dash for trace in lines}) == 3
    assert list(lines[0].y) == [10.0, 20.0, None]
    assert all(trace.connectgaps is False for trace in lines)
    names = [note.text for note in figure.layout.annotations]
    assert names[:3] == ["2001", "2002", "2003"]
    (marks,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert (list(marks.x), marks.marker.symbol) == ([2000], "circle-open")
    assert "○ estimate" in figure.layout.title.text


def test_the_matrix_says_in_each_cell_what_its_shade_says():
    figure = revision_charts.matrix(
        "T",
        [2002, 2003],
        [2000, 2001],
        [[0.1, -0.1], [None, 0.0]],
        [["+10.0", "−10.0"], ["", "="]],
        [["a", "b"], ["", "c"]],
        "change in %",
        "Source: s",
    )
    (heat,) = figure.data
    assert [list(row) for row in heat.text] == [["+10.0", "−10.0"], ["", "="]]
    assert heat.zmin == -heat.zmax
    assert list(heat.x) == ["2002", "2003"]


def test_a_doubling_is_as_long_as_a_halving_and_each_says_its_change():
    figure = revision_charts.largest(
        "T", [("A 2000", 1.0, "+100 %"), ("B 2000", -0.5, "−50 %")], "u", "s", ratio=True
    )
    (bars,) = figure.data
    assert bars.x[0] == pytest.approx(-bars.x[1])
    assert list(bars.text) == ["+100 %", "−50 %"]
    assert bars.marker.color[0] != bars.marker.color[1]


def written(test) -> str:
    parts = [*test.title, *test.subheader, *test.markdown, *test.caption, *test.info, *test.warning]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


@pytest.mark.parametrize(
    ("query", "charts"),
    [
        ({}, 3),
        ({"place": "Asia & Oceania", "values": "Absolute", "size": "Amount in US$"}, 3),
        ({"place": "Japan", "measure": "Share of GDP", "against": "the newest edition"}, 3),
        ({"place": "World", "measure": "US$ per head"}, 1),
        ({"place": "Atlantis", "measure": "<script>alert(1)</script>", "years": "3000"}, 3),
        ({"place": "", "values": "", "against": "", "earlier": "2025", "later": "2017"}, 3),
        ({"place": "USSR", "years": "x", "index_year": "3000", "statement": "' OR 1=1 --"}, 1),
    ],
)
def test_the_page_opens_at_any_address(app, full_data, tmp_path, query, charts):
    test = opened(app, full_data.settings, tmp_path, "revisions", **query)
    assert not test.exception
    assert not test.error
    assert "How much do editions revise the past?" in written(test)
    assert "script" not in written(test)
    assert len(test.get("plotly_chart")) == charts


def test_constant_prices_are_indexed_and_amounts_carry_a_warning(app, full_data, tmp_path):
    test = opened(app, full_data.settings, tmp_path, "revisions")
    assert "The index takes that out" in written(test)
    assert not test.warning
    test.segmented_control(key="values").set_value("Absolute").run()
    assert "different dollars" in test.warning[0].value


def test_a_region_without_a_measure_says_why(app, full_data, tmp_path):
    query = {"place": "World", "measure": "US$ per head"}
    test = opened(app, full_data.settings, tmp_path, "revisions", **query)
    assert "Regions have totals in US$" in test.info[0].value


def test_the_statements_stand_with_their_figure_in_each_edition(app, full_data, tmp_path):
    test = opened(app, full_data.settings, tmp_path, "revisions", statement="asia-growth")
    table = next(frame.value for frame in test.dataframe if "statement" in frame.value.columns)
    growth = table[table["statement"].str.contains("Asia and Oceania rose")].iloc[0]
    assert growth["2017"] == "58.9 % ✓ [own]"
    assert growth["2025"].endswith("✗")
    assert test.get("page_link")


def test_on_the_excerpt_the_page_works(app, excerpt_data, tmp_path):
    test = opened(app, excerpt_data.settings, tmp_path, "revisions")
    assert not test.exception
    assert not test.error
    assert "excerpt" in test.info[0].value
    query = {"place": "Africa", "measure": "Share of government spending"}
    empty = opened(app, excerpt_data.settings, tmp_path / "empty", "revisions", **query)
    assert not empty.exception
    assert "No edition has this measure" in written(empty)
