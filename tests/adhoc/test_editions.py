"""Which queries read every edition at once without saying so, and which do not."""

from collections.abc import Iterator

import duckdb
import pytest

from pipelines.adhoc.guard import Guard

TABLES = """
CREATE TABLE editions (edition INTEGER, base_year INTEGER);
CREATE TABLE spending (edition INTEGER, country VARCHAR, year INTEGER, usd_m DOUBLE);
CREATE TABLE spending_latest (edition INTEGER, country VARCHAR, year INTEGER, usd_m DOUBLE);
CREATE TABLE sources (dataset VARCHAR, version VARCHAR, file_name VARCHAR);
CREATE TABLE revisions (country VARCHAR);
CREATE TABLE alliances (dataset VARCHAR, version VARCHAR, years INTEGER);
CREATE TABLE alliances_latest (dataset VARCHAR, version VARCHAR, years INTEGER);
CREATE TABLE phases (version VARCHAR, years INTEGER);
COMMENT ON COLUMN spending.usd_m IS 'military expenditure [US$ millions]';
COMMENT ON COLUMN spending.year IS 'calendar year [year]';
"""
TRAPS = {
    "SELECT edition, sum(usd_m) FROM spending GROUP BY ROLLUP (edition)": ["spending"],
    "SELECT country, sum(usd_m) FROM spending GROUP BY CUBE (edition, country)": ["spending"],
    "SELECT sum(usd_m) FROM spending WHERE year = 2017": ["spending"],
    "SELECT SUM(usd_m) FROM Spending": ["spending"],
    "SELECT sum(usd_m) FROM main.spending": ["spending"],
    "SELECT country, usd_m FROM spending WHERE year = 2017": ["spending"],
    "SELECT * EXCLUDE (edition) FROM spending": ["spending"],
    "SELECT COLUMNS('.*_m') FROM spending": ["spending"],
    "SELECT country, COLUMNS('^(year|.*_usd_m)$') FROM spending": ["spending"],
    "SELECT count(*) FROM spending, alliances": ["alliances", "spending"],
    "SELECT avg(years) FROM alliances WHERE dataset = 'ATOP'": ["alliances"],
    "SELECT sum(usd_m) FROM (SELECT * FROM spending)": ["spending"],
    "WITH s AS (FROM spending) SELECT sum(usd_m) FROM s": ["spending"],
    "SELECT sum(x) FROM (SELECT edition, sum(usd_m) AS x FROM spending GROUP BY ALL)": ["spending"],
    "SELECT a.usd_m FROM spending a JOIN spending b USING (country) WHERE a.edition = 1": [
        "spending"
    ],
    "SELECT (SELECT sum(usd_m) FROM spending)": ["spending"],
    "SELECT 1 UNION ALL SELECT sum(usd_m) FROM spending": ["spending"],
    "SELECT 1 FROM revisions WHERE country IN (SELECT country FROM spending)": ["spending"],
    "SELECT years FROM alliances WHERE years IN (SELECT edition FROM editions)": ["alliances"],
    "PIVOT spending ON year IN (2017) USING sum(usd_m) GROUP BY country": ["spending"],
    # The edition is named, and chosen by nothing.
    "SELECT sum(usd_m), count(DISTINCT edition) FROM spending WHERE year = 2017": ["spending"],
    "SELECT country, count(DISTINCT edition) FROM spending GROUP BY country": ["spending"],
    "SELECT max(edition) FROM spending": ["spending"],
    "SELECT count(DISTINCT edition) + 1 AS n, sum(usd_m) FROM spending": ["spending"],
    "SELECT usd_m, count(DISTINCT edition) OVER () FROM spending": ["spending"],
    "SELECT country, sum(usd_m) FROM spending GROUP BY country HAVING count(DISTINCT edition) > 1": [
        "spending"
    ],
    "SELECT usd_m FROM spending QUALIFY count(DISTINCT edition) OVER () > 1": ["spending"],
    "SELECT sum(usd_m), sum(usd_m) FILTER (edition = 2017) FROM spending": ["spending"],
    "SELECT usd_m FROM spending ORDER BY edition": ["spending"],
    "PIVOT spending ON year IN (2017) USING sum(usd_m), max(edition) GROUP BY country": [
        "spending"
    ],
    # A join goes as far as what is joined with is chosen.
    "SELECT sum(usd_m) FROM spending JOIN editions USING (edition)": ["spending"],
    "SELECT sum(usd_m) FROM spending NATURAL JOIN editions": ["spending"],
    "SELECT s.usd_m FROM spending s JOIN editions e ON e.edition = s.edition WHERE year = 2017": [
        "spending"
    ],
    "SELECT sum(a.usd_m) FROM spending a JOIN spending b USING (edition, country)": ["spending"],
    "SELECT sum(a.usd_m) FROM spending a, spending b WHERE a.edition = b.edition": ["spending"],
    "SELECT years FROM alliances JOIN sources USING (dataset, version) WHERE dataset = 'ATOP'": [
        "alliances"
    ],
    "SUMMARIZE spending": ["spending"],
    # Kept apart inside, and added up outside.
    "SELECT sum(x) FROM (SELECT edition, sum(usd_m) AS x FROM spending GROUP BY edition)": [
        "spending"
    ],
    "SELECT sum(x) FROM (SELECT sum(usd_m) AS x FROM spending GROUP BY edition)": ["spending"],
    "SELECT avg(x) FROM (SELECT 'SIPRI ' || edition AS name, usd_m AS x FROM spending)": [
        "spending"
    ],
    "WITH RECURSIVE t AS (SELECT usd_m FROM spending UNION ALL SELECT * FROM t) FROM t": [
        "spending"
    ],
}
SETTLED = [
    "SELECT COLUMNS('edi') FROM spending",
    "SELECT COLUMNS('^(edition|country)$') FROM spending",
    "SELECT COLUMNS(*) FROM spending",
    "SELECT COLUMNS('(*nonsense') FROM spending",
    "SELECT sum(usd_m) FROM spending WHERE edition = 2017",
    "SELECT sum(usd_m) FROM spending s WHERE s.Edition = (SELECT max(edition) FROM editions)",
    "SELECT sum(usd_m) FROM spending WHERE edition = (SELECT max(edition) FROM spending)",
    "WITH newest AS (SELECT max(version) AS version FROM alliances) "
    "SELECT avg(years) FROM alliances JOIN newest USING (version)",
    "SELECT sum(usd_m) FROM spending_latest",
    "SELECT avg(years) FROM alliances_latest",
    "SELECT avg(years) FROM alliances WHERE version = '5.1'",
    "SELECT edition, sum(usd_m) FROM spending GROUP BY edition",
    "SELECT edition, country, sum(usd_m) FROM spending GROUP BY edition, ROLLUP (country)",
    "SELECT edition, sum(usd_m) FROM spending GROUP BY ALL",
    "SELECT edition, sum(usd_m) FROM spending GROUP BY ALL",
    "SELECT * FROM spending WHERE year = 2017",
    "SELECT country, arg_max(usd_m, edition) FROM spending WHERE year = 2017 GROUP BY country",
    "SELECT list(usd_m ORDER BY edition) FROM spending WHERE year = 2017",
    "SELECT sum(CASE WHEN edition = 2017 THEN usd_m END) FROM spending",
    "SELECT s.usd_m FROM spending s JOIN editions e ON e.edition = s.edition WHERE base_year = 2016",
    "SELECT usd_m FROM spending JOIN (SELECT max(edition) AS edition FROM editions) USING (edition)",
    "SELECT usd_m FROM spending JOIN (SELECT edition FROM editions WHERE base_year = 2016) "
    "USING (edition)",
    "SELECT s.usd_m FROM spending s JOIN spending_latest l ON s.edition = l.edition",
    "SELECT base_year, usd_m FROM spending JOIN editions USING (edition)",
    "SELECT e.edition, usd_m FROM spending s, editions e WHERE s.edition = e.edition",
    "SELECT a.usd_m / b.usd_m FROM spending a JOIN spending b USING (edition, country) "
    "WHERE a.edition = 2017",
    "SELECT 'SIPRI ' || edition AS name, sum(usd_m) FROM spending GROUP BY name",
    "SELECT sum(usd_m) FROM spending GROUP BY edition",
    "SELECT * FROM (SELECT sum(usd_m) FROM spending GROUP BY edition)",
    "SELECT e, sum(x) FROM (SELECT edition AS e, country, sum(usd_m) AS x FROM spending "
    "GROUP BY edition, country) GROUP BY e",
    "SELECT usd_m - lag(usd_m) OVER (PARTITION BY country, year ORDER BY edition) FROM spending",
    "SELECT DISTINCT ON (country) country, usd_m FROM spending ORDER BY country, edition DESC",
    "SELECT usd_m FROM spending WHERE country = 'Japan' ORDER BY edition DESC LIMIT 1",
    "SELECT usd_m FROM spending NATURAL JOIN (SELECT 2017 AS edition)",
    "SELECT usd_m FROM spending s WHERE EXISTS (FROM editions e WHERE e.edition = s.edition)",
    "WITH s AS (FROM spending) SELECT sum(usd_m) FROM s WHERE edition = 2017",
    "WITH s AS (SELECT edition AS e, usd_m FROM spending) SELECT sum(usd_m) FROM s WHERE e = 2017",
    "SELECT usd_m FROM spending QUALIFY rank() OVER (ORDER BY edition DESC) = 1",
    "SELECT sum(usd_m) FILTER (edition = 2017) FROM spending",
    "WITH spending AS (SELECT 1 AS usd_m) SELECT sum(usd_m) FROM spending",
    "SELECT count(*) FROM editions",
    "PIVOT spending ON edition IN (2017) USING sum(usd_m) GROUP BY country",
    "DESCRIBE spending",
    "SUMMARIZE FROM spending WHERE edition = 2017",
    "SELECT years FROM alliances JOIN sources USING (dataset, version) WHERE file_name = 'a.csv'",
    "SELECT 1",
]


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        yield Guard.of(connection)


