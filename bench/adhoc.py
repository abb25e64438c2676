"""Ad hoc queries through the warm workers of the dashboard: how long a simple one takes."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from pipelines.adhoc.limits import DASHBOARD
from pipelines.adhoc.pool import Pool

QUERIES = (
    "SELECT verdict, count(*) FROM claims GROUP BY verdict",
    "SELECT country, current_usd_m FROM spending_latest WHERE year = 2017 ORDER BY ALL LIMIT 15",
    "SELECT edition, sum(current_usd_m) FROM spending WHERE year = 2017 GROUP BY edition",
    "SELECT * FROM top(2017, edition := 2017)",
    "SELECT * FROM alliances_latest WHERE name ILIKE '%treaty%'",
)
WORKERS = 2


@dataclass(frozen=True)
class AdHoc:
    """Seconds: of the first query, which starts a worker; then the median and the slowest of many."""

    first: float
    median: float
    slowest: float
    queries: int


def measure(snapshot: Path, rounds: int = 20) -> AdHoc:
    """Time simple queries on a snapshot, as the dashboard runs them."""
    pool = Pool(DASHBOARD, WORKERS)
    try:
        first, times = _timed(pool, snapshot, QUERIES[0]), []
        for _ in range(rounds):
            times += [_timed(pool, snapshot, query) for query in QUERIES]
    finally:
        pool.close()
    return AdHoc(first, statistics.median(times), max(times), len(times))


def _timed(pool: Pool, snapshot: Path, query: str) -> float:
    start = time.perf_counter()
    pool.run(snapshot, query)
    return time.perf_counter() - start
