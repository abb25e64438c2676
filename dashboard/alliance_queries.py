"""Questions about alliances to the published snapshot: SQL in, tables out; knows no page and no chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dashboard.database import Database
from pipelines.table import Table

if TYPE_CHECKING:
    import pandas as pd

HUB = 2
SPOKES = (740, 732, 840, 713, 800, 900)
LEVELS = {"core": 1, "with South Asia": 2, "with Central Asia": 3}
UNITS = ("alliance", "phase", "lineage", "member spell", "dyad")
_LEVEL = "CASE {} WHEN 'core' THEN 1 WHEN 'south_asia' THEN 2 WHEN 'central_asia' THEN 3 ELSE 9 END"


def frame(table: Table) -> pd.DataFrame:
    """A table as the DataFrame that the charts take."""
    import pandas as pd

    return pd.DataFrame(table.rows, columns=list(table.columns))


def citation(db: Database, dataset: str, version: str) -> str:
    """The line below a chart: dataset and version with its closing."""
    found = db.rows(
        "SELECT max(closing_date) FROM main.alliances WHERE dataset = ? AND version = ?",
        dataset,
        version,
    )
    closing = found.rows[0][0] if found.rows else None
    closed = f", closed on {closing:%d %B %Y}; later is unknown" if closing else ""
    return f"Source: {dataset} {version}{closed}. Milex."


def units(db: Database) -> Table:
    """Datasets, versions and units whose alliances are all at hand, ATOP's newest version first.

    Units that are made of members are left out where only some members are there (the excerpt); so
    are lineages, which shared members join.
    """
    return db.rows(
        """
        WITH whole AS (
            SELECT u.dataset, u.version, u.unit
            FROM main.alliance_units AS u
            JOIN (SELECT dataset, version, count(*) AS alliances FROM main.alliances
                  GROUP BY ALL) AS a
              ON a.dataset = u.dataset AND a.version = u.version
            GROUP BY u.dataset, u.version, u.unit
            HAVING count(DISTINCT u.alliance_id) = any_value(a.alliances) OR u.unit = 'lineage'
        )
        SELECT w.dataset, w.version, w.unit FROM whole AS w
        WHERE w.unit <> 'lineage' OR EXISTS (
            FROM whole AS m WHERE m.dataset = w.dataset AND m.version = w.version
            AND m.unit = 'member spell')
        ORDER BY w.dataset, w.version DESC,
            list_position(['alliance', 'phase', 'lineage', 'member spell', 'dyad'], w.unit)
        """
    )


def lifespans(db: Database, dataset: str, version: str, unit: str, grouping: str) -> Table:
    """How long each level of a grouping lasts, with and without those in force."""
    found = db.rows(
        """
        SELECT level, units, ended, in_force, mean_years, median_years, survival_median_years,
               survival_median_lower, survival_median_upper, restricted_mean_50_years,
               restricted_mean_50_lower, restricted_mean_50_upper
        FROM main.alliance_lifespans
        WHERE dataset = ? AND version = ? AND unit = ? AND grouping = ?
        ORDER BY level
        """,
        dataset,
        version,
        unit,
        grouping,
    )
    years = {name: "years" for name in found.columns if "_years" in name or name.endswith("er")}
    return Table(found.columns, found.rows, years)


def curves(db: Database, dataset: str, version: str, unit: str, grouping: str) -> Table:
    """Kaplan–Meier curves, a row an age at which one or more ended."""
    return db.rows(
        """
        SELECT level, years, at_risk, ended, survival, lower, upper FROM main.alliance_survival
        WHERE dataset = ? AND version = ? AND unit = ? AND grouping = ?
        ORDER BY level, years
        """,
        dataset,
        version,
        unit,
        grouping,
    )


def at_risk(
    db: Database, dataset: str, version: str, unit: str, grouping: str, ages: Sequence[int]
) -> Table:
    """How many were watched at each age and had not ended before it."""
    return db.rows(
        """
        SELECT g.level, a.age, count(*) FILTER (
            g.left_days / 365.2425 >= a.age
            AND (g.entered_days = 0 OR g.entered_days / 365.2425 < a.age)) AS at_risk
        FROM exposure_groups() AS g, (SELECT unnest(?::INTEGER[]) AS age) AS a
        WHERE g.dataset = ? AND g.version = ? AND g.unit = ? AND g.grouping = ?
        GROUP BY g.level, a.age ORDER BY g.level, a.age
        """,
        list(ages),
        dataset,
        version,
        unit,
        grouping,
    )


def spans(db: Database, dataset: str, version: str, unit: str) -> Table:
    """The lifespan of each unit that has ended."""
    found = db.rows(
        """
        SELECT u.unit_id, a.name, u.begin_date, u.end_date, u.lifespan_years, u.ending
        FROM main.alliance_units AS u
        JOIN main.alliances AS a
          ON a.dataset = u.dataset AND a.version = u.version AND a.alliance_id = u.alliance_id
        WHERE u.dataset = ? AND u.version = ? AND u.unit = ? AND u.end_date IS NOT NULL
        ORDER BY u.lifespan_years DESC, u.begin_date, u.unit_id
        """,
        dataset,
        version,
        unit,
    )
    return Table(found.columns, found.rows, {"lifespan_years": "years"})


def endings(db: Database, dataset: str, version: str, unit: str) -> Table:
    """Cumulative incidence of each way of ending; none where the dataset does not code it."""
    return db.rows(
        """
        SELECT ending, years, at_risk, ended, cumulative_incidence, lower, upper
        FROM main.alliance_endings
        WHERE dataset = ? AND version = ? AND unit = ? AND grouping = 'all'
        ORDER BY ending, years
        """,
        dataset,
        version,
        unit,
    )


def log_rank(db: Database, dataset: str, version: str, unit: str, grouping: str) -> Table:
    """Whether survival differs between the levels of a grouping."""
    return db.rows(
        """
        SELECT level, units, levels, chi_square, degrees_of_freedom, p_value
        FROM main.alliance_logrank
        WHERE dataset = ? AND version = ? AND unit = ? AND grouping = ? ORDER BY level
        """,
        dataset,
        version,
        unit,
        grouping,
    )


def reach(db: Database, age: int, dataset: str, version: str, unit: str) -> Table:
    """How many outlive an age: counted among those old enough, and estimated from all."""
    return db.rows(
        "SELECT formed, old_enough, reached, reached_share, survival, lower, upper "
        "FROM survival_at(?, dataset := ?, version := ?, unit := ?)",
        age,
        dataset,
        version,
        unit,
    )


def structure_versions(db: Database) -> Table:
    """Datasets and versions with pacts of the region, ATOP's newest first, and the years they know."""
    return db.rows(
        "SELECT dataset, version, min(year) AS first_year, max(year) AS last_year "
        "FROM main.regional_pacts GROUP BY dataset, version ORDER BY dataset, version DESC"
    )


