"""The published snapshot: which one is current, and answers from it; knows no table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import streamlit as st

from dashboard.database import Connected
from pipelines.settings import load_settings
from pipelines.table import Table

# A snapshot is only read: no other file, no extension, no setting can be reached through it.
GUARD: dict[str, Any] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": "300MB",
    "threads": "2",
    "temp_directory": "",  # else DuckDB makes a folder beside the snapshot
    "lock_configuration": "true",
}


@dataclass(frozen=True)
class Snapshot:
    """A published snapshot, known by its file; answers are kept until another one is published."""

    path: str

    def rows(self, sql: str, *parameters: Any) -> Table:
        """Run one query, or remember its answer."""
        return _remembered(self.path, sql, parameters)

    def connection(self) -> duckdb.DuckDBPyConnection:
        """A connection of one's own, under the same guard; the caller closes it."""
        return _open(self.path).connection.cursor()


def current() -> Snapshot | None:
    """The snapshot that the pointer leads to now, or None before the first build."""
    settings = load_settings()
    if settings.snapshots_url and not settings.warehouse.exists():  # a replica: others publish
        _follow_shared_pointer()
    path = settings.pointer.resolve()
    return Snapshot(str(path)) if path.is_file() else None


@st.cache_resource(show_spinner="Fetching the snapshot …")
def _follow_shared_pointer() -> None:
    """Once a process: fetch what is published now, if nothing is here, and go on following."""
    from pipelines.replicas import Follower

    settings = load_settings()
    follower = Follower(settings)
    if not settings.pointer.exists():
        follower.look()
    follower.start()


def _there(opened: Connected) -> bool:
    """Whether a kept connection still answers."""
    try:
        opened.connection.cursor().close()
    except duckdb.Error:
        return False
    return True


def _close(opened: Connected) -> None:
    opened.connection.close()


# Two, so that a session in the middle of a page finishes it on the snapshot that it began with.
# Closing one leaves the cursors that were taken from it usable.
@st.cache_resource(validate=_there, on_release=_close, max_entries=2, show_spinner=False)
def _open(path: str) -> Connected:
    return Connected(duckdb.connect(path, read_only=True, config=GUARD))


@st.cache_data(max_entries=400, show_spinner=False)
def _remembered(path: str, sql: str, parameters: Sequence[Any]) -> Table:
    for attempt in (1, 2):
        try:
            return _open(path).rows(sql, *parameters)
        except duckdb.ConnectionException:  # released between being taken and being used
            if attempt == 2:
                raise
    raise AssertionError


def name_of(snapshot: Snapshot) -> str:
    """The snapshot's file name without its ending."""
    return Path(snapshot.path).stem
