"""The traps of SIPRI's files, in the tables that are built from them."""

from pathlib import Path

import duckdb
import openpyxl
import pytest

from tests.conftest import BuiltData

pytestmark = pytest.mark.mirror

FALSE_ZEROS = {2017: 0, 2019: 0, 2020: 0, 2022: 242, 2023: 248, 2025: 33}


def one(connection: duckdb.DuckDBPyConnection, query: str, *given: object) -> tuple[object, ...]:
    rows = connection.execute(query, list(given)).fetchall()
    assert len(rows) == 1, rows
    return tuple(rows[0])


def test_the_six_editions_are_there(full_db: duckdb.DuckDBPyConnection) -> None:
    rows = full_db.execute(
        "SELECT edition, published_year, base_year, first_year, last_year, is_excerpt FROM editions"
    ).fetchall()
    assert rows == [
        (edition, edition + 1, edition - 1, 1948 if edition == 2023 else 1949, edition, False)
        for edition in FALSE_ZEROS
    ]


@pytest.mark.parametrize("edition", FALSE_ZEROS)
def test_a_false_zero_is_unavailable_with_a_note_and_raw_keeps_it(
    full_db: duckdb.DuckDBPyConnection, full_data: BuiltData, edition: int
) -> None:
    noted = full_db.execute(
        "SELECT country, year, value, status, notes FROM observations WHERE edition = ? "
        "AND measure = 'current_usd' AND notes LIKE '%SIPRI prints 0 here%'",
        [edition],
    ).fetchall()
    assert len(noted) == FALSE_ZEROS[edition]
    assert {(value, status) for _, _, value, status, _ in noted} <= {(None, "unavailable")}
    with duckdb.connect(str(full_data.settings.warehouse), read_only=True) as warehouse:
        (zeros,) = one(
            warehouse,
            "SELECT count(*) FROM raw.sipri_figures AS c JOIN raw.sipri_figures AS l "
            "USING (source_id, country, year) WHERE c.measure = 'current_usd' AND c.value = 0 "
            "AND l.measure = 'local_currency' AND l.value <> 0 AND c.edition = ?",
            edition,
        )
    assert zeros == FALSE_ZEROS[edition]


def test_no_zero_is_left_beside_a_local_figure(full_db: duckdb.DuckDBPyConnection) -> None:
    assert one(
        full_db,
        "SELECT count(*) FROM spending WHERE current_usd_m = 0 AND local_currency_m <> 0",
    ) == (0,)


@pytest.mark.parametrize("country", ["Costa Rica", "Iceland"])
def test_a_country_without_forces_keeps_its_zeros(
    full_db: duckdb.DuckDBPyConnection, country: str
) -> None:
    zeros, others = one(
        full_db,
        "SELECT count(*) FILTER (current_usd_m = 0), count(*) FILTER (current_usd_m <> 0) "
        "FROM spending WHERE country = ?",
        country,
    )
    assert zeros > 300
    assert others == 0


@pytest.mark.parametrize("measure", ["per_capita_usd", "share_of_government_spending"])
def test_the_row_of_ussr_and_russia_is_split_at_1991(
    full_db: duckdb.DuckDBPyConnection, measure: str
) -> None:
    rows = full_db.execute(
        "SELECT country, min(year), max(year), count(*) FROM observations WHERE edition = 2017 "
        "AND measure = ? AND country IN ('USSR', 'Russia', 'USSR/Russia') GROUP BY ALL ORDER BY 2",
        [measure],
    ).fetchall()
    assert rows == [("USSR", 1988, 1991, 4), ("Russia", 1992, 2017, 26)]


def test_the_european_union_is_no_country(full_db: duckdb.DuckDBPyConnection) -> None:
    for table in ("countries", "observations", "spending", "region_members"):
        assert one(full_db, f"SELECT count(*) FROM {table} WHERE country ILIKE '%europe%'") == (0,)


