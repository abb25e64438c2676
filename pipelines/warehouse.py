"""The pipeline's own DuckDB files: opening and closing them, and what was made from what.

There are two, opened together: the warehouse proper, and one that holds the schema `main` and nothing
else, in the format of snapshots. So to publish is to copy a file. SQL sees one set of schemas.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from pipelines.errors import MilexError
from pipelines.unfinished import unfinished_path

T = TypeVar("T")

# What does not fit is spilled beside the file, so that a build stays below 500 MB in all. The few
# things that DuckDB cannot spill get more, one at a time.
MEMORY_LIMIT = "256MB"
MORE_MEMORY = "2GB"
# A query has one thread: two tables are made at once, and several threads of one query add in no
# fixed order, so that the last digits of sums would differ from build to build.
THREADS = 1
# Between two looks at a warehouse that is waited for.
RETRY_SECONDS = 1.0
SCHEMAS = ("raw", "staging", "claims", "meta")
PUBLIC = "public"
# Clients of DuckDB 1.0 and later can open a file of this format; 2.0's own they cannot.
STORAGE_VERSION = "v1.0.0"
# Space of dropped tables, of all the public file's, from which on it is written anew.
MOST_FREE = 1 / 3
# A full build writes a warehouse and a snapshot of some 100 MB, and spills about as much.
NEEDED_BYTES = 500 * 10**6

# What Python, DuckDB and SQLite say where there is no room, and what else the system may refuse.
NO_ROOM = (
    *map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)),
    "database or disk is full",
    "disk I/O error",
)
REFUSED = tuple(
    map(
        os.strerror,
        (errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.EIO, errno.EMFILE),
    )
)
# What DuckDB says of damage that it meets after it opened the file.
DAMAGED = ("Corrupt database file", "Could not read enough bytes")

# Tables are made in several threads, and each transaction of the ledger finds the one before ended.
_one_at_the_ledger = threading.Lock()

_LEDGER = """
CREATE TABLE IF NOT EXISTS meta.notes (name VARCHAR, content VARCHAR);
CREATE TABLE IF NOT EXISTS meta.materializations (
    asset VARCHAR PRIMARY KEY,
    code_version VARCHAR,
    inputs VARCHAR,
    data_version VARCHAR,
    rows BIGINT
)
"""


@dataclass(frozen=True)
class Materialization:
    """What an asset's table was made from, and the hash of what it holds."""

    asset: str
    code_version: str
    inputs: Mapping[str, str]
    data_version: str
    rows: int


