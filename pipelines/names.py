"""From printed names and codes to canonical ones: the tables that the staging layer joins.

Reads the reviewed tables of names and no publisher's file.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines import countries
from pipelines.warehouse import insert_rows

ALL_YEARS = (0, 9999)
_ALLIANCE_NAMES = Path(__file__).parent / "sources" / "alliance_names.csv"
# The tables and their columns. `country` is NULL for a printed row that is no country; names are the
# printed ones and those of the reviewed tables, by which people ask ('South Korea').
COLUMNS = {
    "staging.country_table": "country VARCHAR, iso3 VARCHAR, cow_code BIGINT, region VARCHAR, "
    "subregion VARCHAR, alliance_region VARCHAR, end_year BIGINT, note VARCHAR",
    "staging.country_codes": "cow_code BIGINT, country VARCHAR, iso3 VARCHAR, "
    "alliance_region VARCHAR",
    "staging.country_names": "name VARCHAR, country VARCHAR, first_year BIGINT, last_year BIGINT",
    "staging.region_names": "name VARCHAR, region VARCHAR",
    "staging.omitted_countries": "source_id VARCHAR, region VARCHAR, country VARCHAR",
    "staging.alliance_names": "dataset VARCHAR, alliance_id VARCHAR, name VARCHAR, source VARCHAR",
}
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Names:
    """The rows of each table that names resolve through, and the names that nothing resolves."""

    tables: dict[str, list[Row]]
    unmapped_countries: list[str]
    unmapped_regions: list[str]
    unmapped_codes: list[int]
    unparsed_omissions: list[str]


def resolve(connection: duckdb.DuckDBPyConnection) -> Names:
    """Resolve every name and code of the raw layer."""
    printed = _column(connection, "SELECT DISTINCT country FROM raw.sipri_figures")
    regions = _column(connection, "SELECT DISTINCT region FROM raw.sipri_regional_totals")
    codes = map(int, _column(connection, "SELECT DISTINCT cow_code FROM raw.alliance_members"))
    by_region = countries.resolve_regions([*regions, *countries.region_spellings()])
    omitted, unparsed = _omissions(connection, by_region)
    rows: list[list[Row]] = [
        countries.country_rows(),
        countries.code_rows(),
        _country_names([*printed, *countries.spellings()]),
        [(name, region) for name, region in by_region.items() if region],
        omitted,
        alliance_names(),
    ]
    return Names(
        tables=dict(zip(COLUMNS, rows, strict=True)),
        unmapped_countries=countries.unmapped(printed),
        unmapped_regions=sorted(name for name, region in by_region.items() if region is None),
        unmapped_codes=sorted(
            code for code, country in countries.resolve_codes(codes).items() if country is None
        ),
        unparsed_omissions=unparsed,
    )


def write(connection: duckdb.DuckDBPyConnection, names: Names) -> None:
    """Write the tables anew."""
    for table, rows in names.tables.items():
        connection.execute(f"CREATE OR REPLACE TABLE {table} ({COLUMNS[table]})")
        insert_rows(connection, table, rows)


def _country_names(known: list[str]) -> list[Row]:
    """A row per name, two where one row of a sheet means two states in turn."""
    rows: list[Row] = []
    for name, country in countries.resolve_names(known).items():
        if country in countries.SPLIT_ROWS:
            before, after, last_year = countries.SPLIT_ROWS[country]
            rows += [(name, before, 0, last_year), (name, after, last_year + 1, 9999)]
        else:
            rows.append((name, country, *ALL_YEARS))
    return rows


def _omissions(
    connection: duckdb.DuckDBPyConnection, by_region: dict[str, str | None]
) -> tuple[list[Row], list[str]]:
    """SIPRI's lists of omitted countries, whose names contain commas, by source and region."""
    lists = connection.execute(
        "SELECT DISTINCT source_id, region, omitted FROM raw.sipri_regional_totals "
        "WHERE trim(omitted) <> ''"
    ).fetchall()
    rows, unparsed = [], []
    for source_id, printed_region, text in lists:
        members, rest = countries.parse_omitted(text)
        rows += [(source_id, by_region[printed_region], member) for member in members]
        unparsed += [f"{printed_region}: {part}" for part in rest]
    known = [row for row in rows if row[1] is not None]
    return sorted(known), sorted(set(unparsed))


def _column(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [row[0] for row in connection.execute(query).fetchall()]


def alliance_names() -> list[Row]:
    """Reviewed common names of alliances: dataset, alliance_id, name, source."""
    with _ALLIANCE_NAMES.open(encoding="utf-8", newline="") as file:
        return [tuple(row) for row in list(csv.reader(file))[1:]]
