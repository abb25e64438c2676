"""Runs whose process was killed are found out, so that the queue does not wait for them for ever."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._daemon.monitoring.run_monitoring import monitor_started_run

from pipelines.build import dagster_home
from pipelines.run_launcher import RunLauncher, _state_of
from pipelines.settings import Settings
from tests.conftest import ROOT

KILLED = """
import os, signal
import dagster as dg

@dg.op
def die():
    os.kill(os.getpid(), signal.SIGKILL)

@dg.job(executor_def=dg.in_process_executor)
def deadly():
    die()

with dg.DagsterInstance.get() as instance:
    deadly.execute_in_process(instance=instance)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Dagster's folder as a first build makes it; the environment is put back afterwards."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    return dagster_home(Settings(home=ROOT, data=tmp_path, mirror=None))


def test_a_run_whose_process_was_killed_is_marked_as_failed(home: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=ROOT, check=False, stderr=subprocess.DEVNULL
    )
    assert run.returncode == -signal.SIGKILL
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.run_launcher, RunLauncher)
        assert instance.run_monitoring_enabled
        (record,) = instance.get_run_records()
        assert record.dagster_run.status is dg.DagsterRunStatus.STARTED
        monitor_started_run(instance, cast(Any, None), record, logging.getLogger(__name__))
        (record,) = instance.get_run_records()
        assert record.dagster_run.status is dg.DagsterRunStatus.FAILURE


def test_a_run_whose_process_is_there_is_let_alone(home: Path) -> None:
    met = []

    @dg.op
    def look(context: dg.OpExecutionContext) -> None:
        launcher = context.instance.run_launcher
        met.append(launcher.check_run_worker_health(context.run).status)

    @dg.job(executor_def=dg.in_process_executor)
    def living() -> None:
        look()

    with dg.DagsterInstance.get() as instance:
        assert living.execute_in_process(instance=instance).success
    assert met == [WorkerStatus.RUNNING]


def test_a_later_process_of_the_same_number_is_another() -> None:
    assert _state_of(os.getpid(), 0.0).status is WorkerStatus.FAILED


def test_a_run_without_a_process_yet_has_only_begun(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        unknown = cast(
            dg.DagsterRun, SimpleNamespace(run_id="00000000-0000-0000-0000-000000000000")
        )
        found = instance.run_launcher.check_run_worker_health(unknown)
    assert found.status is WorkerStatus.RUNNING