def pacts_by_year(db: Database, dataset: str, version: str, level: int) -> Table:
    """Pacts in force by year, strongest obligation, and bilateral or not; those with the US of them."""
    return db.rows(
        """
        SELECT year, strongest, bilateral, count(*) AS pacts,
               count(*) FILTER (with_us) AS with_us
        FROM main.regional_pacts
        WHERE dataset = ? AND version = ? AND level <= ?
        GROUP BY ALL ORDER BY ALL
        """,
        dataset,
        version,
        level,
    )


def ties(db: Database, dataset: str, version: str, level: int, year: int) -> Table:
    """Who is tied to whom in a year, where one of the two is in the region.

    bilateral: a bilateral pact gives the strongest obligation. In `alliance_ties` it is that any of
    their pacts is bilateral, a weaker one too (Philippines–Thailand 1949 beside SEATO).
    """
    return db.rows(
        f"""
        SELECT t.state_a, t.state_b, t.country_a, t.country_b, t.strongest,
               EXISTS (FROM main.regional_pacts AS p
                       WHERE p.dataset = t.dataset AND p.version = t.version AND p.year = t.year
                         AND p.bilateral AND p.strongest = t.strongest
                         AND list_contains(t.alliance_ids, p.alliance_id)) AS bilateral,
               array_to_string(t.alliance_ids, ', ') AS alliance_ids
        FROM main.alliance_ties AS t
        JOIN main.countries AS a ON a.cow_code = t.state_a
        JOIN main.countries AS b ON b.cow_code = t.state_b
        WHERE t.dataset = ? AND t.version = ? AND t.year = ?
          AND least({_LEVEL.format("a.alliance_region")}, {_LEVEL.format("b.alliance_region")}) <= ?
        ORDER BY t.state_a, t.state_b
        """,
        dataset,
        version,
        year,
        level,
    )


