"""From files at hand to the raw layer, each file read once: what was read is known by its bytes.

Knows the readers and the raw tables; nothing of Dagster or of what the figures mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pandas as pd

from pipelines import countries, excerpt
from pipelines.errors import MilexError, ReadError
from pipelines.progress import FILES
from pipelines.raw_layer import (
    ALLIANCE_TABLES,
    SIPRI_TABLES,
    Failure,
    failures,
    reader_version,
    remember,
)
from pipelines.readers.atop import read_atop
from pipelines.readers.cow import read_cow_alliances
from pipelines.readers.sipri import SipriEdition, read_sipri
from pipelines.readers.sniff import LEVELS, sniff_atop
from pipelines.readers.treaties import AllianceVersion
from pipelines.sources.find import UNREADABLE, SourceFile
from pipelines.warehouse import at_once, first_row

_SIPRI = """
CREATE TABLE IF NOT EXISTS raw.sipri_editions (
    source_id VARCHAR, reader_version VARCHAR, edition INTEGER, base_year INTEGER,
    first_year INTEGER, last_year INTEGER, error VARCHAR
);
CREATE TABLE IF NOT EXISTS raw.sipri_figures (
    source_id VARCHAR, edition INTEGER, measure VARCHAR, country VARCHAR, region_heading VARCHAR,
    subregion_heading VARCHAR, year INTEGER, value DOUBLE, unit VARCHAR, status VARCHAR,
    sheet_row SMALLINT, sheet_column SMALLINT
);
CREATE TABLE IF NOT EXISTS raw.sipri_notes (
    source_id VARCHAR, edition INTEGER, measure VARCHAR, country VARCHAR, marks VARCHAR,
    notes VARCHAR, fiscal_year VARCHAR, currency VARCHAR, reporting_year VARCHAR,
    sheet_row SMALLINT
);
CREATE TABLE IF NOT EXISTS raw.sipri_regional_totals (
    source_id VARCHAR, edition INTEGER, region VARCHAR, year INTEGER, prices VARCHAR,
    value_bn DOUBLE, status VARCHAR, omitted VARCHAR, sheet_row SMALLINT, sheet_column SMALLINT
);
"""


def load_sipri(connection: duckdb.DuckDBPyConnection, files: list[SourceFile]) -> list[Failure]:
    """Bring the raw SIPRI tables up to date with the files; returns those that cannot be read.

    A file whose bytes were read by this version of the readers is not read again. The excerpt
    stands in for each of its editions that no real file gives.
    """
    connection.execute(_SIPRI)
    # A killed build leaves all tables as they were; and DuckDB writes so many rows where they stay,
    # and not into its log before.
    with at_once(connection):
        return _load_sipri(connection, files)


def _load_sipri(connection: duckdb.DuckDBPyConnection, files: list[SourceFile]) -> list[Failure]:
    workbooks = [file for file in files if file.dataset == "SIPRI"]
    real = [file for file in workbooks if file.origin != "excerpt"]
    by_id = {file.source_id: file for file in workbooks}
    _forget(connection, keep=[file.source_id for file in workbooks])
    _read(connection, [file for file in real if not _is_read(connection, file)])
    covered = {
        row[0]
        for row in connection.execute(
            "SELECT edition FROM raw.sipri_editions WHERE error IS NULL AND source_id IN "
            "(SELECT unnest(?))",
            [[file.source_id for file in real]],
        ).fetchall()
    }
    stand_ins = [file for file in workbooks if file.origin == "excerpt"]
    needless = [file for file in stand_ins if int(file.version or 0) in covered]
    for file in stand_ins:
        if file not in needless and not _is_read(connection, file):
            _insert_edition(connection, file, excerpt.read_edition(file))
    _delete(connection, [file.source_id for file in needless])
    rejected = connection.execute(
        "SELECT source_id, error FROM raw.sipri_editions WHERE error IS NOT NULL"
    ).fetchall()
    remember(connection, "SIPRI", [(by_id[source_id], error) for source_id, error in rejected])
    return failures(connection, "SIPRI")


def _read(connection: duckdb.DuckDBPyConnection, workbooks: list[SourceFile]) -> None:
    """Read workbooks and insert what they hold."""
    # The next workbook is read while DuckDB writes the last: it leaves Python's lock alone.
    with ThreadPoolExecutor(max_workers=1) as reader:
        found = reader.map(read_workbook, workbooks)
        for number, (file, edition) in enumerate(zip(workbooks, found, strict=True), start=1):
            FILES.info("Read workbook %d of %d: %s", number, len(workbooks), file.file_name)
            _insert(connection, file, edition)


def _is_read(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> bool:
    found = first_row(
        connection,
        "SELECT 1 FROM raw.sipri_editions WHERE source_id = ? AND reader_version = ?",
        [file.source_id, reader_version()],
    )
    return found is not None


def _forget(connection: duckdb.DuckDBPyConnection, keep: list[str]) -> None:
    """Remove files that are gone, and what another version of the readers read."""
    gone = connection.execute(
        "SELECT source_id FROM raw.sipri_editions "
        "WHERE reader_version <> ? OR source_id NOT IN (SELECT unnest(?))",
        [reader_version(), keep],
    ).fetchall()
    _delete(connection, [row[0] for row in gone])


def _delete(connection: duckdb.DuckDBPyConnection, source_ids: list[str]) -> None:
    if source_ids:
        for table in SIPRI_TABLES:
            connection.execute(
                f"DELETE FROM {table} WHERE source_id IN (SELECT unnest(?))", [source_ids]
            )


def read_workbook(file: SourceFile) -> SipriEdition | ReadError:
    """A workbook's edition, or why it cannot be read."""
    try:
        edition = read_sipri(file.path)
        refuse_unknown_names(file, edition)
        refuse_two_names_of_one_place(file, edition)
    except ReadError as error:
        return error
    return edition


