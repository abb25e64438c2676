"""Dagster's default launcher, able to tell whether the process of a run still lives.

A run that was killed would count as running for ever, and every later one would wait for it in the
queue. Dagster's monitor asks here, and marks it as failed. Knows processes and nothing of what is run.
"""

from __future__ import annotations

from dagster import DagsterEventType, DagsterRun
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus

from pipelines.processes import lives


class RunLauncher(DefaultRunLauncher):
    """Launches runs as Dagster does by default, and looks after those of `milex build` too."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Whether the monitor may ask."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the process that a run's log names last is there, and was when it was named."""
        for event in reversed(
            self._instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT)
        ):
            pid = event.get_dagster_event().engine_event_data.metadata.get("pid")
            if pid is not None:
                return _state_of(int(str(pid.value)), event.timestamp)
        return CheckRunHealthResult(WorkerStatus.RUNNING)  # it has only just begun


def _state_of(pid: int, named_at: float) -> CheckRunHealthResult:
    if lives(pid, named_at):
        return CheckRunHealthResult(WorkerStatus.RUNNING)
    return CheckRunHealthResult(WorkerStatus.FAILED, f"Process {pid} ended without a word.")
