"""What the publishers' pages offer that the catalogue does not list yet; downloads no data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

from pipelines.errors import MilexError
from pipelines.sources.catalogue import Catalogue, CatalogueFile, Dataset
from pipelines.sources.download import Client


@dataclass(frozen=True)
class Offer:
    """A download that a publisher's page links to: its edition or version, name and address."""

    dataset: str
    version: str
    file_name: str
    url: str


def offers(client: Client, dataset: Dataset) -> list[Offer]:
    """Every download of a dataset on its publisher's page, the newest first.

    Raises MilexError where the page cannot be had or holds no link of the known form.
    """
    found = links(client.page(dataset.page), dataset)
    if not found:
        raise MilexError(
            f"{dataset.page} has no link of the form {dataset.links}: the page may have changed. "
            f"Look there for a new file and put it into data/raw/{dataset.folder}/."
        )
    return found


def links(page: str, dataset: Dataset) -> list[Offer]:
    """The links of a page that have the form of the dataset's downloads, the newest first."""
    parser = _Links()
    parser.feed(page)
    found = {}
    for href in parser.found:
        try:
            url = urljoin(dataset.page, href.strip())
            parts = urlsplit(url)
        except ValueError:  # no address at all
            continue
        name = PurePosixPath(unquote(parts.path)).name
        match = re.fullmatch(dataset.links or "", name, re.IGNORECASE)
        if match and parts.scheme in ("http", "https"):
            found[name] = Offer(dataset.name, match["version"], name, url)
    return sorted(
        found.values(), key=lambda o: (_in_order(o.version), _in_order(o.file_name)), reverse=True
    )


def unlisted(catalogue: Catalogue, offered: list[Offer]) -> list[Offer]:
    """The offers that the catalogue has under no name and no address."""
    names = {file.file_name for file in catalogue.files}
    urls = {file.url for file in catalogue.files}
    return [offer for offer in offered if offer.file_name not in names and offer.url not in urls]


def entries(dataset: Dataset, offer: Offer) -> tuple[CatalogueFile, ...]:
    """What the catalogue would say of an offer: the file, or an archive's members; no hashes."""
    in_name = offer.version.replace(".", "_")
    names = [member.format(version=in_name) for member in dataset.members] or [offer.file_name]
    return tuple(CatalogueFile(dataset.name, offer.version, name, url=offer.url) for name in names)


def _in_order(text: str) -> list[tuple[int, str]]:
    """So that 5.10 follows 5.9, and _v1.10 follows _v1.9."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", text)]


class _Links(HTMLParser):
    """The addresses that a page links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name == "href" and value]
