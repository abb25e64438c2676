"""From treaties to exposures: closing, delayed entry, eras, groups, filters."""

import duckdb
import pytest

from tests.models.tiny import Tiny

TABLES = (
    "main.survival",
    "main.survival_at",
    "main.survival_summary",
    "main.competing_risks",
    "main.alliance_survival",
    "main.alliance_endings",
    "main.alliance_lifespans",
    "main.alliance_logrank",
)


@pytest.fixture(scope="module")
def small() -> Tiny:
    tiny = Tiny()
    tiny.treaty("1", "1914-01-01", "1924-01-01", [2, 200])
    tiny.treaty("2", "1950-01-01", None, [2, 740, 732], nonaggression=True)
    tiny.treaty(
        "3", "1989-06-01", "1989-06-01", [2, 200], "violated", defense=False, neutrality=True
    )
    tiny.treaty("4", "2019-06-01", None, [2, 200])
    cow = {"dataset": "COW", "ending": "unknown"}
    tiny.treaty(
        "1",
        "1806-01-01",
        "1826-01-01",
        {
            2: ("1816-01-01", "1826-01-01"),
            200: ("1816-01-01", "1826-01-01"),
            220: ("1820-01-01", "1826-01-01"),
        },
        left_censored=True,
        **cow,
    )
    tiny.treaty("2", "1830-01-01", "1835-01-01", [2, 200], **cow)
    tiny.treaty("3", "1840-01-01", "1855-01-01", [2, 200], **cow)
    tiny.treaty("4", "1850-01-01", None, [2, 200], **cow)
    tiny.build(*TABLES)
    return tiny


def test_exposure_runs_from_the_begin_to_the_end_or_the_closing(small: Tiny) -> None:
    assert small.ask(
        "SELECT unit_id, entered_days, left_days, ended, era FROM alliance_exposure "
        "WHERE dataset = 'ATOP' AND unit = 'alliance' ORDER BY 1"
    ) == [
        ("1", 0, 3652, True, "1914–45"),
        ("2", 0, 25201, False, "1945–89"),
        ("3", 0, 0, True, "since 1989"),
    ]


def test_what_begins_after_the_closing_was_never_watched(small: Tiny) -> None:
    assert small.ask("SELECT count(*) FROM alliance_exposure WHERE formed_year > 2018") == [(0,)]


def test_an_end_on_the_first_day_is_at_age_nought(small: Tiny) -> None:
    assert small.ask("FROM survival(obligation := 'neutrality')") == [
        (0.0, 1, 1, 0, 0.0, None, None)
    ]


def test_cow_alliances_from_before_1816_enter_late(small: Tiny) -> None:
    assert small.ask(
        "SELECT unit_id, entered_days, left_days, era FROM alliance_exposure "
        "WHERE dataset = 'COW' AND unit = 'alliance' AND unit_id < '3' ORDER BY 1"
    ) == [("1", 3652, 7305, None), ("2", 0, 1826, "1815–1914")]
    # At 5 years the first is not yet watched; at 15 it is.
    assert small.ask(
        "SELECT round(years, 1), at_risk, ended, censored FROM survival(dataset := 'COW')"
    ) == [(5.0, 3, 1, 0), (15.0, 3, 1, 0), (20.0, 2, 1, 1)]


def test_their_first_members_do_too_and_later_ones_do_not(small: Tiny) -> None:
    assert small.ask(
        "SELECT unit_id, entered_days, left_days FROM alliance_exposure "
        "WHERE dataset = 'COW' AND unit IN ('member spell', 'dyad') AND unit_id "
        "LIKE '1/%' ORDER BY 1"
    ) == [
        ("1/2-200@1816-01-01", 3652, 7305),
        ("1/2-220@1820-01-01", 0, 2192),
        ("1/200-220@1820-01-01", 0, 2192),
        ("1/200@1816-01-01", 3652, 7305),
        ("1/220@1820-01-01", 0, 2192),
        ("1/2@1816-01-01", 3652, 7305),
    ]


