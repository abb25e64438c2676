"""Each metric against figures worked out by hand from the publishers' own files."""

import statistics
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.metrics.workbook import Cells, book, cells, countries_of

pytestmark = pytest.mark.mirror

CONSTANT, CURRENT, GDP = "Constant (2016) USD", "Current USD", "Share of GDP"
LOCAL = "Local currency calendar years"
MANY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FEW = settings(MANY, max_examples=10)


def ask(connection: duckdb.DuckDBPyConnection, query: str, *given: object) -> tuple[Any, ...]:
    row = connection.execute(query, list(given)).fetchone()
    assert row is not None
    return tuple(row)


def error_of(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    with pytest.raises(duckdb.Error) as caught:
        connection.execute(query).fetchall()
    return str(caught.value)


@pytest.fixture(scope="module")
def edition_2017(mirror: Path) -> Path:
    return mirror / "sipri" / "SIPRI-Milex-data-1949-2017.xlsx"


@pytest.fixture(scope="module")
def totals(edition_2017: Path) -> Cells:
    return cells(edition_2017, "Regional totals", heading="Region")


@pytest.fixture(scope="module")
def current(edition_2017: Path) -> Cells:
    return cells(edition_2017, CURRENT)


@pytest.fixture(scope="module")
def constant(edition_2017: Path) -> Cells:
    return cells(edition_2017, CONSTANT)


# --- from the published sheets ----------------------------------------------------------------


def test_growth_of_a_region_is_that_of_the_printed_totals(
    full_db: duckdb.DuckDBPyConnection, totals: Cells
) -> None:
    first, last = totals["Asia and Oceania", 2008], totals["Asia and Oceania", 2017]
    found = ask(full_db, "FROM growth('Asia & Oceania', 2008, 2017, edition := 2017)")
    assert found == pytest.approx((1e3 * first, 1e3 * last, last / first - 1))
    assert last / first - 1 == pytest.approx(0.5886, abs=1e-4)


@pytest.mark.parametrize(("name", "prices"), [("Japan", "constant"), ("China, P.R.", "current")])
def test_growth_of_a_country(
    full_db: duckdb.DuckDBPyConnection, constant: Cells, current: Cells, name: str, prices: str
) -> None:
    sheet = constant if prices == "constant" else current
    found = ask(
        full_db, f"FROM growth('{name}', 2000, 2017, edition := 2017, prices := '{prices}')"
    )
    first, last = sheet[name, 2000], sheet[name, 2017]
    assert found == pytest.approx((first, last, last / first - 1))


def test_share_of_a_region_in_current_prices(
    full_db: duckdb.DuckDBPyConnection, edition_2017: Path, current: Cells
) -> None:
    total = next(
        next(float(cell) for cell in reversed(row) if isinstance(cell, float))
        for row in book(edition_2017)["Regional totals"]
        if str(row[0]).strip() == "Asia and Oceania"
    )
    china = current["China, P.R.", 2017]
    found = ask(
        full_db,
        "FROM share('China', 'Asia & Oceania', 2017, edition := 2017, prices := 'current')",
    )
    assert found == pytest.approx((china, 1e3 * total, china / (1e3 * total)))
    assert found[2] == pytest.approx(0.478, abs=5e-4)


def test_share_of_a_sum_of_the_listed_countries(
    full_db: duckdb.DuckDBPyConnection, edition_2017: Path, current: Cells
) -> None:
    listed = countries_of(edition_2017, CURRENT, "Central Asia", "Europe")
    omitted = {"Korea, North", "Turkmenistan", "Uzbekistan"}
    total = sum(current.get((name, 2016), 0) for name in listed if name not in omitted)
    found = ask(
        full_db,
        "FROM share('China', 'Asia & Oceania', 2016, edition := 2017, prices := 'current', "
        "basis := 'summed')",
    )
    assert found == pytest.approx(
        (current["China, P.R.", 2016], total, current["China, P.R.", 2016] / total)
    )


def test_contribution(full_db: duckdb.DuckDBPyConnection, constant: Cells, totals: Cells) -> None:
    china = constant["China, P.R.", 2017] - constant["China, P.R.", 2008]
    region = 1e3 * (totals["Asia and Oceania", 2017] - totals["Asia and Oceania", 2008])
    found = ask(
        full_db, "FROM contribution('China', 'Asia & Oceania', 2008, 2017, edition := 2017)"
    )
    assert found == pytest.approx((china, region, china / region))


@pytest.mark.parametrize("year", [1990, 2008, 2017])
def test_ranks_and_the_top_15(
    full_db: duckdb.DuckDBPyConnection, current: Cells, year: int
) -> None:
    spending = {name: value for (name, y), value in current.items() if y == year and value > 0}
    ordered = sorted(spending, key=lambda name: -spending[name])
    found = full_db.execute(
        "SELECT rank, country, current_usd_m FROM top(?, edition := 2017, n := 15)", [year]
    ).fetchall()
    spelling = {"USA": "United States of America", "UK": "United Kingdom", "UAE": "UAE"}
    assert [row[0] for row in found] == list(range(1, 16))
    assert [row[2] for row in found] == pytest.approx([spending[name] for name in ordered[:15]])
    for number, name in enumerate(ordered[:15], 1):
        (rank, countries) = ask(
            full_db, "FROM rank_of(?, ?, edition := 2017)", spelling.get(name, name), year
        )
        assert rank == number
        assert countries >= len(spending)


def test_burden_of_a_country_and_of_a_region(
    full_db: duckdb.DuckDBPyConnection, edition_2017: Path, current: Cells
) -> None:
    shares = cells(edition_2017, GDP)
    found = full_db.execute("FROM burden('Japan', 1990, 2017, edition := 2017)").fetchall()
    assert [(row[0], row[2]) for row in found] == [(year, 1) for year in range(1990, 2018)]
    assert [row[1] for row in found] == pytest.approx(
        [shares["Japan", year] for year in range(1990, 2018)]
    )
    listed = countries_of(edition_2017, CURRENT, "Central Asia", "Europe")
    both = [n for n in listed if shares.get((n, 2017), 0) > 0 and (n, 2017) in current]
    spending = sum(current[name, 2017] for name in both)
    economy = sum(current[name, 2017] / shares[name, 2017] for name in both)
    assert ask(
        full_db, "FROM burden('Asia & Oceania', 2017, 2017, edition := 2017)"
    ) == pytest.approx((2017, spending / economy, len(both)))


def test_implied_exchange_rate(
    full_db: duckdb.DuckDBPyConnection, edition_2017: Path, current: Cells
) -> None:
    yen = cells(edition_2017, LOCAL, heading="Country")["Japan", 2015]
    (rate,) = ask(full_db, "FROM implied_exchange_rate('Japan', 2015, edition := 2017)")
    assert rate == pytest.approx(yen / (1e6 * current["Japan", 2015]))
    assert 110 < rate < 130


# --- from the alliance files --------------------------------------------------------------------


@pytest.fixture(scope="module")
def atop(mirror: Path) -> pd.DataFrame:
    return pd.read_csv(mirror / "atop" / "atop3_0a.csv", low_memory=False)


def test_alliance_lifespan_of_the_cited_set(
    full_db: duckdb.DuckDBPyConnection, atop: pd.DataFrame
) -> None:
    ended = atop[atop["begyr"].between(1815, 1989) & (atop["endyr"] > 0) & (atop["endyr"] <= 2001)]
    years = (ended["endyr"] - ended["begyr"]).tolist()
    found = ask(full_db, "FROM alliance_lifespan(version := '3.0', ended_by := 2001)")
    assert found == pytest.approx((len(years), statistics.mean(years), statistics.median(years)))
    assert len(years) == 378
    plus_one = ask(
        full_db,
        "FROM alliance_lifespan(version := '3.0', ended_by := 2001, "
        "convention := 'years plus one')",
    )
    assert plus_one == pytest.approx((found[0], found[1] + 1, found[2] + 1))


@pytest.mark.parametrize(
    ("arguments", "columns"),
    [
        ("obligation := 'defense'", {"defense": 1}),
        ("members := 'bilateral'", {"bilat": 1}),
        ("members := 'multilateral'", {"bilat": 0}),
        ("wartime := 'out'", {"wartime": 0}),
        ("obligation := 'defense', members := 'bilateral'", {"defense": 1, "bilat": 1}),
    ],
)
def test_alliance_lifespan_of_smaller_sets(
    full_db: duckdb.DuckDBPyConnection,
    atop: pd.DataFrame,
    arguments: str,
    columns: dict[str, int],
) -> None:
    ended = atop[atop["begyr"].between(1815, 1989) & (atop["endyr"] > 0)]
    for name, value in columns.items():
        ended = ended[ended[name] == value]
    years = (ended["endyr"] - ended["begyr"]).tolist()
    found = ask(full_db, f"FROM alliance_lifespan(version := '3.0', {arguments})")
    assert found == pytest.approx((len(years), statistics.mean(years), statistics.median(years)))


@pytest.mark.parametrize("year", [1815, 1870, 1914, 1938, 1955, 1989, 1997, 2003])
def test_alliances_in_force(full_db: duckdb.DuckDBPyConnection, mirror: Path, year: int) -> None:
    phases = pd.read_csv(mirror / "atop" / "atop3_0ap.csv", low_memory=False)
    last = phases["endyr"].where(phases["endyr"] > 0, 9999)
    there = phases[(phases["begyr"] <= year) & (last >= year)]
    rows = full_db.execute(
        "SELECT alliance_id, phase, defense FROM alliances_in_force(?, version := '3.0')", [year]
    ).fetchall()
    assert len({row[0] for row in rows}) == len(rows)
    assert {row[0] for row in rows} == set(there["atopid"].astype(str))
    latest = there.sort_values("phase").groupby("atopid").tail(1)
    assert sum(row[2] for row in rows) == int((latest["defense"] == 1).sum())


# --- names, defaults, gaps and errors ------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["United States of America", "USA", "usa", " united states of america "]
)
def test_a_country_answers_to_all_its_names(full_db: duckdb.DuckDBPyConnection, name: str) -> None:
    assert ask(full_db, "FROM rank_of(?, 2017, edition := 2017)", name)[0] == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Turkey", "TUR"),
        ("Swaziland", "SWZ"),
        ("Macedonia, FYR", "MKD"),
        ("Asia & Oceania",) * 2,
        ("South Korea", "KOR"),
        ("vietnam", "VNM"),
        ("United States", "USA"),
        ("Soviet Union", "USSR"),
        ("Turkiye", "TUR"),
        ("Côte d'Ivoire", "CIV"),
        ("Southeast Asia", "South East Asia"),
        ("Central and South Asia", "Central & South Asia"),
    ],
)
def test_other_spellings_and_iso_codes_are_one_place(
    full_db: duckdb.DuckDBPyConnection, old: str, new: str
) -> None:
    query = "SELECT resolve_place(?)"
    assert ask(full_db, query, old) == ask(full_db, query, new)


