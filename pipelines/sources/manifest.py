"""What is remembered of a download, in a file beside it: from where, when, which bytes."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.unfinished import unfinished_path


@dataclass(frozen=True)
class Manifest:
    """One download.

    url: the catalogue's address. retrieved_at: in UTC, to the second. member: the file's name in
    the archive that `url` gives, or None. bytes and sha256: of the file itself. etag and
    last_modified: the publisher's own words, for asking whether there is anything new.
    """

    url: str
    retrieved_at: datetime
    bytes: int
    sha256: str
    member: str | None = None
    etag: str | None = None
    last_modified: str | None = None

    @property
    def conditions(self) -> dict[str, str]:
        """The headers that ask for the file only if it has changed."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in asked.items() if value}


def manifest_path(file: Path) -> Path:
    """Where the manifest of a file is."""
    return file.with_name(f"{file.name}.fetched.json")


def write_manifest(file: Path, manifest: Manifest) -> None:
    """Put the manifest beside its file, whole."""
    content = asdict(manifest) | {"retrieved_at": manifest.retrieved_at.isoformat()}
    unfinished = unfinished_path(manifest_path(file))
    try:
        unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        os.replace(unfinished, manifest_path(file))
    finally:
        unfinished.unlink(missing_ok=True)


def read_manifest(file: Path, sha256: str) -> Manifest | None:
    """What is remembered of the download of these bytes.

    None where the file was not downloaded, was changed since, or nobody can tell.
    """
    try:
        content = json.loads(manifest_path(file).read_text(encoding="utf-8"))
        retrieved_at = datetime.fromisoformat(content["retrieved_at"])
        manifest = Manifest(**content | {"retrieved_at": retrieved_at})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return manifest if manifest.sha256 == sha256 else None


def now() -> datetime:
    """The time to remember, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
