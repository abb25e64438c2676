"""Questions to the published snapshot: SQL in, tables out; knows no page and no chart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.database import Database
from pipelines.table import Table

MAX_DOTS = 500
BINS = 60


def facts(db: Database) -> dict[str, str]:
    """What the snapshot says of itself."""
    return dict(db.rows("SELECT fact, content FROM main.snapshot").rows)


def claims(db: Database) -> list[dict[str, Any]]:
    """Every statement with its verdict, in the order of the texts."""
    return db.rows("SELECT * FROM main.claims ORDER BY position").records()


def editions(db: Database) -> Table:
    """The editions of the SIPRI database, newest first."""
    return db.rows(
        "SELECT edition, published_year, base_year, first_year, last_year, is_excerpt, file_name, "
        "url, sha256 FROM main.editions ORDER BY edition DESC"
    )


def regions(db: Database) -> list[str]:
    """Every region with a total, the world first, then as SIPRI lists them."""
    found = db.rows(
        "SELECT region FROM main.regional_spending GROUP BY region "
        "ORDER BY region <> 'World', region"
    )
    return [row[0] for row in found.rows]


def provenance(db: Database, dataset: str, version: str | int) -> list[str]:
    """The lines that go with every figure that travels: how to cite it, and from which snapshot."""
    name = f"{dataset} {version}"
    built = facts(db)
    return [
        f"Data: {name}. {citation(db, name)}",
        f"Computed with Milex {built.get('milex', '')}; snapshot built {built.get('built_at', '')}.",
    ]


def sources(db: Database) -> Table:
    """The files that the snapshot was made from."""
    return db.rows(
        "SELECT dataset, version, file_name, origin, superseded, bytes, retrieved_at, url, "
        "sha256, error FROM main.sources ORDER BY dataset, version, file_name"
    )


def tables(db: Database) -> Table:
    """The snapshot's tables with what one row of each means, and whose data they rest on."""
    return db.rows(
        'SELECT table_name AS "table", estimated_size AS rows, '
        "split_part(comment, chr(10) || chr(10), 1) AS meaning, "
        "regexp_extract(comment, '\\nSource: ([^\\n]+)', 1) AS source FROM duckdb_tables() "
        "WHERE schema_name = 'main' AND NOT internal ORDER BY table_name"
    )


def base_year(db: Database, edition: int) -> int | None:
    """The year whose prices an edition's constant US$ are in."""
    found = db.rows("SELECT base_year FROM main.editions WHERE edition = ?", edition)
    return found.rows[0][0] if found.rows else None


def citation(db: Database, edition_or_version: str | None) -> str:
    """How to cite the dataset of a claim's own definition ('SIPRI 2017', 'ATOP 3.0')."""
    dataset, _, version = (edition_or_version or "").partition(" ")
    found = db.rows(
        "SELECT citation FROM main.sources WHERE dataset = ? "
        "ORDER BY (version = ?) DESC, version DESC LIMIT 1",
        dataset,
        version,
    )
    return str(found.rows[0][0]) if found.rows and found.rows[0][0] else ""


@dataclass(frozen=True)
class Specifications:
    """A claim's grid, thinned for the eye.

    dots: (position, value, agrees, own, specifications, changes, parameters); levels: (dimension,
    level, bin, specifications, sum of values); totals: (positions, specifications, lowest, highest,
    variance).
    """

    dots: list[dict[str, Any]]
    levels: list[dict[str, Any]]
    positions: int
    count: int
    variance: float
    bins: int
    own: dict[str, str]


# Specifications of equal rows and equal figure share a position.
_PLACED = """
    SELECT specification_id, value, agrees, changes, parameters,
           dense_rank() OVER (ORDER BY value, sample_id) AS position
    FROM main.specifications
    WHERE claim_id = ? AND carries_verdict AND value IS NOT NULL
"""


