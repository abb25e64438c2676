"""Snapshots beyond this machine: the publisher puts them on shared storage, replicas follow.

Beside each snapshot lies a manifest; the object `current.json`, a copy of one manifest, is the
pointer and is replaced in one put. Knows files and hashes, no table.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines import publish
from pipelines.errors import MilexError
from pipelines.remote import LOG, alone, fetch, storage
from pipelines.settings import Settings
from pipelines.sources.find import sha256_of

POINTER = "current.json"
POLL_SECONDS = 15.0


@dataclass(frozen=True)
class Manifest:
    """What a snapshot must be: its name, hash and size, and when it was built (ISO 8601)."""

    name: str
    sha256: str
    size_bytes: int
    built_at: str

    @classmethod
    def of(cls, snapshot: Path) -> Manifest:
        """Describe a snapshot that lies here."""
        built_at = publish.snapshot_facts(snapshot)["built_at"]
        return cls(snapshot.name, sha256_of(snapshot), snapshot.stat().st_size, built_at)

    @classmethod
    def read(cls, content: bytes, where: str) -> Manifest:
        """Read a pointer or a manifest.

        Raises MilexError for anything else, and for a name that is no snapshot's.
        """
        try:
            manifest = cls(**json.loads(content))
        except (ValueError, TypeError) as error:
            raise MilexError(f"{where} is not the manifest of a snapshot: {error}") from error
        if not isinstance(manifest.name, str) or not publish.NAME.fullmatch(manifest.name):
            raise MilexError(f"{where} names no snapshot: '{manifest.name}'")
        return manifest

    def write(self) -> bytes:
        """As it lies on the storage."""
        return json.dumps(asdict(self), indent=1).encode()


def share(settings: Settings, snapshot: Path) -> None:
    """Put a published snapshot on the shared storage, then let the pointer name it.

    Raises MilexError when that fails; the pointer and the snapshot that it names stay as they were.
    """
    url = settings.snapshots_url
    assert url is not None
    files, root = storage(url)
    manifest = Manifest.of(snapshot)
    try:
        if "s3" not in files.protocol:  # there it would make a bucket of a mistyped name
            files.makedirs(root, exist_ok=True)
        files.put_file(str(snapshot), f"{root}/{snapshot.name}")
        files.pipe_file(f"{root}/{snapshot.name}.json", manifest.write())
        files.pipe_file(f"{root}/{POINTER}", manifest.write())
    except Exception as error:  # every storage has errors of its own
        raise MilexError(
            f"{snapshot.name} is published here, but could not be put on {url}, so replicas stay "
            f"on the snapshot before: {type(error).__name__}: {error}. When it can be reached, run "
            "`milex build --force`."
        ) from error
    try:
        _prune(files, root, manifest.name)
    except Exception as error:  # it may forbid to delete: that harms nobody but its owner's bill
        LOG.warning("Old snapshots stay on %s: %s: %s", url, type(error).__name__, error)


def _prune(files: Any, root: str, current: str) -> None:
    """Leave as many snapshots on the storage as the publisher keeps."""
    files.invalidate_cache()
    names = sorted(filter(publish.NAME.fullmatch, (Path(path).name for path in files.find(root))))
    for name in names[: -publish.KEPT_SNAPSHOTS]:
        if name != current:
            files.rm([f"{root}/{name}", f"{root}/{name}.json"])


def follow(settings: Settings) -> Path:
    """Bring the snapshot that the shared pointer names, and point to it here; returns its path.

    Processes of one machine fetch it once. Raises MilexError when the storage cannot be reached or
    what comes is not what the pointer says; the snapshot before then stays.
    """
    url = settings.snapshots_url
    assert url is not None
    files, root = storage(url)
    try:
        content = files.cat_file(f"{root}/{POINTER}")
    except FileNotFoundError as error:
        raise MilexError(f"Nothing has been published at {url} yet.") from error
    except Exception as error:  # every storage has errors of its own
        raise MilexError(
            f"{url} cannot be reached ({type(error).__name__}); the snapshot at hand, if there is "
            "one, goes on being shown."
        ) from error
    manifest = Manifest.read(content, f"{url}/{POINTER}")
    target = settings.snapshots / manifest.name
    if publish.current_snapshot(settings) == target.resolve():
        return target
    settings.snapshots.mkdir(parents=True, exist_ok=True)
    with alone(settings.snapshots / ".fetching"):
        publish.clear_unfinished(settings)
        if not target.exists():
            _fetch(files, f"{root}/{manifest.name}", target, manifest)
        publish.point_to(settings, target)
        for old in publish.snapshots(settings)[: -publish.KEPT_SNAPSHOTS]:
            if old != target:
                old.unlink(missing_ok=True)
    return target


def _fetch(files: Any, source: str, target: Path, manifest: Manifest) -> None:
    """Fetch, and give it its name once its hash is the manifest's."""

    def check(arrived: Path) -> None:
        if (found := sha256_of(arrived)) != manifest.sha256:
            raise MilexError(f"its SHA-256 is {found[:12]}…, not {manifest.sha256[:12]}….")

    try:
        fetch(files, source, target, manifest.size_bytes, check)
    except Exception as error:  # every storage has errors of its own
        raise MilexError(
            f"{manifest.name} was refused; the snapshot before stays: {error}"
        ) from error


class Follower(threading.Thread):
    """Follows the shared pointer in the background for as long as the process lives."""

    def __init__(self, settings: Settings) -> None:
        """settings: with snapshots_url."""
        super().__init__(name="milex-follower", daemon=True)
        self._settings = settings
        self._said: str | None = None

    def run(self) -> None:
        """Look, wait, look again."""
        while True:
            self.look()
            time.sleep(POLL_SECONDS)

    def look(self) -> None:
        """Follow once; what prevents it is said once, until it has passed or changed."""
        try:
            follow(self._settings)
            trouble = None
        except Exception as error:  # a full disk, say: the thread must live to look again
            trouble = str(error) or type(error).__name__
        if trouble is not None and trouble != self._said:
            LOG.warning(trouble)
        self._said = trouble