@contextmanager
def open_warehouse(
    path: Path, patience: float = 0, say: Callable[[str], None] = lambda why: None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, with its schemas and `main`; closed whatever happens.

    patience: seconds to wait while another process holds it; `say` is told of it once.
    A file that is damaged, or of a DuckDB that this one cannot read, is set aside for a new one:
    everything in it can be made from the publishers' files.
    Raises MilexError when another process holds a file, and when the system refuses it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _open(path, lambda: _connect_in_time(path, patience, say), patience)
    try:
        public = public_file(path)
        _open(public, lambda: _attach(connection, public))
        yield connection
    finally:
        connection.close()


def public_file(warehouse: Path) -> Path:
    """The file of the schema `main`, beside the warehouse."""
    return warehouse.with_name(f"{PUBLIC}.duckdb")


def files(warehouse: Path) -> tuple[Path, Path]:
    """Both files, whether or not they are there."""
    return warehouse, public_file(warehouse)


def _open(path: Path, connect: Callable[[], T], patience: float = 0) -> T:
    """Connect to a file, or say why not; one that cannot be read is set aside for a new one."""
    try:
        return connect()
    except duckdb.Error as error:
        if (who := holder(error)) is not None:
            waited = f" It was waited for, {patience:.0f} seconds." if patience else ""
            raise MilexError(
                f"{path.name} is held by another build: {who}.{waited} Wait for it to finish, then run "
                "this again. If it hangs, end that process: nothing is lost."
            ) from None
        if _says(error, NO_ROOM):
            raise no_room(path.parent, error) from None
        if _says(error, REFUSED):
            raise MilexError(
                f"{path} cannot be opened: {first_line(error)} `milex doctor` says what is wrong "
                "with the folders."
            ) from None
        set_aside(path, error)
        return connect()


@contextmanager
def cursor(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of a thread's own to the open warehouse, closed whatever happens."""
    own = connection.cursor()
    try:
        _look_in(own, _warehouse_of(own))
        yield own
    finally:
        own.close()


def _connect_in_time(
    path: Path, patience: float, say: Callable[[str], None]
) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + patience
    waiting = False
    while True:
        try:
            return _connect(path)
        except duckdb.Error as error:
            who = holder(error)
            if who is None or time.monotonic() >= deadline:
                raise
        if not waiting:
            say(f"{path.name} is held by {who}. Waiting for it, {patience:.0f} seconds at most.")
        waiting = True
        time.sleep(RETRY_SECONDS)


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        str(path),
        config={
            "memory_limit": MEMORY_LIMIT,
            "preserve_insertion_order": False,
            "threads": THREADS,
        },
    )
    try:
        # What a killed build spilled; nobody else can be using it while this one holds the file.
        shutil.rmtree(_beside(path, ".tmp"), ignore_errors=True)
        for schema in SCHEMAS:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        connection.execute(_LEDGER)
    except duckdb.Error:
        connection.close()
        raise
    return connection


def _attach(connection: duckdb.DuckDBPyConnection, public: Path) -> None:
    """Let `main` mean the schema of the public file, and every other name one of the warehouse's."""
    warehouse = _warehouse_of(connection)
    connection.execute(
        f"ATTACH {quote(str(public))} AS {PUBLIC} (STORAGE_VERSION '{STORAGE_VERSION}')"
    )
    _look_in(connection, warehouse)


def _warehouse_of(connection: duckdb.DuckDBPyConnection) -> str:
    """The warehouse's name among the databases of a connection: the first that is a file."""
    row = first_row(
        connection,
        "SELECT database_name FROM duckdb_databases() WHERE NOT internal AND database_name <> ? "
        "ORDER BY database_oid",
        [PUBLIC],
    )
    assert row is not None
    return str(row[0])


def _look_in(connection: duckdb.DuckDBPyConnection, warehouse: str) -> None:
    path = ",".join([f"{PUBLIC}.main", *(f'"{warehouse}".{schema}' for schema in SCHEMAS)])
    connection.execute(f"SET search_path = '{path}'")


@contextmanager
def public_closed(connection: duckdb.DuckDBPyConnection, anew: bool = False) -> Iterator[Path]:
    """The file of the schema `main`, whole and closed: it can be copied, and nothing of it read.

    anew: write it anew before. What was in a table stays in the file when the table is dropped, until
    something else takes its place; a file that is mostly such space is written anew in any case.
    (A process that closes a file gives up its lock on it, so one that copies a file that DuckDB has
    open would leave it to anybody.)
    """
    row = first_row(
        connection,
        "SELECT path, free_blocks / total_blocks FROM duckdb_databases() JOIN pragma_database_size() "
        "USING (database_name) WHERE database_name = ?",
        [PUBLIC],
    )
    assert row is not None
    public, free = Path(row[0]), row[1]
    connection.execute(f"CHECKPOINT {PUBLIC}")
    connection.execute(f'USE "{_warehouse_of(connection)}"')
    connection.execute(f"DETACH {PUBLIC}")
    try:
        if anew or free > MOST_FREE:
            _write_anew(connection, public)
        yield public
    finally:
        _attach(connection, public)


def _write_anew(connection: duckdb.DuckDBPyConnection, public: Path) -> None:
    fresh = unfinished_path(public)
    try:
        connection.execute(f"ATTACH {quote(str(public))} AS former (READ_ONLY)")
        connection.execute(
            f"ATTACH {quote(str(fresh))} AS fresh (STORAGE_VERSION '{STORAGE_VERSION}')"
        )
        connection.execute("COPY FROM DATABASE former TO fresh")
        connection.execute("CHECKPOINT fresh")
    finally:
        for name in ("fresh", "former"):
            connection.execute(f"DETACH DATABASE IF EXISTS {name}")
    os.replace(fresh, public)


def holder(error: duckdb.Error) -> str | None:
    """Who holds the file that could not be opened, in words; None if it is not held."""
    if "Could not set lock" not in str(error):
        return None
    import psutil

    held = re.search(r"lock is held.*?\(PID (\d+)\)", str(error), re.DOTALL)
    if held is None:
        return "a process that the system does not name"
    try:
        process = psutil.Process(int(held[1]))
        since = datetime.fromtimestamp(process.create_time()).astimezone()
        command = " ".join(" ".join(process.cmdline()).split())
    except psutil.Error:
        return f"process {held[1]}"
    return f"process {held[1]} ({command[:80]}), running since {since:%Y-%m-%d %H:%M:%S}"


def set_aside(path: Path, reason: object) -> Path:
    """Keep a damaged file and its log under a name with the date, and say so; returns that name."""
    aside = path.with_name(f"{path.stem}-damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{path.suffix}")
    os.replace(path, aside)
    # A log that is left behind would be played back into the new file.
    with suppress(FileNotFoundError):
        os.replace(_beside(path, ".wal"), _beside(aside, ".wal"))
    logging.getLogger(__name__).warning(
        "%s cannot be read (%s). It is set aside as %s, and everything is made anew from the "
        "publishers' files; delete it when you like.",
        path.name,
        first_line(reason),
        aside.name,
    )
    return aside


def is_damage(reason: object) -> bool:
    """Whether an error of DuckDB, or its text, speaks of a damaged file."""
    return _says(reason, DAMAGED)


def is_no_room(reason: object) -> bool:
    """Whether an error, or its text, speaks of a full disk or a used-up quota."""
    return _says(reason, NO_ROOM)


def no_room(folder: Path, reason: object) -> MilexError:
    """The error of a full disk: where, what is free, what is needed, what to do."""
    said = next(line for line in str(reason).splitlines() if _says(line, NO_ROOM))
    free = shutil.disk_usage(folder).free
    return MilexError(
        f"There is no room to write in {folder}: {first_line(said)} {free / 10**6:,.0f} MB are "
        f"free there, and a full build takes {NEEDED_BYTES / 10**6:,.0f} MB. Free some space, or "
        "set MILEX_DATA to a folder on another disk, and run this again."
    )


def first_line(reason: object) -> str:
    """The first line of an error, as a sentence."""
    return str(reason).strip().splitlines()[0].rstrip(" .!") + "."


def _says(reason: object, words: Iterable[str]) -> bool:
    return any(word in str(reason) for word in words)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def with_memory(connection: duckdb.DuckDBPyConnection, make: Callable[[], T]) -> T:
    """Run `make`, and once more with more memory if it does not fit and cannot be spilled."""
    try:
        return make()
    except duckdb.OutOfMemoryException:
        connection.execute(f"SET memory_limit = '{MORE_MEMORY}'")
        try:
            return make()
        finally:
            with suppress(duckdb.OutOfMemoryException):
                connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")


def insert_rows(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[object]]
) -> None:
    """Add rows to a table, in one statement that is as short for a thousand as for one."""
    if rows:
        kinds = [row[1] for row in connection.execute(f"DESCRIBE {table}").fetchall()]
        columns = ", ".join(f"unnest(?::{kind}[])" for kind in kinds)
        connection.execute(
            f"INSERT INTO {table} SELECT {columns}",
            [list(column) for column in zip(*rows, strict=True)],
        )