def specifications(db: Database, claim_id: str) -> Specifications:
    """The specification curve: at most some hundreds of dots, and the levels along it in bins."""
    totals = db.rows(
        f"SELECT max(position), count(*), var_pop(value) FROM ({_PLACED})", claim_id
    ).rows[0]
    positions, count, variance = totals[0] or 0, totals[1], totals[2] or 0.0
    bins = min(BINS, positions)
    dots = db.rows(
        f"""
        WITH one AS (
            SELECT position, any_value(value) AS value, bool_or(agrees) AS agrees,
                   bool_or(specification_id = 0) AS own, count(*) AS specifications,
                   min(changes) AS changes, arg_min(parameters, changes) AS parameters
            FROM ({_PLACED}) GROUP BY position
        ),
        numbered AS (
            SELECT *, row_number() OVER (PARTITION BY agrees ORDER BY position) AS number,
                   count(*) OVER (PARTITION BY agrees) AS of_them,
                   row_number() OVER (PARTITION BY agrees ORDER BY position DESC) AS from_end
            FROM one
        )
        SELECT * EXCLUDE (number, of_them, from_end) FROM numbered
        WHERE own OR from_end = 1
           OR (number - 1) % greatest(1, ceil(of_them / {MAX_DOTS})::BIGINT) = 0
        ORDER BY position
        """,
        claim_id,
    ).records()
    own_row = db.rows(
        "SELECT parameters FROM main.specifications WHERE claim_id = ? AND specification_id = 0",
        claim_id,
    ).rows
    own = {k: str(v) for k, v in json.loads(own_row[0][0]).items()} if own_row else {}
    levels = []
    if own and positions:
        levels = db.rows(
            f"""
            WITH placed AS (
                SELECT value, parameters, ((position - 1) * {bins}) // {positions} AS bin
                FROM ({_PLACED})
            ),
            dimensions AS (SELECT unnest(CAST(? AS VARCHAR[])) AS dimension)
            SELECT d.dimension, p.bin,
                   json_extract_string(p.parameters, '$."' || d.dimension || '"') AS level,
                   count(*) AS specifications, sum(p.value) AS total
            FROM placed AS p CROSS JOIN dimensions AS d
            GROUP BY ALL ORDER BY ALL
            """,
            claim_id,
            list(own),
        ).records()
    return Specifications(dots, levels, positions, count, variance, bins, own)


def beside(db: Database, claim_id: str) -> list[dict[str, Any]]:
    """Specifications that are shown and carry no verdict."""
    return db.rows(
        "SELECT parameters, value, n FROM main.specifications WHERE claim_id = ? "
        "AND NOT carries_verdict ORDER BY specification_id DESC",
        claim_id,
    ).records()


def left_out(db: Database, claim_id: str) -> list[dict[str, Any]]:
    """The rules that leave combinations out, with how many each."""
    return db.rows(
        "SELECT rule, combinations FROM main.specification_rules "
        "WHERE claim_id = ? AND rule <> 'kept' ORDER BY combinations DESC",
        claim_id,
    ).records()


def all_specifications(db: Database, claim_id: str) -> Table:
    """Every specification of a claim, for download."""
    return db.rows(
        "SELECT claim_id, specification_id, changes, value, n, agrees, carries_verdict, sample_id, "
        "parameters FROM main.specifications WHERE claim_id = ? "
        "ORDER BY carries_verdict DESC, abs(specification_id)",
        claim_id,
    )


@dataclass(frozen=True)
class Grid:
    """A claim's specifications: thinned for the eye, by edition, beside, left out, and all."""

    thinned: Specifications
    editions: Table
    beside: list[dict[str, Any]]
    left_out: list[dict[str, Any]]
    all: Table


def grid(db: Database, claim_id: str) -> Grid:
    """Everything that shows how far a claim's figure depends on choices."""
    return Grid(
        specifications(db, claim_id),
        by_edition(db, claim_id),
        beside(db, claim_id),
        left_out(db, claim_id),
        all_specifications(db, claim_id),
    )


def series(db: Database, place: str, edition: int, prices: str, basis: str) -> Table:
    """A place's expenditure by year."""
    found = db.rows(
        "SELECT year, value_usd_m FROM spending_of(?, edition := ?, prices := ?, basis := ?)",
        place,
        edition,
        prices,
        basis,
    )
    return Table(found.columns, found.rows, {"value_usd_m": "US$ millions"})


def share_total(db: Database, country: str, region: str, year: int, **chosen: Any) -> float | None:
    """The total that `share` divides by, in US$ millions."""
    total: float | None = db.rows(
        "SELECT total FROM share(?, ?, ?, edition := ?, prices := ?, basis := ?)",
        country,
        region,
        year,
        chosen["edition"],
        chosen["prices"],
        chosen["basis"],
    ).rows[0][0]
    return total


def total_increase(
    db: Database, country: str, region: str, years: tuple[int, int], **chosen: Any
) -> float | None:
    """The increase that `contribution` divides by, in US$ millions."""
    increase: float | None = db.rows(
        "SELECT total_increase FROM contribution(?, ?, ?, ?, edition := ?, basis := ?)",
        country,
        region,
        *years,
        chosen["edition"],
        chosen["basis"],
    ).rows[0][0]
    return increase


