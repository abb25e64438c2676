"""The whole way as one command: what makes a build current, and a run of every asset if it is not.

Imports Dagster only when something has to be built.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipelines import extras, publish
from pipelines import warehouse as store
from pipelines.errors import MilexError, TableError
from pipelines.exports import write_whole
from pipelines.models import Model
from pipelines.settings import Settings

if TYPE_CHECKING:
    from dagster import AssetCheckEvaluation, ExecuteInProcessResult
    from dagster_shared.error import SerializableErrorInfo

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
run_launcher:
  module: pipelines.run_launcher
  class: RunLauncher
run_monitoring:
  enabled: true
  poll_interval_seconds: 10
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: 1
"""

OBJECTS_BETWEEN_COLLECTIONS = 100_000
# Events that Dagster hands to its storage together, where it has several to tell.
EVENTS_AT_ONCE = "1000"
# The note with the files that the last snapshot was made from.
PUBLISHED = "published"
MEANT_FOR_PEOPLE = (MilexError.__name__, TableError.__name__)
UNTOUCHED = "The published snapshot, if there is one, is untouched."


@dataclass(frozen=True)
class Built:
    """What a build ended with."""

    snapshot: Path
    changed: bool
    failed_checks: tuple[str, ...] = ()


def publish_snapshot(
    settings: Settings, connection: duckdb.DuckDBPyConnection, models: dict[str, Model]
) -> Path:
    """Publish the public tables and metrics, in an order in which each finds what it reads."""
    from pipelines import checks
    from pipelines.claims import sentences
    from pipelines.fingerprint import COMPLETE

    public = [model for model in models.values() if model.schema == "main"]
    checks.tidy_results(connection, checks.load_checks(settings.sql / "checks"))
    # Whoever has other files than before may not pass on what the former ones held.
    inventory = store.recorded(connection, "raw.files")
    files = json.dumps(dict(inventory.inputs)) if inventory else ""
    path = publish.publish(
        settings,
        connection,
        [model for model in public if not model.is_macro] + [sentences.TABLE, checks.TABLE],
        [model for model in public if model.is_macro],
        {
            "fingerprint": store.note(connection, COMPLETE) or "",
            "milex": version("milex"),
            "duckdb": version("duckdb"),
            "excerpt": _excerpt_note(connection),
        },
        anew=store.note(connection, PUBLISHED) not in (None, files),
    )
    store.set_note(connection, PUBLISHED, files)
    return path


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
    from pipelines.fingerprint import at_hand

    current = publish.current_snapshot(settings)
    if current is not None and not force and _fingerprint_of(current, say) == at_hand(settings):
        return Built(current, changed=False)
    return _materialize(settings, say)


def _fingerprint_of(snapshot: Path, say: Callable[[str], None]) -> str | None:
    """What a snapshot was made from; None if it cannot be read and has to be made anew."""
    try:
        return publish.snapshot_facts(snapshot).get("fingerprint")
    except duckdb.Error as error:
        say(f"{snapshot.name} cannot be read and is made anew: {store.first_line(error)}")
        return None


def dagster_home(settings: Settings) -> Path:
    """Dagster's instance folder, made with this project's settings if it is new."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "dagster.yaml"
    if not configuration.exists():
        write_whole(configuration, INSTANCE.encode("utf-8"))
    elif "postgres" in configuration.read_text(encoding="utf-8"):
        extras.load("dagster_postgres", "postgres", f"The storage that {configuration} names")
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", EVENTS_AT_ONCE)
    return home


def _materialize(settings: Settings, say: Callable[[str], None]) -> Built:
    say("Loading Dagster, and reading the files beside it …")
    before = publish.current_snapshot(settings)
    result = _run(settings)
    if not result.success and store.is_damage(reason := _first_error(result)[1].message):
        for file in store.files(settings.warehouse):
            if file.exists():
                store.set_aside(file, reason)
        result = _run(settings)
    if not result.success:
        raise _failure(settings, result, before)
    snapshot = publish.current_snapshot(settings)
    assert snapshot is not None
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    return Built(
        snapshot,
        changed=True,
        failed_checks=tuple(
            f"{'/'.join(check.asset_key.path)}: {check.check_name}{_reason(check)}"
            for check in failed
        ),
    )


def _run(settings: Settings) -> ExecuteInProcessResult:
    """Every asset, in this process."""
    from pipelines import progress, reading_ahead

    try:
        dagster_home(settings)
        with reading_ahead.begun(settings), _fewer_collections():
            import dagster as dg

            from pipelines.definitions import defs

            job = defs.resolve_job_def("everything")
            with (
                dg.DagsterInstance.get() as instance,
                progress.shown(expected=len(list(job.asset_layer.executable_asset_keys))),
            ):
                return job.execute_in_process(
                    instance=instance,
                    raise_on_error=False,
                    run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                )
    except Exception as error:  # Dagster cannot write its own files
        if store.is_no_room(error):
            raise MilexError(f"{store.no_room(settings.processed, error)} {UNTOUCHED}") from None
        raise


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """Let Python look for cycles seldom: imports and events make many objects and few cycles."""
    usual = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _reason(check: AssetCheckEvaluation) -> str:
    """What a failed check says of itself, where it says it in words."""
    for name in ("reasons", "rejected", "unmapped"):
        if name in check.metadata:
            return f"\n{check.metadata[name].value}"
    failing = check.metadata.get("failing")
    return f" ({failing.value} rows; the Data page and Dagster list them)" if failing else ""


def _failure(settings: Settings, result: ExecuteInProcessResult, before: Path | None) -> MilexError:
    """The error of a run that failed, in one message. before: the snapshot that was published."""
    where, error = _first_error(result)
    reason = error.message.strip()
    if error.cls_name in MEANT_FOR_PEOPLE:
        reason = reason.partition(": ")[2]
    if error.cls_name != MilexError.__name__ and store.is_no_room(reason):
        reason = str(store.no_room(settings.processed, reason))
    # Sharing comes after publishing and may fail alone: then the snapshot is not the one before.
    untouched = f" {UNTOUCHED}" if publish.current_snapshot(settings) == before else ""
    return MilexError(f"{where}{reason}{untouched} `make dagster` shows the run with its log.")


def _first_error(result: ExecuteInProcessResult) -> tuple[str, SerializableErrorInfo]:
    """What failed first: a step, or the run before its first step; and what the error rests on."""
    for event in result.all_events:
        if event.is_step_failure and event.step_failure_data.error is not None:
            error = _root(event.step_failure_data.error)
            named = error.cls_name == TableError.__name__
            return "" if named else f"{event.step_key} failed: ", error
        if event.is_job_failure and event.job_failure_data.error is not None:
            return "", _root(event.job_failure_data.error)
    raise AssertionError("a run that failed says why")


def _root(error: SerializableErrorInfo) -> SerializableErrorInfo:
    """The error whose message is meant for people, else the deepest cause."""
    while error.cls_name not in MEANT_FOR_PEOPLE and error.cause is not None:
        error = error.cause
    return error
