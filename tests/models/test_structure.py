"""The shape of Asia-Pacific security against counts of the publishers' own rows, made with pandas."""

from itertools import combinations
from pathlib import Path

import duckdb
import networkx as nx
import pandas as pd
import pytest

pytestmark = pytest.mark.mirror

US = 2
SPOKES = {740, 732, 840, 713, 800, 900}
CORE = {710, 712, 713, 731, 732, 740, 775, *range(800, 861), *range(900, 991)}
SOUTH = {700, *range(750, 791)} - {775}
CENTRAL = set(range(701, 706))
LEVELS = {1: CORE, 2: CORE | SOUTH, 3: CORE | SOUTH | CENTRAL}
COLUMNS = (
    "atopid",
    "member",
    "phase",
    "term",
    "yrent",
    "moent",
    "dayent",
    "yrexit",
    "moexit",
    "dayexit",
)
STRENGTH = ("defense", "offense", "neutral", "nonagg", "consul")
WORD = {
    0: "defense",
    1: "offense",
    2: "neutrality",
    3: "nonaggression",
    4: "consultation",
    5: "none",
}
COW_KINDS = ("defense", "neutrality", "nonaggression", "entente")
COW_ORDER = ("defense", "neutrality", "nonaggression", "consultation", "none")


def rows(
    connection: duckdb.DuckDBPyConnection, query: str, *parameters: object
) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(query, list(parameters)).fetchall()]


def member_file(mirror: Path, version: str) -> pd.DataFrame:
    """ATOP's member rows: one a member and phase, with the strongest obligation of the row."""
    name = f"atop{version.replace('.', '_')}m.csv"
    columns = [*COLUMNS, *STRENGTH]
    found = pd.read_csv(mirror / "atop" / name, encoding="latin-1", usecols=columns)
    found["strength"] = 5
    for strength, column in reversed(list(enumerate(STRENGTH))):
        found.loc[found[column] == 1, "strength"] = strength
    return found


def in_force(members: pd.DataFrame, year: int) -> pd.DataFrame:
    """The member rows of the last phase that was in force in a year, of every alliance."""
    there = members[
        (members["yrent"] <= year) & ((members["yrexit"] == 0) | (members["yrexit"] >= year))
    ]
    last = there.groupby("atopid")["phase"].transform("max")
    return there[there["phase"] == last]


