"""Writes the committed excerpt from the full files: figures and names only, within SIPRI's terms.

What the statements of the claim files need is selected here by one query for SIPRI and one rule
for ATOP; nothing of COW is written, whose maintainers ask software not to repackage the data.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pandas as pd

from pipelines import publish
from pipelines.errors import MilexError
from pipelines.excerpt import REGIONAL
from pipelines.settings import Settings
from pipelines.sources.catalogue import load_catalogue
from pipelines.warehouse import first_row, open_warehouse

# SIPRI's terms allow excerpts of up to a tenth of the database, with attribution.
LARGEST_SHARE = 0.1

_FIGURES = """
WITH wanted AS (
    SELECT f.*, n.country AS canonical, c.region
    FROM raw.sipri_figures AS f
    JOIN staging.sipri_editions AS e ON e.source_id = f.source_id AND e.edition = $edition
    JOIN staging.country_names AS n
      ON n.name = f.country AND f.year BETWEEN n.first_year AND n.last_year
    JOIN main.countries AS c ON c.country = n.country
),
allies AS (
    -- Members of the region's bilateral defence pacts, whose spending is compared in every year.
    SELECT DISTINCT m.country
    FROM main.alliance_phases AS p
    JOIN main.alliance_members AS m
      ON m.dataset = p.dataset AND m.version = p.version AND m.alliance_id = p.alliance_id
    WHERE p.dataset = 'ATOP' AND p.version = '5.1' AND p.defense AND p.bilateral
      AND coalesce(p.end_date, p.closing_date) >= DATE '1988-01-01'
      AND EXISTS (
          SELECT 1 FROM main.alliance_members AS r
          JOIN staging.country_codes AS k ON k.cow_code = r.cow_code
          WHERE r.dataset = p.dataset AND r.version = p.version
            AND r.alliance_id = p.alliance_id AND k.alliance_region = 'core'
      )
)
SELECT measure, country AS place, year, value,
    CASE WHEN measure LIKE 'local_currency%' THEN unit END AS unit,
    nullif(status, 'reported') AS status
FROM wanted
WHERE
    -- Ranks and burdens of the year of the statements, the year before, and the newest year.
    (measure IN ('constant_usd', 'current_usd', 'share_of_gdp')
     AND (year IN (2016, 2017) OR ($edition = $newest AND year = $newest)))
    -- The region's growth and shares, from the statements' first year and the year before.
    OR (region = 'Asia & Oceania' AND measure IN ('constant_usd', 'current_usd')
        AND year IN (2007, 2008))
    OR (canonical = 'China' AND measure = 'constant_usd' AND year BETWEEN 2007 AND 2017)
    -- Japan's limit of 1 % of GDP, and the yen in US dollars.
    OR (canonical = 'Japan' AND measure = 'share_of_gdp' AND year BETWEEN 1975 AND $edition)
    OR (canonical = 'Japan'
        AND measure IN ('local_currency', 'local_currency_financial', 'current_usd')
        AND (year BETWEEN 2014 AND 2016 OR ($edition = $newest AND year = $newest)))
    -- What tells a false zero in current US$ from a real one.
    OR (measure = 'local_currency'
        AND (year IN (2007, 2008, 2016, 2017) OR ($edition = $newest AND year = $newest))
        AND (canonical, year) IN (
            SELECT (z.canonical, z.year) FROM wanted AS z
            WHERE z.measure = 'current_usd' AND z.value = 0
        ))
    -- Partners in the region's bilateral defence pacts, every year since 1988, newest edition.
    OR ($edition = $newest AND measure = 'current_usd' AND year >= 1988
        AND canonical IN (SELECT country FROM allies))
ORDER BY measure, place, year
"""

_REGIONAL = """
SELECT
    CASE t.prices WHEN 'constant' THEN 'regional_constant_usd_bn'
        ELSE 'regional_current_usd_bn' END AS measure,
    t.region AS place, t.year, t.value_bn AS value, NULL AS unit,
    nullif(t.status, 'reported') AS status
