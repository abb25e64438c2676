"""What is known of the publishers' files: URL, bytes, hashes, terms; opens none of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

_CATALOGUE = Path(__file__).with_name("catalogue.yaml")


@dataclass(frozen=True)
class Dataset:
    """A publisher's dataset: how to cite it and on what terms it may be used.

    links: the form of a download's name on `page`, a regular expression with the group `version`;
    None where no new version is expected. members: what an archive must hold, with `{version}`.
    """

    name: str
    title: str
    page: str
    citation: str
    licence: str
    ask: str
    base_url: str | None = None
    links: str | None = None
    members: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The folder below data/raw/ that its downloads go to."""
        return self.name.lower()


@dataclass(frozen=True)
class CatalogueFile:
    """One known copy of one file; a hash that is a `pin` is known to be the publisher's own."""

    dataset: str
    version: str
    file_name: str
    url: str | None = None
    member: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None
    pin: bool = False
    note: str | None = None


@dataclass(frozen=True)
class Catalogue:
    """The datasets and every known file."""

    datasets: dict[str, Dataset]
    files: tuple[CatalogueFile, ...]

    def known_copy(self, sha256: str) -> CatalogueFile | None:
        """The entry whose bytes these are, if they are known."""
        return next((file for file in self.files if file.sha256 == sha256), None)

    def of(self, dataset: str, version: str) -> tuple[CatalogueFile, ...]:
        """The entries of one edition or version, the publisher's own first."""
        found = [f for f in self.files if (f.dataset, f.version) == (dataset, version)]
        return tuple(sorted(found, key=lambda file: not file.pin))

    def url(self, dataset: str, version: str) -> str | None:
        """Where an edition or version is published, if that is known."""
        return next((file.url for file in self.of(dataset, version) if file.url), None)


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """Read the catalogue that ships with the project."""
    content: dict[str, Any] = yaml.safe_load(_CATALOGUE.read_text(encoding="utf-8"))
    datasets = {
        name: Dataset(**{**entry, "name": name, "members": tuple(entry.get("members", ()))})
        for name, entry in content["datasets"].items()
    }
    files = []
    for entry in content["files"]:
        base = datasets[entry["dataset"]].base_url
        url = entry.get("url") or (base + entry["file_name"] if base else None)
        files.append(CatalogueFile(**{**entry, "url": url}))
    return Catalogue(datasets=datasets, files=tuple(files))
