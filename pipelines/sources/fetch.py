"""From the publishers' addresses into data/raw/, whole and checked or not at all; reads no figures.

Nothing here runs unless somebody asks: `milex fetch`, or Dagster's job `fetch_sources`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from pipelines.errors import MilexError
from pipelines.settings import Settings
from pipelines.sources import newer
from pipelines.sources.accept import check_content, check_hash, extract, is_pinned
from pipelines.sources.catalogue import Catalogue, CatalogueFile, Dataset
from pipelines.sources.download import Advance, Client, NotThere, Received
from pipelines.sources.find import sha256_of
from pipelines.sources.manifest import (
    Manifest,
    now,
    read_manifest,
    write_manifest,
)
from pipelines.unfinished import clear_unfinished, unfinished_path

State = Literal["fetched", "unchanged", "kept", "gone", "not online", "failed"]


@dataclass(frozen=True)
class Source:
    """One address and the files that it gives; `url` is None for what is not online.

    files: what the catalogue says of them, several entries where several copies are known.
    """

    dataset: Dataset
    version: str
    url: str | None
    files: tuple[CatalogueFile, ...]

    @property
    def names(self) -> list[str]:
        """The files' names in data/raw/."""
        return list(dict.fromkeys(file.file_name for file in self.files))

    @property
    def download_name(self) -> str:
        """The last part of the address: a file, or the archive that holds the files."""
        return PurePosixPath(unquote(urlsplit(self.url or "").path)).name

    @property
    def is_archive(self) -> bool:
        """Whether the files are members of what is downloaded."""
        return self.download_name.lower().endswith(".zip")

    def known(self, name: str) -> list[CatalogueFile]:
        """The catalogue's entries for one file."""
        return [file for file in self.files if file.file_name == name]


@dataclass(frozen=True)
class Outcome:
    """What came of one source: in a word, and in a sentence."""

    dataset: str
    version: str
    name: str
    state: State
    detail: str
    paths: tuple[Path, ...] = ()


def fetch(
    settings: Settings,
    catalogue: Catalogue,
    client: Client,
    advance: Advance,
    dataset: str | None = None,
    version: str | None = None,
    force: bool = False,
) -> Iterator[Outcome]:
    """Fetch everything, or one dataset, or one edition or version; one outcome for each source.

    What one source does wrong stops no other. force: download again, and replace a user's own copy.
    Raises MilexError where there is no such dataset, edition or version.
    """
    if dataset is not None and dataset not in catalogue.datasets:
        raise MilexError(
            f"There is no dataset {dataset!r}; there are {', '.join(catalogue.datasets)}."
        )
    listed = [
        source
        for source in sources(catalogue)
        if dataset in (None, source.dataset.name) and version in (None, source.version)
    ]
    found = bool(listed)
    for about in catalogue.datasets.values():
        if dataset not in (None, about.name):
            continue
        on_page, fault = _on_page(client, about)
        linked = {offer.url for offer in on_page}
        wanted = [offer for offer in on_page if version in (None, offer.version)][:1]
        new = [offered(catalogue, offer) for offer in newer.unlisted(catalogue, wanted)]
        for source in (*(known for known in listed if known.dataset == about), *new):
            found = True
            yield _outcome(settings, client, source, advance, force, source.url in linked)
        if fault and (version is None or not listed):
            found = True
            yield Outcome(about.name, version or "newest", about.page, "failed", fault)
    if not found:
        raise MilexError(
            f"{dataset or 'Edition or version'} {version} is neither in the catalogue nor on the "
            "publishers' pages. `milex fetch --help` shows how to name one."
        )


def sources(catalogue: Catalogue) -> list[Source]:
    """The catalogue's files by address, and those that are not online by version."""
    grouped: dict[tuple[str, str, str | None], list[CatalogueFile]] = {}
    for file in catalogue.files:
        grouped.setdefault((file.dataset, file.version, file.url), []).append(file)
    return [
        Source(catalogue.datasets[dataset], version, url, tuple(files))
        for (dataset, version, url), files in grouped.items()
    ]


def offered(catalogue: Catalogue, offer: newer.Offer) -> Source:
    """What a publisher's page offers, with what the catalogue knows of it."""
    dataset = catalogue.datasets[offer.dataset]
    for source in sources(catalogue):
        if source.url == offer.url or offer.file_name in source.names:
            return source
    return Source(dataset, offer.version, offer.url, newer.entries(dataset, offer))


