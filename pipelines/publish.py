"""From the warehouse to a complete, immutable snapshot and the pointer that readers follow.

Knows nothing of what the tables mean; readers never see a half-written file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipelines.errors import MilexError
from pipelines.models import Column, Model, comment, create, load_models, quote
from pipelines.settings import Settings
from pipelines.unfinished import unfinished_files, unfinished_path
from pipelines.warehouse import first_line, first_row, is_no_room, no_room

# Clients of DuckDB 1.0 and later can open a file of this format; 2.0's own they cannot.
STORAGE_VERSION = "v1.0.0"
KEPT_SNAPSHOTS = 5
NAME = re.compile(r"milex-(\d{6})-\w+\.duckdb")
# Larger tables keep the order in which they were made: sorting them is a second of every build, and
# reading one to its end takes milliseconds.
MOST_ROWS_SORTED = 80_000
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
) -> Path:
    """Write, check and swap in a new snapshot; returns its path.

    about: facts of the build, kept in the snapshot's table `snapshot`.
    Raises MilexError if the snapshot does not hold what the warehouse holds, or has no room.
    """
    settings.snapshots.mkdir(parents=True, exist_ok=True)
    built_at = datetime.now(UTC)
    name = f"milex-{_next_number(settings):06d}-{built_at:%Y%m%dT%H%M%SZ}.duckdb"
    final = settings.snapshots / name
    unfinished = unfinished_path(final)
    clear_unfinished(settings)
    try:
        counts = _copy(warehouse, unfinished, tables, {**about, "built_at": built_at.isoformat()})
        _complete(settings, unfinished, tables, metrics, counts)
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


def _copy(
    warehouse: duckdb.DuckDBPyConnection,
    target: Path,
    tables: Sequence[Model],
    about: Mapping[str, str],
) -> dict[str, int]:
    """Copy the public tables into a new file, small ones in the order of their key."""
    counts = {}
    warehouse.execute(
        f"ATTACH {quote(str(target))} AS snapshot (STORAGE_VERSION '{STORAGE_VERSION}')"
    )
    try:
        for model in tables:
            row = first_row(warehouse, f"SELECT count(*) FROM {model.table}")
            rows = counts[model.name] = int(row[0]) if row else 0
            order = f" ORDER BY {', '.join(model.key)}" if rows <= MOST_ROWS_SORTED else ""
            warehouse.execute(
                f"CREATE TABLE snapshot.main.{model.name} AS FROM {model.table}{order}"
            )
        warehouse.execute("CREATE TABLE snapshot.main.snapshot (fact VARCHAR, content VARCHAR)")
        warehouse.executemany(
            "INSERT INTO snapshot.main.snapshot VALUES (?, ?)",
            [list(item) for item in about.items()],
        )
    finally:
        warehouse.execute("DETACH snapshot")
    return counts


def _complete(
    settings: Settings,
    target: Path,
    tables: Sequence[Model],
    metrics: Sequence[Model],
    counts: Mapping[str, int],
) -> None:
    """Add comments and metrics, and check that every table has the warehouse's rows."""
    from pipelines.dictionary import described

    with duckdb.connect(str(target)) as snapshot:
        (facts,) = first_row(snapshot, f"SELECT count(*) FROM {SNAPSHOT.table}") or (0,)
        rows = {**counts, SNAPSHOT.name: facts}
        for model in described([*tables, SNAPSHOT], load_models(settings.sql), rows):
            comment(snapshot, model)
        for model in tables:
            row = first_row(snapshot, f"SELECT count(*) FROM {model.table}")
            if row is None or row[0] != counts[model.name]:
                raise MilexError(
                    f"The new snapshot's {model.name} has {row and row[0]} rows, the warehouse has "
                    f"{counts[model.name]}. Nothing was published; the snapshot before stays."
                )
        for metric in metrics:
            create(snapshot, metric)
        snapshot.execute("CHECKPOINT")


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
