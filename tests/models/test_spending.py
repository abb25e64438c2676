"""From printed cells to figures, and from countries to regions, on a few invented rows."""

import pytest

from tests.models.tiny import Tiny


@pytest.fixture
def tiny() -> Tiny:
    tiny = Tiny()
    tiny.edition(2020)
    return tiny


# --- which copy, which name ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origins", "used"),
    [
        (["mirror", "raw"], "raw"),
        (["excerpt", "mirror"], "mirror"),
        (["excerpt"], "excerpt"),
        (["raw", "excerpt", "mirror"], "raw"),
    ],
)
def test_one_copy_of_an_edition_is_used(origins: list[str], used: str) -> None:
    tiny = Tiny()
    for number, origin in enumerate(origins):
        tiny.edition(2020, origin, source_id=origin)
        tiny.figure("China", 2000, float(number), source_id=origin)
    tiny.build("main.observations", "staging.sipri_editions")
    assert tiny.ask("SELECT source_id, is_excerpt FROM staging.sipri_editions") == [
        (used, used == "excerpt")
    ]
    assert tiny.ask("SELECT value FROM main.observations") == [(float(origins.index(used)),)]


@pytest.mark.parametrize(
    ("printed", "country"),
    [
        ("China, P.R.", "China"),
        ("USA", "United States of America"),
        ("Congo, Republic of ", "Congo, Republic"),
        ("Macedonia, FYR", "North Macedonia"),
    ],
)
def test_a_country_has_one_name(tiny: Tiny, printed: str, country: str) -> None:
    tiny.figure(printed, 2000, 1.0)
    tiny.build("main.observations")
    assert tiny.ask("SELECT country FROM main.observations") == [(country,)]


def test_the_european_union_is_no_country(tiny: Tiny) -> None:
    tiny.figure("European Union", 2000, 1e6)
    tiny.figure("France", 2000, 1.0)
    tiny.build("main.regional_spending", "main.spending_series")
    assert tiny.ask("SELECT DISTINCT country FROM main.observations") == [("France",)]
    assert tiny.ask(
        "SELECT constant_usd_bn FROM main.regional_spending WHERE region = 'World'"
    ) == [(0.001,)]
    assert tiny.ask("SELECT * FROM main.spending_series WHERE value_usd_m > 1e5") == []


def test_a_row_that_two_states_share_is_split(tiny: Tiny) -> None:
    for year in (1990, 1991, 1992, 1993):
        tiny.figure("USSR/Russia", year, float(year), "per_capita_usd")
    tiny.build("main.observations")
    assert tiny.ask("SELECT country, year, value FROM main.observations ORDER BY year") == [
        ("USSR", 1990, 1990.0),
        ("USSR", 1991, 1991.0),
        ("Russia", 1992, 1992.0),
        ("Russia", 1993, 1993.0),
    ]


def test_notes_of_the_row_travel_with_every_figure(tiny: Tiny) -> None:
    for year in (2000, 2001):
        tiny.figure("China", year, 1.0)
        tiny.figure("China", year, 1.0, "current_usd")
    tiny.note("China", "constant_usd", "†", "An estimate.")
    tiny.build("main.observations")
    assert tiny.ask("SELECT measure, year, notes FROM main.observations ORDER BY ALL") == [
        ("constant_usd", 2000, "An estimate."),
        ("constant_usd", 2001, "An estimate."),
        ("current_usd", 2000, None),
        ("current_usd", 2001, None),
    ]


# --- zeros ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "local", "is_false"),
    [
        ("current_usd", 5.0, True),
        ("current_usd", 0.0, False),
        ("current_usd", None, False),
        ("constant_usd", 5.0, False),
        ("share_of_gdp", 5.0, False),
    ],
)
def test_a_zero_beside_a_local_figure_is_no_figure(
    tiny: Tiny, measure: str, local: float | None, is_false: bool
) -> None:
    tiny.figure("Argentina", 1980, 0.0, measure)
    tiny.figure("Argentina", 1980, local, "local_currency")
    tiny.figure("Argentina", 1981, 7.0, "local_currency")
    tiny.note("Argentina", measure, "§", "Theirs.")
    tiny.build("main.observations")
    ((value, status, notes),) = tiny.ask(
        f"SELECT value, status, notes FROM main.observations WHERE measure = '{measure}'"
    )
    if is_false:
        assert (value, status) == (None, "unavailable")
        assert str(notes).startswith("Theirs. SIPRI prints 0 here")
    else:
        assert (value, status, notes) == (0.0, "reported", "Theirs.")
    assert tiny.ask(f"SELECT value FROM raw.sipri_figures WHERE measure = '{measure}'") == [(0.0,)]


