"""The whole way as one command: what makes a build current, and a run of every asset if it is not.

Imports Dagster only when something has to be built.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipelines import publish
from pipelines.errors import MilexError
from pipelines.models import Model
from pipelines.settings import Settings

if TYPE_CHECKING:
    from dagster import AssetCheckEvaluation

INSTANCE = """\
telemetry:
  enabled: false
nux:
  enabled: false
event_log_storage:
  module: pipelines.run_history
  class: EventLog
  config:
    base_dir:
      env: DAGSTER_HOME
concurrency:
  runs:
    max_concurrent_runs: 1
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: 1
"""


@dataclass(frozen=True)
class Built:
    """What a build ended with."""

    snapshot: Path
    changed: bool
    failed_checks: tuple[str, ...] = ()


def fingerprint(settings: Settings) -> str:
    """A hash of everything that a snapshot is made from: code, SQL, claims, files at hand."""
    from pipelines.ingest import files_at_hand

    digest = hashlib.sha256()
    code = Path(__file__).parent
    for folder, patterns in (
        (code, ("**/*.py", "**/*.yaml", "**/*.csv")),
        (settings.sql, ("**/*.sql", "**/*.yaml")),
        *((claims, ("**/*.yaml", "**/*.yml")) for claims in settings.claim_folders),
    ):
        for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(path.read_bytes())
    for file in files_at_hand(settings):
        digest.update(f"{file.origin} {file.file_name} {file.sha256}".encode())
    digest.update(version("duckdb").encode())
    return digest.hexdigest()


def publish_snapshot(
    settings: Settings, connection: duckdb.DuckDBPyConnection, models: dict[str, Model]
) -> Path:
    """Publish the public tables and metrics, in an order in which each finds what it reads."""
    from pipelines import checks
    from pipelines.claims import sentences

    public = [model for model in models.values() if model.schema == "main"]
    checks.prepare_results(connection)
    return publish.publish(
        settings,
        connection,
        [model for model in public if not model.is_macro] + [sentences.TABLE, checks.TABLE],
        [model for model in public if model.is_macro],
        {
            "fingerprint": fingerprint(settings),
            "milex": version("milex"),
            "duckdb": version("duckdb"),
            "excerpt": _excerpt_note(connection),
        },
    )


def _excerpt_note(connection: duckdb.DuckDBPyConnection) -> str:
    """Which editions and versions are excerpts, in words; empty when none is."""
    rows = connection.execute(
        "SELECT dataset || ' ' || version FROM main.sources WHERE origin = 'excerpt' "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return ", ".join(row[0] for row in rows)


def build(settings: Settings, say: Callable[[str], None], force: bool = False) -> Built:
    """Bring the snapshot up to date.

    Raises MilexError when an asset fails, with what failed.
    """
    current = publish.current_snapshot(settings)
    if current is not None and not force:
        facts = publish.snapshot_facts(current)
        if facts.get("fingerprint") == fingerprint(settings):
            return Built(current, changed=False)
    from pipelines import reading_ahead

    with reading_ahead.of_a_first_build(settings):
        return _materialize(settings, say)


def dagster_home(settings: Settings) -> Path:
    """Dagster's instance folder, made with this project's settings if it is new."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "dagster.yaml"
    if not configuration.exists():
        configuration.write_text(INSTANCE, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def _materialize(settings: Settings, say: Callable[[str], None]) -> Built:
    from pipelines import progress

    say("Loading Dagster …")
    dagster_home(settings)
    import dagster as dg

    from pipelines.definitions import defs

    job = defs.resolve_job_def("everything")
    with (
        dg.DagsterInstance.get() as instance,
        progress.shown(expected=len(job.graph.nodes)),
    ):
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    if not result.success:
        raise MilexError(_why(result))
    snapshot = publish.current_snapshot(settings)
    assert snapshot is not None
    return Built(
        snapshot,
        changed=True,
        failed_checks=tuple(
            f"{'/'.join(check.asset_key.path)}: {check.check_name}{_reason(check)}"
            for check in failed
        ),
    )


def _reason(check: AssetCheckEvaluation) -> str:
    """What a failed check says of itself, where it says it in words."""
    for name in ("reasons", "rejected", "unmapped"):
        if name in check.metadata:
            return f"\n{check.metadata[name].value}"
    failing = check.metadata.get("failing")
    return f" ({failing.value} rows; the Data page and Dagster list them)" if failing else ""


def _why(result: object) -> str:
    """The first step that failed, in one message."""
    from dagster import ExecuteInProcessResult

    assert isinstance(result, ExecuteInProcessResult)
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            cause = error
            while cause is not None and cause.cause is not None:
                cause = cause.cause
            reason = cause.message.strip() if cause else "no reason given"
            return (
                f"{event.step_key} failed: {reason} The published snapshot, if there is one, is "
                "untouched. `make dagster` shows the run with its log."
            )
    return "The run failed. `make dagster` shows it with its log."