@pytest.fixture(scope="module", params=["3.0", "5.1"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def members(version: str, mirror: Path) -> pd.DataFrame:
    return member_file(mirror, version)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_pacts_of_every_year_are_those_of_the_file(
    full_db: duckdb.DuckDBPyConnection, members: pd.DataFrame, version: str, level: int
) -> None:
    last_year = {"3.0": 2003, "5.1": 2018}[version]
    expected = {}
    for year in range(1945, last_year + 1):
        now = in_force(members, year)
        regional = set(now.loc[now["member"].isin(LEVELS[level]), "atopid"])
        strongest = now[now["atopid"].isin(regional)].groupby("atopid")["strength"].min()
        for pact, strength in strongest.items():
            expected[year, str(pact)] = WORD[int(strength)]
    found = {
        (year, pact): strongest
        for year, pact, strongest in rows(
            full_db,
            "SELECT year, alliance_id, strongest FROM regional_pacts "
            "WHERE dataset = 'ATOP' AND version = ? AND level <= ?",
            version,
            level,
        )
    }
    assert {year for year, _ in found} == set(range(1945, last_year + 1))
    assert found == expected


def test_ties_are_the_pairs_of_those_rows_by_the_members_own_obligations(
    full_db: duckdb.DuckDBPyConnection, members: pd.DataFrame, version: str
) -> None:
    region = LEVELS[3]
    for year in (1945, 1951, 1954, 1977, 1980, 1986, 1997, 2002, 2003):
        now = in_force(members, year)
        expected: dict[tuple[int, int], int] = {}
        for _, pact in now.groupby("atopid"):
            own = pact.groupby("member")["strength"].min()
            if not region & set(own.index):
                continue
            for a, b in combinations(sorted(own.index), 2):
                if {a, b} & region:
                    best = min(own[a], own[b])
                    expected[int(a), int(b)] = min(best, expected.get((int(a), int(b)), 9))
        found = {
            (a, b): strongest
            for a, b, strongest in rows(
                full_db,
                "SELECT state_a, state_b, strongest FROM alliance_ties "
                "WHERE dataset = 'ATOP' AND version = ? AND year = ?",
                version,
                year,
            )
        }
        assert found == {pair: WORD[best] for pair, best in expected.items()}, year


def test_a_pair_of_states_stands_once_in_a_year(full_db: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        full_db,
        "SELECT count(*) - count(DISTINCT (dataset, version, year, state_a, state_b)), "
        "count(*) FILTER (state_a >= state_b), count(*) FILTER (len(alliance_ids) = 0), "
        "count(*) FILTER (country_a IS NULL OR country_b IS NULL) FROM alliance_ties",
    ) == [(0, 0, 0, 0)]


@pytest.mark.parametrize(
    ("pact", "spoke", "since", "ended"),
    [
        ("3210", 840, "1951-08-30", None),
        ("3215", 900, "1951-09-01", None),
        ("3220", 740, "1951-09-08", "1960-01-19"),
        ("3240", 732, "1953-10-01", None),
        ("3260", 800, "1954-09-08", None),
        ("3270", 713, "1954-12-02", "1980-01-01"),
        ("3375", 740, "1960-01-19", None),
    ],
)
def test_the_us_ties_of_the_six_spokes_have_the_dates_of_the_file(
    full_db: duckdb.DuckDBPyConnection,
    mirror: Path,
    pact: str,
    spoke: int,
    since: str,
    ended: str | None,
) -> None:
    file = member_file(mirror, "5.1")
    mine = file[(file["atopid"] == int(pact)) & (file["member"] == spoke)]
    first = mine.sort_values("yrent").iloc[0]
    last = mine.sort_values("yrent").iloc[-1]
    assert f"{first['yrent']:.0f}-{first['moent']:02.0f}-{first['dayent']:02.0f}" == since
    assert (
        None
        if last["yrexit"] == 0
        else f"{last['yrexit']:.0f}-{last['moexit']:02.0f}-{last['dayexit']:02.0f}"
    ) == ended
    assert rows(
        full_db,
        "SELECT min(entry_date)::VARCHAR, CASE WHEN count(exit_date) = count(*) "
        "THEN max(exit_date)::VARCHAR END FROM alliance_members WHERE dataset = 'ATOP' "
        "AND version = '5.1' AND alliance_id = ? AND cow_code IN (2, ?) GROUP BY cow_code "
        "HAVING cow_code = ?",
        pact,
        spoke,
        spoke,
    ) == [(since, ended)]
    years = [
        year
        for (year,) in rows(
            full_db,
            "SELECT year FROM alliance_ties WHERE dataset = 'ATOP' AND version = '5.1' "
            "AND state_a = 2 AND state_b = ? AND strongest = 'defense' "
            "AND list_contains(alliance_ids, ?) ORDER BY year",
            spoke,
            pact,
        )
    ]
    assert years == list(range(int(since[:4]), int((ended or "2018")[:4]) + 1))


def test_the_hub_has_six_spokes_until_taiwans_tie_ends(full_db: duckdb.DuckDBPyConnection) -> None:
    by_year = {
        year: set(spokes)
        for year, spokes in rows(
            full_db,
            "SELECT year, list(state_b) FROM alliance_ties WHERE dataset = 'ATOP' "
            "AND version = '5.1' AND state_a = 2 AND strongest = 'defense' "
            "AND state_b IN (740, 732, 840, 713, 800, 900) GROUP BY year",
        )
    }
    assert min(year for year, spokes in by_year.items() if len(spokes) > 1) == 1951
    assert by_year[1980] == SPOKES
    assert all(by_year[year] == SPOKES - {713} for year in range(1981, 2019))


def test_thailands_tie_is_seatos_until_1976_and_bilateral_from_1977(
    full_db: duckdb.DuckDBPyConnection,
) -> None:
    found = dict(
        full_db.execute(
            "SELECT year, bilateral FROM alliance_ties WHERE dataset = 'ATOP' AND version = '5.1' "
            "AND state_a = 2 AND state_b = 800 AND strongest = 'defense'"
        ).fetchall()
    )
    assert found == {year: year >= 1977 for year in range(1954, 2019)}
    assert rows(
        full_db,
        "SELECT max(year) FROM alliance_ties WHERE dataset = 'ATOP' AND version = '3.0' "
        "AND state_a = 2 AND state_b = 800 AND strongest = 'defense'",
    ) == [(1977,)]


def test_after_a_closing_there_are_no_rows_and_before_it_no_gaps(
    full_db: duckdb.DuckDBPyConnection,
) -> None:
    for table in ("regional_pacts", "alliance_ties"):
        assert rows(
            full_db,
            f"SELECT dataset, version, min(year), max(year), count(DISTINCT year) FROM {table} "
            "GROUP BY ALL ORDER BY ALL",
        ) == [
            ("ATOP", "3.0", 1945, 2003, 59),
            ("ATOP", "5.1", 1945, 2018, 74),
            ("COW", "4.1", 1945, 2012, 68),
        ]
    assert rows(full_db, "SELECT max(year) FROM allies_burden") == [(2018,)]


def test_a_state_that_left_and_rejoined_is_out_in_between(
    full_db: duckdb.DuckDBPyConnection, mirror: Path
) -> None:
    file = member_file(mirror, "5.1")
    spells = file[(file["atopid"] == 4220) & (file["member"] == 704)].sort_values("yrent")
    years = {
        year
        for begin, end in zip(spells["yrent"], spells["yrexit"], strict=True)
        for year in range(int(begin), int(end) + 1)
    }
    assert years == {*range(1992, 2000), *range(2006, 2013)}
    where = "dataset = 'ATOP' AND version = '5.1'"
    assert rows(
        full_db,
        f"SELECT entry_date::VARCHAR, exit_date::VARCHAR FROM alliance_members WHERE {where} "
        "AND alliance_id = '4220' AND cow_code = 704 ORDER BY 1",
    ) == [("1992-05-15", "1999-04-20"), ("2006-08-17", "2012-06-28")]
    for query in (
        "SELECT DISTINCT year FROM regional_pacts WHERE {} AND alliance_id = '4220' "
        "AND list_contains(cow_codes, 704)",
        "SELECT DISTINCT year FROM alliance_ties WHERE {} AND state_a = 365 AND state_b = 704 "
        "AND list_contains(alliance_ids, '4220')",
    ):
        assert {year for (year,) in rows(full_db, query.format(where))} == years
    assert len(
        rows(
            full_db,
            f"SELECT 1 FROM regional_pacts WHERE {where} AND alliance_id = '4220'",
        )
    ) == len(range(1992, 2019))


def test_an_unknown_day_or_month_is_the_middle_of_the_period(
    full_db: duckdb.DuckDBPyConnection, mirror: Path
) -> None:
    """The files leave a day or a month blank, or write 0; all of ATOP's members are looked at."""
    counted = 0
    for version in ("3.0", "5.1"):
        file = member_file(mirror, version).fillna({"moent": 0, "dayent": 0})
        vague = file[(file["yrent"] > 0) & ((file["dayent"] == 0) | (file["moent"] == 0))]
        for row in vague.to_dict("records"):
            month = int(row["moent"])
            found = rows(
                full_db,
                "SELECT entry_date, entry_precision FROM alliance_members WHERE dataset = 'ATOP' "
                "AND version = ? AND alliance_id = ? AND cow_code = ? AND year(entry_date) = ?",
                version,
                str(row["atopid"]),
                row["member"],
                row["yrent"],
            )
            if not found:  # a later phase of a spell that began before
                continue
            ((date, precision),) = found
            assert precision == ("month" if month else "year")
            assert (date.month, date.day) in ({(month, 15)} if month else {(7, 1), (7, 2)})
            counted += 1
    assert counted > 0


def test_the_lineage_rule_gives_the_same_chains_as_a_graph(
    full_db: duckdb.DuckDBPyConnection, members: pd.DataFrame, version: str
) -> None:
    dates = full_db.execute(
        "SELECT alliance_id, begin_date, end_date FROM alliances "
        "WHERE dataset = 'ATOP' AND version = ?",
        [version],
    ).fetchall()
    states = members.groupby("atopid")["member"].agg(set).to_dict()
    last = members[members["phase"] == members.groupby("atopid")["phase"].transform("max")]
    renegotiated = set(last.loc[last["term"] == 3, "atopid"])
    graph = nx.Graph()
    graph.add_nodes_from(pact for pact, *_ in dates)
    ended = [row for row in dates if row[2] is not None and int(row[0]) in renegotiated]
    for earlier, began, end in ended:
        for later, begin, _ in dates:
            if (
                begin > began
                and abs((begin - end).days) <= 365
                and len(states[int(earlier)] & states[int(later)]) >= 2
            ):
                graph.add_edge(earlier, later)
    chains = {frozenset(chain) for chain in nx.connected_components(graph)}
    found: dict[str, set[str]] = {}
    for pact, lineage in full_db.execute(
        "SELECT alliance_id, lineage_id FROM alliances WHERE dataset = 'ATOP' AND version = ?",
        [version],
    ).fetchall():
        found.setdefault(lineage, set()).add(pact)
    assert {frozenset(chain) for chain in found.values()} == chains
    assert found["3220"] == {"3220", "3375"}
    begun = {pact: (begin, pact) for pact, begin, _ in dates}
    assert all(lineage == min(chain, key=begun.__getitem__) for lineage, chain in found.items())


@pytest.mark.parametrize("year", [1945, 1954, 1980, 1997, 2012])
def test_cow_ties_are_those_of_its_own_file(
    full_db: duckdb.DuckDBPyConnection, mirror: Path, year: int
) -> None:
    file = pd.read_csv(mirror / "cow" / "alliance_v4.1_by_member.csv", encoding="latin-1")
    there = file[
        (file["mem_st_year"] <= year)
        & (file["mem_end_year"].isna() | (file["mem_end_year"] >= year))
    ]
    expected: dict[tuple[int, int], str] = {}
    for _, pact in there.groupby("version4id"):
        own = {
            int(row["ccode"]): next((n for n, kind in enumerate(COW_KINDS) if row[kind] == 1), 4)
            for row in pact.to_dict("records")
        }
        for a, b in combinations(sorted(own), 2):
            if {a, b} & LEVELS[3]:
                kind = COW_ORDER[min(own[a], own[b])]
                expected[a, b] = min(kind, expected.get((a, b), kind), key=COW_ORDER.index)
    found = {
        (a, b): strongest
        for a, b, strongest in rows(
            full_db,
            "SELECT state_a, state_b, strongest FROM alliance_ties WHERE dataset = 'COW' "
            "AND year = ?",
            year,
        )
    }
    assert found == expected


def test_cow_calls_the_us_korean_treaty_an_entente_and_binds_the_us_to_defend(
    full_db: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(
        full_db,
        "SELECT DISTINCT strongest FROM alliance_ties WHERE dataset = 'COW' AND state_a = 2 "
        "AND state_b = 732 AND year >= 1954",
    ) == [("defense",)]
    assert rows(
        full_db,
        "SELECT m.cow_code, m.defense FROM alliance_members AS m WHERE m.dataset = 'COW' "
        "AND m.alliance_id = '236' ORDER BY 1",
    ) == [(2, True), (732, False)]


@pytest.mark.parametrize(("edition", "year"), [(2017, 2010), (2025, 1965), (2020, 1990)])
def test_allies_and_others_are_averaged_over_the_right_countries(
    full_db: duckdb.DuckDBPyConnection, mirror: Path, edition: int, year: int
) -> None:
    now = in_force(member_file(mirror, "5.1"), year)
    allies = set()
    for _, pact in now.groupby("atopid"):
        own = pact.groupby("member")["strength"].min()
        if US in own.index:
            allies |= {int(state) for state in own.index if min(own[state], own[US]) == 0}
    spending = full_db.execute(
        "SELECT s.country, c.cow_code, s.share_of_gdp, s.current_usd_m FROM spending AS s "
        "JOIN countries AS c ON c.country = s.country "
        "WHERE s.edition = ? AND s.year = ? AND s.region = 'Asia & Oceania'",
        [edition, year],
    ).df()
    known = spending[(spending["share_of_gdp"] > 0) & spending["current_usd_m"].notna()]
    known = known.assign(
        allied=known["cow_code"].isin(allies - {US}),
        gdp=known["current_usd_m"] / known["share_of_gdp"],
    )
    found = {
        allied: (set(names), mean, median, joint)
        for allied, names, mean, median, joint in full_db.execute(
            "SELECT allied, members, mean_share_of_gdp, median_share_of_gdp, joint_share_of_gdp "
            "FROM allies_burden WHERE edition = ? AND year = ?",
            [edition, year],
        ).fetchall()
    }
    assert set(found) == {True, False}
    for allied, group in known.groupby("allied"):
        names, mean, median, joint = found[bool(allied)]
        assert names == set(group["country"])
        assert mean == pytest.approx(group["share_of_gdp"].mean(), rel=1e-12)
        assert median == pytest.approx(group["share_of_gdp"].median(), rel=1e-12)
        assert joint == pytest.approx(group["current_usd_m"].sum() / group["gdp"].sum(), rel=1e-12)


@pytest.mark.parametrize(
    "query",
    [
        "FROM survival(formed_from := 1700, formed_to := 1701)",
        "FROM competing_risks(formed_from := 1700, formed_to := 1701)",
        "FROM alliances_in_force(1997) WHERE begin_date < DATE '1700-01-01'",
    ],
)
def test_a_filter_that_leaves_no_alliance_gives_no_rows(
    full_db: duckdb.DuckDBPyConnection, query: str
) -> None:
    assert rows(full_db, query) == []


def test_a_filter_that_leaves_no_alliance_gives_no_mean(full_db: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        full_db,
        "SELECT n, mean_years, median_years "
        "FROM alliance_lifespan(formed_from := 1700, formed_to := 1701)",
    ) == [(0, None, None)]


def test_the_excerpt_has_the_same_pacts_of_the_region(
    full_db: duckdb.DuckDBPyConnection, excerpt_db: duckdb.DuckDBPyConnection
) -> None:
    query = (
        "SELECT year, alliance_id, level, strongest, bilateral, members FROM regional_pacts "
        "WHERE dataset = 'ATOP' AND version = '5.1' ORDER BY ALL"
    )
    assert rows(excerpt_db, query) == rows(full_db, query)
