"""From the warehouse to a complete, immutable snapshot and the pointer that readers follow.

Knows nothing of what the tables mean; readers never see a half-written file.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipelines.errors import MilexError
from pipelines.models import Column, Model, comment, create, load_models
from pipelines.settings import Settings
from pipelines.unfinished import unfinished_files, unfinished_path
from pipelines.warehouse import (
    at_once,
    first_line,
    first_row,
    is_no_room,
    no_room,
    public_closed,
)

KEPT_SNAPSHOTS = 5
NAME = re.compile(r"milex-(\d{6})-\w+\.duckdb")
SNAPSHOT = Model.of_table(
    "main.snapshot",
    "One row per fact about this snapshot: when it was built, from what, with which versions.",
    ("fact",),
    (
        Column("fact", "VARCHAR", None, "name of the fact"),
        Column("content", "VARCHAR", None, "the fact; `excerpt` is empty when all files are full"),
    ),
)


def publish(
    settings: Settings,
    warehouse: duckdb.DuckDBPyConnection,
    tables: Sequence[Model],
    metrics: Sequence[Model],
    about: Mapping[str, str],
    anew: bool = False,
) -> Path:
    """Write, check and swap in a new snapshot; returns its path.

    tables: the public ones; any other in `main` is left out.
    about: facts of the build, kept in the snapshot's table `snapshot`.
    anew: write the public file anew before, so that nothing is left in it of dropped tables.
    Raises MilexError if the snapshot has not as many rows as the warehouse, or has no room.
    """
    settings.snapshots.mkdir(parents=True, exist_ok=True)
    built_at = datetime.now(UTC)
    name = f"milex-{_next_number(settings):06d}-{built_at:%Y%m%dT%H%M%SZ}.duckdb"
    final = settings.snapshots / name
    unfinished = unfinished_path(final)
    clear_unfinished(settings)
    try:
        counts = _count(warehouse, tables)
        with public_closed(warehouse, anew) as public:
            shutil.copyfile(public, unfinished)
        facts = {**about, "built_at": built_at.isoformat()}
        _complete(settings, unfinished, tables, metrics, counts, facts)
        _sync(unfinished)
        os.replace(unfinished, final)
        point_to(settings, final)
    except (OSError, duckdb.Error) as error:
        final.unlink(missing_ok=True)
        if is_no_room(error):
            raise no_room(settings.snapshots, error) from None
        raise
    finally:
        unfinished.unlink(missing_ok=True)
        unfinished.with_name(unfinished.name + ".wal").unlink(missing_ok=True)
    _prune(settings)
    return final


def _count(warehouse: duckdb.DuckDBPyConnection, tables: Sequence[Model]) -> dict[str, int]:
    """The rows of each table."""
    counts = {}
    for model in tables:
        row = first_row(warehouse, f"SELECT count(*) FROM {model.table}")
        counts[model.name] = int(row[0]) if row else 0
    return counts


def _complete(
    settings: Settings,
    target: Path,
    tables: Sequence[Model],
    metrics: Sequence[Model],
    counts: Mapping[str, int],
    about: Mapping[str, str],
) -> None:
    """Leave out what is not public, check the rows, add comments, metrics and facts."""
    from pipelines.dictionary import described

    with duckdb.connect(str(target)) as snapshot:
        _drop_all_but(snapshot, tables, metrics)
        for model in tables:
            row = first_row(snapshot, f"SELECT count(*) FROM {model.table}")
            if row is None or row[0] != counts[model.name]:
                raise MilexError(
                    f"The new snapshot's {model.name} has {row and row[0]} rows, the warehouse has "
                    f"{counts[model.name]}. Nothing was published; the snapshot before stays."
                )
        snapshot.execute(SNAPSHOT.ddl)
        snapshot.executemany(
            f"INSERT INTO {SNAPSHOT.table} VALUES (?, ?)", [list(item) for item in about.items()]
        )
        rows = {**counts, SNAPSHOT.name: len(about)}
        for model in described([*tables, SNAPSHOT], load_models(settings.sql), rows):
            comment(snapshot, model)
        with at_once(snapshot):
            for metric in metrics:
                create(snapshot, metric)
        snapshot.execute("CHECKPOINT")


def _drop_all_but(
    snapshot: duckdb.DuckDBPyConnection, tables: Sequence[Model], metrics: Sequence[Model]
) -> None:
    """Drop tables and metrics that were made once and are none of the project's any more."""
    wanted = {model.name for model in (*tables, *metrics)}
    found = snapshot.execute(
        "SELECT 'TABLE', table_name FROM duckdb_tables() UNION ALL "
        "SELECT DISTINCT CASE function_type WHEN 'table_macro' THEN 'MACRO TABLE' ELSE 'MACRO' END, "
        "function_name FROM duckdb_functions() WHERE NOT internal"
    ).fetchall()
    for kind, name in found:
        if name not in wanted:
            snapshot.execute(f'DROP {kind} "{name}"')


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def point_to(settings: Settings, snapshot: Path) -> None:
    """Swap the pointer in one atomic step; the link is relative, so the folder can be moved."""
    link = unfinished_path(settings.pointer)
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(snapshot.relative_to(settings.pointer.parent))
        os.replace(link, settings.pointer)
    finally:
        link.unlink(missing_ok=True)


def snapshots(settings: Settings) -> list[Path]:
    """Every complete snapshot, oldest first; a file of another name is somebody's own."""
    return sorted(path for path in settings.snapshots.glob("milex-*") if NAME.fullmatch(path.name))


def current_snapshot(settings: Settings) -> Path | None:
    """The snapshot that the pointer leads to, or None."""
    path = settings.pointer.resolve()
    return path if settings.pointer.is_symlink() and path.is_file() else None


def rollback(settings: Settings) -> Path:
    """Point to the newest readable snapshot before the current one; returns it.

    Raises MilexError when there is none.
    """
    current = current_snapshot(settings)
    for path in reversed(snapshots(settings)):
        if (current is None or path < current) and unreadable(path) is None:
            point_to(settings, path)
            return path
    raise MilexError("There is no snapshot before the current one to go back to.")


def snapshot_facts(path: Path) -> dict[str, str]:
    """What a snapshot says of itself."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return dict(connection.execute("SELECT fact, content FROM main.snapshot").fetchall())


def unreadable(path: Path) -> str | None:
    """Why a snapshot cannot be opened, in one sentence; None if it can."""
    try:
        snapshot_facts(path)
    except duckdb.Error as error:
        return first_line(error)
    return None


def _next_number(settings: Settings) -> int:
    """Names go up by count, not by clock, so that a clock that jumps does not reorder them."""
    numbers = [int(path.name.split("-")[1]) for path in snapshots(settings)]
    return max(numbers, default=0) + 1


def left_unfinished(settings: Settings) -> list[Path]:
    """What was killed left behind: half a snapshot, or a link that was not put in place."""
    return [
        *unfinished_files(settings.snapshots),
        *unfinished_files(settings.processed, below=False),
    ]


def clear_unfinished(settings: Settings) -> None:
    """Remove it."""
    for path in left_unfinished(settings):
        path.unlink(missing_ok=True)


def _prune(settings: Settings) -> None:
    current = current_snapshot(settings)
    for path in snapshots(settings)[:-KEPT_SNAPSHOTS]:
        if path != current:
            path.unlink(missing_ok=True)
