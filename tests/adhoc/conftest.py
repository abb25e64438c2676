"""A pool of workers on the excerpt's snapshot, with short limits."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.adhoc.limits import DASHBOARD
from pipelines.adhoc.pool import Pool
from tests.conftest import BuiltData

QUICK = replace(DASHBOARD, seconds=4.0)


@pytest.fixture(scope="session")
def excerpt_snapshot(excerpt_data: BuiltData) -> Path:
    """The snapshot of the excerpt."""
    return excerpt_data.snapshot


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Two workers, as in the dashboard, that give up sooner."""
    workers = Pool(QUICK, 2)
    yield workers
    workers.close()