def test_a_border_year_belongs_to_the_later_era(small: Tiny) -> None:
    tiny = Tiny()
    for number, year in enumerate((1913, 1914, 1944, 1945, 1988, 1989)):
        tiny.treaty(str(number), f"{year}-12-31", None, [2, 200])
    tiny.build("main.alliance_exposure")
    assert tiny.ask(
        "SELECT formed_year, era FROM alliance_exposure WHERE unit = 'alliance' ORDER BY 1"
    ) == [
        (1913, "1815–1914"),
        (1914, "1914–45"),
        (1944, "1914–45"),
        (1945, "1945–89"),
        (1988, "1945–89"),
        (1989, "since 1989"),
    ]


def test_an_alliance_counts_under_each_obligation_that_it_has(small: Tiny) -> None:
    assert small.ask(
        "SELECT grouping, level, units, ended FROM alliance_lifespans "
        "WHERE dataset = 'ATOP' AND unit = 'alliance' ORDER BY ALL"
    ) == [
        ("all", "all", 3, 2),
        ("era", "1914–45", 1, 1),
        ("era", "1945–89", 1, 0),
        ("era", "since 1989", 1, 1),
        ("members", "bilateral", 2, 2),
        ("members", "multilateral", 1, 0),
        ("obligation", "defense", 2, 1),
        ("obligation", "neutrality", 1, 1),
        ("obligation", "nonaggression", 1, 0),
    ]


def test_a_group_in_which_none_ended_has_no_curve_but_a_lifespan_row(small: Tiny) -> None:
    where = "dataset = 'ATOP' AND unit = 'alliance' AND level = 'multilateral'"
    assert small.ask(f"SELECT count(*) FROM alliance_survival WHERE {where}") == [(0,)]
    assert small.ask(
        "SELECT in_force, mean_years, survival_median_years, round(restricted_mean_50_years, 6) "
        f"FROM alliance_lifespans WHERE {where}"
    ) == [(1, None, None, 50.0)]


def test_cow_codes_no_endings(small: Tiny) -> None:
    assert small.ask("SELECT DISTINCT dataset FROM alliance_endings") == [("ATOP",)]
    assert small.ask("SELECT DISTINCT ending FROM competing_risks(dataset := 'COW')") == [
        ("unknown",)
    ]


@pytest.mark.parametrize("metric", ["survival", "survival_summary", "competing_risks"])
def test_a_filter_that_leaves_no_alliance_gives_no_row(small: Tiny, metric: str) -> None:
    for nothing in (
        "formed_from := 1990, formed_to := 1980",
        "obligation := 'consultation'",
        "formed_to := 1815",
        "dataset := 'COW', obligation := 'offense'",
    ):
        assert small.ask(f"FROM {metric}({nothing})") == []


def test_an_age_asked_of_no_alliance_is_unknown(small: Tiny) -> None:
    assert small.ask("FROM survival_at(60, formed_to := 1815)") == [
        (60.0, 0, 0, 0, None, 0, None, None, None)
    ]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("unit := 'treaty'", "unit is alliance, phase"),
        ("members := 'two'", "members is all, bilateral or multilateral"),
        ("obligation := 'offence'", "obligation is all"),
        ("version := '7'", "There is no ATOP 7"),
        ("dataset := 'COPA'", "There is no COPA"),
    ],
)
def test_an_unknown_word_is_an_error_that_helps(small: Tiny, argument: str, message: str) -> None:
    with pytest.raises(duckdb.Error, match=message):
        small.ask(f"FROM survival({argument})")


def test_survival_at_an_age_counts_only_those_old_enough(small: Tiny) -> None:
    rows = {
        row[0]: row[1:]
        for age in (5, 10, 68.9, 70)
        for row in small.ask(f"FROM survival_at({age}, formed_to := 1988)")
    }
    assert rows[5.0] == (2, 2, 2, 1.0, 2, 1.0, None, None)
    # The first ended one day short of ten years of 365.2425 days.
    assert rows[10.0][:6] == (2, 2, 1, 0.5, 1, 0.5)
    assert rows[68.9][:6] == (2, 2, 1, 0.5, 1, 0.5)
    # Nobody was watched for 70 years from 1950, one that ended would have been.
    assert rows[70.0] == (2, 1, 0, 0.0, 0, None, None, None)


def test_without_any_alliance_all_tables_are_empty() -> None:
    tiny = Tiny()
    tiny.build(*TABLES)
    for table in ("survival", "endings", "lifespans", "logrank", "exposure"):
        assert tiny.ask(f"FROM alliance_{table}") == []
    assert tiny.ask("FROM survival()") == []
