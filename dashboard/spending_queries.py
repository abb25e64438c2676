"""Questions about spending to the published snapshot: SQL in, tables out; knows no page and no chart."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard import queries
from dashboard.database import Database
from pipelines.table import Table

UNITS = {
    "constant_usd": "US$ millions, prices of {base_year}",
    "current_usd": "US$ millions, current prices",
    "share_of_gdp": "fraction of GDP",
    "per_capita_usd": "US$ per head, current prices",
    "share_of_government_spending": "fraction of government spending",
}


def places(db: Database) -> list[str]:
    """Every region with a total, the world first, then every country with a row."""
    found = db.rows(
        "SELECT region AS place, 1 AS kind FROM main.regional_spending GROUP BY region "
        "UNION ALL SELECT country, 2 FROM main.spending GROUP BY country "
        "ORDER BY place <> 'World', kind, place"
    )
    return [str(place) for place in found.column("place")]


def unit(db: Database, measure: str, edition: int) -> str:
    """The unit of a measure's values in main.observations."""
    return UNITS[measure].format(base_year=queries.base_year(db, edition))


def span(db: Database, measure: str, edition: int) -> tuple[int, int]:
    """The first and the last year that an edition has a row of a measure for, two years at least."""
    first, last = db.rows(
        "SELECT coalesce(min(o.year), min(e.first_year)), max(e.last_year) FROM main.editions AS e "
        "LEFT JOIN main.observations AS o ON o.edition = e.edition AND o.measure = ? "
        "WHERE e.edition = ?",
        measure,
        edition,
    ).rows[0]
    return min(first, last - 1), last


def series(
    db: Database,
    places: Sequence[str],
    edition: int,
    measure: str,
    basis: str,
    years: tuple[int, int],
) -> Table:
    """Countries and regions by year in one measure, in the order asked for.

    A row for every year that the edition has a row for, with the figure's status and notes; value
    is NULL where there is none. Regions have totals in US$, and an implied share of GDP (status
    'implied'); in other measures they have no row.
    """
    wanted = list(places)
    found = db.rows(
        """
        SELECT country AS place, year, value, status, notes
        FROM main.observations
        WHERE edition = $1 AND measure = $2 AND year BETWEEN $4 AND $5
          AND country IN (SELECT unnest($3::VARCHAR[]))
        UNION ALL
        SELECT region, year, value, CASE WHEN value IS NULL THEN 'unavailable' ELSE status END,
               'Without ' || nullif(array_to_string(omitted_countries, ', '), '') || '.'
        FROM (
            SELECT *, 1e3 * CASE $2 WHEN 'constant_usd' THEN constant_usd_bn
                                    ELSE current_usd_bn END AS value
            FROM main.regional_spending
            WHERE edition = $1 AND $2 IN ('constant_usd', 'current_usd') AND basis = $6
              AND year BETWEEN $4 AND $5 AND region IN (SELECT unnest($3::VARCHAR[]))
        )
        ORDER BY year
        """,
        edition,
        measure,
        wanted,
        *years,
        basis,
    )
    rows = list(found.rows)
    if measure == "share_of_gdp":
        for region in set(places) & set(queries.regions(db)):
            rows += [
                (
                    region,
                    year,
                    share,
                    "implied",
                    f"Implied by the figures of {countries} countries.",
                )
                for year, share, countries in queries.burden(db, region, *years, edition).rows
            ]
    rows.sort(key=lambda row: (wanted.index(row[0]), row[1]))
    return Table(found.columns, rows, {"value": unit(db, measure, edition)})


def regional_totals(db: Database, region: str, edition: int) -> Table:
    """A region by year at constant prices: SIPRI's total, the sum of the countries, the residual.

    One row a year with a total of either basis. residual_bn: SIPRI's total less the sum. Countries
    are named in one text, separated by commas; NULL for none.
    """
    found = db.rows(
        """
        SELECT year,
               max(constant_usd_bn) FILTER (basis = 'published') AS published_bn,
               max(constant_usd_bn) FILTER (basis = 'summed') AS summed_bn,
               max(residual_bn) AS residual_bn,
               max(estimated_share) FILTER (basis = 'summed') AS estimated_share_of_sum,
               nullif(array_to_string(any_value(omitted_countries), ', '), '')
                   AS omitted_countries,
               nullif(array_to_string(any_value(unavailable_countries), ', '), '')
                   AS unavailable_countries
        FROM main.regional_spending
        WHERE edition = ? AND region = ?
        GROUP BY year HAVING published_bn IS NOT NULL OR summed_bn IS NOT NULL
        ORDER BY year
        """,
        edition,
        region,
    )
    money = f"US$ billions, prices of {queries.base_year(db, edition)}"
    return Table(
        found.columns,
        found.rows,
        {
            "published_bn": money,
            "summed_bn": money,
            "residual_bn": money,
            "estimated_share_of_sum": "fraction",
        },
    )