def states(db: Database, dataset: str, version: str, level: int, defence: bool) -> Table:
    """States of the region, and outside ones that a pact ever tied to it.

    defence: count ties with a defence obligation alone. closely: of an outside state, by a bilateral
    pact, or by a defence obligation in more than three years.
    """
    return db.rows(
        f"""
        WITH coded AS (
            SELECT cow_code, country, iso3, {_LEVEL.format("alliance_region")} AS level
            FROM main.countries WHERE cow_code IS NOT NULL
        ),
        directed AS (
            SELECT state_a AS state, state_b AS other, year, strongest, bilateral
            FROM main.alliance_ties WHERE dataset = $1 AND version = $2
            UNION ALL
            SELECT state_b, state_a, year, strongest, bilateral
            FROM main.alliance_ties WHERE dataset = $1 AND version = $2
        ),
        outside AS (
            SELECT d.state,
                   bool_or(d.bilateral)
                       OR count(DISTINCT d.year) FILTER (d.strongest = 'defense') > 3 AS closely
            FROM directed AS d
            JOIN coded AS o ON o.cow_code = d.other AND o.level <= $3
            WHERE d.strongest = 'defense' OR NOT $4
            GROUP BY d.state
        )
        SELECT c.cow_code AS state, c.country, coalesce(c.iso3, upper(c.country[:3])) AS label,
               c.level <= $3 AS inside, c.level <= $3 OR o.closely AS closely
        FROM coded AS c
        LEFT JOIN outside AS o ON o.state = c.cow_code
        WHERE c.level <= $3 OR o.state IS NOT NULL
        ORDER BY c.cow_code
        """,
        dataset,
        version,
        level,
        defence,
    )


def timeline(db: Database, dataset: str, version: str, level: int, which: str) -> Table:
    """Phases of the region's pacts since 1945: of those with the US, or of those with a defence duty.

    which: 'with the US' or 'defence'.
    """
    return db.rows(
        """
        WITH chosen AS (
            SELECT alliance_id, phase, any_value(strongest) AS strongest,
                   bool_or(with_us) AS with_us, any_value(bilateral) AS bilateral
            FROM main.regional_pacts
            WHERE dataset = $1 AND version = $2 AND level <= $3
            GROUP BY alliance_id, phase
        )
        SELECT p.alliance_id, p.phase, a.name, p.begin_date, p.end_date, p.closing_date,
               c.strongest, c.bilateral, c.with_us
        FROM chosen AS c
        JOIN main.alliance_phases AS p
          ON p.dataset = $1 AND p.version = $2 AND p.alliance_id = c.alliance_id
         AND p.phase = c.phase
        JOIN main.alliances AS a
          ON a.dataset = $1 AND a.version = $2 AND a.alliance_id = c.alliance_id
        WHERE CASE $4 WHEN 'defence' THEN c.strongest = 'defense' ELSE c.with_us END
        ORDER BY min(p.begin_date) OVER (PARTITION BY p.alliance_id), p.alliance_id, p.phase
        """,
        dataset,
        version,
        level,
        which,
    )


_PAIRS = """
    SELECT x.country AS country_a, y.country AS country_b, x.cow_code AS state_a,
           y.cow_code AS state_b, a.name, p.alliance_id,
           CASE WHEN p.defense THEN 'defense' WHEN p.offense THEN 'offense'
                WHEN p.neutrality THEN 'neutrality' WHEN p.nonaggression THEN 'nonaggression'
                WHEN p.consultation THEN 'consultation' ELSE 'none' END AS strongest,
           p.bilateral, p."asymmetric" AS uneven,
           greatest(p.begin_date, x.entry_date, y.entry_date) AS since,
           CASE WHEN p.end_date IS NOT NULL OR x.exit_date IS NOT NULL OR y.exit_date IS NOT NULL
                THEN least(coalesce(p.end_date, DATE '9999-12-31'),
                           coalesce(x.exit_date, DATE '9999-12-31'),
                           coalesce(y.exit_date, DATE '9999-12-31')) END AS ended,
           p.closing_date
    FROM main.alliance_phases AS p
    JOIN main.alliance_members AS x
      ON x.dataset = p.dataset AND x.version = p.version AND x.alliance_id = p.alliance_id
    JOIN main.alliance_members AS y
      ON y.dataset = p.dataset AND y.version = p.version AND y.alliance_id = p.alliance_id
     AND y.cow_code <> x.cow_code
    JOIN main.alliances AS a
      ON a.dataset = p.dataset AND a.version = p.version AND a.alliance_id = p.alliance_id
    WHERE p.dataset = ? AND p.version = ?
      AND greatest(p.begin_date, x.entry_date, y.entry_date)
          < least(coalesce(p.end_date, DATE '9999-12-31'), coalesce(x.exit_date, DATE '9999-12-31'),
                  coalesce(y.exit_date, DATE '9999-12-31'))
"""


