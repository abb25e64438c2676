"""The raw layer: its tables, what they were read from, and when files have to be read again.

Reads no publisher's file itself, and imports what does only when something has to be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb

from pipelines.sources.catalogue import load_catalogue
from pipelines.sources.find import SourceFile
from pipelines.versions import version_of
from pipelines.warehouse import insert_rows, keep_or_make, with_memory

_FILES = """
CREATE OR REPLACE TABLE raw.files (
    dataset VARCHAR, version VARCHAR, level VARCHAR, file_name VARCHAR, source_id VARCHAR,
    sha256 VARCHAR, bytes BIGINT, origin VARCHAR, retrieved_at TIMESTAMP, catalogued BOOLEAN,
    url VARCHAR, licence VARCHAR, citation VARCHAR
)
"""

_UNREADABLE = """
CREATE TABLE IF NOT EXISTS raw.unreadable (
    dataset VARCHAR, source_id VARCHAR, file_name VARCHAR, error VARCHAR
)
"""
SIPRI_TABLES = (
    "raw.sipri_editions",
    "raw.sipri_figures",
    "raw.sipri_notes",
    "raw.sipri_regional_totals",
)

DATASETS = ("SIPRI", "ATOP", "COW")
ALLIANCE_TABLES = (
    "raw.alliances",
    "raw.alliance_phases",
    "raw.alliance_members",
    "raw.alliance_member_phases",
)


@dataclass(frozen=True)
class Failure:
    """A file that could not be read, and why."""

    file_name: str
    reason: str


@lru_cache(maxsize=1)
def reader_version() -> str:
    """A hash of the code that reads: when it changes, every file is read again.

    So it is with the reviewed names: a file refused for a name that they now know is read then.
    """
    here = Path(__file__).parent
    readers = sorted((here / "readers").glob("*.py"))
    names = [here / "countries.py", here / "sources" / "countries.csv"]
    code = [here / name for name in ("raw_layer.py", "ingest.py", "excerpt.py")]
    return version_of([*readers, *code, *names])


def inventory_version() -> str:
    """A hash of what the inventory is made with: it says what the catalogue knows of each file."""
    here = Path(__file__).parent
    return version_of([here / "raw_layer.py", *sorted((here / "sources").glob("catalogue.*"))])


def versions(files: Iterable[SourceFile], *datasets: str) -> dict[str, str]:
    """What raw tables are made from: the bytes of their datasets' files."""
    return {
        f"{f.origin}:{f.file_name}:{f.source_id}": f.sha256 for f in files if f.dataset in datasets
    }


def bring_sipri(connection: duckdb.DuckDBPyConnection, files: list[SourceFile]) -> bool:
    """Bring the raw SIPRI tables up to date, and say whether anything had to be done."""

    def load() -> None:
        from pipelines.ingest import load_sipri

        load_sipri(connection, files)

    return _bring(connection, SIPRI_TABLES, versions(files, "SIPRI"), load)


def bring_alliances(connection: duckdb.DuckDBPyConnection, files: list[SourceFile]) -> bool:
    """Bring the raw alliance tables up to date, and say whether anything had to be done."""

    def load() -> None:
        from pipelines.ingest import load_alliances

        load_alliances(connection, files)

    return _bring(connection, ALLIANCE_TABLES, versions(files, "ATOP", "COW"), load)


def _bring(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[str],
    inputs: Mapping[str, str],
    load: Callable[[], None],
) -> bool:
    return keep_or_make(
        connection, tables, reader_version(), inputs, lambda: with_memory(connection, load)
    )


def load_files(connection: duckdb.DuckDBPyConnection, files: list[SourceFile]) -> None:
    """Write the inventory, table raw.files: one row per file at hand, stand-ins included."""
    connection.execute(_FILES)
    insert_rows(connection, "raw.files", [_inventory_row(file) for file in files])


def _inventory_row(file: SourceFile) -> tuple[object, ...]:
    catalogue = load_catalogue()
    dataset = catalogue.datasets[file.dataset]
    known = catalogue.known_copy(file.sha256)
    version = file.version or (known.version if known else None)
    return (
        file.dataset,
        version,
        file.level,
        file.file_name,
        file.source_id,
        file.sha256,
        file.path.stat().st_size,
        file.origin,
        file.retrieved_at.replace(tzinfo=None),
        known is not None,
        file.url
        or (known.url if known else None)
        or (catalogue.url(file.dataset, version) if version else None),
        dataset.licence,
        dataset.citation,
    )


def remember(
    connection: duckdb.DuckDBPyConnection,
    dataset: str,
    rejected: list[tuple[SourceFile, str]],
) -> None:
    """Keep what failed, so that a run that reads nothing again still says so."""
    connection.execute(_UNREADABLE)
    connection.execute("DELETE FROM raw.unreadable WHERE dataset = ?", [dataset])
    insert_rows(
        connection,
        "raw.unreadable",
        [(dataset, file.source_id, file.file_name, error) for file, error in rejected],
    )


def failures(connection: duckdb.DuckDBPyConnection, dataset: str) -> list[Failure]:
    """The files of a dataset that could not be read, as the raw layer remembers them."""
    connection.execute(_UNREADABLE)
    rows = connection.execute(
        "SELECT file_name, error FROM raw.unreadable WHERE dataset = ? ORDER BY ALL", [dataset]
    ).fetchall()
    return [Failure(*row) for row in rows]
