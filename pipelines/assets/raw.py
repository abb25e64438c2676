"""The raw layer: what the publishers gave, as their readers read it, one row per printed cell."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from pipelines import raw_layer
from pipelines.assets.common import (
    OWNERS,
    begin,
    keep_or_make,
    key_of,
    markdown_table,
    python_spec,
    result,
    timed,
)
from pipelines.assets.resources import Warehouse
from pipelines.sources.catalogue import load_catalogue
from pipelines.sources.find import files_at_hand

SIPRI_FILES = dg.AssetKey(["publishers", "sipri_milex"])
ATOP_FILES = dg.AssetKey(["publishers", "atop"])
COW_FILES = dg.AssetKey(["publishers", "cow_alliances"])


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


@dg.multi_asset(
    name="raw_files",
    specs=[
        python_spec(
            "raw.files",
            "One row per file at hand: recognised by content, whatever its name, in data/raw/ and "
            "in the mirror; the committed excerpt's stand-ins last.",
            [SIPRI_FILES, ATOP_FILES, COW_FILES],
            {"python", "duckdb"},
        )
    ],
)
def raw_files(
    warehouse: Warehouse,
) -> Iterator[dg.MaterializeResult[Any]]:
    """Take stock of the files."""
    files = files_at_hand(warehouse.settings)
    connection = warehouse.connection
    begin(["raw.files"])
    made = keep_or_make(
        connection,
        ["raw.files"],
        raw_layer.inventory_version(),
        raw_layer.versions(files, *raw_layer.DATASETS),
        lambda: raw_layer.load_files(connection, files),
    )
    rows = [(f.dataset, f.file_name, f.origin, f.sha256) for f in files]
    yield result(
        connection,
        "raw.files",
        made,
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


def _read_check_result(table: str, failures: list[raw_layer.Failure]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name="every_file_is_read",
        asset_key=key_of(table),
        passed=not failures,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "files_that_failed": len(failures),
            "reasons": dg.MetadataValue.md(
                "\n".join(f"- **{f.file_name}**: {f.reason}" for f in failures) or "none"
            ),
        },
    )


@dg.multi_asset(
    name="raw_sipri",
    specs=[
        python_spec(
            "raw.sipri_editions",
            "One row per workbook read: its edition, base year and years, or why it failed.",
            [key_of("raw.files")],
            {"excel", "python", "duckdb"},
        ),
        python_spec(
            "raw.sipri_figures",
            "One row per country row and year of the seven country sheets of every workbook: value, "
            "unit, and status from markers and font colour, with the cell it stands in.",
            [key_of("raw.files")],
            {"excel", "python", "duckdb"},
        ),
        python_spec(
            "raw.sipri_notes",
            "One row per country row of a sheet: SIPRI's footnote marks and what they refer to.",
            [key_of("raw.files")],
            {"excel", "python", "duckdb"},
        ),
        python_spec(
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
    warehouse: Warehouse,
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Read every workbook that was not read before."""
    files = files_at_hand(warehouse.settings)
    connection = warehouse.connection
    begin(raw_layer.SIPRI_TABLES)
    made = timed(lambda: raw_layer.bring_sipri(connection, files))
    failures = raw_layer.failures(connection, "SIPRI")
    editions = connection.execute(
        "SELECT e.edition, e.base_year, f.file_name, f.origin, f.sha256, f.url "
        "FROM raw.sipri_editions AS e JOIN raw.files AS f USING (source_id) ORDER BY ALL"
    ).fetchall()
    about = {
        "editions": dg.MetadataValue.md(
            markdown_table(["edition", "base year", "file", "origin", "sha256", "url"], editions)
        )
    }
    for table in raw_layer.SIPRI_TABLES:
        yield result(connection, table, made, about)
    yield _read_check_result("raw.sipri_editions", failures)


@dg.multi_asset(
    name="raw_alliances",
    specs=[
        python_spec(table, description, [key_of("raw.files")], {"csv", "python", "duckdb"})
        for table, description in zip(
            raw_layer.ALLIANCE_TABLES,
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
    warehouse: Warehouse,
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Read every version of ATOP and COW at hand."""
    files = files_at_hand(warehouse.settings)
    connection = warehouse.connection
    begin(raw_layer.ALLIANCE_TABLES)
    made = timed(lambda: raw_layer.bring_alliances(connection, files))
    failures = raw_layer.failures(connection, "alliances")
    for table in raw_layer.ALLIANCE_TABLES:
        yield result(connection, table, made)
    yield _read_check_result("raw.alliances", failures)