def hub_ties(db: Database, dataset: str, version: str, hub: int, spokes: Sequence[int]) -> Table:
    """Every pact of the hub with each spoke in force since 1951: by what, since when, ended when."""
    return db.rows(
        f"""
        SELECT country_b AS spoke, name AS pact, alliance_id, strongest, bilateral,
               uneven AS "asymmetric", since, ended, state_b
        FROM ({_PAIRS})
        WHERE state_a = ? AND list_contains(?::INTEGER[], state_b)
          AND coalesce(ended, DATE '9999-12-31') >= DATE '1951-01-01'
        ORDER BY list_position(?::INTEGER[], state_b), strongest <> 'defense', since
        """,
        dataset,
        version,
        hub,
        list(spokes),
        list(spokes),
    )


def spoke_ties(db: Database, dataset: str, version: str, hub: int, spokes: Sequence[int]) -> Table:
    """Every pact of two spokes with one another in force since 1951, and whether the hub is in it."""
    return db.rows(
        f"""
        SELECT country_a AS spoke, country_b AS other_spoke, name AS pact, alliance_id, strongest,
               since, ended,
               EXISTS (FROM main.alliance_members AS h
                       WHERE h.dataset = ? AND h.version = ? AND h.alliance_id = t.alliance_id
                         AND h.cow_code = ?
                         AND h.entry_date < coalesce(t.ended, DATE '9999-12-31')
                         AND coalesce(h.exit_date, DATE '9999-12-31') > t.since) AS hub_is_in_it
        FROM ({_PAIRS}) AS t
        WHERE state_a < state_b AND list_contains(?::INTEGER[], state_a)
          AND list_contains(?::INTEGER[], state_b)
          AND coalesce(ended, DATE '9999-12-31') >= DATE '1951-01-01'
        ORDER BY strongest <> 'defense', since, country_a, country_b
        """,
        dataset,
        version,
        hub,
        dataset,
        version,
        list(spokes),
        list(spokes),
    )


def layer(db: Database, dataset: str, version: str, level: int, year: int) -> Table:
    """The multilateral pacts in force in a year, the largest first."""
    found = db.rows(
        """
        SELECT r.name AS pact, r.alliance_id, r.strongest, r.members, a.begin_date AS since,
               r.with_us, r.with_russia
        FROM main.regional_pacts AS r
        JOIN main.alliances AS a
          ON a.dataset = r.dataset AND a.version = r.version AND a.alliance_id = r.alliance_id
        WHERE r.dataset = ? AND r.version = ? AND r.level <= ? AND r.year = ? AND NOT r.bilateral
        ORDER BY r.members DESC, r.alliance_id
        """,
        dataset,
        version,
        level,
        year,
    )
    return Table(found.columns, found.rows, {"members": "states"})


def burden_editions(db: Database) -> list[int]:
    """The editions for which allies' burdens can be told, newest first."""
    return [
        int(row[0])
        for row in db.rows(
            "SELECT DISTINCT edition FROM main.allies_burden ORDER BY edition DESC"
        ).rows
    ]


def allies_burden(db: Database, edition: int) -> Table:
    """Military burden of the US's allies in the region and of its other members, by year."""
    found = db.rows(
        """
        SELECT year, allied, countries, array_to_string(members, '; ') AS members,
               mean_share_of_gdp, median_share_of_gdp, joint_share_of_gdp
        FROM main.allies_burden WHERE edition = ? ORDER BY year, allied
        """,
        edition,
    )
    fractions = {name: "fraction of GDP" for name in found.columns if name.endswith("_of_gdp")}
    return Table(found.columns, found.rows, fractions)
