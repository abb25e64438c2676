"""One hash of all that a snapshot is made from: by it a build knows that there is nothing to do.

It goes over code, SQL, DuckDB's version, claim files and the publishers' files, and never over figures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

import duckdb

from pipelines import raw_layer
from pipelines import warehouse as store
from pipelines.settings import Settings
from pipelines.sources.find import files_at_hand

# The note with what all tables together are made from; there is none while some may be of something
# else.
COMPLETE = "complete"


def of_code(settings: Settings) -> str:
    """A hash of the pipeline's code and SQL as they are on the disk, and of DuckDB's version."""
    files = _hashes(Path(__file__).parent, "**/*.py", "**/*.yaml", "**/*.csv")
    sql = _hashes(settings.sql, "**/*.sql", "**/*.yaml")
    return _hash([version("duckdb"), *files, *sql])


def at_hand(settings: Settings) -> str:
    """Of a snapshot that was made now, from what is on the disk."""
    versions = raw_layer.versions(files_at_hand(settings), *raw_layer.DATASETS)
    return _of(settings, of_code(settings), versions, versions)


def of_run(settings: Settings, code: str, connection: duckdb.DuckDBPyConnection) -> str:
    """Of the tables that a run is about to make: from the raw layer that it finds.

    code: that of the code which makes them; a server may have loaded it a while ago.
    """
    listed, *read = (
        made.inputs if (made := store.recorded(connection, table)) else {}
        for table in ("raw.files", "raw.sipri_figures", "raw.alliances")
    )
    return _of(settings, code, listed, {key: file for part in read for key, file in part.items()})


def _of(settings: Settings, code: str, listed: Mapping[str, str], read: Mapping[str, str]) -> str:
    """listed: the files in the inventory; read: those that the raw tables are of."""
    claims = (
        line
        for folder in settings.claim_folders
        for line in _hashes(folder, "**/*.yaml", "**/*.yml")
    )
    files = (f"{key} {file}" for part in (listed, read) for key, file in sorted(part.items()))
    return _hash([code, *claims, *files])


def _hashes(folder: Path, *patterns: str) -> list[str]:
    """The files of a folder that match, each with a hash of its content."""
    paths = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    return [f"{path.relative_to(folder)} {_hash_of(path.read_bytes())}" for path in paths]


def _hash(lines: Iterable[str]) -> str:
    return _hash_of("\n".join(lines).encode())


def _hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
