"""The raw layer: what the publishers gave, as their readers read it, one row per printed cell."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines import ingest, names
from pipelines.assets.common import (
    OWNERS,
    begin,
    keep_or_make,
    key_of,
    markdown_table,
    result,
    told,
)
from pipelines.assets.resources import Warehouse
from pipelines.countries import load_codes, load_countries
from pipelines.sources.catalogue import load_catalogue
from pipelines.versions import version_of
from pipelines.warehouse import replace_table, versions_of

SIPRI_FILES = dg.AssetKey(["publishers", "sipri_milex"])
ATOP_FILES = dg.AssetKey(["publishers", "atop"])
COW_FILES = dg.AssetKey(["publishers", "cow_alliances"])

NAME_TABLES = (
    "staging.country_table",
    "staging.country_codes",
    "staging.country_names",
    "staging.region_names",
    "staging.omitted_countries",
    "staging.alliance_names",
)


def publishers() -> list[dg.AssetSpec]:
    """The publishers' datasets, which this project does not make."""
    keys = {"SIPRI": SIPRI_FILES, "ATOP": ATOP_FILES, "COW": COW_FILES}
    return [
        dg.AssetSpec(
            keys[dataset.name],
            description=f"{dataset.title}. {dataset.citation}\n\nTerms: {dataset.licence}",
            group_name="publishers",
            kinds={"excel" if dataset.name == "SIPRI" else "csv"},
            owners=OWNERS,
            metadata={"page": dg.MetadataValue.url(dataset.page)},
        )
        for dataset in load_catalogue().datasets.values()
    ]


def _spec(table: str, description: str, deps: list[dg.AssetKey], kinds: set[str]) -> dg.AssetSpec:
    return dg.AssetSpec(
        key_of(table),
        description=description,
        deps=deps,
        group_name=table.split(".", maxsplit=1)[0],
        kinds=kinds,
        owners=OWNERS,
        code_version=ingest.reader_version(),
    )


@dg.multi_asset(
    name="raw_files",
    specs=[
        _spec(
            "raw.files",
            "One row per file at hand: recognised by content, whatever its name, in data/raw/ and "
            "in the mirror; the committed excerpt's stand-ins last.",
            [SIPRI_FILES, ATOP_FILES, COW_FILES],
            {"python", "duckdb"},
        )
    ],
)
def raw_files(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.MaterializeResult[Any]]:
    """Take stock of the files."""
    files = ingest.files_at_hand(warehouse.settings)
    connection = warehouse.connection
    changed = keep_or_make(
        context,
        connection,
        ["raw.files"],
        ingest.reader_version(),
        ingest.versions(files, "SIPRI", "ATOP", "COW"),
        lambda: ingest.load_files(connection, files),
    )
    rows = [(f.dataset, f.file_name, f.origin, f.sha256) for f in files]
    yield result(
        connection,
        "raw.files",
        changed,
        {
            "files": dg.MetadataValue.md(
                markdown_table(["dataset", "file", "origin", "sha256"], rows)
            )
        },
    )


def _read_check(table: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        "every_file_is_read",
        asset=key_of(table),
        description="Every file at hand can be read; one that cannot blocks nothing but itself.",
    )


def _read_check_result(table: str, failures: list[ingest.Failure]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name="every_file_is_read",
        asset_key=key_of(table),
        passed=not failures,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "files_that_failed": len(failures),
            "reasons": dg.MetadataValue.md(
                markdown_table(["file", "reason"], [(f.file_name, f.reason) for f in failures])
                if not failures
                else "\n".join(f"- **{f.file_name}**: {f.reason}" for f in failures)
            ),
        },
    )


