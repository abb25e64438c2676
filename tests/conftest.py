"""Where the tests find the publishers' real files."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _mirror() -> Path | None:
    named = os.environ.get("MILEX_MIRROR")
    return Path(named).resolve() if named else None


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The folder of publishers' files; in CI its absence is a failure, elsewhere a skip."""
    folder = _mirror()
    if folder is None or not folder.is_dir():
        message = "MILEX_MIRROR names no folder of publishers' files"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder
