"""The traps of ATOP's and COW's files, in the tables that are built from them."""

import duckdb
import pytest

pytestmark = pytest.mark.mirror


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(query).fetchall()]


def test_every_version_is_whole_and_closed(full_db: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        full_db,
        "SELECT dataset, version, count(*), count(*) FILTER (ending = 'in force'), "
        "any_value(closing_date)::VARCHAR FROM alliances GROUP BY ALL ORDER BY ALL",
    ) == [
        ("ATOP", "3.0", 648, 258, "2003-12-31"),
        ("ATOP", "5.1", 789, 372, "2018-12-31"),
        ("COW", "4.1", 414, 98, "2012-12-31"),
    ]


@pytest.mark.parametrize(("alliance", "year"), [("3220", 1951), ("3375", 1960)])
def test_japan_owes_no_defense_and_the_alliance_does(
    full_db: duckdb.DuckDBPyConnection, alliance: str, year: int
) -> None:
    for version in ("3.0", "5.1"):
        where = f"dataset = 'ATOP' AND version = '{version}' AND alliance_id = '{alliance}'"
        assert rows(
            full_db, f"SELECT year(begin_date), defense, bilateral FROM alliances WHERE {where}"
        ) == [(year, True, True)]
        assert rows(
            full_db, f"SELECT country, defense FROM alliance_members WHERE {where} ORDER BY 1"
        ) == [("Japan", False), ("United States of America", True)]


def test_the_two_us_japan_treaties_are_one_lineage(full_db: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        full_db,
        "SELECT DISTINCT lineage_id FROM alliances WHERE dataset = 'ATOP' "
        "AND alliance_id IN ('3220', '3375')",
    ) == [("3220",)]


def test_seato_goes_on_as_a_bilateral_phase_in_the_later_version(
    full_db: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(
        full_db,
        "SELECT version, phase, end_date::VARCHAR, bilateral, ending FROM alliance_phases "
        "WHERE dataset = 'ATOP' AND alliance_id = '3260' ORDER BY ALL",
    ) == [
        ("3.0", 1, "1977-06-30", False, "violated"),
        ("5.1", 1, "1977-06-30", False, "violated"),
        ("5.1", 2, None, True, "in force"),
    ]
    assert rows(
        full_db,
        "SELECT version, ending, bilateral FROM alliances WHERE dataset = 'ATOP' "
        "AND alliance_id = '3260' ORDER BY ALL",
    ) == [("3.0", "violated", False), ("5.1", "in force", False)]


def test_every_member_is_a_known_state(full_db: duckdb.DuckDBPyConnection) -> None:
    assert (
        rows(full_db, "SELECT DISTINCT cow_code FROM alliance_members WHERE country IS NULL") == []
    )


def test_cow_codes_no_offense(full_db: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        full_db, "SELECT DISTINCT offense, wartime FROM alliances WHERE dataset = 'COW'"
    ) == [(None, None)]
    assert rows(
        full_db, "SELECT DISTINCT offense FROM alliances WHERE dataset = 'ATOP' ORDER BY 1"
    ) == [
        (False,),
        (True,),
    ]


def test_an_alliance_has_its_lifespan_once_it_is_over(full_db: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        full_db,
        "SELECT DISTINCT (lifespan_years IS NULL) = (ending = 'in force'), "
        "(age_at_closing IS NOT NULL) = (ending = 'in force'), "
        "(lifespan_exact_years IS NULL) = (ending = 'in force') FROM alliances",
    ) == [(True, True, True)]


def test_units_are_counted_apart(full_db: duckdb.DuckDBPyConnection) -> None:
    counted = dict(
        full_db.execute(
            "SELECT unit, count(*) FROM alliance_units WHERE dataset = 'ATOP' AND version = '3.0' "
            "GROUP BY ALL"
        ).fetchall()
    )
    assert counted["alliance"] == 648
    assert counted["phase"] == 694
    assert counted["lineage"] < counted["alliance"] < counted["member spell"] < counted["dyad"]
