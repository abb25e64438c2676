"""What is here and whether it is well: versions, paths, files, lock, snapshot, space; mends nothing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import duckdb

from pipelines import publish
from pipelines.errors import MilexError
from pipelines.settings import Settings
from pipelines.sources.accept import is_pinned
from pipelines.sources.catalogue import CatalogueFile, load_catalogue
from pipelines.sources.find import UNREADABLE, SourceFile, find_files
from pipelines.sources.manifest import manifest_path
from pipelines.unfinished import unfinished_files
from pipelines.warehouse import NEEDED_BYTES, files, first_line, holder

PACKAGES = ("milex", "duckdb", "dagster", "streamlit", "pandas")

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what is the case, and what to do if it is not well."""

    area: str
    what: str
    state: State = "ok"
    advice: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; what fails to be looked at is a finding too."""
    looks: dict[str, Callable[[Settings], Iterator[Finding]]] = {
        "versions": _versions,
        "paths": _paths,
        "files": _files,
        "warehouse": _warehouse,
        "snapshot": _snapshot,
        "leftovers": _leftovers,
        "disk": _disk,
    }
    findings: list[Finding] = []
    for area, look in looks.items():
        try:
            findings += look(settings)
        except (OSError, MilexError) as error:
            findings.append(
                Finding(area, str(error), "problem", "Check the path and its permissions.")
            )
    return findings


def show(findings: list[Finding]) -> None:
    """A table on a terminal; elsewhere a line for each finding, its parts separated by tabs."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        for found in findings:
            print("\t".join((found.state, found.area, found.what, found.advice)).rstrip())
        return
    table = Table("", "", Column("", overflow="fold"), Column("What to do", overflow="fold"))
    colours = {"ok": "green", "note": "yellow", "problem": "bold red"}
    for found in findings:
        table.add_row(
            Text(found.state, colours[found.state]),
            found.area,
            Text(found.what),
            Text(found.advice),
        )
    console.print(table)


def _versions(settings: Settings) -> Iterator[Finding]:
    yield Finding("versions", f"Python {sys.version.split()[0]}")
    for package in PACKAGES:
        try:
            yield Finding("versions", f"{package} {version(package)}")
        except PackageNotFoundError:
            yield Finding("versions", f"{package} is not installed", "problem", "Run `make build`.")


def _paths(settings: Settings) -> Iterator[Finding]:
    yield _folder("data/raw", settings.raw, "`milex fetch` makes it.")
    yield _folder("data/processed", settings.processed, "`make build` makes it.")
    yield _folder("DAGSTER_HOME", settings.dagster_home, "`make build` makes it.")
    if settings.mirror is None:
        yield Finding("paths", "MILEX_MIRROR is not set")
    elif settings.mirror_url:
        yield Finding("paths", f"MILEX_MIRROR: {settings.mirror_url}")
    elif settings.mirror.is_dir():
        yield Finding("paths", f"MILEX_MIRROR: {settings.mirror}")
    else:
        yield Finding(
            "paths",
            f"MILEX_MIRROR: there is no folder {settings.mirror}",
            "problem",
            "Correct MILEX_MIRROR, or unset it.",
        )


def _folder(name: str, path: Path, maker: str) -> Finding:
    if not path.exists():
        return Finding("paths", f"{name}: {path} is not there yet", "note", maker)
    if not path.is_dir() or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Finding(
            "paths",
            f"{name}: {path} is no folder that can be written to",
            "problem",
            "Change its owner or permissions, or name another.",
        )
    return Finding("paths", f"{name}: {path}")


def _files(settings: Settings) -> Iterator[Finding]:
    found = find_files(settings)
    for file in found:
        yield _source(file)
    if not list(settings.excerpt.glob("*.csv")):
        yield Finding(
            "files",
            "the committed excerpt is not there",
            "problem",
            "Restore data/raw/excerpt/ from the repository.",
        )
    elif not found:
        yield Finding(
            "files",
            "no publisher's file is here; the committed excerpt stands in",
            "note",
            "`milex fetch` downloads them; or put them into data/raw/; or set MILEX_MIRROR.",
        )