def members(db: Database, region: str, edition: int, years: tuple[int, int], prices: str) -> Table:
    """A region's countries with their expenditure in two years, largest last year first."""
    column = "constant_usd_m" if prices == "constant" else "current_usd_m"
    found = db.rows(
        f"""
        SELECT s.country, max(s.{column}) FILTER (s.year = ?) AS from_value,
               max(s.{column}) FILTER (s.year = ?) AS to_value,
               max(s.status) FILTER (s.year = ?) AS status
        FROM main.spending AS s
        JOIN main.region_members AS m ON m.country = s.country AND m.region = ?
        ANTI JOIN main.omitted_countries AS o
          ON o.edition = s.edition AND o.region = m.region AND o.country = s.country
        WHERE s.edition = ? AND s.year IN (?, ?)
        GROUP BY s.country
        ORDER BY to_value DESC NULLS LAST, s.country
        """,
        years[0],
        years[1],
        years[1],
        region,
        edition,
        *years,
    )
    return Table(
        found.columns, found.rows, {"from_value": "US$ millions", "to_value": "US$ millions"}
    )


def regions_countries(db: Database, region: str) -> set[str]:
    """The countries of a region."""
    return set(
        db.rows("SELECT country FROM main.region_members WHERE region = ?", region).column(
            "country"
        )
    )


def countries(db: Database) -> list[str]:
    """Every country with a row in any edition."""
    return db.rows("SELECT DISTINCT country FROM main.spending ORDER BY country").column("country")


def top_constant(db: Database, year: int, edition: int, n: int) -> Table:
    """The largest spenders of a year by constant prices, in which editions give no world total."""
    found = db.rows(
        "SELECT rank() OVER (ORDER BY constant_usd_m DESC) AS rank, country, region, constant_usd_m "
        "FROM main.spending WHERE year = ? AND edition = ? AND constant_usd_m IS NOT NULL "
        "QUALIFY rank <= ? ORDER BY constant_usd_m DESC",
        year,
        edition,
        n,
    )
    return Table(found.columns, found.rows, {"constant_usd_m": "US$ millions, constant prices"})


def top(db: Database, year: int, edition: int, n: int) -> Table:
    """The largest spenders of a year, by current prices."""
    found = db.rows(
        "SELECT rank, country, region, current_usd_m, share_of_world "
        "FROM top(?, edition := ?, n := ?)",
        year,
        edition,
        n,
    )
    return Table(
        found.columns,
        found.rows,
        {"current_usd_m": "US$ millions, current prices", "share_of_world": "fraction"},
    )


def burden(db: Database, place: str, from_year: int, to_year: int, edition: int) -> Table:
    """Military burden by year."""
    found = db.rows(
        "SELECT year, share_of_gdp, countries FROM burden(?, ?, ?, edition := ?)",
        place,
        from_year,
        to_year,
        edition,
    )
    return Table(found.columns, found.rows, {"share_of_gdp": "fraction of GDP"})


def exchange_rates(db: Database, country: str, edition: int) -> Table:
    """The exchange rate that SIPRI's figures imply, by year."""
    found = db.rows(
        "SELECT year, local_currency_m, current_usd_m, "
        "local_currency_m / nullif(current_usd_m, 0) AS local_per_usd FROM main.spending "
        "WHERE edition = ? AND country = ? AND local_currency_m IS NOT NULL "
        "AND current_usd_m > 0 ORDER BY year",
        edition,
        country,
    )
    return Table(
        found.columns,
        found.rows,
        {
            "local_currency_m": "millions of the local currency",
            "current_usd_m": "US$ millions, current prices",
            "local_per_usd": "local currency per US$",
        },
    )


LIFESPAN_DEFAULTS: dict[str, Any] = {
    "dataset": "ATOP",
    "version": None,
    "unit": "alliance",
    "formed_from": 1815,
    "formed_to": 1989,
    "ended_by": None,
    "obligation": "all",
    "members": "all",
    "ending": "all",
    "wartime": "in",
    "convention": "years",
}


def alliance_set(db: Database, chosen: dict[str, Any]) -> Table:
    """The units that `alliance_lifespan` averages, under the same conditions, one a row.

    chosen: the arguments of the metric call, with its defaults.
    """
    found = db.rows(
        """
        SELECT u.unit_id, a.name, u.begin_date, u.end_date, u.ending,
               CASE $11 WHEN 'exact' THEN u.lifespan_exact_years
                   WHEN 'years plus one' THEN u.lifespan_years + 1
                   ELSE u.lifespan_years END AS lifespan,
               u.defense, u.offense, u.neutrality, u.nonaggression, u.consultation, u.bilateral,
               u.wartime
        FROM main.alliance_units AS u
        LEFT JOIN main.alliances AS a
          ON a.dataset = u.dataset AND a.version = u.version AND a.alliance_id = u.alliance_id
        WHERE u.dataset = $1 AND u.version = resolve_version($1, $2)
          AND u.unit = $3 AND year(u.begin_date) BETWEEN $4 AND $5
          AND year(u.end_date) <= coalesce($6, year(u.closing_date))
          AND has_obligation($7, u.defense, u.offense, u.neutrality, u.nonaggression,
                             u.consultation)
          AND CASE $8 WHEN 'bilateral' THEN u.bilateral
                  WHEN 'multilateral' THEN NOT u.bilateral ELSE true END
          AND CASE $9 WHEN 'not renegotiated' THEN u.ending <> 'renegotiated'
                  WHEN 'not independence lost' THEN u.ending <> 'independence lost'
                  WHEN 'fulfilled or violated' THEN u.ending IN ('fulfilled', 'violated')
                  ELSE true END
          AND CASE $10 WHEN 'out' THEN NOT u.wartime ELSE true END
        ORDER BY lifespan DESC, u.begin_date, u.unit_id
        """,
        *(chosen[name] for name in LIFESPAN_DEFAULTS),
    )
    return Table(found.columns, found.rows, {"lifespan": "years"})