def test_what_is_not_said_is_the_default(full_db: duckdb.DuckDBPyConnection) -> None:
    for short, full in (
        (
            "growth('Japan', 2010, 2020)",
            "growth('Japan', 2010, 2020, edition := 2025, prices := 'constant', "
            "basis := 'published')",
        ),
        ("top(2020)", "top(2020, edition := 2025, n := 15)"),
        ("rank_of('Japan', 2020)", "rank_of('Japan', 2020, edition := 2025)"),
        (
            "alliance_lifespan()",
            "alliance_lifespan(dataset := 'ATOP', version := '5.1', unit := 'alliance', "
            "formed_from := 1815, formed_to := 1989, ended_by := NULL, obligation := 'all', "
            "members := 'all', ending := 'all', wartime := 'in', convention := 'years')",
        ),
        (
            "alliances_in_force(1997)",
            "alliances_in_force(1997, dataset := 'ATOP', version := '5.1')",
        ),
    ):
        assert (
            full_db.execute(f"FROM {short}").fetchall()
            == full_db.execute(f"FROM {full}").fetchall()
        )


def test_a_figure_that_is_missing_is_null_and_not_zero(full_db: duckdb.DuckDBPyConnection) -> None:
    assert ask(full_db, "FROM growth('Eritrea', 2000, 2017, edition := 2017)")[1:] == (None, None)
    assert ask(
        full_db,
        "SELECT share FROM share('China', 'Asia & Oceania', 2016, edition := 2017, "
        "prices := 'current')",
    ) == (None,)
    assert (
        ask(full_db, "FROM contribution('Eritrea', 'Africa', 2000, 2017, edition := 2017)")[2]
        is None
    )
    nothing = "FROM rank_of('Eritrea', 2017, edition := 2017)"
    assert full_db.execute(nothing).fetchall() == []
    assert ask(full_db, "FROM implied_exchange_rate('Eritrea', 2017, edition := 2017)") == (None,)
    assert ask(full_db, "FROM alliance_lifespan(formed_from := 1989, ended_by := 1988)") == (
        0,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("growth('Atlantis', 2008, 2017)", "'Atlantis' is no country or region of this snapshot"),
        ("share('Atlantis', 'World', 2017)", "SELECT alias, place FROM place_names"),
        ("share('China', 'Atlantis', 2017)", "'Atlantis' is no country or region"),
        ("contribution('China', 'Atlantis', 2008, 2017)", "'Atlantis' is no country or region"),
        ("rank_of('Atlantis', 2017)", "'Atlantis' is no country or region"),
        ("burden('Atlantis', 2008, 2017)", "'Atlantis' is no country or region"),
        ("implied_exchange_rate('Atlantis', 2017)", "'Atlantis' is no country or region"),
        ("growth('Japan', 2008, 2017, edition := 2018)", "Edition 2018 is not in this snapshot"),
        ("share('Japan', 'World', 2017, edition := 1066)", "SELECT edition FROM editions"),
        ("top(2017, edition := 2018)", "Edition 2018 is not in this snapshot"),
        ("rank_of('Japan', 2017, edition := 2018)", "Edition 2018 is not in this snapshot"),
        ("growth('Japan', 2008, 2018, edition := 2017)", "Edition 2017 has no year 2018; it has 1949–2017"),
        ("growth('Japan', 1848, 2017, edition := 2017)", "Edition 2017 has no year 1848"),
        ("share('Japan', 'World', 2018, edition := 2017)", "Edition 2017 has no year 2018"),
        ("top(2018, edition := 2017)", "Edition 2017 has no year 2018"),
        ("rank_of('Japan', 2018, edition := 2017)", "Edition 2017 has no year 2018"),
        ("burden('Japan', 2008, 2018, edition := 2017)", "Edition 2017 has no year 2018"),
        ("implied_exchange_rate('Japan', 2018, edition := 2017)", "Edition 2017 has no year 2018"),
        ("growth('Japan', 2008, 2017, prices := 'nominal')", "prices is constant or current, not 'nominal'"),
        ("growth('World', 2008, 2017, basis := 'mine')", "basis is published or summed, not 'mine'"),
        ("alliance_lifespan(version := '9.9')", "There is no ATOP 9.9 in this snapshot"),
        ("alliance_lifespan(dataset := 'NATO')", "There is no NATO data in this snapshot"),
        ("alliance_lifespan(unit := 'treaty')", "unit is alliance, phase, lineage, member spell or dyad"),
        ("alliance_lifespan(obligation := 'love')", "obligation is all, defense or offense"),
        ("alliance_lifespan(members := 'few')", "members is all, bilateral or multilateral, not 'few'"),
        ("alliance_lifespan(ending := 'sad')", "ending is all, not renegotiated"),
        ("alliance_lifespan(wartime := 'maybe')", "wartime is in or out, not 'maybe'"),
        ("alliance_lifespan(convention := 'moons')", "convention is years, years plus one or exact"),
        ("alliances_in_force(2019)", "ATOP 5.1 ends on 2018-12-31: what was in force in 2019 is unknown"),
        ("alliances_in_force(1997, version := '9.9')", "There is no ATOP 9.9 in this snapshot"),
        ("alliances_in_force(1800)", "ATOP 5.1 begins in 1815: what was in force in 1800 is unknown"),
    ],
)  # fmt: skip
def test_an_unknown_name_is_an_error_that_says_what_there_is(
    full_db: duckdb.DuckDBPyConnection, call: str, says: str
) -> None:
    assert says in error_of(full_db, f"FROM {call}")


