"""A region's bars, contributions and map of tiles from plain values, and the page at any address."""

import pytest

from dashboard import region_charts
from dashboard.region_charts import OTHERS, Part, Share, Tile
from tests.dashboard.pages import opened

PARTS = [
    Part("China", [2000, 2001], [3000.0, 6000.0], [3000.0, 300.0]),
    Part("Japan <i>", [2001], [2000.0], [0.0]),
    Part(OTHERS, [2000, 2001], [1000.0, 1000.0], [200.0, 0.0]),
]


def texts(figure) -> str:
    return " ".join(
        [figure.layout.title.text, *(note.text or "" for note in figure.layout.annotations)]
    )


def test_bars_stack_members_hatch_estimates_and_leave_gaps():
    figure = region_charts.composition("T", PARTS, [(2000, 4500.0)], "US$ billions", "Source: s")
    china, japan, others, total = figure.data
    assert figure.layout.barmode == "stack"
    assert list(china.y) == [3, 6]
    assert list(china.marker.pattern.shape) == ["/", ""]
    assert list(others.marker.pattern.shape) == ["/", ""]
    assert list(japan.x) == [2001]
    assert list(total.y) == [4.5]
    assert "100 % of it estimated" in china.customdata[0]
    assert {"China", "Japan &lt;i&gt;", OTHERS} <= {note.text for note in figure.layout.annotations}
    assert figure.layout.yaxis.range[1] > 9


def test_contributions_go_both_ways_with_increase_and_points():
    figure = region_charts.contributions(
        "T",
        [
            Share("China", 84_500.0, 0.42, True),
            Share("Japan", -500.0, -0.0025, False),
            Share("3 others", 1000.0, 0.005, False, rest=True),
        ],
        "unit",
        "Source: s",
    )
    (bars,) = figure.data
    assert list(bars.x) == [84.5, -0.5, 1]
    assert list(bars.marker.pattern.shape) == ["/", "", ""]
    assert "+$84.5 billion, +42.0 points" in texts(figure)
    assert "−$500 million, −0.2 points" in texts(figure)
    assert list(figure.layout.yaxis.ticktext) == ["China", "Japan", "<i>3 others</i>"]


def test_the_map_has_a_tile_a_country_where_it_lies_and_grey_without_a_figure():
    at = region_charts.places()
    figure = region_charts.tile_map(
        "T",
        [
            Tile("CHN", "China", 0.49, "~49"),
            Tile("JPN", "Japan", 0.09, "9.0"),
            Tile("PRK", "Korea, North", None, "out"),
            Tile("ZZZ", "Nowhere", 0.1, "10"),
        ],
        "share",
        "Source: s",
    )
    (tiles,) = figure.data
    assert tiles.type == "heatmap"
    row, column = at["CHN"][1] - at["PRK"][1], 0
    assert tiles.text[row][column] == "CHN<br>~49"
    assert tiles.customdata[row][column] == "China: ~49 %"
    assert tiles.z[row][column] == pytest.approx(0.7)
    grey = at["PRK"][0] - at["CHN"][0]
    assert tiles.text[0][grey] == "PRK<br>out"
    assert tiles.customdata[0][grey] == "Korea, North: out"
    assert tiles.z[0][grey] == tiles.zmin < 0
    assert tiles.colorscale[0][1] == tiles.colorscale[1][1] == region_charts.BACKGROUND_BAR
    assert sum(value is not None for line in tiles.z for value in line) == 3
    assert "Nowhere" not in figure.to_json()


def test_growth_is_told_apart_by_sign():
    (tiles,) = region_charts.tile_map(
        "T",
        [Tile("CHN", "China", 4.0, "400"), Tile("JPN", "Japan", -0.25, "-25")],
        "growth",
        "s",
        diverging=True,
    ).data
    values = [value for line in tiles.z for value in line if value is not None]
    assert sorted(values) == [-0.5, 2]
    assert tiles.zmax == 2
    assert tiles.zmin == pytest.approx(-2.04)


def test_nothing_needs_the_internet():
    figure = region_charts.tile_map("T", [Tile("CHN", "China", 1.0, "1")], "u", "s")
    assert not {"choropleth", "scattergeo", "choroplethmap"} & {trace.type for trace in figure.data}


