"""Storage that an fsspec URL names, and the publishers' files kept on it; reads no figures.

Knows S3 and the like only through fsspec; credentials and endpoint are the machine's business.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipelines import extras
from pipelines.errors import MilexError
from pipelines.exports import write_whole
from pipelines.settings import Settings
from pipelines.unfinished import clear_unfinished, unfinished_path

LOG = logging.getLogger("milex")
# What was fetched, by name, and the lock: they stand in the mirror's folder and are none of its files.
FETCHED = ".fetched.json"
LOCK = ".fetching"


def storage(url: str) -> tuple[Any, str]:
    """The file system (fsspec's) that a URL names, and the path in it.

    Raises MilexError when the URL's protocol is unknown or its package is not installed.
    """
    if url.startswith(("s3:", "s3a:")):
        extras.load("s3fs", "s3", url)
    try:
        files, path = extras.load("fsspec.core", "s3", url).url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise MilexError(f"{url} names no storage that can be used here: {error}") from error
    return files, path.rstrip("/")


def refresh_mirror(settings: Settings) -> None:
    """Bring the local copy of the mirror up to date: each file is fetched once, and whole.

    A file is fetched again when its ETag (without one, anything that its listing says) changes. While
    the mirror cannot be reached, what was fetched before counts. Raises MilexError when nothing was.
    """
    url, folder = settings.mirror_url, settings.mirror
    assert url is not None
    assert folder is not None
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / LOCK):
        clear_unfinished(folder)
        _refresh(url, folder)


def _refresh(url: str, folder: Path) -> None:
    ledger = folder / FETCHED
    fetched = json.loads(ledger.read_text(encoding="utf-8")) if ledger.exists() else {}
    try:
        listed = _listed(url)
    except MilexError:
        raise
    except Exception as error:  # every storage has errors of its own
        if not fetched:
            raise MilexError(
                f"MILEX_MIRROR: {url} cannot be listed, and nothing of it was fetched before: "
                f"{type(error).__name__}: {error}"
            ) from error
        _say_once(f"MILEX_MIRROR: {url} cannot be reached; what was fetched before is used.")
        return
    files, root = storage(url)
    now = {}
    for name, facts in listed.items():
        target = folder / name
        now[name] = str(facts.get("ETag") or facts)
        if fetched.get(name) == now[name] and target.is_file():
            continue
        try:
            fetch(files, f"{root}/{name}", target, facts["size"])
        except Exception as error:  # every storage has errors of its own
            raise MilexError(
                f"MILEX_MIRROR: {url}/{name} could not be fetched: {type(error).__name__}: {error}. "
                "What came before it is kept; run this again."
            ) from error
        write_whole(ledger, json.dumps({**fetched, **now}, indent=1).encode())
    for name in fetched.keys() - now.keys():
        (folder / name).unlink(missing_ok=True)
    if now != fetched:
        write_whole(ledger, json.dumps(now, indent=1).encode())


def _listed(url: str) -> dict[str, Mapping[str, Any]]:
    """Every file below the URL, by its path from there.

    Raises MilexError when there is none, or one's name would lead out of the folder.
    """
    files, root = storage(url)
    files.invalidate_cache()
    found = {
        path.removeprefix(root).lstrip("/"): facts
        for path, facts in files.find(root, detail=True).items()
    }
    if not found:
        raise MilexError(f"MILEX_MIRROR: there are no files below {url}. Correct it, or unset it.")
    for name in found:
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise MilexError(f"MILEX_MIRROR: {url} has a file named '{name}', which is refused.")
    return found


def fetch(
    files: Any,
    source: str,
    target: Path,
    size: int,
    check: Callable[[Path], None] = lambda arrived: None,
) -> None:
    """Copy one file here; it is seen under its name only once it is whole and checked.

    check: raises for what must not get its name.
    Raises MilexError when fewer or more bytes come than its listing says.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = unfinished_path(target)
    try:
        with files.open(source, "rb") as incoming, unfinished.open("wb") as outgoing:
            shutil.copyfileobj(incoming, outgoing, 2**20)
            outgoing.flush()
            os.fsync(outgoing.fileno())
        if (came := unfinished.stat().st_size) != size:
            raise MilexError(f"{source}: {came:,} bytes came, {size:,} were expected.")
        check(unfinished)
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """One process of this machine at a time; the kernel frees the lock of one that dies."""
    import fcntl

    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@lru_cache
def _say_once(message: str) -> None:
    LOG.warning(message)
