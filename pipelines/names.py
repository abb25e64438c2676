"""From printed names and codes to canonical ones: what the staging layer joins; reads no file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from pipelines import countries

ALL_YEARS = (0, 9999)
_ALLIANCE_NAMES = Path(__file__).parent / "sources" / "alliance_names.csv"


@dataclass(frozen=True)
class Names:
    """The tables that names resolve through, and the names that nothing resolves.

    country_names: name, country (NULL for a row that is no country), first_year, last_year;
    region_names: name, region. Both hold the printed names and those of the reviewed tables, by
    which people ask ('South Korea'). omitted: source_id, region, country.
    """

    country_names: pd.DataFrame
    region_names: pd.DataFrame
    omitted: pd.DataFrame
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
    return Names(
        country_names=_country_names([*printed, *countries.spellings()]),
        region_names=pd.DataFrame(
            [(name, region) for name, region in by_region.items() if region],
            columns=["name", "region"],
            dtype="str",
        ),
        omitted=omitted,
        unmapped_countries=countries.unmapped(printed),
        unmapped_regions=sorted(name for name, region in by_region.items() if region is None),
        unmapped_codes=sorted(
            code for code, country in countries.resolve_codes(codes).items() if country is None
        ),
        unparsed_omissions=unparsed,
    )


def _country_names(known: list[str]) -> pd.DataFrame:
    """A row per name, two where one row of a sheet means two states in turn."""
    rows: list[tuple[str, str | None, int, int]] = []
    for name, country in countries.resolve_names(known).items():
        if country in countries.SPLIT_ROWS:
            before, after, last_year = countries.SPLIT_ROWS[country]
            rows += [(name, before, 0, last_year), (name, after, last_year + 1, 9999)]
        else:
            rows.append((name, country, *ALL_YEARS))
    return pd.DataFrame(rows, columns=["name", "country", "first_year", "last_year"]).astype(
        {"name": "str", "country": "str"}
    )


def _omissions(
    connection: duckdb.DuckDBPyConnection, by_region: dict[str, str | None]
) -> tuple[pd.DataFrame, list[str]]:
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
    frame = pd.DataFrame(rows, columns=["source_id", "region", "country"], dtype="str")
    return frame.dropna().sort_values(["source_id", "region", "country"]), sorted(set(unparsed))


def _column(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [row[0] for row in connection.execute(query).fetchall()]


def alliance_names() -> pd.DataFrame:
    """Reviewed common names of alliances: dataset, alliance_id, name, source."""
    return pd.read_csv(_ALLIANCE_NAMES, dtype="str")