def table_exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether there is a table or view of that name, as SQL finds it."""
    try:
        connection.execute(f"DESCRIBE {table}").fetchall()
    except duckdb.CatalogException:
        return False
    return True


def content_hash(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[str, int]:
    """A hash of a table's rows that their order does not change, and their number.

    A sum and an exclusive-or over the rows' hashes: in the first, equal rows do not cancel out; in
    the second, no carry hides a change.
    """
    row = first_row(
        connection,
        "SELECT count(*), coalesce(sum(hash::HUGEINT), 0), coalesce(bit_xor(hash), 0) "
        f"FROM (SELECT hash(t) AS hash FROM {table} AS t)",
    )
    assert row is not None
    rows, total, mixed = row
    return f"{rows}-{int(total) & (2**64 - 1):016x}{int(mixed):016x}", int(rows)


def recorded(connection: duckdb.DuckDBPyConnection, asset: str) -> Materialization | None:
    """What the warehouse says of an asset's last materialization."""
    row = first_row(
        connection,
        "SELECT asset, code_version, inputs, data_version, rows "
        "FROM meta.materializations WHERE asset = ?",
        [asset],
    )
    if row is None:
        return None
    return Materialization(row[0], row[1], json.loads(row[2]), row[3], row[4])


def record(connection: duckdb.DuckDBPyConnection, made: Materialization) -> None:
    """Remember a materialization."""
    connection.execute(
        "INSERT OR REPLACE INTO meta.materializations VALUES (?, ?, ?, ?, ?)",
        [
            made.asset,
            made.code_version,
            json.dumps(dict(sorted(made.inputs.items()))),
            made.data_version,
            made.rows,
        ],
    )