def test_a_zero_total_is_no_total(tiny: Tiny) -> None:
    tiny.total("Central Asia", 1990, 0.0)
    tiny.total("Central Asia", 1992, 1.0)
    tiny.build("main.regional_spending")
    assert tiny.ask(
        "SELECT year, constant_usd_bn, status FROM main.regional_spending "
        "WHERE region = 'Central Asia' AND basis = 'published' ORDER BY year"
    ) == [(1990, None, "unavailable"), (1992, 1.0, "reported")]


# --- side by side --------------------------------------------------------------------------------


def test_spending_has_a_row_a_year_with_units_of_its_own(tiny: Tiny) -> None:
    tiny.figure("Japan", 2000, 10.0, status="estimate")
    tiny.figure("Japan", 2000, 9.0, "current_usd")
    tiny.figure("Japan", 2000, 5.09e12, "local_currency")
    tiny.figure("Japan", 2000, 4e12, "local_currency_financial")
    tiny.figure("Japan", 2000, 0.01, "share_of_gdp")
    tiny.figure("Japan", 2001, None, status="not_independent")
    tiny.figure("Japan", 2002, 0.02, "share_of_gdp")
    tiny.figure("Japan", 2003, 1.0, "local_currency_financial")
    tiny.build("main.spending")
    assert tiny.ask(
        "SELECT year, constant_usd_m, current_usd_m, local_currency_m, share_of_gdp, status, "
        "region, subregion, iso3 FROM main.spending ORDER BY year"
    ) == [
        (2000, 10.0, 9.0, 5.09e6, 0.01, "estimate", "Asia & Oceania", "East Asia", "JPN"),
        (2001, None, None, None, None, "not_independent", "Asia & Oceania", "East Asia", "JPN"),
        (2002, None, None, None, 0.02, "unavailable", "Asia & Oceania", "East Asia", "JPN"),
    ]


def test_the_latest_is_one_edition_and_nothing_else(tiny: Tiny) -> None:
    tiny.edition(2021)
    tiny.figure("China", 2000, 1.0)
    tiny.figure("Japan", 2000, 1.0)
    tiny.figure("China", 2000, 2.0, edition=2021)
    tiny.build("main.spending_latest", "main.editions")
    assert tiny.ask("SELECT edition, country, constant_usd_m FROM main.spending_latest") == [
        (2021, "China", 2.0)
    ]


# --- regions -------------------------------------------------------------------------------------


def region(tiny: Tiny, name: str, basis: str, year: int = 2000) -> dict[str, object]:
    relation = tiny.connection.execute(
        "SELECT * FROM main.regional_spending WHERE region = ? AND basis = ? AND year = ?",
        [name, basis, year],
    )
    columns = [entry[0] for entry in relation.description]
    (row,) = relation.fetchall()
    return dict(zip(columns, row, strict=True))


def asia(tiny: Tiny) -> None:
    """China and Japan have figures, Viet Nam has none, North Korea and Laos are left out."""
    tiny.figure("China", 2000, 300_000.0, status="estimate")
    tiny.figure("Japan", 2000, 100_000.0)
    tiny.figure("Viet Nam", 2000, None)
    tiny.figure("Korea, North", 2000, 50_000.0)
    tiny.figure("Laos", 2000, 7_000.0, status="uncertain")
    tiny.figure("Timor Leste", 2000, None, status="not_independent")
    tiny.total("Asia & Oceania", 2000, 410.0, "Korea, North, Laos")
    tiny.total("East Asia", 2000, 400.0)
    tiny.build("main.regional_spending")


def test_omitted_countries_are_left_out_of_the_sum(tiny: Tiny) -> None:
    asia(tiny)
    summed = region(tiny, "Asia & Oceania", "summed")
    assert summed["constant_usd_bn"] == 400.0
    assert summed["omitted_countries"] == ["Korea, North", "Laos"]
    assert region(tiny, "Asia & Oceania", "published")["omitted_countries"] == [
        "Korea, North",
        "Laos",
    ]


