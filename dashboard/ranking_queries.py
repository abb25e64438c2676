"""Questions about ranks to the published snapshot: SQL in, tables out; knows no page and no chart."""

from __future__ import annotations

from dashboard import spending_queries
from dashboard.database import Database
from pipelines.table import Table

# Where SIPRI's total lacks countries that have figures (edition 2020 before 2004), the sum is larger.
_WORLD = """
    SELECT year, 1e3 * max(usd_bn) AS usd_m, arg_max(basis, (usd_bn, basis = 'published')) AS basis
    FROM (
        SELECT year, basis,
               CASE $2 WHEN 'constant_usd' THEN constant_usd_bn
                       WHEN 'current_usd' THEN current_usd_bn END AS usd_bn
        FROM main.regional_spending WHERE edition = $1 AND region = 'World'
    )
    WHERE usd_bn IS NOT NULL GROUP BY year
"""


def ranking(db: Database, edition: int, measure: str, year: int, before: int, n: int) -> Table:
    """Every country with a figure in one of two years, by rank in the later; ties share a rank.

    year: the one that is ranked; before: the one that it is compared with. status and status_before
    say why there is no value; a country that the edition has no row for has none. share_of_world:
    of a measure in US$. movement: into or out of the n first, or within.
    """
    found = db.rows(
        f"""
        WITH world AS ({_WORLD}),
        figures AS (
            SELECT o.country, o.year, o.value, o.status, o.value / w.usd_m AS share_of_world,
                   CASE WHEN o.value IS NOT NULL THEN
                       rank() OVER (PARTITION BY o.year ORDER BY o.value DESC NULLS LAST) END
                       AS rank,
                   count(o.value) OVER (PARTITION BY o.year, o.value) > 1 AS tied
            FROM main.observations AS o
            LEFT JOIN world AS w ON w.year = o.year
            WHERE o.edition = $1 AND o.measure = $2 AND o.year IN ($3, $4)
        ),
        paired AS (
            SELECT coalesce(a.country, b.country) AS country, a.rank, a.tied, a.value, a.status,
                   a.share_of_world, b.rank AS rank_before, b.tied AS tied_before,
                   b.value AS value_before, b.status AS status_before
            FROM (FROM figures WHERE year = $3) AS a
            FULL JOIN (FROM figures WHERE year = $4) AS b ON b.country = a.country
            WHERE a.value IS NOT NULL OR b.value IS NOT NULL
        )
        SELECT p.rank, p.country, c.iso3, c.region, p.value, p.share_of_world, p.status, p.tied,
               p.rank_before, p.value_before, p.status_before, p.tied_before,
               p.rank_before - p.rank AS places_gained,
               p.value / nullif(p.value_before, 0) - 1 AS change,
               CASE WHEN coalesce(p.rank <= $5, false) > coalesce(p.rank_before <= $5, false)
                        THEN 'entered'
                    WHEN coalesce(p.rank <= $5, false) < coalesce(p.rank_before <= $5, false)
                        THEN 'left'
                    WHEN p.rank IS NULL OR p.rank_before IS NULL THEN 'one year only'
                    WHEN p.rank < p.rank_before THEN 'rose'
                    WHEN p.rank > p.rank_before THEN 'fell'
                    ELSE 'same rank' END AS movement
        FROM paired AS p JOIN main.countries AS c ON c.country = p.country
        ORDER BY p.rank NULLS LAST, p.rank_before, p.country
        """,
        edition,
        measure,
        year,
        before,
        n,
    )
    unit = spending_queries.unit(db, measure, edition)
    return Table(
        found.columns,
        found.rows,
        {
            "value": unit,
            "value_before": unit,
            "share_of_world": "fraction",
            "change": "fraction",
            "places_gained": "ranks",
        },
    )


def world_basis(db: Database, edition: int, measure: str, year: int) -> str | None:
    """What a share of the world is a share of: 'published', 'summed', or None for no such total."""
    found = db.rows(f"SELECT basis FROM ({_WORLD}) WHERE year = $3", edition, measure, year)
    return str(found.rows[0][0]) if found.rows else None


def without_figure(db: Database, edition: int, measure: str, year: int) -> Table:
    """The countries of an edition that have no figure of a measure in a year, and why.

    status: unavailable, not_independent, or NULL where the edition has no row for it.
    """
    return db.rows(
        """
        SELECT s.country, o.status
        FROM (SELECT DISTINCT country FROM main.spending WHERE edition = $1) AS s
        LEFT JOIN main.observations AS o
          ON o.edition = $1 AND o.measure = $2 AND o.year = $3 AND o.country = s.country
        WHERE o.value IS NULL
        ORDER BY o.status, s.country
        """,
        edition,
        measure,
        year,
    )


def is_excerpt(db: Database, edition: int) -> bool:
    """Whether the committed excerpt stands in for an edition."""
    return bool(
        db.rows("SELECT is_excerpt FROM main.editions WHERE edition = ?", edition).rows[0][0]
    )