FROM raw.sipri_regional_totals AS t
JOIN staging.sipri_editions AS e ON e.source_id = t.source_id AND e.edition = $edition
JOIN staging.region_names AS n ON n.name = t.region
WHERE n.region IN ('World', 'Asia & Oceania', 'East Asia', 'South Asia', 'South East Asia',
                   'Central Asia', 'Central & South Asia', 'Oceania')
  AND (t.year BETWEEN 2007 AND 2017 OR t.year = $newest OR t.prices = 'current')
ORDER BY measure, place, year
"""

_ABOUT = """
SELECT edition, base_year, first_year, last_year FROM staging.sipri_editions ORDER BY edition
"""
_OMITTED = """
SELECT DISTINCT t.edition, t.region, t.omitted
FROM raw.sipri_regional_totals AS t
JOIN staging.sipri_editions AS e ON e.source_id = t.source_id
WHERE trim(t.omitted) <> ''
ORDER BY ALL
"""

_FLAGS = """
    {p}defense::INTEGER AS defense, {p}offense::INTEGER AS offense,
    {p}neutrality::INTEGER AS neutral, {p}nonaggression::INTEGER AS nonagg,
    {p}consultation::INTEGER AS consul"""


def _date(column: str, precision: str, names: tuple[str, str, str]) -> str:
    """ATOP's three columns of a date: 0 for in force, blank for an unknown month or day."""
    year, month, day = names
    return (
        f"coalesce(year({column}), 0) AS {year}, "
        f"CASE WHEN {column} IS NULL THEN 0 WHEN {precision} = 'year' THEN NULL "
        f"ELSE month({column}) END AS {month}, "
        f"CASE WHEN {column} IS NULL THEN 0 WHEN {precision} = 'day' THEN day({column}) END AS {day}"
    )


_TERM = """CASE {p}ending WHEN 'in force' THEN 0 WHEN 'independence lost' THEN 0 WHEN 'fulfilled' THEN 1
    WHEN 'violated' THEN 2 WHEN 'renegotiated' THEN 3 END AS term"""

_ALLIANCES = f"""
SELECT a.alliance_id::INTEGER AS atopid,
    {_date("a.begin_date", "a.begin_precision", ("begyr", "begmo", "begday"))},
    {_date("a.end_date", "a.end_precision", ("endyr", "endmo", "endday"))},
    a.bilateral::INTEGER AS bilat, a.wartime::INTEGER AS wartime, a.asymmetric::INTEGER AS asymm,
    {_TERM.format(p="a.")}, {_FLAGS.format(p="a.")}, a.version
FROM raw.alliances AS a
WHERE a.dataset = 'ATOP' AND a.version = $version
ORDER BY atopid
"""

# Members of alliances with a member in the region, at its widest level.
_MEMBERS = f"""
SELECT m.alliance_id::INTEGER AS atopid, m.cow_code AS member, m.phase,
    {_date("m.entry_date", "m.entry_precision", ("yrent", "moent", "dayent"))},
    {_date("m.exit_date", "m.exit_precision", ("yrexit", "moexit", "dayexit"))},
    p.bilateral::INTEGER AS bilat, p.wartime::INTEGER AS wartime, p.asymmetric::INTEGER AS asymm,
    {_TERM.format(p="p.")}, {_FLAGS.format(p="m.")}, m.version
FROM raw.alliance_member_phases AS m
JOIN raw.alliance_phases AS p
  ON p.dataset = m.dataset AND p.version = m.version AND p.alliance_id = m.alliance_id
 AND p.phase = m.phase
WHERE m.dataset = 'ATOP' AND m.version = $version
  AND m.alliance_id IN (
      SELECT r.alliance_id
      FROM raw.alliance_members AS r
      JOIN staging.country_codes AS k ON k.cow_code = r.cow_code
      WHERE r.dataset = 'ATOP' AND r.version = $version AND k.alliance_region IS NOT NULL
  )
ORDER BY atopid, phase, member, yrent
"""