def _source(file: SourceFile) -> Finding:
    label = f"{file.origin}: {file.file_name}"
    if file.level == UNREADABLE:
        return Finding(
            "files",
            f"{label} cannot be read",
            "problem",
            "`make build` says why. Fetch or copy it again.",
        )
    if is_pinned(file.path, _entries(file)):
        return Finding("files", f"{label} is the publisher's own")
    if file.catalogued:
        return Finding("files", f"{label} is a known copy")
    if file.origin == "raw" and manifest_path(file.path).exists():
        return Finding(
            "files",
            f"{label} was changed since it was downloaded",
            "note",
            f"`milex fetch --dataset {file.dataset.lower()} --force` brings the publisher's back.",
        )
    return Finding(
        "files",
        f"{label} has bytes that the catalogue does not know; it is read all the same",
        "note",
    )


def _entries(file: SourceFile) -> list[CatalogueFile]:
    return [entry for entry in load_catalogue().files if entry.dataset == file.dataset]


def _warehouse(settings: Settings) -> Iterator[Finding]:
    if not settings.warehouse.exists():
        yield Finding("warehouse", "there is none yet", "note", "`make build` makes it.")
        return
    try:
        for file in filter(Path.exists, files(settings.warehouse)):
            duckdb.connect(str(file), read_only=True).close()
    except duckdb.Error as error:
        held = holder(error)
        if held:
            yield Finding(
                "warehouse",
                f"held by {held}",
                "note",
                "A build is running: wait for it. If it hangs, end that process; nothing is lost.",
            )
            return
        yield Finding(
            "warehouse",
            f"cannot be opened: {first_line(error)}",
            "problem",
            "Run `make build`: it sets the file aside and makes it anew from the publishers' files.",
        )
        return
    size = sum(map(_size, files(settings.warehouse)))
    yield Finding("warehouse", f"{_megabytes(size)}; nobody holds it")


def _snapshot(settings: Settings) -> Iterator[Finding]:
    kept = publish.snapshots(settings)
    current = publish.current_snapshot(settings)
    if current is None:
        if settings.pointer.is_symlink() or kept:
            yield Finding(
                "snapshot",
                f"{settings.pointer.name} leads to no snapshot; {len(kept)} are kept",
                "problem",
                "`make rollback` goes to the newest that is kept; `make build` makes a new one."
                if kept
                else "`make build` makes a new one.",
            )
        else:
            yield Finding("snapshot", "there is none yet", "note", "`make build` makes it.")
        return
    try:
        facts = publish.snapshot_facts(current)
    except duckdb.Error as error:
        yield Finding(
            "snapshot",
            f"{current.name} cannot be opened: {str(error).splitlines()[0]}",
            "problem",
            "`make rollback` goes to the one before; `milex build --force` makes a new one.",
        )
        return
    size = _megabytes(current.stat().st_size)
    built_at = datetime.fromisoformat(facts["built_at"])
    yield Finding(
        "snapshot",
        f"{current.name}, {size}, {_age(built_at)} old; {len(kept)} of at most "
        f"{publish.KEPT_SNAPSHOTS} kept",
    )
    if facts.get("excerpt"):
        yield Finding("snapshot", f"rests on the excerpt: {facts['excerpt']}", "note")


def _age(since: datetime) -> str:
    age = max(datetime.now(UTC) - since, datetime.resolution)
    return f"{age.days} days" if age.days > 1 else f"{age.total_seconds() / 3600:.1f} hours"


def _leftovers(settings: Settings) -> Iterator[Finding]:
    aside = sorted(settings.processed.glob("*-damaged-*"))
    if aside:
        yield Finding(
            "leftovers",
            f"{', '.join(path.name for path in aside)} ({_megabytes(sum(map(_size, aside)))}): "
            "damaged and set aside by a build",
            "note",
            "Delete them when you like.",
        )
    left = [
        *publish.left_unfinished(settings),
        *unfinished_files(settings.raw),
    ]
    if left:
        yield Finding(
            "leftovers",
            f"{', '.join(path.name for path in left)} ({_megabytes(sum(map(_size, left)))}): of a "
            "build or download that was killed",
            "note",
            "They harm nothing; the next build or download clears them.",
        )
    if not left and not aside:
        yield Finding("leftovers", "none")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # gone by now
        return 0


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = next(path for path in (settings.data, *settings.data.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        yield Finding(
            "disk",
            f"{_megabytes(free)} free where data/ is; a full build takes {_megabytes(NEEDED_BYTES)}",
            "problem",
            "Free some space, or set MILEX_DATA to a folder on another disk.",
        )
    else:
        yield Finding("disk", f"{_megabytes(free)} free")


def _megabytes(size: int) -> str:
    return f"{size / 10**6:,.1f} MB"