def _insert(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, found: SipriEdition | ReadError
) -> None:
    if isinstance(found, ReadError):
        connection.execute(
            "INSERT INTO raw.sipri_editions VALUES (?, ?, NULL, NULL, NULL, NULL, ?)",
            [file.source_id, reader_version(), _without_folders(str(found), [file])],
        )
    else:
        _insert_edition(connection, file, found)


def refuse_unknown_names(file: SourceFile, edition: SipriEdition) -> None:
    """A copy with names that no edition prints was edited by hand, or is new: say where they are.

    Raises ReadError that lists the cells.
    """
    unknown = countries.unmapped(edition.notes["country"].unique())
    if unknown:
        rows = edition.notes[edition.notes["country"].isin(unknown)]
        raise ReadError(
            f"{file.file_name}: {len(unknown)} country names are unknown: {_cells(rows)}. If the "
            "copy was edited, get SIPRI's own; if SIPRI has a new name, add it to "
            "pipelines/sources/countries.csv."
        )


def refuse_two_names_of_one_place(file: SourceFile, edition: SipriEdition) -> None:
    """Two rows that one sheet prints under two names of one place: which is right is not known.

    Raises ReadError that lists the rows. Without it such a copy would break the keys of all editions.
    """
    meant = countries.resolve_names(edition.notes["country"].unique())
    states = {
        name: list(countries.SPLIT_ROWS.get(place or "", (place,))[:2])
        for name, place in meant.items()
    }
    countries_named = edition.notes[["measure", "country", "sheet_row"]].assign(
        place=edition.notes["country"].map(states)
    )
    totals = edition.regional_totals.drop_duplicates("sheet_row")
    regions_named = totals[["sheet_row"]].assign(
        measure="regional_totals",
        country=totals["region"].astype("str"),
        place=totals["region"].astype("str").map(countries.resolve_regions(totals["region"])),
    )
    rows = pd.concat(
        [countries_named.explode("place").astype({"measure": "str"}), regions_named]
    ).dropna(subset="place")
    doubled = rows[rows.duplicated(["place", "measure"], keep=False)]
    if not doubled.empty:
        raise ReadError(
            f"{file.file_name}: a sheet has two rows for one place under two names: "
            f"{_cells(doubled)}. If the copy was edited, delete the row that is not SIPRI's, or "
            "get SIPRI's own."
        )


def _cells(rows: pd.DataFrame) -> str:
    """Where names stand: sheet, row and the name as printed."""
    cells = [f"{r.measure} row {r.sheet_row}: {r.country}" for r in rows.itertuples()]
    return "; ".join(cells[:20]) + (
        f"; and {len(cells) - 20} more cells" if len(cells) > 20 else ""
    )


def _insert_edition(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, edition: SipriEdition
) -> None:
    for table, frame in (
        ("sipri_figures", edition.figures),
        ("sipri_notes", edition.notes),
        ("sipri_regional_totals", edition.regional_totals),
    ):
        if frame.empty:
            continue
        connection.register("incoming", frame)
        connection.execute(
            f"INSERT INTO raw.{table} BY NAME SELECT ? AS source_id, * FROM incoming",
            [file.source_id],
        )
        connection.unregister("incoming")
    connection.execute(
        "INSERT INTO raw.sipri_editions VALUES (?, ?, ?, ?, ?, ?, NULL)",
        [
            file.source_id,
            reader_version(),
            edition.edition,
            edition.base_year,
            edition.first_year,
            edition.last_year,
        ],
    )