def _on_page(client: Client, dataset: Dataset) -> tuple[list[newer.Offer], str | None]:
    """What a publisher's page links to, and why that cannot be told."""
    if dataset.links is None:
        return [], None
    try:
        return newer.offers(client, dataset), None
    except MilexError as error:
        return [], str(error)


def _outcome(
    settings: Settings,
    client: Client,
    source: Source,
    advance: Advance,
    force: bool,
    is_linked: bool,
) -> Outcome:
    """What came of one source, whatever happened; is_linked: its publisher's page names it."""
    folder = settings.raw / source.dataset.folder
    targets = [folder / name for name in source.names]
    state: State
    try:
        if source.url is None:
            state, detail = _nowhere(source, targets, force, "not online", "It is not online.")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            state, detail = _fetch(client, source, source.url, targets, advance, force)
    except NotThere as error:
        # A page that names what is not there is out of order; else the file was taken away.
        word: State = "failed" if is_linked else "gone"
        state, detail = _nowhere(source, targets, force, word, str(error))
    except MilexError as error:
        state, detail = "failed", str(error)
    except OSError as error:
        state, detail = "failed", f"{folder} cannot be written to: {error.strerror or error}."
    name = source.download_name or ", ".join(source.names)
    return Outcome(source.dataset.name, source.version, name, state, detail, tuple(targets))


def _nowhere(
    source: Source, targets: list[Path], force: bool, word: State, reason: str
) -> tuple[State, str]:
    """What the publisher has not: it may be here; else whom to ask, and where to put it."""
    if not force and all(target.is_file() for target in targets):
        return "unchanged", f"is here. {reason}"
    return word, f"{reason} {_ask(source)}"


def _ask(source: Source) -> str:
    return (
        f"{source.dataset.ask} ({source.dataset.page}) Put {', '.join(source.names)} into "
        f"data/raw/{source.dataset.folder}/."
    )


def _fetch(
    client: Client, source: Source, url: str, targets: list[Path], advance: Advance, force: bool
) -> tuple[State, str]:
    """Download beside the targets, check, and put in place; what is not whole never has a name."""
    clear_unfinished(targets[0].parent)
    if not force and all(t.is_file() and is_pinned(t, source.known(t.name)) for t in targets):
        return "unchanged", "is here, and is the publisher's own"
    download = unfinished_path(targets[0].with_name(source.download_name))
    conditions = {} if force else _conditions(targets)
    try:
        received = client.download(url, download, advance, conditions)
        if received is None:
            return "unchanged", "the publisher has nothing newer"
        remarks = []
        accepted = (
            extract(download, source.download_name, targets)
            if source.is_archive
            else {targets[0]: (download, None)}
        )
        for target, (unfinished, _member) in accepted.items():
            check_content(unfinished, target.name, source.dataset.name)
            remarks.append(check_hash(unfinished, source.known(target.name)))
        own = [] if force else [t for t, (new, _) in accepted.items() if _is_ones_own(t, new)]
        if own:
            return "kept", (
                f"{', '.join(t.name for t in own)} in data/raw/{source.dataset.folder}/ is your "
                "own copy and differs from the publisher's; --force replaces it"
            )
        for target, (unfinished, member) in accepted.items():
            _put(unfinished, target, url, member, received)
    finally:
        for path in (download, *map(unfinished_path, targets)):
            path.unlink(missing_ok=True)
    size = sum(target.stat().st_size for target in targets)
    return "fetched", "; ".join([f"{size:,} bytes", *filter(None, remarks)])


def _conditions(targets: list[Path]) -> dict[str, str]:
    """Ask for what is newer only if every file is here as it was downloaded, from one answer."""
    asked = []
    for target in targets:
        manifest = read_manifest(target, sha256_of(target)) if target.is_file() else None
        asked.append(manifest.conditions if manifest else {})
    return asked[0] if all(conditions == asked[0] for conditions in asked) else {}


def _is_ones_own(target: Path, new: Path) -> bool:
    """Whether a file is in the way that was not downloaded, or was changed since."""
    if not target.is_file():
        return False
    here = sha256_of(target)
    return read_manifest(target, here) is None and here != sha256_of(new)


def _put(unfinished: Path, target: Path, url: str, member: str | None, received: Received) -> None:
    """The file first: its manifest counts only for the bytes that it names."""
    manifest = Manifest(
        url=url,
        retrieved_at=now(),
        bytes=unfinished.stat().st_size,
        sha256=sha256_of(unfinished),
        member=member,
        etag=received.etag,
        last_modified=received.last_modified,
    )
    with unfinished.open("rb") as stream:
        os.fsync(stream.fileno())
    os.replace(unfinished, target)
    write_manifest(target, manifest)
