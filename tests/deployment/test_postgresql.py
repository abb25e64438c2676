"""Dagster's storage on a real PostgreSQL server, by deploy/dagster.yaml alone."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psutil
import pytest

from bench.storage import free_port, listens
from pipelines.build import dagster_home
from pipelines.errors import MilexError
from pipelines.settings import Settings
from tests.conftest import ROOT, BuiltData
from tests.deployment.conftest import WAIT_SECONDS, Postgres, wait_until

PYTHON = [sys.executable, "-W", "ignore"]
# What the history says of each run: how it ended and when it ran, in seconds.
HISTORY = """
import json, sys, time
from dagster import DagsterInstance
with DagsterInstance.get() as instance:
    assert type(instance.event_log_storage).__name__ == "PostgresEventLogStorage"
    assert type(instance.run_storage).__name__ == "PostgresRunStorage"
    assert type(instance.schedule_storage).__name__ == "PostgresScheduleStorage"
    deadline = time.monotonic() + 120
    while True:
        records = instance.get_run_records()
        if len(records) == 2 and all(record.dagster_run.is_finished for record in records):
            break
        assert time.monotonic() < deadline, [record.dagster_run.status for record in records]
        time.sleep(0.2)
    print(json.dumps([
        [record.dagster_run.status.value, record.start_time, record.end_time,
         instance.all_logs(record.dagster_run.run_id) != []]
        for record in records
    ]))
"""


@pytest.fixture
def environment(postgresql: Postgres, tmp_path: Path) -> dict[str, str]:
    """An installation whose dagster.yaml is the one in deploy/."""
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copy(ROOT / "deploy" / "dagster.yaml", home)
    left_out = ("MILEX_", "DAGSTER_")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(left_out)},
        "MILEX_HOME": str(ROOT),
        "MILEX_DATA": str(tmp_path / "data"),
        "DAGSTER_HOME": str(home),
        "DAGSTER_POSTGRES_URL": postgresql.url,
    }


@pytest.fixture
def servers(environment: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """A code location, and the process that takes runs from the queue; the workspace."""
    port, workspace = free_port(), tmp_path / "workspace.yaml"
    workspace.write_text(
        f"load_from:\n  - grpc_server: {{host: 127.0.0.1, port: {port}, location_name: milex}}\n",
        encoding="utf-8",
    )
    with (tmp_path / "servers.log").open("wb") as log:

        def start(*command: str | Path) -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [*PYTHON, "-m", *command], cwd=ROOT, env=environment, stdout=log, stderr=log
            )

        code = start("dagster", "api", "grpc", "-m", "tests.deployment.location", "-p", str(port))
        wait_until(lambda: listens(port), "the code location", code)
        daemon = start("dagster._daemon", "run", "-w", workspace)
        yield workspace
        # Asked to end, the code location may wait for what it began; nothing of it is needed.
        for server in (daemon, code):
            for process in (*psutil.Process(server.pid).children(recursive=True), server):
                process.kill()
            server.wait(WAIT_SECONDS)


def test_two_runs_launched_at_once_are_queued_and_both_are_in_the_history(
    environment: dict[str, str], servers: Path, excerpt_data: BuiltData, tmp_path: Path
) -> None:
    launching = [
        subprocess.Popen(
            [*PYTHON, "-m", "dagster", "job", "launch", "-w", servers, "-j", "read"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    for process in launching:
        output, _ = process.communicate(timeout=WAIT_SECONDS)
        assert process.returncode == 0, output

    asked = subprocess.run(
        [*PYTHON, "-c", HISTORY],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr + (tmp_path / "servers.log").read_text()
    (_, begin, *_), (_, _, end, _) = runs = sorted(
        json.loads(asked.stdout.splitlines()[-1]), key=lambda run: run[1], reverse=True
    )
    assert [(run[0], run[3]) for run in runs] == [("SUCCESS", True)] * 2
    assert begin >= end, "one run began before the other had ended"
    assert rows(tmp_path / "data" / "processed" / "warehouse.duckdb") == rows(
        excerpt_data.settings.warehouse
    )


def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "dagster_postgres", None)
    settings = Settings(ROOT, tmp_path, None)
    assert dagster_home(settings) == tmp_path
    shutil.copy(ROOT / "deploy" / "dagster.yaml", tmp_path)
    with pytest.raises(MilexError, match=r"dagster\.yaml names needs .*'\.\[postgres\]'"):
        dagster_home(settings)
    assert "DAGSTER_POSTGRES_URL" in (tmp_path / "dagster.yaml").read_text(encoding="utf-8")


def rows(warehouse: Path) -> list[tuple[str, int, int]]:
    """How many rows the raw tables have, and a hash of them."""
    tables = ("sipri_figures", "sipri_regional_totals", "alliances", "alliance_members")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return [
            connection.execute(
                f"SELECT '{name}', count(*), bit_xor(hash(t)) FROM raw.{name} AS t"
            ).fetchall()[0]
            for name in tables
        ]
