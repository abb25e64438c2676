"""The event log keeps files open and loses nothing: what it writes, Dagster's own storage reads."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from pipelines import run_history
from pipelines.build import EVENTS_AT_ONCE, INSTANCE
from pipelines.run_history import EventLog


@dg.asset
def figure() -> int:
    return 1


@dg.asset
def other() -> int:
    return 2


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text(INSTANCE, encoding="utf-8")
    with dg.DagsterInstance.get() as instance:
        yield instance


def run(instance: dg.DagsterInstance) -> str:
    return dg.materialize([figure], instance=instance).run_id


def test_the_instance_uses_it(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.event_log_storage, EventLog)


def test_events_and_materializations_are_there_for_dagsters_own_storage(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run_id = run(instance)
    own = SqliteEventLogStorage(str(tmp_path / "history" / "runs"))
    events = own.get_records_for_run(run_id).records
    assert [e.event_log_entry for e in events] == list(instance.all_logs(run_id))
    assert any("ASSET_MATERIALIZATION" in str(e.event_log_entry.dagster_event_type) for e in events)
    assert own.has_asset_key(dg.AssetKey("figure"))


def test_a_batch_is_stored_whole_or_not_at_all(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = run(instance)
    events = list(instance.all_logs(run_id))
    storage = instance.event_log_storage
    assert isinstance(storage, EventLog)
    storage.store_event_batch(events)
    assert list(instance.all_logs(run_id)) == events * 2

    store, stored = storage.store_event, []

    def fail_at_the_last(event: EventLogEntry) -> None:
        store(event)
        stored.append(event)
        if len(stored) == len(events):
            raise OSError("disk full")

    monkeypatch.setattr(storage, "store_event", fail_at_the_last)
    with pytest.raises(OSError, match="disk full"):
        storage.store_event_batch(events)
    assert list(instance.all_logs(run_id)) == events * 2


def test_what_a_run_plans_is_told_in_one_batch(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", EVENTS_AT_ONCE)
    batches = []
    store = EventLog.store_event_batch
    monkeypatch.setattr(
        EventLog,
        "store_event_batch",
        lambda self, events: (batches.append(len(events)), store(self, events))[1],
    )
    dg.materialize([figure, other], instance=instance)
    assert batches[0] == 2


def test_a_run_that_was_deleted_can_be_followed_by_others(instance: dg.DagsterInstance) -> None:
    first = run(instance)
    instance.delete_run(first)
    assert list(instance.all_logs(first)) == []
    second = run(instance)
    assert list(instance.all_logs(second))


def test_few_files_are_open_at_once(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_history, "KEPT_OPEN", 2)
    runs = [run(instance) for _ in range(4)]
    storage = instance.event_log_storage
    assert isinstance(storage, EventLog)
    assert len(storage._engines) == 2
    assert all(list(instance.all_logs(run_id)) for run_id in runs)
