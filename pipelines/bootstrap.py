"""Bootstrapped 95 % intervals of alliance lifespans, for every distinct sample of the claims' grids.

Samples come from a published snapshot; figures are computed here or on a Dask cluster, and are the
same, bit for bit, wherever and in whatever order they are: see docs/deployment.md. Knows no Dagster.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines import extras
from pipelines import warehouse as store
from pipelines.errors import MilexError
from pipelines.models import Column, Model
from pipelines.versions import version_of

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 10_000
# So many of the ordered figures lie outside the interval on each side: 2.5 %.
OUTSIDE = RESAMPLES // 40
SEED = 1815
DAYS_A_YEAR = 365.2425
# Lifespans that are drawn at once: they fit into a processor's cache, and their memory is used again
# and again (Dask's workers give larger pieces back to the system each time, which halves their speed).
BLOCK = 2**14
# Lifespans that one task of a cluster resamples: about a tenth of a second's work.
TASK = 1_000
WAIT_SECONDS = 30

TABLE = Model.of_table(
    "main.alliance_intervals",
    "One row per distinct sample of the alliance grids, statistic and convention: the lifespan and "
    "its bootstrapped 95 % interval (percentile method, 10,000 resamples). Empty until intervals "
    "are asked for; see docs/deployment.md. By the convention `years plus one` all three are one "
    "more.",
    ("sample_id", "statistic", "convention"),
    (
        Column("dataset", "VARCHAR", None, "ATOP or COW"),
        Column("version", "VARCHAR", None, "version of the dataset"),
        Column("unit", "VARCHAR", None, "alliance, phase, lineage, member spell or dyad"),
        Column("sample_id", "VARCHAR", None, "the sample, as in `specifications`"),
        Column("statistic", "VARCHAR", None, "mean or median"),
        Column(
            "convention",
            "VARCHAR",
            None,
            "years (difference of calendar years) or exact (days / 365.2425)",
        ),
        Column("n", "BIGINT", "units", "units in the sample"),
        Column("lifespan_years", "DOUBLE", "years", "the sample's own figure"),
        Column("lower_years", "DOUBLE", "years", "lower end of the 95 % interval"),
        Column("upper_years", "DOUBLE", "years", "upper end of the 95 % interval"),
        Column("resamples", "INTEGER", None, "resamples that the interval rests on"),
    ),
    reads=("main.alliance_units", "main.claims", "main.specifications"),
)

# The conditions are those of the metric alliance_lifespan. `samples` holds their result against the
# grid's numbers of units; a test, against its figures.
_SAMPLES = """
WITH asked AS (
    SELECT DISTINCT ON (s.sample_id)
        s.sample_id, s.n, json_merge_patch(c.definition, s.parameters) AS levels
    FROM specifications AS s
    JOIN claims AS c USING (claim_id)
    WHERE c.metric = 'alliance_lifespan' AND s.n > 0
    ORDER BY s.sample_id, s.specification_id
),
levels AS (
    SELECT
        sample_id, n, levels ->> '$.dataset' AS dataset, levels ->> '$.unit' AS unit,
        (levels ->> '$.formed_from')::INTEGER AS formed_from,
        try_cast(levels ->> '$.ended_by' AS INTEGER) AS ended_by,
        levels ->> '$.obligation' AS obligation, levels ->> '$.members' AS members,
        levels ->> '$.ending' AS ending, levels ->> '$.wartime' AS wartime
    FROM asked
)
SELECT
    l.sample_id, l.n, list(u.lifespan_years ORDER BY u.lifespan_years, u.end_date - u.begin_date),
    list(u.end_date - u.begin_date ORDER BY u.lifespan_years, u.end_date - u.begin_date)
