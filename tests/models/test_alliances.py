"""Lifespans, lineages and the units they are counted in, on a few invented treaties."""

import pytest

from tests.models.tiny import Tiny

US, UK, FRANCE, JAPAN = 2, 200, 220, 740


@pytest.fixture
def tiny() -> Tiny:
    return Tiny()


def test_a_lifespan_is_counted_in_calendar_years_and_exactly(tiny: Tiny) -> None:
    tiny.treaty("1", "1950-12-31", "1951-01-01", [US, UK])
    tiny.treaty("2", "1950-01-01", None, [US, JAPAN])
    tiny.build("main.alliances")
    assert tiny.ask(
        "SELECT alliance_id, lifespan_years, round(lifespan_exact_years, 4), age_at_closing "
        "FROM main.alliances ORDER BY 1"
    ) == [("1", 1, 0.0027, None), ("2", None, None, 68)]


def test_a_name_tells_the_members_where_nobody_gave_one(tiny: Tiny) -> None:
    tiny.treaty("90001", "1950-01-01", None, [US, UK])
    tiny.treaty("90002", "1950-01-01", None, [US, UK, FRANCE, JAPAN, 20])
    tiny.treaty("3375", "1949-04-04", None, [US, UK])
    tiny.build("main.alliances")
    names = dict(tiny.ask("SELECT alliance_id, name FROM main.alliances"))
    assert names["90001"] == "United Kingdom–United States of America, 1950"
    assert names["90002"] == "Canada, France, Japan and 2 more, 1950"
    assert "Mutual Cooperation" in str(names["3375"])


@pytest.mark.parametrize(
    ("ending", "begin", "members", "is_one"),
    [
        ("renegotiated", "1960-01-19", [US, JAPAN], True),
        ("renegotiated", "1960-12-31", [US, JAPAN], True),
        ("renegotiated", "1959-06-01", [US, JAPAN, UK], True),
        ("renegotiated", "1962-01-01", [US, JAPAN], False),
        ("renegotiated", "1960-01-19", [US, UK], False),
        ("fulfilled", "1960-01-19", [US, JAPAN], False),
        ("violated", "1960-01-19", [US, JAPAN], False),
    ],
)
def test_a_renegotiated_treaty_goes_on(
    tiny: Tiny, ending: str, begin: str, members: list[int], is_one: bool
) -> None:
    tiny.treaty("1", "1951-09-08", "1960-01-19", [US, JAPAN], ending)
    tiny.treaty("2", begin, None, members)
    tiny.build("main.alliance_units")
    lineages = {row[0] for row in tiny.ask("SELECT lineage_id FROM main.alliances")}
    assert lineages == ({"1"} if is_one else {"1", "2"})
    spans = tiny.ask(
        "SELECT begin_date::VARCHAR, end_date::VARCHAR, ending FROM main.alliance_units "
        "WHERE unit = 'lineage' ORDER BY ALL"
    )
    if is_one:
        assert spans == [("1951-09-08", None, "in force")]
    else:
        assert len(spans) == 2


def test_a_lineage_of_three_is_one(tiny: Tiny) -> None:
    tiny.treaty(
        "3", "1970-01-01", "1980-01-01", [US, JAPAN], "fulfilled", defense=False, offense=True
    )
    tiny.treaty("1", "1951-01-01", "1960-01-01", [US, JAPAN], "renegotiated")
    tiny.treaty("2", "1960-01-01", "1970-01-01", [US, JAPAN], "renegotiated")
    tiny.build("main.alliance_units")
    assert tiny.ask("SELECT DISTINCT lineage_id FROM main.alliances") == [("1",)]
    assert tiny.ask(
        "SELECT unit_id, lifespan_years, ending, defense, offense, neutrality "
        "FROM main.alliance_units WHERE unit = 'lineage'"
    ) == [("1", 29, "fulfilled", True, True, False)]


def test_without_its_members_an_alliances_lineage_is_unknown(tiny: Tiny) -> None:
    tiny.treaty("1", "1951-01-01", "1960-01-01", [], "renegotiated")
    tiny.treaty("2", "1960-01-01", None, [])
    tiny.treaty("3", "1970-01-01", None, [US, UK])
    tiny.build("main.alliance_units")
    assert tiny.ask("SELECT alliance_id, lineage_id FROM main.alliances ORDER BY 1") == [
        ("1", None),
        ("2", None),
        ("3", "3"),
    ]
    assert tiny.ask("SELECT unit_id FROM main.alliance_units WHERE unit = 'lineage'") == [("3",)]


def test_spells_and_dyads_end_with_their_members(tiny: Tiny) -> None:
    tiny.treaty(
        "1",
        "1950-01-01",
        "1980-01-01",
        {
            US: ("1950-01-01", "1980-01-01"),
            UK: ("1950-01-01", "1970-01-01"),
            JAPAN: ("1970-01-01", "1980-01-01"),
        },
        "violated",
    )
    tiny.build("main.alliance_units")
    assert tiny.ask(
        "SELECT unit, unit_id, lifespan_years, ending FROM main.alliance_units "
        "WHERE unit IN ('dyad', 'member spell') ORDER BY ALL"
    ) == [
        ("dyad", "1/2-200@1950-01-01", 20, "unknown"),
        ("dyad", "1/2-740@1970-01-01", 10, "violated"),
        ("member spell", "1/200@1950-01-01", 20, "unknown"),
        ("member spell", "1/2@1950-01-01", 30, "violated"),
        ("member spell", "1/740@1970-01-01", 10, "violated"),
    ]


def test_what_goes_on_has_no_end_in_any_unit(tiny: Tiny) -> None:
    tiny.treaty(
        "1", "1950-01-01", None, {US: ("1950-01-01", None), UK: ("1950-01-01", "1960-01-01")}
    )
    tiny.build("main.alliance_units")
    assert tiny.ask(
        "SELECT unit, end_date IS NULL, ending FROM main.alliance_units ORDER BY ALL"
    ) == [
        ("alliance", True, "in force"),
        ("dyad", False, "unknown"),
        ("lineage", True, "in force"),
        ("member spell", False, "unknown"),
        ("member spell", True, "in force"),
        ("phase", True, "in force"),
    ]


def test_what_cow_does_not_code_stays_unknown(tiny: Tiny) -> None:
    tiny.treaty("1", "1950-01-01", None, [US, UK], dataset="COW", offense=None, wartime=None)
    tiny.build("main.alliance_units")
    assert tiny.ask("SELECT DISTINCT offense, wartime FROM main.alliance_units") == [(None, None)]
