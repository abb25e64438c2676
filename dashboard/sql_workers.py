"""The server's workers for ad hoc SQL, warm from its first page on; knows no page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.data import Snapshot, current
from pipelines.adhoc.limits import DASHBOARD, QueryError
from pipelines.adhoc.pool import Answer, Pool
from pipelines.errors import MilexError
from pipelines.settings import load_settings

LIMITS = DASHBOARD


@st.cache_resource(on_release=Pool.close, show_spinner=False)
def pool() -> Pool:
    """The workers, shared by all sessions; the first to ask lets them start in the background."""
    workers = Pool(LIMITS, load_settings().sql_workers)
    if snapshot := current():
        workers.warm(Path(snapshot.path))
    return workers


def run(snapshot: Snapshot, sql: str) -> Answer | MilexError:
    """A query's answer, or why there is none."""
    try:
        if not sql.strip():
            raise QueryError("statement", "There is no query yet.")
        return pool().run(Path(snapshot.path), sql)
    except MilexError as error:
        return error
