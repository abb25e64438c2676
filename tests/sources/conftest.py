"""A publisher on this machine, and a data folder to fetch into."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import md5
from pathlib import Path

import pytest

from pipelines.settings import Settings
from pipelines.sources.catalogue import Catalogue, CatalogueFile
from pipelines.sources.download import Client, Limits
from pipelines.sources.fetch import Outcome, fetch
from tests.readers.make_workbook import make_book, save
from tests.sources.publisher import QUICK, Asked, Publisher, catalogue_of, serving

NAME = "SIPRI-Milex-data-1949-2021.xlsx"
PATH = f"/files/{NAME}"


@dataclass
class Desk:
    """Where somebody fetches: a data folder, a publisher, and the catalogue that points to it."""

    settings: Settings
    publisher: Publisher
    files: list[CatalogueFile]
    limits: Limits = QUICK

    @property
    def catalogue(self) -> Catalogue:
        return catalogue_of(self.publisher, *self.files)

    @property
    def workbook(self) -> Path:
        """Where the workbook of the tests goes to."""
        return self.settings.raw / "sipri" / NAME

    @property
    def asked(self) -> list[Asked]:
        """The requests for the workbook; the publisher's page is asked too."""
        return [asked for asked in self.publisher.asked if asked.path == PATH]

    def lists(
        self, path: str, dataset: str = "SIPRI", version: str = "2021", **about: object
    ) -> None:
        """Add a file of the publisher to the catalogue."""
        about = {"file_name": path.rsplit("/", 1)[-1], **about}
        self.files.append(CatalogueFile(dataset, version, url=self.publisher.url + path, **about))

    def fetch(
        self, dataset: str | None = "SIPRI", version: str | None = "2021", force: bool = False
    ) -> list[Outcome]:
        """Fetch what is named, by default the one workbook of most tests."""
        client = Client(self.limits)
        outcomes = fetch(
            self.settings,
            self.catalogue,
            client,
            lambda so_far, expected: None,
            dataset=dataset,
            version=version,
            force=force,
        )
        return list(outcomes)

    def fetch_one(self, force: bool = False) -> Outcome:
        """The outcome of the one workbook."""
        (outcome,) = self.fetch(force=force)
        return outcome


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with serving() as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, publisher: Publisher) -> Desk:
    settings = Settings(home=tmp_path / "home", data=tmp_path / "data", mirror=None)
    settings.raw.mkdir(parents=True)
    return Desk(settings, publisher, [])


@pytest.fixture(scope="session")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A workbook laid out like an edition."""
    return save(make_book(), tmp_path_factory.mktemp("workbook") / NAME).read_bytes()


@pytest.fixture(scope="session")
def another_workbook(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The same edition, revised."""
    book = make_book()
    book["Current US$"].cell(20, 20, "revised")
    return save(book, tmp_path_factory.mktemp("revised") / NAME).read_bytes()


@pytest.fixture
def pinned(workbook: bytes) -> Callable[[Desk], None]:
    """Turns the one entry of a desk into a pin of the workbook's own bytes."""

    def pin(desk: Desk) -> None:
        desk.files[0] = replace(desk.files[0], pin=True, md5=md5(workbook).hexdigest())

    return pin