FROM levels AS l
JOIN alliance_units AS u
  ON u.dataset || ' ' || u.version = l.dataset AND u.unit = l.unit
 AND year(u.begin_date) BETWEEN l.formed_from AND 1989
 AND year(u.end_date) <= coalesce(l.ended_by, year(u.closing_date))
 AND has_obligation(l.obligation, u.defense, u.offense, u.neutrality, u.nonaggression,
                    u.consultation)
 AND (l.members = 'all' OR u.bilateral = (l.members = 'bilateral'))
 AND CASE l.ending WHEN 'all' THEN true WHEN 'fulfilled or violated'
         THEN u.ending IN ('fulfilled', 'violated') ELSE 'not ' || u.ending <> l.ending END
 AND (l.wartime = 'in' OR NOT u.wartime)
WHERE u.dataset = ? AND u.version = ? AND u.unit = ?
GROUP BY l.sample_id, l.n
ORDER BY l.sample_id
"""


@dataclass(frozen=True)
class Sample:
    """The lifespans of one distinct sample, ordered: calendar years, and days."""

    sample_id: str
    years: tuple[int, ...]
    days: tuple[int, ...]


@dataclass(frozen=True)
class Interval:
    """One figure of a sample and its 95 % interval, in years."""

    sample_id: str
    statistic: str
    convention: str
    n: int
    lifespan_years: float
    lower_years: float
    upper_years: float


def samples(
    snapshot: duckdb.DuckDBPyConnection, dataset: str, version: str, unit: str
) -> list[Sample]:
    """Every distinct sample of lifespans that a claim's grid asks for.

    Raises MilexError when a sample has not as many units as its specification says.
    """
    found = []
    for sample_id, n, years, days in snapshot.execute(
        _SAMPLES, [dataset, version, unit]
    ).fetchall():
        if len(years) != n:
            raise MilexError(
                f"Sample {sample_id} of {dataset} {version} ({unit}) has {len(years)} units here "
                f"and {n} in the grid: pipelines/bootstrap.py and the grid select differently."
            )
        found.append(Sample(sample_id, tuple(years), tuple(days)))
    return found


def intervals_of(sample: Sample) -> list[Interval]:
    """Mean and median of a sample by both conventions, with percentile intervals.

    Everything is counted in whole numbers (sums of years and days, twice the median) and divided
    last, so that neither the order of additions nor the processor can change a bit.
    """
    import numpy as np

    n = len(sample.days)
    kind = np.int32 if n * max(sample.days) < 2**31 else np.int64  # no sum overflows
    generator = np.random.Generator(np.random.PCG64([SEED, int(sample.sample_id, 16)]))
    lifespans = {
        "years": np.array(sample.years, dtype=kind),
        "exact": np.array(sample.days, dtype=kind),
    }
    resampled: dict[tuple[str, str], list[Any]] = {}
    for rows in _blocks(n):
        drawn = generator.integers(n, size=(rows, n), dtype=np.uint16)
        for convention, lived in lifespans.items():
            for statistic, figures in _figures(lived[drawn]).items():
                resampled.setdefault((statistic, convention), []).append(figures)
    found = []
    for (statistic, convention), parts in resampled.items():
        count = n if statistic == "mean" else 2
        unit = DAYS_A_YEAR if convention == "exact" else 1
        own = _figures(lifespans[convention][np.newaxis].copy())[statistic][0]
        ordered = np.sort(np.concatenate(parts))
        lower, upper = ordered[OUTSIDE], ordered[-OUTSIDE - 1]
        in_years = (float(figure / count / unit) for figure in (own, lower, upper))
        found.append(Interval(sample.sample_id, statistic, convention, n, *in_years))
    return found


def _figures(lived: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """The sum and twice the median of each row; the order within rows is lost."""
    n = lived.shape[1]
    sums = lived.sum(axis=1, dtype=lived.dtype)
    lived.partition(n // 2, axis=1)
    upper = lived[:, n // 2]
    lower = upper if n % 2 else lived[:, : n // 2].max(axis=1)
    return {"mean": sums, "median": lower + upper}


def _blocks(n: int) -> Iterable[int]:
    """Resamples to draw at once; depends on the sample's size alone, as what is drawn does."""
    rows = max(1, BLOCK // n)
    return [min(rows, RESAMPLES - done) for done in range(0, RESAMPLES, rows)]


def resample(task: Sequence[Sample]) -> list[Interval]:
    """The intervals of some samples: what one worker does at a time."""
    return [interval for sample in task for interval in intervals_of(sample)]


def intervals(found: Sequence[Sample], cluster: str | None = None) -> list[Interval]:
    """The intervals of all samples, in their order: computed here, or on a Dask cluster.

    cluster: address of a Dask scheduler, like tcp://10.0.0.5:8786.
    Raises MilexError when the cluster cannot be used.
    """
    tasks = _tasks(found)
    done = map(resample, tasks) if cluster is None else _on_cluster(cluster, tasks)
    return [interval for part in done for interval in part]


def _tasks(found: Iterable[Sample]) -> list[list[Sample]]:
    """Neighbouring samples that together take a worker about a tenth of a second."""
    tasks: list[list[Sample]] = [[]]
    for sample in found:
        if sum(len(other.years) for other in tasks[-1]) >= TASK:
            tasks.append([])
        tasks[-1].append(sample)
    return tasks


def _on_cluster(address: str, tasks: list[list[Sample]]) -> list[list[Interval]]:
    """Send the tasks to a cluster's workers, which have Milex and the same numpy and write nothing."""
    distributed = extras.load("distributed", "dask", f"MILEX_DASK={address}")
    try:
        with distributed.Client(address, timeout=WAIT_SECONDS) as client:
            client.wait_for_workers(1, timeout=WAIT_SECONDS)
            versions = {_version(), *client.run(_version).values()}
            if len(versions) > 1:
                raise MilexError(
                    f"The workers at {address} and this machine differ, so their figures might: "
                    f"{' / '.join(sorted(versions))}. Install the same lock file on all."
                )
            done: list[list[Interval]] = client.gather(client.map(resample, tasks, pure=False))
    except (OSError, TimeoutError, ImportError) as error:
        raise MilexError(
            f"MILEX_DASK: {address} has no scheduler with workers that can run Milex: {error}"
        ) from error
    return done


def _version() -> str:
    """What the figures depend on besides the samples."""
    import numpy as np

    return f"Milex {code_version()} with numpy {np.__version__}"


def code_version() -> str:
    """A hash of this file: intervals that another version of it made are not kept."""
    return version_of([Path(__file__)])


def prepare(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Have the table, without intervals that other code made or whose samples are gone."""
    made = store.recorded(warehouse, TABLE.table)
    there = store.table_exists(warehouse, TABLE.table)
    if made is None or made.code_version != code_version() or not there:
        warehouse.execute(TABLE.ddl)
    else:
        warehouse.execute(
            f"DELETE FROM {TABLE.table} WHERE sample_id NOT IN "
            "(SELECT sample_id FROM main.specifications WHERE sample_id IS NOT NULL)"
        )
    _record(warehouse)


def write(
    warehouse: duckdb.DuckDBPyConnection,
    dataset: str,
    version: str,
    unit: str,
    found: Sequence[Interval],
) -> None:
    """Put the intervals of a dataset's version and unit in the place of those that were there."""
    import pandas as pd

    frame = pd.DataFrame(found, columns=list(Interval.__dataclass_fields__))
    frame = frame.assign(dataset=dataset, version=version, unit=unit, resamples=RESAMPLES)
    prepare(warehouse)
    with store.at_once(warehouse):
        warehouse.execute(
            f"DELETE FROM {TABLE.table} WHERE dataset = ? AND version = ? AND unit = ?",
            [dataset, version, unit],
        )
        warehouse.execute(f"INSERT INTO {TABLE.table} BY NAME SELECT * FROM frame")
        warehouse.execute(
            f"CREATE OR REPLACE TABLE {TABLE.table} AS FROM {TABLE.table} "
            f"ORDER BY {', '.join(TABLE.key)}"
        )
    _record(warehouse)


def _record(warehouse: duckdb.DuckDBPyConnection) -> None:
    content, rows = store.content_hash(warehouse, TABLE.table)
    store.record(warehouse, store.Materialization(TABLE.table, code_version(), {}, content, rows))
