"""Hostile and random statements in a worker, as the dashboard runs it."""

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.adhoc.limits import QueryError
from pipelines.adhoc.pool import Pool
from tests.adhoc.hostile import HOSTILE, SAID, TRICKS, kinds_of, name_of


@pytest.mark.parametrize(("kind", "sql"), HOSTILE, ids=[name_of(sql) for _, sql in HOSTILE])
def test_a_hostile_statement_gets_its_refusal(
    pool: Pool, excerpt_snapshot: Path, kind: str, sql: str
) -> None:
    with pytest.raises(QueryError) as refused:
        pool.run(excerpt_snapshot, sql)
    assert refused.value.kind in kinds_of(kind)
    assert re.search(SAID[refused.value.kind], str(refused.value))
    assert str(excerpt_snapshot.parent) not in str(refused.value)
    assert pool.run(excerpt_snapshot, "SELECT 1").table.rows == [(1,)]


def test_there_are_many_of_them() -> None:
    assert len({sql for _, sql in HOSTILE}) >= 100


@pytest.mark.parametrize("sql", TRICKS)
def test_what_only_looks_hostile_runs(pool: Pool, excerpt_snapshot: Path, sql: str) -> None:
    assert pool.run(excerpt_snapshot, sql).table.rows == TRICKS[sql]


def test_nothing_was_written(pool: Pool, excerpt_snapshot: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in excerpt_snapshot.parent.iterdir()}
    for _, sql in HOSTILE:
        if "TO '/tmp" in sql or "range(5000)" in sql:
            with pytest.raises(QueryError):
                pool.run(excerpt_snapshot, sql)
    assert not list(Path("/tmp").glob("milex-hostile*"))
    after = {path: path.stat().st_mtime_ns for path in excerpt_snapshot.parent.iterdir()}
    assert after == before


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM duckdb_tables()",
        "SELECT * FROM duckdb_columns()",
        "SELECT * FROM duckdb_functions()",
        "SELECT * FROM information_schema.tables",
        "SELECT current_catalog, current_user",
        "SHOW ALL TABLES",
        "SHOW",
        "SELECT * FROM snapshot",
        "SELECT * FROM sources",
    ],
)
def test_no_path_of_this_machine_is_in_an_answer(
    pool: Pool, excerpt_snapshot: Path, sql: str
) -> None:
    text = json.dumps(pool.run(excerpt_snapshot, sql).table.rows, default=str)
    for secret in (str(excerpt_snapshot.parent), os.getcwd(), str(Path.home()) + "/"):
        assert secret not in text


def test_a_worker_has_no_environment(
    pool: Pool, excerpt_snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILEX_HOSTILE", "secret")
    pool.run(excerpt_snapshot, "SELECT 1")
    for process in pool.processes():
        environment = Path(f"/proc/{process}/environ").read_bytes()
        assert b"MILEX_HOSTILE" not in environment
        assert b"PATH=" not in environment


VOCABULARY = """
SELECT FROM WHERE WITH AS ( ) , * ; 1 'a' claims spending edition = AND OR UNION ALL JOIN USING ON
GROUP BY ORDER LIMIT read_csv '/etc/passwd' COPY TO '/tmp/milex-hostile' x RECURSIVE getenv 'HOME'
[ ] { } . :: -- /* */ $1 PIVOT VALUES repeat range NULL LATERAL
"""
WORDS = st.sampled_from(VOCABULARY.split())
STATEMENTS = st.one_of(
    st.lists(WORDS, max_size=25).map(" ".join),
    st.text(max_size=60),
    st.lists(WORDS, max_size=8).map(lambda words: "SELECT " + " ".join(words)),
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STATEMENTS)
def test_no_statement_ends_a_worker_without_an_answer(
    pool: Pool, excerpt_snapshot: Path, sql: str
) -> None:
    pool.run(excerpt_snapshot, "SELECT 1")
    before = pool.processes()
    kind = kind_of(pool, excerpt_snapshot, sql)
    assert kind in ("answered", "statement", "table", "function", "failed", "memory", "time")
    assert kind in ("memory", "time") or pool.processes() == before
    assert not list(Path("/tmp").glob("milex-hostile*"))


def kind_of(pool: Pool, snapshot: Path, sql: str) -> str:
    try:
        pool.run(snapshot, sql)
    except QueryError as error:
        return error.kind
    return "answered"