def test_country_sheets_hold_173_states_in_every_edition(
    full_db: duckdb.DuckDBPyConnection,
) -> None:
    rows = full_db.execute(
        "SELECT edition, count(DISTINCT country) FROM spending GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert rows == [(edition, 173) for edition in FALSE_ZEROS]


def test_china_is_an_estimate_in_every_edition(full_db: duckdb.DuckDBPyConnection) -> None:
    assert full_db.execute(
        "SELECT DISTINCT status FROM spending WHERE country = 'China' AND constant_usd_m IS NOT NULL"
    ).fetchall() == [("estimate",)]


def test_units_are_those_of_the_contract(full_db: duckdb.DuckDBPyConnection) -> None:
    value, unit = one(
        full_db,
        "SELECT value, unit FROM observations WHERE edition = 2017 AND country = 'Japan' "
        "AND year = 2016 AND measure = 'local_currency'",
    )
    assert (value > 5e12, unit) == (True, "yen")
    yen, constant, current, share = one(
        full_db,
        "SELECT local_currency_m, constant_usd_m, current_usd_m, share_of_gdp FROM spending "
        "WHERE edition = 2017 AND country = 'Japan' AND year = 2016",
    )
    assert yen == pytest.approx(value / 1e6)
    assert constant == pytest.approx(current)
    assert 40_000 < constant < 50_000
    assert 0.005 < share < 0.015


# --- regions -------------------------------------------------------------------------------------


def test_asia_and_oceania_grew_by_what_is_printed(
    full_db: duckdb.DuckDBPyConnection, mirror: Path
) -> None:
    sheet = openpyxl.load_workbook(
        mirror / "sipri" / "SIPRI-Milex-data-1949-2017.xlsx", read_only=True, data_only=True
    )["Regional totals"]
    rows = list(sheet.iter_rows(values_only=True))
    (header,) = [row for row in rows if row[0] == "Region"]
    (asia,) = [row for row in rows if row[0] == "Asia and Oceania"]
    printed = {year: asia[header.index(year)] for year in (2008, 2017)}
    ours = dict(
        full_db.execute(
            "SELECT year, constant_usd_bn FROM regional_spending WHERE edition = 2017 "
            "AND region = 'Asia & Oceania' AND basis = 'published' AND year IN (2008, 2017)"
        ).fetchall()
    )
    assert ours == printed
    (growth,) = one(
        full_db, "SELECT growth FROM growth('Asia & Oceania', 2008, 2017, edition := 2017)"
    )
    assert round(100 * growth, 1) == 58.9
    (summed,) = one(
        full_db,
        "SELECT growth FROM growth('Asia & Oceania', 2008, 2017, edition := 2017, basis := 'summed')",
    )
    assert round(100 * summed, 1) == 59.7


def test_omitted_countries_are_left_out_of_the_sums(full_db: duckdb.DuckDBPyConnection) -> None:
    omitted, summed = one(
        full_db,
        "SELECT omitted_countries, constant_usd_bn FROM regional_spending WHERE edition = 2025 "
        "AND region = 'Americas' AND basis = 'summed' AND year = 2015",
    )
    assert omitted == ["Cuba", "Venezuela"]
    (of_others,) = one(
        full_db,
        "SELECT sum(constant_usd_m) / 1e3 FROM spending WHERE edition = 2025 AND year = 2015 "
        "AND region = 'Americas' AND country NOT IN ('Cuba', 'Venezuela')",
    )
    assert summed == pytest.approx(of_others, rel=1e-12)


def test_a_list_whose_names_contain_commas_is_parsed(full_db: duckdb.DuckDBPyConnection) -> None:
    assert one(
        full_db,
        "SELECT omitted_countries FROM regional_spending WHERE edition = 2023 "
        "AND region = 'Asia & Oceania' AND basis = 'published' AND year = 2020",
    ) == (["Korea, North", "Laos", "Turkmenistan", "Uzbekistan"],)


def test_where_all_have_a_figure_there_is_no_residual_but_rounding(
    full_db: duckdb.DuckDBPyConnection,
) -> None:
    assert one(
        full_db,
        "SELECT unavailable_countries, abs(residual_bn) < 1e-9 FROM regional_spending "
        "WHERE edition = 2023 AND region = 'North America' AND year = 2020 AND basis = 'published'",
    ) == ([], True)


def test_a_shortfall_is_attributed(full_db: duckdb.DuckDBPyConnection) -> None:
    published, summed, residual, unavailable, share = one(
        full_db,
        "SELECT p.constant_usd_bn, s.constant_usd_bn, p.residual_bn, p.unavailable_countries, "
        "p.estimated_share FROM regional_spending AS p JOIN regional_spending AS s "
        "USING (edition, region, year) WHERE p.basis = 'published' AND s.basis = 'summed' "
        "AND edition = 2019 AND region = 'North Africa' AND year = 2019",
    )
    assert unavailable == ["Libya"]
    assert residual == pytest.approx(published - summed)
    assert residual / published == pytest.approx(0.36, abs=0.02)
    assert share >= residual / published


def test_every_region_of_the_real_totals_has_both_bases(
    full_db: duckdb.DuckDBPyConnection,
) -> None:
    lone = full_db.execute(
        "SELECT DISTINCT region FROM regional_spending AS p WHERE basis = 'published' AND NOT EXISTS "
        "(FROM regional_spending AS s WHERE s.region = p.region AND s.edition = p.edition "
        "AND s.basis = 'summed')"
    ).fetchall()
    assert lone == []


def test_the_worlds_sum_is_that_of_its_regions(full_db: duckdb.DuckDBPyConnection) -> None:
    differing = full_db.execute(
        "SELECT edition, year FROM regional_spending WHERE basis = 'summed' AND region IN "
        "('World', 'Africa', 'Americas', 'Asia & Oceania', 'Europe', 'Middle East') "
        "GROUP BY ALL HAVING abs(sum(constant_usd_bn) FILTER (region = 'World') "
        "- sum(constant_usd_bn) FILTER (region <> 'World')) > 1e-6 ORDER BY ALL"
    ).fetchall()
    assert differing == []


# --- editions side by side -----------------------------------------------------------------------


def test_the_latest_is_the_newest_edition(full_db: duckdb.DuckDBPyConnection) -> None:
    assert full_db.execute("SELECT DISTINCT edition FROM spending_latest").fetchall() == [(2025,)]
    assert (
        full_db.execute(
            "(FROM spending_latest SELECT * EXCLUDE edition EXCEPT "
            "FROM spending SELECT * EXCLUDE edition WHERE edition = 2025)"
        ).fetchall()
        == []
    )
    assert one(full_db, "SELECT count(*) FROM spending_latest") == one(
        full_db, "SELECT count(*) FROM spending WHERE edition = 2025"
    )


def test_every_source_has_its_provenance(full_db: duckdb.DuckDBPyConnection, mirror: Path) -> None:
    rows = full_db.execute(
        "SELECT dataset, file_name, origin, superseded, error, length(sha256), bytes, licence "
        "FROM sources WHERE origin <> 'excerpt'"
    ).fetchall()
    files = {path.name: path.stat().st_size for path in mirror.rglob("*") if path.is_file()}
    assert {"SIPRI", "ATOP", "COW"} == {row[0] for row in rows}
    for _, file_name, origin, superseded, error, digits, size, licence in rows:
        assert (origin, superseded, error, digits) == ("mirror", False, None, 64)
        assert files[file_name] == size
        assert licence
