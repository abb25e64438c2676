"""Checks: what they let pass, what they find, and what the known exceptions explain."""

from pathlib import Path

import duckdb
import pytest
import yaml

from pipelines.checks import (
    Check,
    KnownException,
    Outcome,
    load_checks,
    load_exceptions,
    read_exceptions,
    run_check,
    tidy_results,
)
from pipelines.errors import MilexError
from pipelines.models import Model, everything_behind, load_models, references
from tests.conftest import BuiltData

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "sql" / "checks"
CHECKS = {check.name: check for check in load_checks(FOLDER)}
EXCEPTIONS = FOLDER / "known_exceptions.yaml"


@pytest.fixture
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for schema in ("raw", "staging", "meta"):
        connection.execute(f"CREATE SCHEMA {schema}")
    return connection


def found(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[object, ...]]:
    """Edition, subject and year of the rows that fail a check of the project."""
    load_exceptions_text(connection, "[]")
    return [row[:3] for row in run_check(connection, CHECKS[name]).failing]


def load_exceptions_text(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE known_exceptions (check_name VARCHAR, edition INTEGER, "
        "subject VARCHAR, from_year INTEGER, to_year INTEGER, reason VARCHAR)"
    )
    for entry in yaml.safe_load(text):
        connection.execute(
            "INSERT INTO known_exceptions VALUES (?, ?, ?, ?, ?, ?)",
            ["c", *(entry.get(k) for k in ("edition", "subject", "from_year", "to_year")), "why"],
        )


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.name)
def test_every_check_says_what_must_hold(check: Check) -> None:
    assert check.description.endswith(".")
    assert len(check.description) > 40


def _ancestors(models: dict[str, Model], table: str) -> set[str]:
    above = {table} | models[table].references
    return above.union(*(_ancestors(models, name) for name in above & models.keys() - {table}))


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.name)
def test_a_check_reads_only_what_its_asset_is_made_from(check: Check) -> None:
    models = load_models(ROOT / "sql")
    read = duckdb.connect().get_table_names(check.sql, qualified=True)
    tables = {name.split(" AS ")[0] for name in read if "." in name}
    assert check.asset in models
    assert tables <= _ancestors(models, check.asset)


@pytest.mark.parametrize(
    "header",
    [
        "-- It holds.",
        "-- It holds.\n-- asset: main.t",
        "-- It holds.\n-- severity: error",
        "-- It holds.\n-- asset: main.t\n-- severity: fatal",
    ],
)
def test_a_header_that_lacks_something_is_refused(tmp_path: Path, header: str) -> None:
    (tmp_path / "broken.sql").write_text(header + "\n\nSELECT 1", encoding="utf-8")
    with pytest.raises(MilexError, match=r"broken\.sql.*asset.*severity"):
        load_checks(tmp_path)


def test_header_and_query_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "it.sql").write_text(
        "-- It holds,\n-- always.\n--\n-- asset: main.t\n-- severity: warning\n\nSELECT 1;\n",
        encoding="utf-8",
    )
    assert load_checks(tmp_path) == [
        Check("it", "main.t", "warning", "It holds, always.", "SELECT 1")
    ]


# --- running one ---------------------------------------------------------------------------------

ROWS = (
    "SELECT * FROM (VALUES (2017, 'A', 1990, 'x'), (2017, 'A', 1991, 'x'), (2019, 'A', 1990, 'x'), "
    "(2017, 'B', 1990, 'x'), (NULL, 'A', NULL, 'x')) AS v(edition, subject, year, detail)"
)


def outcome(database: duckdb.DuckDBPyConnection, exceptions: str, sql: str = ROWS) -> Outcome:
    load_exceptions_text(database, exceptions)
    return run_check(database, Check("c", "main.t", "error", "It holds.", sql))