# --- properties ----------------------------------------------------------------------------------

EDITIONS = st.sampled_from([2017, 2019, 2020, 2022, 2023, 2025])
REGIONS = st.sampled_from(
    ["World", "Asia & Oceania", "Europe", "Africa", "Middle East", "Americas", "East Asia"]
)
TWO_YEARS = st.tuples(st.integers(1960, 2017), st.integers(1960, 2017)).filter(
    lambda y: y[0] < y[1]
)


def members(
    connection: duckdb.DuckDBPyConnection, edition: int, region: str, *years: int
) -> dict[str, list[float]]:
    """The members that a sum counts and that have a figure in each of the years."""
    columns = ", ".join(f"max(constant_usd_m) FILTER (year = {year})" for year in years)
    rows = connection.execute(
        f"SELECT s.country, {columns} FROM spending AS s JOIN region_members AS m "
        "ON m.country = s.country AND m.region = $region ANTI JOIN omitted_countries AS o "
        "ON o.edition = s.edition AND o.region = m.region AND o.country = s.country "
        "WHERE s.edition = $edition GROUP BY s.country",
        {"region": region, "edition": edition},
    ).fetchall()
    return {row[0]: list(row[1:]) for row in rows}


@FEW
@given(edition=EDITIONS, region=REGIONS, years=TWO_YEARS)
def test_a_regions_growth_is_the_weighted_growth_of_its_members(
    full_db: duckdb.DuckDBPyConnection, edition: int, region: str, years: tuple[int, int]
) -> None:
    there = {
        name: values
        for name, values in members(full_db, edition, region, *years).items()
        if values != [None, None]
    }
    first = sum(v[0] or 0 for v in there.values())
    found = ask(
        full_db, "FROM growth(?, ?, ?, edition := ?, basis := 'summed')", region, *years, edition
    )
    if not first or not any(v[1] for v in there.values()):
        assert found[2] is None or found[2] == pytest.approx(-1)
        return
    both = {name: v for name, v in there.items() if v[0] and v[1] is not None}
    weighted = sum(
        v[0] / first * ask(full_db, "SELECT growth FROM growth(?, ?, ?, edition := ?)", n, *years, edition)[0]
        for n, v in both.items()
    )  # fmt: skip
    gone = sum(v[0] or 0 for v in there.values() if v[1] is None) / first
    come = sum(v[1] or 0 for v in there.values() if not v[0]) / first
    assert found[2] == pytest.approx(weighted - gone + come, abs=1e-9)


