"""The publishers' real files, one build of everything for all tests, and a browser."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import duckdb
import pytest

from bench import browser
from pipelines.settings import Settings
from pipelines.warehouse import files, open_warehouse

ROOT = Path(__file__).resolve().parent.parent
MAIN = sys.modules["__main__"]
# The number of no process: no Linux gives one as high.
NOBODY = 2**22 + 7
BUILD = """
import json, sys
from pipelines.build import build
from pipelines.settings import load_settings
built = build(load_settings(), lambda line: print(line, file=sys.stderr))
print(json.dumps({"snapshot": str(built.snapshot), "failed_checks": built.failed_checks}))
"""


@dataclass(frozen=True)
class BuiltData:
    """A data folder in which everything was built once."""

    settings: Settings
    snapshot: Path
    failed_checks: tuple[str, ...]


def absent(message: str) -> NoReturn:
    """In CI what a test needs must be there, elsewhere the test is left out."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def _mirror() -> Path | None:
    named = os.environ.get("MILEX_MIRROR")
    return Path(named).resolve() if named else None


@pytest.fixture(autouse=True)
def main_module_stays() -> Iterator[None]:
    """Streamlit's AppTest makes the app the main module, which child processes would run again.

    A page may have been opened before the test, by a fixture of its module.
    """
    sys.modules["__main__"] = MAIN
    yield
    sys.modules["__main__"] = MAIN


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The folder of publishers' files; in CI its absence is a failure, elsewhere a skip."""
    folder = _mirror()
    if folder is None or not folder.is_dir():
        absent("MILEX_MIRROR names no folder of publishers' files")
    return folder


@pytest.fixture(scope="session")
def full_data(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> BuiltData:
    """Everything, built from the mirror once for all tests and all workers. Do not write to it."""
    return _built_once(tmp_path_factory, "full", mirror)


@pytest.fixture(scope="session")
def excerpt_data(tmp_path_factory: pytest.TempPathFactory) -> BuiltData:
    """Everything, built as in a fresh clone: from the committed excerpt alone."""
    if not list((ROOT / "data" / "raw" / "excerpt").glob("*.csv")):
        absent("data/raw/excerpt/ is empty")
    return _built_once(tmp_path_factory, "excerpt", None)


@pytest.fixture(scope="session")
def full_db(full_data: BuiltData) -> Iterator[duckdb.DuckDBPyConnection]:
    """The snapshot built from the mirror, read-only."""
    with duckdb.connect(str(_other_name(full_data.snapshot)), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def excerpt_db(excerpt_data: BuiltData) -> Iterator[duckdb.DuckDBPyConnection]:
    """The snapshot built from the excerpt, read-only."""
    with duckdb.connect(str(_other_name(excerpt_data.snapshot)), read_only=True) as connection:
        yield connection


def _other_name(snapshot: Path) -> Path:
    """A snapshot under a second name, since the dashboard opens the first with its own settings.

    DuckDB refuses to open one file in one process with two configurations.
    """
    link = snapshot.parent.parent / f"for-queries-{os.getpid()}-{snapshot.name}"
    if not link.exists():
        os.link(snapshot, link)
    return link


@pytest.fixture
def full_warehouse(full_data: BuiltData, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the warehouse built from the mirror, with the raw and staging layers, to write to."""
    for file in files(full_data.settings.warehouse):
        shutil.copy(file, tmp_path)
    with open_warehouse(tmp_path / full_data.settings.warehouse.name) as connection:
        yield connection


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A Chromium to drive."""
    found = browser.program()
    if found is None:
        absent("there is no Chromium on the PATH")
    return found


def _built_once(factory: pytest.TempPathFactory, name: str, mirror: Path | None) -> BuiltData:
    """Build, or wait for the worker that does; a build that failed fails every test that needs it."""
    base = factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    data = shared / f"{name}-data"
    outcome = shared / f"{name}-build.json"
    with (shared / f"{name}-build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not outcome.exists():
            outcome.write_text(json.dumps(_build(data, mirror)), encoding="utf-8")
    built = json.loads(outcome.read_text(encoding="utf-8"))
    if "error" in built:
        pytest.fail(f"the {name} build failed:\n{built['error']}", pytrace=False)
    return BuiltData(
        Settings(home=ROOT, data=data, mirror=mirror),
        Path(built["snapshot"]),
        tuple(built["failed_checks"]),
    )


def _build(data: Path, mirror: Path | None) -> dict[str, object]:
    left_out = ("MILEX_", "DAGSTER_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    environment |= {
        "MILEX_HOME": str(ROOT),
        "MILEX_DATA": str(data),
        "DAGSTER_HOME": str(data / "dagster"),
        **({"MILEX_MIRROR": str(mirror)} if mirror else {}),
    }
    run = subprocess.run(
        [sys.executable, "-c", BUILD],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        return {"error": run.stderr[-3000:]}
    built: dict[str, object] = json.loads(run.stdout.splitlines()[-1])
    return built