def write(settings: Settings) -> Iterator[str]:
    """Write every file of the excerpt; yields a line for each.

    Raises MilexError when the warehouse is not built from full files, or a file would exceed
    SIPRI's terms.
    """
    if publish.current_snapshot(settings) is None or not settings.warehouse.exists():
        raise MilexError("Build from the full files first: MILEX_MIRROR=… milex build")
    settings.excerpt.mkdir(parents=True, exist_ok=True)
    with open_warehouse(settings.warehouse) as connection:
        for name, frame in frames(connection):
            frame.to_csv(settings.excerpt / name, index=False, lineterminator="\n")
            yield f"{name}: {len(frame):,} rows"
    (settings.excerpt / "README.md").write_text(_readme(), encoding="utf-8")


def frames(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, pd.DataFrame]]:
    """The excerpt's files by name, from a warehouse of full files."""
    about = connection.execute(_ABOUT).df()
    yield "sipri_editions.csv", about
    yield "sipri_omitted.csv", connection.execute(_OMITTED).df()
    newest = int(about["edition"].max())
    for edition in about["edition"]:
        asked = {"edition": int(edition), "newest": newest}
        rows = pd.concat(
            [connection.execute(query, asked).df() for query in (_REGIONAL, _FIGURES)],
            ignore_index=True,
        )
        _refuse_too_much(connection, int(edition), rows)
        yield f"sipri_{edition}.csv", rows
    for version in ("3.0", "5.1"):
        yield f"atop_{version}_alliances.csv", _alliance_rows(connection, _ALLIANCES, version)
    yield "atop_5.1_members.csv", _alliance_rows(connection, _MEMBERS, "5.1")


def _alliance_rows(connection: duckdb.DuckDBPyConnection, query: str, version: str) -> pd.DataFrame:
    """Whole numbers stay whole where some are missing."""
    frame = connection.execute(query, {"version": version}).df()
    numeric = frame.columns.drop("version")
    return frame.astype(dict.fromkeys(numeric, "Int64"))


def _refuse_too_much(
    connection: duckdb.DuckDBPyConnection, edition: int, rows: pd.DataFrame
) -> None:
    taken, whole = int(rows["value"].notna().sum()), figures_of(connection, edition)
    if taken > LARGEST_SHARE * whole:
        raise MilexError(
            f"The excerpt of edition {edition} would hold {taken:,} of {whole:,} figures, more than "
            f"{LARGEST_SHARE:.0%}. Narrow the query in pipelines/excerpt_writer.py."
        )


def figures_of(connection: duckdb.DuckDBPyConnection, edition: int) -> int:
    """How many figures an edition has, country sheets and regional totals together."""
    row = first_row(
        connection,
        "SELECT (SELECT count(f.value) FROM raw.sipri_figures AS f "
        "JOIN staging.sipri_editions AS e USING (source_id) WHERE e.edition = $edition) "
        "+ (SELECT count(t.value_bn) FROM raw.sipri_regional_totals AS t "
        "JOIN staging.sipri_editions AS e USING (source_id) WHERE e.edition = $edition)",
        {"edition": edition},
    )
    assert row is not None
    return int(row[0])


def _readme() -> str:
    catalogue = load_catalogue()
    sipri, atop = catalogue.datasets["SIPRI"], catalogue.datasets["ATOP"]
    return f"""# Excerpt of the publishers' figures

Written by `milex excerpt` from the full files; do not edit by hand. It lets `make build` recompute
the statements on a machine that has no other data.

- `sipri_<edition>.csv`, `sipri_editions.csv`, `sipri_omitted.csv`: figures and names from the
  editions of the SIPRI Military Expenditure Database that the statements need, less than 10 % of the
  figures of each edition. Country sheets are in the sheets' own units (US$ millions, single units
  of local currency, fractions); {", ".join(REGIONAL)} are the Regional totals in US$ billions. An empty
  status means reported. {sipri.citation} Terms: {sipri.licence}
- `atop_<version>_alliances.csv`, `atop_5.1_members.csv`: identifiers, dates, obligations and codes of
  alliances under ATOP's own column names, and the members of those with a member in Asia or Oceania.
  {atop.citation} {atop.page}

COW's Formal Alliances are not here: their maintainers ask software not to repackage them.
"""
