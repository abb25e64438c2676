"""Errands to the publishers, told to whoever sent for them: fetching, or asking what is new."""

from __future__ import annotations

from collections.abc import Callable

from pipelines import progress
from pipelines.errors import MilexError
from pipelines.settings import Settings
from pipelines.sources.accept import is_pinned
from pipelines.sources.catalogue import load_catalogue
from pipelines.sources.download import Client, Limits
from pipelines.sources.fetch import Outcome, Source, fetch, offered
from pipelines.sources.find import possible_files, sha256_of
from pipelines.sources.manifest import read_manifest
from pipelines.sources.newer import Offer, offers

PATIENT = Limits()
# What ends with the file in data/raw/.
HAD = ("fetched", "unchanged", "kept")
# Dagster gives a sensor one minute.
BRIEF = Limits(connect_s=4, read_s=8, attempts=1)


def run(
    settings: Settings,
    say: Callable[[str], object],
    dataset: str | None = None,
    version: str | None = None,
    force: bool = False,
) -> list[Outcome]:
    """Fetch, say what came of each source, and return it.

    Raises MilexError where there is no such dataset, edition or version.
    """
    catalogue = load_catalogue()
    client = Client(PATIENT)
    bar = progress.TransferBar()
    outcomes = []
    try:
        for outcome in fetch(settings, catalogue, client, bar, dataset, version, force):
            bar.close()
            say(line(outcome))
            outcomes.append(outcome)
    finally:
        bar.close()
    fetched = {outcome.dataset for outcome in outcomes if outcome.state == "fetched"}
    for name in sorted(fetched):
        about = catalogue.datasets[name]
        say(f"Cite {name}: {about.citation}\nTerms: {about.licence}")
    return outcomes


def failures(outcomes: list[Outcome], version: str | None) -> list[Outcome]:
    """What somebody has to see to.

    What a publisher has nowhere is a failure where it was named, and where nothing of its dataset
    was to be had: then the dataset has moved.
    """
    had = {outcome.dataset for outcome in outcomes if outcome.state in HAD}
    return [
        outcome
        for outcome in outcomes
        if outcome.state == "failed"
        or (outcome.state not in HAD and (version is not None or outcome.dataset not in had))
    ]


def files(outcomes: list[Outcome]) -> list[dict[str, str | int]]:
    """What is at hand of some sources, and what their manifests say of it."""
    found: list[dict[str, str | int]] = []
    for path in dict.fromkeys(path for outcome in outcomes for path in outcome.paths):
        if not path.is_file():
            continue
        sha256 = sha256_of(path)
        manifest = read_manifest(path, sha256)
        found.append(
            {
                "file": path.name,
                "bytes": path.stat().st_size,
                "sha256": sha256,
                "url": manifest.url if manifest else "",
                "etag": (manifest.etag if manifest else None) or "",
                "retrieved_at": manifest.retrieved_at.isoformat() if manifest else "",
            }
        )
    return found


def news(settings: Settings) -> tuple[list[tuple[Offer, str]], list[str]]:
    """What is on the publishers' pages and not here, each with what tells its version.

    Also returns, for every other page, why there is nothing: it is here, or the page is no help.
    """
    catalogue = load_catalogue()
    client = Client(BRIEF)
    found, reasons = [], []
    for dataset in catalogue.datasets.values():
        if dataset.links is None:
            continue
        try:
            newest = offers(client, dataset)[0]
            published = client.version(newest.url)
        except MilexError as error:
            reasons.append(str(error))
            continue
        if _is_here(settings, offered(catalogue, newest), published):
            reasons.append(f"{newest.file_name} is here.")
        else:
            found.append((newest, published))
    return found, reasons


def _is_here(settings: Settings, source: Source, published: str) -> bool:
    """Whether every file of a source is at hand and, if it was fetched, still the published one."""
    at_hand = {path.name: path for _, path in possible_files(settings)}
    for name in source.names:
        if name not in at_hand:
            return False
        path = at_hand[name]
        manifest = read_manifest(path, sha256_of(path))
        unchanged = manifest is None or published in ("", manifest.etag, manifest.last_modified)
        if not unchanged and not is_pinned(path, source.known(name)):
            return False
    return True


def line(outcome: Outcome) -> str:
    """One source in one line."""
    told = outcome.detail.removeprefix(f"{outcome.name}: ")
    return f"{outcome.dataset} {outcome.version:<6}  {outcome.state:<10}  {outcome.name}: {told}"