def keep_or_make(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[str],
    code_version: str,
    inputs: Mapping[str, str],
    make: Callable[[], object],
) -> bool:
    """Run `make` unless this code made the tables from these inputs before; True if it ran."""
    if all(_is_current(connection, table, code_version, inputs) for table in tables):
        return False
    # Whoever is killed while making leaves no entry that speaks of what was there before.
    with _one_at_the_ledger:
        connection.execute(
            "DELETE FROM meta.materializations WHERE asset IN (SELECT unnest(?))", [list(tables)]
        )
    make()
    found = [(table, *content_hash(connection, table)) for table in tables]
    with _one_at_the_ledger, at_once(connection):
        for table, data_version, rows in found:
            record(connection, Materialization(table, code_version, inputs, data_version, rows))
    return True


def _is_current(
    connection: duckdb.DuckDBPyConnection, table: str, code_version: str, inputs: Mapping[str, str]
) -> bool:
    made = recorded(connection, table)
    return (
        made is not None
        and made.code_version == code_version
        and dict(made.inputs) == dict(inputs)
        and table_exists(connection, table)
    )


def note(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """What a run wrote down for those after it; None if it did not."""
    row = first_row(connection, "SELECT content FROM meta.notes WHERE name = ?", [name])
    return row[0] if row else None


def set_note(connection: duckdb.DuckDBPyConnection, name: str, content: str | None) -> None:
    """Write something down in the place of what was there; None takes it away."""
    with _one_at_the_ledger, at_once(connection):
        connection.execute("DELETE FROM meta.notes WHERE name = ?", [name])
        if content is not None:
            connection.execute("INSERT INTO meta.notes VALUES (?, ?)", [name, content])


def versions_of(connection: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> dict[str, str]:
    """The data versions of upstream tables, as last recorded."""
    rows = connection.execute(
        "SELECT asset, coalesce(m.data_version, 'missing') FROM (SELECT unnest(?) AS asset) "
        "LEFT JOIN meta.materializations AS m USING (asset) ORDER BY asset",
        [list(tables)],
    ).fetchall()
    return dict(rows)


@contextmanager
def at_once(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of a block's changes or none; and one wait for the disk instead of one a statement."""
    connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):  # an error that ended the transaction leaves none to undo
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def first_row(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: object = None
) -> tuple[Any, ...] | None:
    """The first row of a query, or None; reads it to the end.

    A result that is not read to its end keeps DuckDB's connection busy for what comes next.
    """
    rows = connection.execute(query, parameters).fetchall()
    return rows[0] if rows else None


def quote(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
