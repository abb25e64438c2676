"""The units of deploy/systemd/ under a real systemd, with a real PostgreSQL server."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, BuiltData
from tests.deployment.conftest import Postgres
from tests.faults import house

NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder, and the groups of processes of its name that systemd leaves."""
    with tempfile.TemporaryDirectory(prefix="milex-systemd-") as name:
        yield Path(name)
        for tree in ("", "unified", "systemd"):
            group = Path("/sys/fs/cgroup") / tree / Path(name).name
            for below in sorted(group.rglob("*"), reverse=True):
                if below.is_dir():
                    below.rmdir()
            if group.is_dir():
                group.rmdir()


def test_units_serve_run_and_come_back(
    postgresql: Postgres, excerpt_data: BuiltData, folder: Path
) -> None:
    """Without root, or in a container that may not make namespaces, nothing can be tried."""
    if not Path("/lib/systemd/systemd").exists() or os.geteuid():
        pytest.skip("there is no systemd, or nobody may start one")
    if subprocess.run(
        [*NAMESPACES, "mount", "-t", "tmpfs", "tmpfs", "/opt"], check=False
    ).returncode:
        pytest.skip("namespaces and mounts are not allowed here")
    data = house.copied(excerpt_data.settings, folder).data
    (folder / "dagster").mkdir()
    shutil.copy(ROOT / "deploy" / "dagster.yaml", folder / "dagster")
    (folder / "milex.env").write_text(
        f"MILEX_DATA={data}\n"
        f"DAGSTER_HOME={folder}/dagster\n"
        f"DAGSTER_POSTGRES_URL={postgresql.by_socket}\n"
        f"MILEX_SNAPSHOTS_URL=file://{folder}/shared\n",
        encoding="utf-8",
    )
    ran = subprocess.run(
        [*NAMESPACES, sys.executable, Path(__file__).parent / "machine.py", ROOT, folder],
        env=house.environment(excerpt_data.settings),
        capture_output=True,
        text=True,
        check=False,
    )
    log = folder / "systemd.log"
    assert ran.returncode == 0, ran.stderr + (log.read_text() if log.exists() else "")
    seen = {}
    for line in ran.stdout.splitlines():
        seen |= json.loads(line)
    assert seen == {
        "begun": ["active"] * 3,
        "users": ["milex"],
        "runs": ["SUCCESS"],
        "killed": ["active"] * 3,
        "stopped": ["inactive"] * 3,
        "results": ["success"],
    }
    assert list((folder / "shared").glob("*.duckdb")), "the run's snapshot was shared"
