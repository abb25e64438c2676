"""The workers: limits, replacement, waiting, new snapshots, and no process that outlives its parent."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import psutil
import pytest

from pipelines.adhoc.limits import DASHBOARD, QueryError
from pipelines.adhoc.pool import Pool, Worker, run_once
from pipelines.errors import MilexError

ENDLESS = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t"
SHORT = replace(DASHBOARD, seconds=3.0)  # a worker starts within it on a busy machine
GRACE = 1.0
ROOT = Path(__file__).resolve().parent.parent.parent


def gone(process: int, within: float = 10) -> bool:
    try:
        psutil.Process(process).wait(within)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def test_a_runaway_is_stopped_within_a_second_and_replaced(excerpt_snapshot: Path) -> None:
    pool = Pool(SHORT, 1)
    try:
        pool.run(excerpt_snapshot, "SELECT 1")
        (first,) = pool.processes()
        started = time.monotonic()
        with pytest.raises(QueryError, match="after 3 s") as stopped:
            pool.run(excerpt_snapshot, ENDLESS)
        assert time.monotonic() - started < SHORT.seconds + GRACE
        assert stopped.value.kind == "time"
        (second,) = pool.processes()
        assert second != first
        assert gone(first)
        assert pool.run(excerpt_snapshot, "SELECT 2").table.rows == [(2,)]
    finally:
        pool.close()


def test_others_are_answered_while_one_runs_away(excerpt_snapshot: Path) -> None:
    pool = Pool(replace(DASHBOARD, seconds=3.0), 2)
    outcome: list[str] = []

    def run_away() -> None:
        try:
            pool.run(excerpt_snapshot, ENDLESS)
        except QueryError as error:
            outcome.append(error.kind)

    try:
        runaway = threading.Thread(target=run_away)
        runaway.start()
        answers = [pool.run(excerpt_snapshot, "SELECT 1").table.rows for _ in range(5)]
        assert runaway.is_alive()
        assert answers == [[(1,)]] * 5
        runaway.join()
        assert outcome == ["time"]
    finally:
        pool.close()


def test_when_all_are_busy_one_waits_and_is_told(excerpt_snapshot: Path) -> None:
    pool = Pool(replace(DASHBOARD, seconds=2.0), 1, queue_seconds=0.2)
    taken = threading.Event()
    real = pool._take

    def take() -> object:
        worker = real()
        taken.set()
        return worker

    pool._take = take  # type: ignore[method-assign,assignment]

    def run_away() -> None:
        with pytest.raises(QueryError, match="after 2 s"):
            pool.run(excerpt_snapshot, ENDLESS)

    runaway = threading.Thread(target=run_away)
    try:
        runaway.start()
        assert taken.wait(10)
        with pytest.raises(QueryError, match=r"within 0\.2 s") as busy:
            pool.run(excerpt_snapshot, "SELECT 1")
        assert busy.value.kind == "busy"
        runaway.join()
        assert pool.run(excerpt_snapshot, "SELECT 1").table.rows == [(1,)]
    finally:
        pool.close()


def test_many_threads_share_the_workers(pool: Pool, excerpt_snapshot: Path) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(
            target=lambda n=n: found.append(
                pool.run(excerpt_snapshot, f"SELECT {n}").table.rows[0][0]
            )
        )
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(20))
    assert len(pool.processes()) <= 2


def test_a_worker_that_was_killed_from_outside_is_replaced(excerpt_snapshot: Path) -> None:
    pool = Pool(SHORT, 1)
    try:
        pool.run(excerpt_snapshot, "SELECT 1")
        (process,) = pool.processes()
        psutil.Process(process).kill()
        assert gone(process)
        assert pool.run(excerpt_snapshot, "SELECT 2").table.rows == [(2,)]
    finally:
        pool.close()


def test_a_new_snapshot_is_what_the_next_query_reads(
    pool: Pool, excerpt_snapshot: Path, tmp_path: Path
) -> None:
    other = tmp_path / "milex-000002-b.duckdb"
    shutil.copy(excerpt_snapshot, other)
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE TABLE brand_new AS SELECT 7 AS x")
    with pytest.raises(QueryError, match="brand_new"):
        pool.run(excerpt_snapshot, "FROM brand_new")
    assert pool.run(other, "FROM brand_new").table.rows == [(7,)]
    with pytest.raises(QueryError, match="brand_new"):
        pool.run(excerpt_snapshot, "FROM brand_new")


def settled(found: Callable[[], object], within: float = 20) -> bool:
    """Whether something becomes true before long."""
    deadline = time.monotonic() + within
    while not found():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_warm_pool_has_its_workers_before_anybody_asks(excerpt_snapshot: Path) -> None:
    pool = Pool(SHORT, 2)
    try:
        pool.warm(excerpt_snapshot)
        assert settled(lambda: len(pool.processes()) == 2)
        warm = set(pool.processes())
        for process in warm:
            files = [file.path for file in psutil.Process(process).open_files()]
            assert str(excerpt_snapshot) in files
        assert pool.run(excerpt_snapshot, "SELECT 1").table.rows == [(1,)]
        assert set(pool.processes()) == warm
    finally:
        pool.close()


def test_a_query_that_comes_while_the_workers_start_gets_one_of_them(
    excerpt_snapshot: Path,
) -> None:
    pool = Pool(DASHBOARD, 2)
    try:
        pool.warm(excerpt_snapshot)
        assert pool.run(excerpt_snapshot, "SELECT 1").table.rows == [(1,)]
        assert settled(lambda: len(pool.processes()) == 2)
    finally:
        pool.close()


def test_a_pool_that_is_closed_while_it_starts_leaves_no_process(excerpt_snapshot: Path) -> None:
    pool = Pool(DASHBOARD, 2)
    started: list[int] = []
    real = pool._take

    def take() -> Worker:
        worker = real()
        started.append(worker.process.pid)
        return worker

    pool._take = take  # type: ignore[method-assign]
    pool.warm(excerpt_snapshot)
    assert settled(lambda: len(started) == 2)
    pool.close()
    assert all(map(gone, started))


def test_where_no_process_starts_it_is_said_and_the_places_stay_free(
    excerpt_snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    pool = Pool(SHORT, 1, queue_seconds=5)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "Popen", none)
            pool._warm(excerpt_snapshot)
            with pytest.raises(MilexError, match="Cannot allocate memory"):
                pool.run(excerpt_snapshot, "SELECT 1")
        assert pool.run(excerpt_snapshot, "SELECT 1").table.rows == [(1,)]
    finally:
        pool.close()


def test_a_closed_pool_leaves_no_process(excerpt_snapshot: Path) -> None:
    pool = Pool(SHORT, 2)
    pool.run(excerpt_snapshot, "SELECT 1")
    processes = pool.processes()
    pool.close()
    assert processes
    assert all(map(gone, processes))


def test_a_worker_ends_with_a_parent_that_is_killed(excerpt_snapshot: Path) -> None:
    script = (
        "import sys, threading\n"
        "from pathlib import Path\n"
        "from pipelines.adhoc.limits import DASHBOARD\n"
        "from pipelines.adhoc.pool import Pool\n"
        "pool = Pool(DASHBOARD, 2)\n"
        "pool.run(Path(sys.argv[1]), 'SELECT 1')\n"
        "worker = pool._take()\n"
        "print(worker.process.pid, flush=True)\n"
        "worker.run(Path(sys.argv[1]), sys.argv[2])\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(excerpt_snapshot), ENDLESS],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
    assert psutil.pid_exists(child)
    parent.kill()
    parent.wait()
    assert gone(child)


def test_an_answer_is_cut_at_its_rows_and_at_its_size(excerpt_snapshot: Path) -> None:
    few = replace(DASHBOARD, rows=5)
    small = replace(DASHBOARD, result_mb=1)
    cut = run_once(excerpt_snapshot, "SELECT * FROM range(1000000000000)", few)
    assert (cut.table.rows, cut.cut) == ([(n,) for n in range(5)], "rows")
    exact = run_once(excerpt_snapshot, "SELECT * FROM range(5)", few)
    assert (len(exact.table.rows), exact.cut) == (5, None)
    wide = run_once(excerpt_snapshot, "SELECT repeat('x', 100000) FROM range(100)", small)
    assert wide.cut == "size"
    assert 5 <= len(wide.table.rows) <= 10


def test_values_arrive_as_python_has_them(pool: Pool, excerpt_snapshot: Path) -> None:
    answer = pool.run(
        excerpt_snapshot,
        "SELECT NULL AS a, true AS b, 2::HUGEINT ** 1 AS c, 1.5 AS d, 'é' AS e, DATE '2017-01-02' AS f, "
        "TIMESTAMP '2017-01-02 03:04:05' AS g, [1, NULL] AS h, {'x': DATE '2017-01-02'} AS i, "
        "170141183460469231731687303715884105727::HUGEINT AS j, "
        "MAP {1: 'a'} AS l, uuid '00000000-0000-0000-0000-000000000001' AS m",
    )
    assert answer.table.rows == [
        (
            None,
            True,
            2,
            1.5,
            "é",
            date(2017, 1, 2),
            datetime(2017, 1, 2, 3, 4, 5),
            [1, None],
            {"x": "2017-01-02"},
            2**127 - 1,
            {"1": "a"},
            "00000000-0000-0000-0000-000000000001",
        )
    ]


def test_columns_of_one_name_are_told_apart(pool: Pool, excerpt_snapshot: Path) -> None:
    answer = pool.run(excerpt_snapshot, 'SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS "A"')
    assert len({name.casefold() for name in answer.table.columns}) == 4
    assert answer.table.rows == [(1, 2, 3, 4)]