def load_alliances(connection: duckdb.DuckDBPyConnection, files: list[SourceFile]) -> list[Failure]:
    """Write the raw alliance tables from every ATOP version and from COW.

    Returns the files that cannot be read. The excerpt stands in for an ATOP version of which no
    real file is at hand; COW's data are never shipped.
    """
    read: list[AllianceVersion] = []
    rejected = [(file, _why_unreadable(file)) for file in files if file.level == UNREADABLE]
    for dataset, version, group in alliance_groups(files):
        found = read_alliances(dataset, group)
        if isinstance(found, ReadError):
            theirs = _mirrors(files, dataset, version, group)
            rejected += _rejected(dataset, version, found, group, but=theirs)
            if theirs:
                found = read_alliances(dataset, theirs)
                if isinstance(found, ReadError):
                    rejected += _rejected(dataset, version, found, theirs)
        if not isinstance(found, ReadError):
            read.append(found)
    remember(connection, "alliances", rejected)
    if not read:
        raise MilexError(
            "There are no alliance data at all, not even the committed excerpt. Restore "
            "data/raw/excerpt/ from the repository, or put ATOP's files into data/raw/."
        )
    for table, attribute in zip(
        ALLIANCE_TABLES, ("alliances", "phases", "members", "member_phases"), strict=True
    ):
        frames = [getattr(version, attribute) for version in read]
        together = pd.concat(frames, ignore_index=True)
        if attribute == "alliances" and "left_censored" not in together:  # only COW codes it
            together["left_censored"] = pd.Series(pd.NA, together.index, dtype="boolean")
        connection.register("incoming", together)
        connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM incoming")
        connection.unregister("incoming")
    return failures(connection, "alliances")


def _mirrors(
    files: list[SourceFile], dataset: str, version: str, failed: dict[str, SourceFile]
) -> dict[str, SourceFile]:
    """The mirror's files of a version, which step in where one's own cannot be read."""
    theirs = [file for file in files if file.origin == "mirror" and file.dataset == dataset]
    for _, named, group in alliance_groups(theirs):
        if named == version and group != failed:
            return group
    return {}


def _rejected(
    dataset: str,
    version: str,
    error: ReadError,
    group: dict[str, SourceFile],
    but: dict[str, SourceFile] | None = None,
) -> list[tuple[SourceFile, str]]:
    """The files of a group that cannot be read, but for those that will be read once more."""
    reason = f"{dataset} {version}: {_without_folders(str(error), group.values())}"
    return [(file, reason) for file in group.values() if file not in (but or {}).values()]


def _why_unreadable(file: SourceFile) -> str:
    """Look at a file again that has ATOP's columns and cannot be told to be of any version."""
    try:
        sniff_atop(file.path)
    except ReadError as error:
        return _without_folders(str(error), [file])
    return "It could not be read a moment ago, and can be now: build again."


def _without_folders(message: str, files: Iterable[SourceFile]) -> str:
    """A message without paths of this machine: it is published."""
    for file in files:
        message = message.replace(str(file.path), file.file_name)
    return message


def alliance_groups(
    files: list[SourceFile],
) -> list[tuple[str, str, dict[str, SourceFile]]]:
    """The files of each dataset and version, by level; the first found of a level is taken."""
    groups: dict[tuple[str, str], dict[str, SourceFile]] = {}
    for file in files:
        if file.dataset == "SIPRI" or file.version is None:
            continue
        group = groups.setdefault((file.dataset, file.version), {})
        real = any(other.origin != "excerpt" for other in group.values())
        if not (real and file.origin == "excerpt"):
            group.setdefault(file.level, file)
    return [(dataset, version, group) for (dataset, version), group in sorted(groups.items())]


def read_alliances(dataset: str, group: dict[str, SourceFile]) -> AllianceVersion | ReadError:
    """A version of ATOP or COW from its files by level, or why it cannot be read."""
    try:
        if dataset == "COW":
            return read_cow_alliances(group["alliances_by_member"].path)
        if any(file.origin == "excerpt" for file in group.values()):
            return excerpt.read_alliances(group)
        return read_atop({level: group[level].path for level in LEVELS if level in group})
    except ReadError as error:
        return error