def by_edition(db: Database, claim_id: str) -> Table:
    """A claim's own definition in every edition at hand."""
    return db.rows(
        "SELECT edition, value, agrees, is_own FROM main.claim_editions "
        "WHERE claim_id = ? AND value IS NOT NULL ORDER BY edition",
        claim_id,
    )


def pacts(db: Database, condition: str) -> Table:
    """The pacts that a claim's query counts, one a row. condition: the query's own."""
    return db.rows(
        f"""
        SELECT alliance_id, any_value(name) AS name, min(year) AS first_year,
               max(year) AS last_year, bool_and(bilateral) AS bilateral,
               bool_or(defense) AS defense, bool_or(offense) AS offense,
               bool_or(neutrality) AS neutrality, bool_or(nonaggression) AS nonaggression,
               bool_or(consultation) AS consultation, max(members) AS members
        FROM main.regional_pacts WHERE {condition}
        GROUP BY alliance_id ORDER BY first_year, alliance_id
        """
    )


def ages(db: Database, condition: str) -> Table:
    """The units that a claim's query looks at, with their age at the end or the closing."""
    found = db.rows(
        f"""
        SELECT u.unit_id, a.name, u.begin_date, u.end_date, u.ending,
               year(coalesce(u.end_date, u.closing_date)) - year(u.begin_date) AS age
        FROM (FROM main.alliance_units WHERE {condition}) AS u
        LEFT JOIN main.alliances AS a
          ON a.dataset = u.dataset AND a.version = u.version AND a.alliance_id = u.alliance_id
        ORDER BY age DESC, u.begin_date, u.unit_id
        """
    )
    return Table(found.columns, found.rows, {"age": "years"})


def call(db: Database, sql: str) -> Table:
    """The metric call of a claim, as a user would run it."""
    return db.rows(sql)


def pacts_of_states(
    db: Database, dataset: str, version: str, all_of: list[int], any_of: list[int]
) -> Table:
    """Alliances that all of some states and at least one of some others were members of."""
    return db.rows(
        """
        WITH members AS (
            SELECT alliance_id, list(DISTINCT cow_code) AS codes
            FROM main.alliance_members WHERE dataset = ? AND version = ? GROUP BY alliance_id
        )
        SELECT a.alliance_id, a.name, year(a.begin_date) AS first_year,
               year(coalesce(a.end_date, a.closing_date)) AS last_year,
               a.end_date IS NULL AS in_force_at_closing, a.defense, a.bilateral, a."asymmetric",
               a.lineage_id
        FROM main.alliances AS a
        JOIN members AS m ON m.alliance_id = a.alliance_id
        WHERE a.dataset = ? AND a.version = ?
          AND list_has_all(m.codes, CAST(? AS INTEGER[]))
          AND (len(CAST(? AS INTEGER[])) = 0 OR list_has_any(m.codes, CAST(? AS INTEGER[])))
        ORDER BY a.begin_date, a.alliance_id
        """,
        dataset,
        version,
        dataset,
        version,
        all_of,
        any_of,
        any_of,
    )


def pacts_by_spending(db: Database, chosen: Mapping[str, Any]) -> Table:
    """Bilateral defence pacts of the core region by their members' combined spending in a year."""
    dataset, version = str(chosen["dataset"]).split()
    found = db.rows(
        """
        SELECT p.alliance_id, p.name, sum(s.current_usd_m) AS combined_usd_m,
               list_has_all(any_value(p.cow_codes), CAST(? AS INTEGER[])) AS is_the_pact
        FROM (SELECT *, unnest(countries) AS country FROM main.regional_pacts
              WHERE dataset = ? AND version = ? AND year = ? AND level = 1 AND bilateral AND defense
             ) AS p
        LEFT JOIN main.spending AS s
          ON s.edition = ? AND s.country = p.country AND s.year = p.year
        GROUP BY p.alliance_id, p.name HAVING count(s.current_usd_m) >= 2
        ORDER BY combined_usd_m DESC
        """,
        chosen["states"],
        dataset,
        version,
        chosen["year"],
        chosen["edition"],
    )
    return Table(found.columns, found.rows, {"combined_usd_m": "US$ millions, current prices"})