def composition(
    db: Database, region: str, edition: int, years: tuple[int, int], largest: int
) -> Table:
    """A region's sum by year and member at constant prices: the largest of the last year, and others.

    A row for each year with a figure. member: NULL for the others. estimated_usd_m: how much of the
    value is an estimate or highly uncertain. countries: how many have a figure.
    """
    found = db.rows(
        """
        WITH figures AS (
            SELECT s.country, s.year, s.constant_usd_m, s.status
            FROM main.spending AS s
            JOIN main.region_members AS m ON m.country = s.country AND m.region = $1
            ANTI JOIN main.omitted_countries AS o
              ON o.edition = s.edition AND o.region = m.region AND o.country = s.country
            WHERE s.edition = $2 AND s.year BETWEEN $3 AND $4 AND s.constant_usd_m IS NOT NULL
        ),
        largest AS (
            SELECT country,
                   row_number() OVER (
                       ORDER BY max(constant_usd_m) FILTER (year = $4) DESC NULLS LAST,
                                max(constant_usd_m) DESC, country
                   ) AS place
            FROM figures GROUP BY country
        )
        SELECT CASE WHEN l.place <= $5 THEN f.country END AS member, f.year,
               sum(f.constant_usd_m) AS constant_usd_m,
               coalesce(sum(f.constant_usd_m) FILTER (f.status IN ('estimate', 'uncertain')), 0)
                   AS estimated_usd_m,
               count(*) AS countries
        FROM figures AS f JOIN largest AS l ON l.country = f.country
        GROUP BY member, f.year
        ORDER BY min(least(l.place, $5 + 1)), f.year
        """,
        region,
        edition,
        *years,
        largest,
    )
    money = unit(db, "constant_usd", edition)
    return Table(
        found.columns,
        found.rows,
        {"constant_usd_m": money, "estimated_usd_m": money},
    )


def members(db: Database, region: str, edition: int, years: tuple[int, int], basis: str) -> Table:
    """A region's countries between two years at constant prices, largest last year first.

    contribution: of the region's increase, as the metric `contribution` gives it; points: increase
    over the region's first-year total, so that the points of all countries and of what SIPRI
    estimates for the others add up to the region's growth. Both, and share, are NULL for a country
    that is left out of the total (omitted) or lacks a figure. share_of_gdp: of the last year.
    """
    found = db.rows(
        """
        WITH total AS (
            SELECT g.from_value, g.to_value
            FROM growth($1, $3, $4, edition := $2, basis := $5) AS g
        ),
        figures AS (
            SELECT s.country, any_value(s.iso3) AS iso3,
                   bool_or(o.country IS NOT NULL) AS omitted,
                   max(s.constant_usd_m) FILTER (s.year = $3) AS from_value,
                   max(s.constant_usd_m) FILTER (s.year = $4) AS to_value,
                   max(s.status) FILTER (s.year = $3) AS from_status,
                   max(s.status) FILTER (s.year = $4) AS to_status,
                   max(s.share_of_gdp) FILTER (s.year = $4) AS share_of_gdp,
                   max(b.status) FILTER (s.year = $4) AS share_of_gdp_status
            FROM main.spending AS s
            JOIN main.region_members AS m ON m.country = s.country AND m.region = $1
            LEFT JOIN main.omitted_countries AS o
              ON o.edition = s.edition AND o.region = m.region AND o.country = s.country
            LEFT JOIN main.observations AS b
              ON b.edition = s.edition AND b.country = s.country AND b.year = s.year
             AND b.measure = 'share_of_gdp'
            WHERE s.edition = $2 AND s.year IN ($3, $4)
            GROUP BY s.country
        )
        SELECT f.country, f.iso3, f.omitted, f.from_value, f.from_status, f.to_value, f.to_status,
               f.to_value - f.from_value AS increase,
               f.to_value / nullif(f.from_value, 0) - 1 AS growth,
               CASE WHEN NOT f.omitted THEN (f.to_value - f.from_value)
                   / nullif(t.to_value - t.from_value, 0) END AS contribution,
               CASE WHEN NOT f.omitted THEN (f.to_value - f.from_value)
                   / nullif(t.from_value, 0) END AS points,
               CASE WHEN NOT f.omitted THEN f.to_value / nullif(t.to_value, 0) END AS share,
               f.share_of_gdp, f.share_of_gdp_status
        FROM figures AS f CROSS JOIN total AS t
        ORDER BY f.to_value DESC NULLS LAST, f.country
        """,
        region,
        edition,
        *years,
        basis,
    )
    money = unit(db, "constant_usd", edition)
    return Table(
        found.columns,
        found.rows,
        {
            "from_value": money,
            "to_value": money,
            "increase": money,
            "growth": "fraction",
            "contribution": "fraction of the region's increase",
            "points": "fraction of the region's first-year total",
            "share": "fraction of the region's total",
            "share_of_gdp": "fraction of GDP",
        },
    )