def test_a_sub_region_omits_its_share_of_the_larger_ones_list(tiny: Tiny) -> None:
    asia(tiny)
    assert region(tiny, "East Asia", "summed")["omitted_countries"] == ["Korea, North"]
    assert region(tiny, "East Asia", "summed")["constant_usd_bn"] == 400.0
    assert region(tiny, "South East Asia", "summed")["omitted_countries"] == ["Laos"]


def test_the_residual_is_attributed_to_the_unavailable(tiny: Tiny) -> None:
    asia(tiny)
    published = region(tiny, "Asia & Oceania", "published")
    assert published["unavailable_countries"] == ["Viet Nam"]
    assert (published["members"], published["members_with_figures"]) == (3, 2)
    assert published["residual_bn"] == pytest.approx(10.0)
    assert published["estimated_share"] == pytest.approx((300 + 10) / 410)
    summed = region(tiny, "Asia & Oceania", "summed")
    assert summed["residual_bn"] is None
    assert summed["estimated_share"] == pytest.approx(0.75)
    assert summed["status"] == "estimate"


def test_the_world_includes_iraq_unless_it_says_otherwise(tiny: Tiny) -> None:
    tiny.figure("Iraq", 2000, 5_000.0)
    tiny.figure("Iran", 2000, 3_000.0)
    tiny.total("World total (excluding Iraq)", 2000, 3.0, "Iraq")
    tiny.total("World total (including Iraq)", 2000, 8.0)
    tiny.total("Middle East (excluding Iraq)", 2000, 3.0, "Iraq")
    tiny.total("Middle East (including Iraq)", 2000, 8.0)
    tiny.build("main.regional_spending")
    for name in ("World", "Middle East"):
        for basis in ("published", "summed"):
            assert region(tiny, name, basis)["constant_usd_bn"] == 8.0
            assert region(tiny, f"{name} (excluding Iraq)", basis)["constant_usd_bn"] == 3.0


def test_a_composed_region_needs_every_part(tiny: Tiny) -> None:
    parts = ("Central Asia", "East Asia", "South Asia", "South East Asia")
    for number, part in enumerate(parts):
        tiny.total(part, 2000, 1.0 + number)
        if part != "South Asia":
            tiny.total(part, 2001, 1.0)
    tiny.total("East Asia", 2000, 5.0, prices="current")
    tiny.figure("Japan", 2000, 1.0)
    tiny.build("main.regional_spending")
    name = "Asia & Oceania without Oceania"
    assert region(tiny, name, "published")["constant_usd_bn"] == 10.0
    assert region(tiny, name, "published")["current_usd_bn"] is None
    assert tiny.ask(
        "SELECT constant_usd_bn FROM main.regional_spending WHERE year = 2001 "
        f"AND basis = 'published' AND region = '{name}'"
    ) == [(None,)]


def test_names_of_a_region_are_todays(tiny: Tiny) -> None:
    tiny.total("Asia and Oceania", 2000, 1.0)
    tiny.total("South-East Asia", 2000, 1.0)
    tiny.total("Sub-Saharan Africa", 2000, 1.0)
    tiny.build("main.regional_spending")
    assert tiny.ask(
        "SELECT DISTINCT region FROM main.regional_spending WHERE constant_usd_bn = 1 ORDER BY ALL"
    ) == [("Asia & Oceania",), ("South East Asia",), ("sub-Saharan Africa",)]


def test_one_shape_for_countries_and_regions(tiny: Tiny) -> None:
    tiny.figure("Japan", 2000, 10.0)
    tiny.figure("Japan", 2001, None)
    tiny.total("East Asia", 2000, 0.012)
    tiny.build("main.spending_series")
    assert tiny.ask(
        "SELECT place, basis, prices, year, value_usd_m FROM main.spending_series "
        "WHERE place IN ('Japan', 'East Asia') ORDER BY ALL"
    ) == [
        ("East Asia", "published", "constant", 2000, 12.0),
        ("East Asia", "summed", "constant", 2000, 10.0),
        ("Japan", "reported", "constant", 2000, 10.0),
    ]
