"""The small warehouse that every fault is tried on."""

from pathlib import Path

import pytest

from pipelines.settings import Settings
from tests.faults.house import settle


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settle(tmp_path)