@pytest.mark.parametrize(
    ("exceptions", "excepted"),
    [
        ("[]", 0),
        ("[{}]", 5),
        ("[{edition: 2017}]", 3),
        ("[{subject: A}]", 4),
        ("[{edition: 2017, subject: A}]", 2),
        ("[{edition: 2017, subject: A, from_year: 1991}]", 1),
        ("[{subject: A, to_year: 1990}]", 2),
        ("[{from_year: 1990, to_year: 1990}]", 3),
        ("[{edition: 2017}, {subject: A}]", 5),
        ("[{edition: 2016}]", 0),
    ],
)
def test_an_exception_matches_what_it_names(
    database: duckdb.DuckDBPyConnection, exceptions: str, excepted: int
) -> None:
    result = outcome(database, exceptions)
    assert len(result.excepted) == excepted
    assert len(result.failing) == 5 - excepted
    assert result.passed == (excepted == 5)
    assert {row[4] for row in result.excepted} <= {"why"}


def test_the_outcome_is_remembered_once(database: duckdb.DuckDBPyConnection) -> None:
    outcome(database, "[]")
    outcome(database, "[{edition: 2017}]")
    remembered = database.execute("SELECT * EXCLUDE sample FROM main.checks").fetchall()
    assert remembered == [
        ("c", "main.t", "error", "It holds.", False, 2, 3, ["2017 · A, B · 1990, 1991 · why"])
    ]
    assert database.execute("SELECT sample FROM main.checks").fetchall() == [
        (["2019 · A · 1990 · x", "A · x"],)
    ]


def test_no_row_is_a_pass(database: duckdb.DuckDBPyConnection) -> None:
    assert outcome(database, "[]", f"SELECT * FROM ({ROWS}) WHERE false").passed


# --- the list of known exceptions ----------------------------------------------------------------


def test_lists_in_an_exception_are_spread_out(tmp_path: Path) -> None:
    (tmp_path / "c.sql").touch()
    path = tmp_path / "known_exceptions.yaml"
    path.write_text(
        "- {check: c, edition: [1, 2], subject: [A, B], from_year: 3, reason: 'so  it\n  is'}\n"
        "- {check: c, reason: all}\n",
        encoding="utf-8",
    )
    exceptions = read_exceptions(path)
    assert [(e.edition, e.subject) for e in exceptions] == [
        (1, "A"),
        (1, "B"),
        (2, "A"),
        (2, "B"),
        (None, None),
    ]
    assert exceptions[0] == KnownException("c", 1, "A", 3, None, "so it is")


@pytest.mark.parametrize(
    "entry",
    [
        "{check: c}",
        "{check: c, reason: ''}",
        "{check: other, reason: x}",
        "{reason: x}",
        "{check: c, reason: x, country: A}",
    ],
)
def test_an_exception_without_check_or_reason_is_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "c.sql").touch()
    path = tmp_path / "known_exceptions.yaml"
    path.write_text(f"- {entry}\n", encoding="utf-8")
    with pytest.raises(MilexError, match="known_exceptions"):
        read_exceptions(path)


def test_the_projects_exceptions_give_reasons() -> None:
    for exception in read_exceptions(EXCEPTIONS):
        assert exception.reason.endswith("."), exception
        assert len(exception.reason) > 40


@pytest.mark.mirror
def test_on_the_real_editions_every_check_passes_and_every_exception_is_needed(
    full_warehouse: duckdb.DuckDBPyConnection,
) -> None:
    load_exceptions(full_warehouse, EXCEPTIONS)
    outcomes = {name: run_check(full_warehouse, check) for name, check in CHECKS.items()}
    assert {name: o.failing[:5] for name, o in outcomes.items() if o.failing} == {}
    at_hand = {
        row[0] for row in full_warehouse.execute("FROM main.editions SELECT edition").fetchall()
    }
    versions = {
        row[0]
        for row in full_warehouse.execute(
            "SELECT DISTINCT dataset || ' ' || version FROM main.alliances"
        ).fetchall()
    }
    assert {2017, 2019, 2020, 2022, 2023, 2025} <= at_hand
    unneeded = [
        exception
        for exception in read_exceptions(EXCEPTIONS)
        if exception.edition in {None, *at_hand}
        and not any(_explains(exception, row) for row in outcomes[exception.check].excepted)
        and (exception.check not in _ALLIANCE_CHECKS or _version(exception) in versions)
    ]
    assert not unneeded, "the source is corrected: take these out of known_exceptions.yaml"


_ALLIANCE_CHECKS = {
    name for name, check in CHECKS.items() if check.asset.startswith("main.alliance")
}


def _version(exception: KnownException) -> str:
    return " ".join((exception.subject or "").split()[:2])


