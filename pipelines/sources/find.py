"""Which publishers' files are at hand, recognised by content; reads no figures."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from pipelines import remote
from pipelines.errors import ReadError
from pipelines.readers.sniff import sniff_atop, sniff_cow
from pipelines.settings import Settings
from pipelines.sources.catalogue import load_catalogue
from pipelines.sources.manifest import read_manifest

UNREADABLE = "unreadable"
_EXCERPT_EDITION = re.compile(r"^sipri_(\d{4})\.csv$")
_EXCERPT_ATOP = re.compile(r"^atop_(\d\.\d+)_(alliances|members)\.csv$")
_EXCERPT_LEVELS = {"alliances": "alliance", "members": "member"}


@dataclass(frozen=True)
class SourceFile:
    """One file at hand.

    dataset: SIPRI, ATOP or COW. version: of ATOP and COW files; a workbook's edition is known only
    once its figures are read, so it is None here. level: what one row is (for SIPRI 'workbook').
    origin: 'raw', 'publisher' (downloaded by Milex into data/raw/, and unchanged since) or 'mirror'.
    retrieved_at: when it was downloaded, else the file's own time. url: where it was downloaded from.
    """

    path: Path
    dataset: str
    version: str | None
    level: str
    sha256: str
    origin: str
    retrieved_at: datetime
    url: str | None = None

    @property
    def file_name(self) -> str:
        """The name without its folder: paths of this machine go no further."""
        return self.path.name

    @property
    def source_id(self) -> str:
        """A short name for these bytes, used as a key in the raw layer."""
        return self.sha256[:12]

    @property
    def catalogued(self) -> bool:
        """Whether the catalogue knows these very bytes."""
        return load_catalogue().known_copy(self.sha256) is not None


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_at_hand(settings: Settings) -> list[SourceFile]:
    """Real files, then the excerpt's stand-ins."""
    return [*find_files(settings), *excerpt_files(settings)]


def excerpt_files(settings: Settings) -> list[SourceFile]:
    """The committed excerpt's files as sources of origin 'excerpt'; their names say what they are."""
    found = []
    for path in sorted(settings.excerpt.glob("*.csv")):
        if match := _EXCERPT_EDITION.match(path.name):
            found.append(_stand_in(path, "SIPRI", match[1], "workbook"))
        elif match := _EXCERPT_ATOP.match(path.name):
            found.append(_stand_in(path, "ATOP", match[1], _EXCERPT_LEVELS[match[2]]))
    return found


def _stand_in(path: Path, dataset: str, version: str, level: str) -> SourceFile:
    return SourceFile(
        path=path,
        dataset=dataset,
        version=version,
        level=level,
        sha256=sha256_of(path),
        origin="excerpt",
        retrieved_at=_changed_at(path),
    )


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC).replace(microsecond=0)


def find_files(settings: Settings) -> list[SourceFile]:
    """Every recognised file, a user's own before the mirror's; equal bytes are listed once."""
    found: dict[str, SourceFile] = {}
    for origin, path in possible_files(settings):
        file = _recognise(path, origin)
        if file is not None:
            found.setdefault(file.sha256, file)
    return list(found.values())


def possible_files(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Origin and path of every file that may be a publisher's; opens none."""
    if settings.mirror_url:
        remote.refresh_mirror(settings)
    for origin, folder in (("raw", settings.raw), ("mirror", settings.mirror)):
        if folder is None or not folder.is_dir():
            continue
        for path in sorted(folder.rglob("*")):
            office_lock = path.name.startswith(("~$", ".~"))
            if path.suffix.lower() not in {".xlsx", ".csv"} or office_lock or not path.is_file():
                continue
            if settings.excerpt not in path.parents:
                yield origin, path


def _recognise(path: Path, origin: str) -> SourceFile | None:
    """Every workbook is taken for SIPRI's, so that one that is not gets the reader's own error."""
    sha256 = sha256_of(path)
    workbook = path.suffix.lower() == ".xlsx"
    kind = ("SIPRI", None, "workbook") if workbook else _kind_of(path, sha256)
    if kind is None:
        return None
    dataset, version, level = kind
    downloaded = read_manifest(path, sha256) if origin == "raw" else None
    return SourceFile(
        path=path,
        dataset=dataset,
        version=version,
        level=level,
        sha256=sha256,
        origin="publisher" if downloaded else origin,
        retrieved_at=downloaded.retrieved_at if downloaded else _changed_at(path),
        url=downloaded.url if downloaded else None,
    )


@lru_cache(maxsize=256)
def _kind_of(path: Path, sha256: str) -> tuple[str, str | None, str] | None:
    """Looked for once for the steps of a run; `sha256` is what makes it new."""
    assert sha256
    return recognise_csv(path)


def recognise_csv(path: Path) -> tuple[str, str | None, str] | None:
    """Dataset, version and level of a CSV file, by its columns; None for any other file."""
    try:
        atop = sniff_atop(path)
    except ReadError:
        return "ATOP", None, UNREADABLE  # meant to be read: the loader says why it is not
    if atop is not None:
        version, level = atop
        return "ATOP", version, level
    if (kind := sniff_cow(path)) is not None:
        return "COW", {"alliances_by_member": "4.1"}.get(kind), kind
    return None