@pytest.mark.parametrize("sql", TRAPS)
def test_a_query_over_all_editions_gets_a_warning(guard: Guard, sql: str) -> None:
    warnings = guard.check(sql).warnings
    assert [warning.split()[0] for warning in warnings] == TRAPS[sql]


@pytest.mark.parametrize("sql", SETTLED)
def test_a_query_that_settles_its_edition_gets_none(guard: Guard, sql: str) -> None:
    assert guard.check(sql).warnings == ()


def test_a_warning_names_what_to_read_instead(guard: Guard) -> None:
    (spending,) = guard.check("SELECT sum(usd_m) FROM spending").warnings
    (phases,) = guard.check("SELECT sum(years) FROM phases").warnings
    assert "spending_latest" in spending
    assert "WHERE version = …" in phases


@pytest.mark.parametrize(
    ("sql", "units"),
    [
        ("SELECT usd_m, year FROM spending", {"usd_m": "US$ millions"}),
        ("SELECT * FROM spending", {"usd_m": "US$ millions"}),
        ("SELECT s.usd_m AS usd_m FROM spending s", {"usd_m": "US$ millions"}),
        ("SELECT usd_m / 1e3 AS usd_m FROM spending", {}),
        ("SELECT usd_m AS other FROM spending", {}),
        ("SELECT usd_m FROM (SELECT usd_m / 1e3 AS usd_m FROM spending)", {}),
        ("WITH spending AS (SELECT 1 AS usd_m) SELECT usd_m FROM spending", {}),
        ("SELECT usd_m FROM spending UNION ALL SELECT 1", {}),
    ],
)
def test_a_column_keeps_its_unit_only_as_it_is(
    guard: Guard, sql: str, units: dict[str, str]
) -> None:
    assert guard.check(sql).units == units
