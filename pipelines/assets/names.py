"""The part of the run that resolves printed names and codes to countries and regions."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb

from pipelines import names, raw_layer
from pipelines.assets.common import Materialized, Part, keep_or_make, key_of, python_spec, result
from pipelines.settings import Settings
from pipelines.versions import version_of
from pipelines.warehouse import versions_of

# What each table says, and which tables its names are printed in.
_FIGURES, _TOTALS = "raw.sipri_figures", "raw.sipri_regional_totals"
_MEMBERS = "raw.alliance_members"
_TABLES: dict[str, tuple[str, list[str]]] = {
    "staging.country_table": (
        "One row per country: the reviewed table of canonical names, codes and regions.",
        [],
    ),
    "staging.country_codes": (
        "One row per ATOP or COW state code and the country it means.",
        [],
    ),
    "staging.country_names": (
        "One row per printed or reviewed name (and span of years) and the country it means.",
        [_FIGURES, _MEMBERS],
    ),
    "staging.region_names": (
        "One row per printed or reviewed name of a region and SIPRI's name for it since 2021.",
        [_TOTALS],
    ),
    "staging.omitted_countries": (
        "One row per edition's file, region and country that SIPRI leaves out of the total.",
        [_TOTALS],
    ),
    "staging.alliance_names": (
        "One row per alliance with a reviewed common name, and where the name is from.",
        [],
    ),
}
NAME_TABLES = tuple(names.COLUMNS)


def names_part() -> Part:
    """The tables of names, made together from one look at what is printed."""
    return Part(
        "staging.country_names",
        [
            python_spec(
                table, description, [key_of(name) for name in printed], {"python", "duckdb"}
            )
            for table, (description, printed) in _TABLES.items()
        ],
        _make,
        [
            dg.AssetCheckSpec(
                "every_name_is_mapped",
                asset=key_of("staging.country_names"),
                blocking=True,
                description="Every printed country and every state code has a canonical country.",
            ),
            dg.AssetCheckSpec(
                "every_region_is_mapped",
                asset=key_of("staging.region_names"),
                description="Every printed region and omitted country is known; others are left "
                "out.",
            ),
        ],
        _check,
    )


def _make(connection: duckdb.DuckDBPyConnection, _settings: Settings) -> Iterator[Materialized]:
    made = keep_or_make(
        connection,
        NAME_TABLES,
        raw_layer.reader_version() + names_version(),
        versions_of(connection, [_FIGURES, _TOTALS, _MEMBERS]),
        lambda: names.write(connection, names.resolve(connection)),
    )
    for table in NAME_TABLES:
        yield result(connection, table, made)


def _check(
    connection: duckdb.DuckDBPyConnection, _settings: Settings
) -> Iterator[dg.AssetCheckResult]:
    resolved = names.resolve(connection)
    unmapped = [*resolved.unmapped_countries, *map(str, resolved.unmapped_codes)]
    yield dg.AssetCheckResult(
        check_name="every_name_is_mapped",
        asset_key=key_of("staging.country_names"),
        passed=not unmapped,
        metadata={"unmapped": ", ".join(unmapped) or "none"},
    )
    strange = [*resolved.unmapped_regions, *resolved.unparsed_omissions]
    yield dg.AssetCheckResult(
        check_name="every_region_is_mapped",
        asset_key=key_of("staging.region_names"),
        passed=not strange,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"unmapped": ", ".join(strange) or "none"},
    )


def names_version() -> str:
    """Changes with the reviewed country table and the code that reads it."""
    folder = Path(names.__file__).parent
    return version_of(
        [
            folder / "names.py",
            folder / "countries.py",
            folder / "sources/countries.csv",
            folder / "sources/alliance_names.csv",
        ]
    )