def test_nothing_to_draw_is_a_figure_that_says_so():
    for figure in (
        region_charts.composition("t", [], [], "u", "s"),
        region_charts.tile_map("t", [], "u", "s"),
    ):
        assert "nothing to draw" in texts(figure)
        assert not figure.data


@pytest.fixture
def page(app, tmp_path):
    """The page on a data folder, at an address."""
    return lambda settings, **query: opened(app, settings, tmp_path, "region", **query)


def words(test) -> str:
    parts = [*test.title, *test.subheader, *test.markdown, *test.caption, *test.info]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def charts(test) -> list[str]:
    return [drawn.proto.spec.replace("<br>", " ") for drawn in test.get("plotly_chart")]


@pytest.mark.mirror
def test_the_claimed_contribution_is_the_title_of_the_bars(page, full_data):
    test = page(full_data.settings, edition="2017", years=["2008", "2017"])
    assert not test.exception
    assert not test.error
    over_time, drivers, tiles = charts(test)
    assert "58.9 % more than in 2008" in over_time
    assert "China accounts for" in drivers
    assert "CHN" in tiles
    assert "Left out of the total: Korea, North" in words(test)


@pytest.mark.mirror
def test_the_residual_is_said_in_words(page, full_data):
    test = page(full_data.settings, region="Middle East")
    assert "SIPRI's total is $209 billion" in words(test)
    assert "is what SIPRI estimates for those without one: Qatar." in words(test)
    assert "excerpt" not in words(test)
    test.selectbox(key="region").set_value("Europe").run()
    test.slider(key="years").set_value((1995, 2008)).run()
    assert "They agree." in words(test)


@pytest.mark.mirror
def test_a_sum_may_have_years_without_a_published_total(page, full_data):
    test = page(
        full_data.settings, basis="sum of its countries", years=["1960", "1980"], region="World"
    )
    assert not test.exception
    assert "SIPRI gives no total for World in 1980" in words(test)
    assert "No figure in both years: unavailable in 1960" in words(test)


@pytest.mark.mirror
@pytest.mark.parametrize(
    "shown", ["Share of the region's total", "Share of GDP", "Growth between the two years"]
)
def test_the_map_shows_what_is_chosen(page, full_data, shown):
    test = page(full_data.settings, map=shown)
    assert not test.exception
    assert f"{shown[0].lower()}{shown[1:]}, in %; darker is larger" in charts(test)[2]


@pytest.mark.mirror
def test_one_year_alone_has_no_change(page, full_data):
    test = page(full_data.settings, years=["2015", "2015"])
    assert not test.exception
    assert len(charts(test)) == 2
    assert "Choose other years" in words(test)


@pytest.mark.mirror
def test_every_region_opens_in_every_edition(page, full_data):
    test = page(full_data.settings)
    (regions,) = [box for box in test.selectbox if box.label == "Region"]
    for region in regions.options:
        test.selectbox(key="region").set_value(region).run()
        assert not test.exception, region
        assert not test.error, region
    for edition in test.selectbox(key="edition").options:
        test.selectbox(key="edition").set_value(int(edition)).run()
        assert not test.exception, edition


@pytest.mark.mirror
@pytest.mark.parametrize(
    "query",
    [
        {"region": "Atlantis", "edition": "1066"},
        {"region": "<script>alert(1)</script>", "basis": "", "map": ""},
        {"years": ["3000", "4000"], "map": "x" * 3000},
    ],
)
def test_an_impossible_address_shows_the_default(page, full_data, query):
    test = page(full_data.settings, **query)
    assert not test.exception
    assert not test.error
    assert [box.value for box in test.selectbox] == ["Asia & Oceania", 2025]
    assert test.slider[0].value == (2008, 2025)
    assert "script" not in words(test)


@pytest.mark.parametrize("region", ["Asia & Oceania", "World", "Europe"])
def test_the_excerpt_shows_what_it_has(page, excerpt_data, region):
    test = page(excerpt_data.settings, region=region)
    assert not test.exception
    assert not test.error
    assert "committed excerpt" in words(test)


def test_the_excerpt_says_when_it_lacks_countries(page, excerpt_data):
    test = page(excerpt_data.settings, years=["2008", "2012"])
    assert not test.exception
    assert "is what this excerpt lacks, and what SIPRI estimates." in words(test)
    assert "and what this excerpt lacks." in words(test)