def _explains(exception: KnownException, row: tuple[object, ...]) -> bool:
    edition, subject, year, _, reason = row
    return (
        exception.edition in {None, edition}
        and exception.subject in {None, subject}
        and reason == exception.reason
        and (exception.from_year or 0) <= (year if isinstance(year, int) else 0)
    )


@pytest.mark.mirror
def test_the_build_on_the_real_files_fails_no_check(full_data: BuiltData) -> None:
    assert full_data.failed_checks == ()


def test_the_build_on_the_excerpt_fails_no_check(excerpt_data: BuiltData) -> None:
    assert excerpt_data.failed_checks == ()


# --- what each check finds -----------------------------------------------------------------------


@pytest.fixture
def editions(database: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Two editions, and an excerpt that checks of completeness leave alone."""
    database.execute(
        "CREATE TABLE staging.sipri_editions AS FROM (VALUES (2019, 2018, false), "
        "(2020, 2019, false), (2021, 2020, true)) AS v(edition, base_year, is_excerpt)"
    )
    database.execute(
        "CREATE TABLE main.observations (edition INTEGER, country VARCHAR, year INTEGER, "
        "measure VARCHAR, value DOUBLE, unit VARCHAR, status VARCHAR)"
    )
    return database


def observe(
    connection: duckdb.DuckDBPyConnection,
    *rows: tuple[int, str, int, str, float | None, str | None, str | None],
) -> None:
    connection.executemany("INSERT INTO main.observations VALUES (?, ?, ?, ?, ?, ?, ?)", list(rows))


@pytest.mark.parametrize(
    ("value", "status", "fails"),
    [
        (1.0, "reported", False),
        (0.0, "uncertain", False),
        (None, "unavailable", False),
        (None, "not_independent", False),
        (None, "reported", True),
        (1.0, "unavailable", True),
        (1.0, "guess", True),
        (1.0, None, True),
        (None, None, True),
    ],
)
def test_statuses_are_known(
    editions: duckdb.DuckDBPyConnection, value: float | None, status: str | None, fails: bool
) -> None:
    observe(editions, (2020, "A", 2000, "current_usd", value, "US$ m., current prices", status))
    assert found(editions, "statuses_are_known") == ([(2020, "A", 2000)] if fails else [])


@pytest.mark.parametrize(
    ("measure", "unit", "fails"),
    [
        ("constant_usd", "US$ m., constant 2019 prices", False),
        ("constant_usd", "US$ m., constant 2018 prices", True),
        ("current_usd", "US$ m., constant 2019 prices", True),
        ("local_currency", "yen", False),
        ("local_currency", " ", True),
        ("local_currency_financial", None, True),
        ("share_of_gdp", "fraction of GDP", False),
        ("share_of_gdp", "percent", True),
        ("per_capita_usd", "US$ per head", False),
        ("manpower", "US$ per head", True),
    ],
)
def test_units_are_known(
    editions: duckdb.DuckDBPyConnection, measure: str, unit: str | None, fails: bool
) -> None:
    observe(
        editions,
        (2020, "A", 2000, measure, 1.0, unit, "reported"),
        (2020, "B", 2000, measure, None, None, "unavailable"),
    )
    assert found(editions, "units_are_known") == ([(2020, "A", 2000)] if fails else [])


def test_a_copy_that_lost_its_colours_is_found(editions: duckdb.DuckDBPyConnection) -> None:
    observe(
        editions,
        (2019, "A", 2000, "constant_usd", 1.0, "US$ m.", "reported"),
        (2019, "A", 2001, "constant_usd", None, "US$ m.", "unavailable"),
        (2020, "A", 2000, "constant_usd", 1.0, "US$ m.", "reported"),
        (2020, "B", 2000, "constant_usd", 1.0, "US$ m.", "estimate"),
    )
    assert found(editions, "estimates_are_marked") == [(2019, "every country", 2000)]


def test_a_lost_country_or_year_is_found_and_an_excerpt_loses_nothing(
    editions: duckdb.DuckDBPyConnection,
) -> None:
    unit = "US$ m., current prices"
    observe(
        editions,
        *(
            (edition, country, year, "current_usd", 1.0, unit, "reported")
            for edition, country, year in [
                (2019, "A", 1999),
                (2019, "A", 2000),
                (2019, "B", 2000),
                (2020, "A", 2000),
                (2021, "A", 2001),
            ]
        ),
        (2020, "B", 2000, "current_usd", None, unit, "unavailable"),
    )
    assert found(editions, "no_country_is_lost") == [(2020, "B, current_usd", 2000)]
    assert found(editions, "no_year_is_lost") == [(2020, "current_usd", 1999)]


def test_a_share_beyond_the_whole_is_found(editions: duckdb.DuckDBPyConnection) -> None:
    for country, value in (("A", 1.01), ("B", 1.0), ("C", 0.0), ("D", -0.1), ("E", None)):
        observe(
            editions, (2020, country, 2000, "share_of_gdp", value, "fraction of GDP", "reported")
        )
    observe(editions, (2020, "F", 2000, "per_capita_usd", 5.0, "US$ per head", "reported"))
    assert found(editions, "shares_are_plausible") == [(2020, "A", 2000), (2020, "D", 2000)]


def test_a_year_beyond_the_edition_is_found(editions: duckdb.DuckDBPyConnection) -> None:
    for year, value in ((2020, 1.0), (2021, 1.0), (2022, None)):
        observe(editions, (2020, "A", year, "current_usd", value, "", "reported"))
    assert found(editions, "no_year_is_beyond_the_edition") == [(2020, "A", 2021)]


def test_a_country_without_region_is_found_once(database: duckdb.DuckDBPyConnection) -> None:
    database.execute(
        "CREATE TABLE main.spending AS FROM (VALUES (2020, 'A', 1999, 'R', 'S'), "
        "(2020, 'B', 1999, 'R', NULL), (2020, 'B', 2000, 'R', NULL), (2020, 'C', 2000, NULL, NULL)) "
        "AS v(edition, country, year, region, subregion)"
    )
    assert found(database, "countries_have_a_region") == [(2020, "B", 1999), (2020, "C", 2000)]


def test_prices_that_differ_in_the_base_year_are_found(editions: duckdb.DuckDBPyConnection) -> None:
    editions.execute(
        "CREATE TABLE main.spending AS FROM (VALUES "
        "(2020, 'equal', 2019, 5.0, 5.0), (2020, 'rounding', 2019, 5.0, 5.000001), "
        "(2020, 'zero', 2019, 0, 0), (2020, 'blank', 2019, NULL, NULL), "
        "(2020, 'other', 2019, 5.0, 5.1), (2020, 'other', 2018, 5.0, 4.0), "
        "(2020, 'one-sided', 2019, 5.0, NULL), (2021, 'excerpt', 2020, 5.0, NULL)) "
        "AS v(edition, country, year, constant_usd_m, current_usd_m)"
    )
    assert found(editions, "prices_agree_in_the_base_year") == [
        (2020, "one-sided", 2019),
        (2020, "other", 2019),
    ]


@pytest.mark.parametrize(
    ("summed", "with_figures", "fails"),
    [
        (100.0, 3, False),
        (100.59, 3, False),
        (99.41, 3, False),
        (100.61, 3, True),
        (99.39, 3, True),
        (60.0, 2, False),
        (100.49, 2, False),
        (100.51, 2, True),
    ],
)
@pytest.mark.parametrize("edition", [2020, 2021])
def test_totals_are_held_against_sums_within_bounds(
    editions: duckdb.DuckDBPyConnection,
    edition: int,
    summed: float,
    with_figures: int,
    fails: bool,
) -> None:
    editions.execute(
        "CREATE TABLE main.region_members AS SELECT 'R' AS region, 'published' AS kind"
    )
    editions.execute(
        "CREATE TABLE main.regional_spending AS FROM (VALUES (?, 'R', 2000, 'published', 100.0, 3, "
        "?), (?, 'R', 2000, 'summed', ?::DOUBLE, 3, ?)) AS "
        "v(edition, region, year, basis, constant_usd_bn, members, members_with_figures)",
        [edition, with_figures, edition, summed, with_figures],
    )
    expected = [(2020, "R", 2000)] if fails and edition == 2020 else []
    assert found(editions, "published_totals_agree_with_sums") == expected


def test_lost_totals_are_found_by_run(editions: duckdb.DuckDBPyConnection) -> None:
    editions.execute(
        "CREATE TABLE main.region_members AS SELECT 'R' AS region, 'published' AS kind"
    )
    editions.execute(
        "CREATE TABLE main.regional_spending AS SELECT 2019 AS edition, 'R' AS region, "
        "range::INTEGER AS year, 'published' AS basis, 1.0 AS constant_usd_bn FROM range(1990, 2000) "
        "UNION ALL SELECT 2020, 'R', range, 'published', 1.0 FROM range(1993, 1997) "
        "UNION ALL SELECT 2020, 'R', range, 'summed', 1.0 FROM range(1990, 2000) "
        "UNION ALL SELECT 2019, 'composed', 1990, 'published', 1.0"
    )
    assert found(editions, "no_regional_total_is_lost") == [(2020, "R", 1990), (2020, "R", 1997)]


def test_another_base_year_is_found(database: duckdb.DuckDBPyConnection) -> None:
    database.execute(
        "CREATE TABLE main.editions AS FROM (VALUES (2020, 2019, 'a'), (2021, 2019, 'b'), "
        "(2022, NULL, 'c')) AS v(edition, base_year, file_name)"
    )
    assert found(database, "base_year_is_one_before_the_edition") == [
        (2021, "b", 2019),
        (2022, "c", None),
    ]


def test_impossible_lifespans_are_found(database: duckdb.DuckDBPyConnection) -> None:
    database.execute(
        "CREATE TABLE main.alliance_units AS SELECT 'ATOP' AS dataset, '9' AS version, "
        "'alliance' AS unit, id AS unit_id, b::DATE AS begin_date, e::DATE AS end_date, "
        "DATE '2018-12-31' AS closing_date, ending FROM (VALUES "
        "('open', '1950-01-01', NULL, 'in force'), ('day', '1951-01-01', '1951-01-01', 'violated'), "
        "('back', '1952-01-01', '1951-01-01', 'violated'), "
        "('late', '1953-01-01', '2019-01-01', 'violated'), "
        "('lasts', '1954-01-01', '1960-01-01', 'in force'), ('gone', '1955-01-01', NULL, 'unknown')"
        ") AS v(id, b, e, ending)"
    )
    assert found(database, "lifespans_are_possible") == [
        (None, "ATOP 9 alliance back", 1952),
        (None, "ATOP 9 alliance late", 1953),
    ]
    assert found(database, "in_force_has_no_end") == [
        (None, "ATOP 9 alliance gone", 1955),
        (None, "ATOP 9 alliance lasts", 1954),
    ]


@pytest.fixture
def treaty(database: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """One alliance that obliges to consult, and COW-style unknown obligations."""
    flags = "defense BOOLEAN, offense BOOLEAN, neutrality BOOLEAN, nonaggression BOOLEAN, "
    flags += "consultation BOOLEAN"
    key = "dataset VARCHAR, version VARCHAR, alliance_id VARCHAR"
    database.execute(
        f"CREATE TABLE main.alliances ({key}, begin_date DATE, end_date DATE, {flags});"
        f"CREATE TABLE main.alliance_members ({key}, cow_code INTEGER, entry_date DATE, "
        f"exit_date DATE, {flags});"
        f"CREATE TABLE main.alliance_phases ({key}, phase INTEGER, begin_date DATE, {flags});"
        "INSERT INTO main.alliances VALUES ('ATOP', '9', '1', '1950-01-01', '1990-01-01', "
        "false, NULL, false, false, true)"
    )
    return database


def join(
    connection: duckdb.DuckDBPyConnection, code: int, entry: str, exit_: str | None, *flags: bool
) -> None:
    obligations = list(flags) or [False, False, False, False, True]
    connection.execute(
        "INSERT INTO main.alliance_members VALUES ('ATOP', '9', '1', ?, ?, ?, ?, ?, ?, ?, ?)",
        [code, entry, exit_, *obligations],
    )


def test_an_obligation_that_the_alliance_lacks_is_found(treaty: duckdb.DuckDBPyConnection) -> None:
    join(treaty, 2, "1950-01-01", "1990-01-01")
    assert found(treaty, "members_oblige_the_alliance") == []
    join(treaty, 740, "1960-01-01", "1990-01-01", True, False, False, False, False)
    treaty.execute(
        "INSERT INTO main.alliance_phases VALUES ('ATOP', '9', '1', 2, '1970-01-01', false, NULL, "
        "true, false, false)"
    )
    assert found(treaty, "members_oblige_the_alliance") == [
        (None, "ATOP 9 1", 1960),
        (None, "ATOP 9 1", 1970),
    ]


def test_spells_that_overlap_or_leave_the_alliance_are_found(
    treaty: duckdb.DuckDBPyConnection,
) -> None:
    join(treaty, 2, "1950-01-01", "1960-01-01")
    join(treaty, 2, "1960-01-01", "1990-01-01")
    assert found(treaty, "member_spells_do_not_overlap") == []
    assert found(treaty, "member_spells_lie_within_the_alliance") == []
    join(treaty, 2, "1989-01-01", None)
    join(treaty, 740, "1949-12-31", "1990-01-01")
    assert found(treaty, "member_spells_do_not_overlap") == [(None, "ATOP 9 1/2", 1989)]
    assert found(treaty, "member_spells_lie_within_the_alliance") == [
        (None, "ATOP 9 1", 1949),
        (None, "ATOP 9 1", 1989),
    ]


# --- in a run ------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated")
@pytest.mark.parametrize(
    ("severity", "continues"), [("warning", True), ("error", True), ("blocking", False)]
)
def test_only_a_blocking_check_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, severity: str, continues: bool
) -> None:
    import dagster as dg

    from pipelines.assets.models import model_part
    from pipelines.assets.resources import Warehouse
    from pipelines.assets.tables import tables_asset

    sql = tmp_path / "sql"
    for name, text in {
        "main/first": "-- One row.\n--\n-- key: a\n-- columns:\n--   a INTEGER: it\n\nSELECT 1 AS a",
        "main/second": "-- One row.\n--\n-- key: a\n-- columns:\n--   a INTEGER: it\n\n"
        "SELECT * FROM main.first",
        "checks/never": f"-- Never holds.\n--\n-- asset: main.first\n-- severity: {severity}\n\n"
        "SELECT 2020 AS edition, 'A' AS subject, a AS year, 'no' AS detail FROM main.first",
    }.items():
        (sql / name).parent.mkdir(parents=True, exist_ok=True)
        (sql / f"{name}.sql").write_text(text, encoding="utf-8")
    (sql / "checks" / "known_exceptions.yaml").write_text("[]", encoding="utf-8")
    monkeypatch.setenv("MILEX_HOME", str(tmp_path))
    monkeypatch.setenv("MILEX_DATA", str(tmp_path / "data"))
    models = load_models(sql)
    checks = load_checks(sql / "checks")
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [tables_asset([model_part(m, models, set(), checks) for m in models.values()])],
            resources={"warehouse": Warehouse()},
            instance=instance,
            raise_on_error=False,
        )
    evaluations = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert not evaluations["never"].passed
    assert evaluations["never"].severity.value == ("WARN" if severity == "warning" else "ERROR")
    assert evaluations["key_is_unique"].passed
    assert result.success == continues
    made = {
        key.path[-1]
        for key in (e.asset_key for e in result.get_asset_materialization_events())
        if key
    }
    assert made == ({"first", "second"} if continues else {"first"})


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.name)
def test_a_check_reads_nothing_that_may_not_be_made_yet(check: Check) -> None:
    """It runs as soon as its table is there, while other tables are being made."""
    models = load_models(ROOT / "sql")
    before = everything_behind(models[check.asset], models) | {check.asset}
    assert references(check.sql, Path(check.name)) & models.keys() <= before


def test_outcomes_of_checks_that_are_gone_go(database: duckdb.DuckDBPyConnection) -> None:
    database.execute("CREATE TABLE main.t AS SELECT 1 AS a")
    checks = [
        Check(
            name,
            "main.t",
            "error",
            "It holds.",
            "SELECT 2020 AS edition, 'A' AS subject, 2 AS year, 'no' AS detail WHERE false",
        )
        for name in ("c", "a", "b")
    ]
    load_exceptions_text(database, "[]")
    for check in checks:
        run_check(database, check)
    tidy_results(database, [check for check in checks if check.name != "b"])
    names = database.execute("SELECT check_name FROM main.checks").fetchall()
    assert names == [("a",), ("c",)]