@FEW
@given(edition=EDITIONS, region=REGIONS, year=st.integers(1960, 2017))
def test_the_shares_of_all_members_sum_to_one(
    full_db: duckdb.DuckDBPyConnection, edition: int, region: str, year: int
) -> None:
    there = [n for n, v in members(full_db, edition, region, year).items() if v[0] is not None]
    shares = [
        ask(
            full_db,
            "SELECT share FROM share(?, ?, ?, edition := ?, basis := 'summed')",
            name,
            region,
            year,
            edition,
        )[0]
        for name in there
    ]
    if there:
        assert sum(shares) == pytest.approx(1)
        assert min(shares) >= 0


@MANY
@given(edition=EDITIONS, region=REGIONS, years=TWO_YEARS)
def test_contributions_sum_to_the_regions_growth(
    full_db: duckdb.DuckDBPyConnection, edition: int, region: str, years: tuple[int, int]
) -> None:
    there = members(full_db, edition, region, *years)
    if any((v[0] is None) != (v[1] is None) for v in there.values()):
        there = {}  # a country that comes or goes contributes what has no growth
    found = [
        ask(
            full_db,
            "FROM contribution(?, ?, ?, ?, edition := ?, basis := 'summed')",
            name,
            region,
            *years,
            edition,
        )
        for name, values in there.items()
        if None not in values
    ]
    if found and found[0][1]:
        first = sum(v[0] for v in there.values() if v[0] is not None)
        (growth,) = ask(
            full_db,
            "SELECT growth FROM growth(?, ?, ?, edition := ?, basis := 'summed')",
            region,
            *years,
            edition,
        )
        assert sum(row[0] for row in found) == pytest.approx(found[0][1])
        assert sum(row[2] for row in found) == pytest.approx(1)
        assert sum(row[2] * growth for row in found) == pytest.approx(found[0][1] / first)


@MANY
@given(edition=EDITIONS, year=st.integers(1950, 2017), n=st.integers(1, 200))
def test_the_top_n_is_ranked_and_ends_where_it_says(
    full_db: duckdb.DuckDBPyConnection, edition: int, year: int, n: int
) -> None:
    rows = full_db.execute(
        "SELECT rank, country, current_usd_m, share_of_world FROM top(?, edition := ?, n := ?)",
        [year, edition, n],
    ).fetchall()
    amounts = [row[2] for row in rows]
    assert amounts == sorted(amounts, reverse=True)
    assert [row[0] for row in rows] == [1 + sum(a > row[2] for a in amounts) for row in rows]
    if rows:
        assert max(row[0] for row in rows) <= n
        country = rows[-1][1]
        assert (
            ask(full_db, "FROM rank_of(?, ?, edition := ?)", country, year, edition)[0]
            == rows[-1][0]
        )
