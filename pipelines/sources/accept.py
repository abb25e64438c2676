"""Whether downloaded bytes are what they should be, before anybody sees them; fetches nothing."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pipelines.errors import MilexError, ReadError
from pipelines.readers.tables import read_table
from pipelines.readers.workbook import Workbook
from pipelines.sources.catalogue import CatalogueFile
from pipelines.sources.find import recognise_csv, sha256_of
from pipelines.unfinished import unfinished_path

# What a hostile or broken archive may cost. ATOP's largest member that is read has 0.6 MB.
MAX_MEMBERS = 2_000
MAX_MEMBER_BYTES = 64 * 2**20

_CHUNK_BYTES = 2**20


def check_content(path: Path, name: str, dataset: str) -> None:
    """Raise MilexError unless the file is a workbook or the dataset's table, as its name says.

    A workbook's layout is the reader's affair: an edition laid out in a new way is still taken.
    """
    try:
        if name.lower().endswith(".xlsx"):
            Workbook(path)
            return
        read_table(path, (), what=name)
        kind = recognise_csv(path)
    except ReadError as error:
        raise MilexError(str(error).replace(str(path), name)) from error
    if kind is None or kind[0] != dataset:
        raise MilexError(
            f"{name}: has not the columns of any {dataset} file that Milex reads. Look at the "
            "publisher's page: the file may have been replaced by another."
        )


def check_hash(path: Path, known: Sequence[CatalogueFile]) -> str | None:
    """Hold a file against what the catalogue knows of it; a remark, or None if all is well.

    Raises MilexError where a pin is not matched: a pin is a hash known to be the publisher's own.
    """
    sha256 = sha256_of(path)
    pins = [entry for entry in known if entry.pin]
    if pins and not any(_matches(path, sha256, pin) for pin in pins):
        pin = pins[0]
        raise MilexError(
            f"{pin.file_name}: the checksum is wrong. Expected the publisher's own "
            f"({f'md5 {pin.md5}' if pin.md5 else f'sha256 {pin.sha256}'}), found sha256 {sha256}. "
            "Fetch again; if it stays wrong, the publisher has changed the file, and the "
            "catalogue needs its new hash."
        )
    hashes = [entry.sha256 for entry in known if entry.sha256]
    if pins or not hashes or sha256 in hashes:
        return None
    return f"the bytes differ from the copy that the catalogue knows (sha256 {hashes[0][:12]}…)"


def is_pinned(path: Path, known: Sequence[CatalogueFile]) -> bool:
    """Whether the file at hand is known to be the publisher's own."""
    sha256 = sha256_of(path)
    return any(entry.pin and _matches(path, sha256, entry) for entry in known)


def _matches(path: Path, sha256: str, entry: CatalogueFile) -> bool:
    if entry.sha256:
        return entry.sha256 == sha256
    with path.open("rb") as stream:
        return entry.md5 == hashlib.file_digest(stream, "md5").hexdigest()


def extract(archive: Path, shown_as: str, targets: Sequence[Path]) -> dict[Path, tuple[Path, str]]:
    """Unpack the members that are named like the targets, each beside its target.

    Returns, for each target, where the member lies unfinished and its name in the archive. Names
    in the archive are never used as paths.
    Raises MilexError where it is no archive, is damaged or unsafe, or lacks a member.
    """
    _refuse_other(archive, shown_as)
    unpacked: dict[Path, tuple[Path, str]] = {}
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            _refuse_unsafe(shown_as, members)
            for target in targets:
                member = _member(shown_as, members, target.name)
                unfinished = unfinished_path(target)
                unpacked[target] = unfinished, member.filename
                _unpack(opened, member, unfinished, shown_as)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise MilexError(
            f"{shown_as}: is a damaged or incomplete archive ({error}). Fetch again."
        ) from error
    return unpacked


def _refuse_other(archive: Path, shown_as: str) -> None:
    with archive.open("rb") as stream:
        start = stream.read(512)
    if not start.startswith(b"PK"):
        page = start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
        raise MilexError(
            f"{shown_as}: expected a zip archive, found "
            f"{'a web page (an error page or a notice?)' if page else 'something else'}. Look at "
            "the address in a browser."
        )


def _refuse_unsafe(shown_as: str, members: Sequence[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise MilexError(
            f"{shown_as}: {len(members):,} members, beyond the limit of {MAX_MEMBERS:,}: refused."
        )
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise MilexError(
                f"{shown_as}: the member {member.filename!r} points out of the archive: refused as "
                "unsafe. Tell the publisher."
            )


def _member(shown_as: str, members: Sequence[zipfile.ZipInfo], name: str) -> zipfile.ZipInfo:
    """By its own name: publishers rename the folder in their archives from version to version."""
    found = [m for m in members if PurePosixPath(m.filename).name.lower() == name.lower()]
    if len(found) != 1:
        there = ", ".join(sorted(PurePosixPath(m.filename).name for m in members)[:20]) or "nothing"
        raise MilexError(
            f"{shown_as}: expected one member {name}, found {len(found)}. In the archive: {there}."
        )
    return found[0]


def _unpack(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, shown_as: str) -> None:
    """Count what comes out: an archive's own word on its size may be false."""
    size = 0
    with opened.open(member) as packed, target.open("wb") as out:
        while chunk := packed.read(_CHUNK_BYTES):
            size += len(chunk)
            if max(size, member.file_size) > MAX_MEMBER_BYTES:
                raise MilexError(
                    f"{shown_as}: {member.filename} unpacks to more than {MAX_MEMBER_BYTES:,} bytes: "
                    "refused as unsafe. Look at the publisher's page."
                )
            out.write(chunk)