@dg.multi_asset(
    name="raw_sipri",
    specs=[
        _spec(
            "raw.sipri_editions",
            "One row per workbook read: its edition, base year and years, or why it failed.",
            [key_of("raw.files")],
            {"excel", "python", "duckdb"},
        ),
        _spec(
            "raw.sipri_figures",
            "One row per country row and year of the seven country sheets of every workbook: value, "
            "unit, and status from markers and font colour, with the cell it stands in.",
            [key_of("raw.files")],
            {"excel", "python", "duckdb"},
        ),
        _spec(
            "raw.sipri_notes",
            "One row per country row of a sheet: SIPRI's footnote marks and what they refer to.",
            [key_of("raw.files")],
            {"excel", "python", "duckdb"},
        ),
        _spec(
            "raw.sipri_regional_totals",
            "One row per region, year and price basis of SIPRI's own regional totals, US$ billions, "
            "with the list of omitted countries as printed.",
            [key_of("raw.files")],
            {"excel", "python", "duckdb"},
        ),
    ],
    check_specs=[_read_check("raw.sipri_editions")],
)
def raw_sipri(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Read every workbook that was not read before."""
    files = ingest.files_at_hand(warehouse.settings)
    connection = warehouse.connection
    begin(ingest.SIPRI_TABLES[0])
    changed = told(context, ingest.bring_sipri(connection, files))
    failures = ingest.failures(connection, "SIPRI")
    editions = connection.execute(
        "SELECT e.edition, e.base_year, f.file_name, f.origin, f.sha256, f.url "
        "FROM raw.sipri_editions AS e JOIN raw.files AS f USING (source_id) ORDER BY ALL"
    ).fetchall()
    about = {
        "editions": dg.MetadataValue.md(
            markdown_table(["edition", "base year", "file", "origin", "sha256", "url"], editions)
        )
    }
    for table in ingest.SIPRI_TABLES:
        yield result(connection, table, changed, about)
    yield _read_check_result("raw.sipri_editions", failures)


@dg.multi_asset(
    name="raw_alliances",
    specs=[
        _spec(table, description, [key_of("raw.files")], {"csv", "python", "duckdb"})
        for table, description in zip(
            ingest.ALLIANCE_TABLES,
            (
                "One row per alliance and version, ATOP and COW in one shape; rebuilt from members "
                "where only that file is there.",
                "One row per phase: one version of an alliance's obligations.",
                "One row per member spell, merged from phases.",
                "One row per member and phase, with the member's own obligations in it.",
            ),
            strict=True,
        )
    ],
    check_specs=[_read_check("raw.alliances")],
)
def raw_alliances(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Read every version of ATOP and COW at hand."""
    files = ingest.files_at_hand(warehouse.settings)
    connection = warehouse.connection
    begin(ingest.ALLIANCE_TABLES[0])
    changed = told(context, ingest.bring_alliances(connection, files))
    failures = ingest.failures(connection, "alliances")
    for table in ingest.ALLIANCE_TABLES:
        yield result(connection, table, changed)
    yield _read_check_result("raw.alliances", failures)


@dg.multi_asset(
    name="staging_names",
    specs=[
        _spec(
            "staging.country_table",
            "One row per country: the reviewed table of canonical names, codes and regions.",
            [],
            {"python", "duckdb"},
        ),
        _spec(
            "staging.country_codes",
            "One row per ATOP or COW state code and the country it means.",
            [],
            {"python", "duckdb"},
        ),
        _spec(
            "staging.country_names",
            "One row per printed or reviewed name (and span of years) and the country it means.",
            [key_of("raw.sipri_figures"), key_of("raw.alliance_members")],
            {"python", "duckdb"},
        ),
        _spec(
            "staging.region_names",
            "One row per printed or reviewed name of a region and SIPRI's name for it since 2021.",
            [key_of("raw.sipri_regional_totals")],
            {"python", "duckdb"},
        ),
        _spec(
            "staging.omitted_countries",
            "One row per edition's file, region and country that SIPRI leaves out of the total.",
            [key_of("raw.sipri_regional_totals")],
            {"python", "duckdb"},
        ),
        _spec(
            "staging.alliance_names",
            "One row per alliance with a reviewed common name, and where the name is from.",
            [],
            {"python", "duckdb"},
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "every_name_is_mapped",
            asset=key_of("staging.country_names"),
            blocking=True,
            description="Every printed country and every state code has a canonical country.",
        ),
        dg.AssetCheckSpec(
            "every_region_is_mapped",
            asset=key_of("staging.region_names"),
            description="Every printed region and omitted country is known; others are left out.",
        ),
    ],
)
def staging_names(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Resolve every printed name and code."""
    code = ingest.reader_version() + names_version()
    connection = warehouse.connection
    resolved = names.resolve(connection)
    inputs = versions_of(
        connection, ["raw.sipri_figures", "raw.sipri_regional_totals", "raw.alliance_members"]
    )
    frames = dict(
        zip(
            NAME_TABLES,
            (
                load_countries(),
                load_codes(),
                resolved.country_names,
                resolved.region_names,
                resolved.omitted,
                names.alliance_names(),
            ),
            strict=True,
        )
    )

    def make() -> None:
        for table, frame in frames.items():
            replace_table(connection, table, frame)

    changed = keep_or_make(context, connection, NAME_TABLES, code, inputs, make)
    for table in NAME_TABLES:
        yield result(connection, table, changed)
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
