"""`python -m bench.deployment`: replicas against readers served, workers against resamples a second.

Needs a published snapshot and what the tests need: moto is the S3 server. Writes its tables into
docs/deployment.md.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from logging import CRITICAL
from pathlib import Path

import duckdb
import s3fs

from bench import dashboard, storage
from bench.builds import ROOT
from bench.report import table
from pipelines import bootstrap, replicas
from pipelines.claims.show import current_or_fail
from pipelines.settings import Settings, load_settings

PAGE = ROOT / "docs" / "deployment.md"
BEGIN = "<!-- measured: written by `python -m bench.deployment` -->"
END = "<!-- end of measured -->"
FIRST_PORT = 8710
BUCKET = "milex"
REPLICAS = (1, 2, 3)
READERS = (4, 12)
WORKERS = (1, 2)
# Enough to see a rate, and soon done.
PARTITION = ("ATOP", "3.0", "alliance")


@dataclass(frozen=True)
class Served:
    """Readers who go through every page at once."""

    replicas: int
    readers: int
    pages: int
    seconds: float
    waits: Sequence[float]
    errors: int

    @property
    def slowest_but_5_per_cent(self) -> float:
        """Seconds that 95 % of the pages took at most."""
        return sorted(self.waits)[int(0.95 * (len(self.waits) - 1))]


@dataclass(frozen=True)
class Resampled:
    """The intervals of one partition; workers 0 is this process without a cluster."""

    workers: int
    samples: int
    seconds: float
    same: bool


def main() -> None:
    """Measure, print, and write the page."""
    here = load_settings()
    snapshot = current_or_fail(here)
    load = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(prefix="milex-bench-") as scratch,
        storage.s3_server(Path(scratch) / "s3.log") as port,
    ):
        os.environ |= {**storage.AWS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        s3fs.S3FileSystem().mkdir(BUCKET)
        shared = replace(here, snapshots_url=f"s3://{BUCKET}/snapshots")
        start = time.perf_counter()
        replicas.share(shared, snapshot)
        sharing = time.perf_counter() - start
        fetching = fetched(replace(shared, data=Path(scratch) / "one"))
        served = [
            measured
            for count in REPLICAS
            for measured in read(replace(shared, data=Path(scratch) / f"of-{count}"), count)
        ]
    resampled = list(resample(snapshot))
    text = f"""Measured on {datetime.now(UTC):%-d %B %Y}, {os.cpu_count()} cores, load \
{load:.1f} at the start and {os.getloadavg()[0]:.1f} at the end; {snapshot.stat().st_size / 1e6:.0f} \
MB of snapshot on a local S3 server (moto's), put there in {sharing:.1f} s, fetched from there and \
checked in {fetching:.1f} s.

{served_table(served)}

{resampled_table(resampled)}"""
    print(text)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def fetched(settings: Settings) -> float:
    """Seconds that a machine takes to have a new snapshot: the pointer, the transfer, its hash."""
    start = time.perf_counter()
    replicas.follow(settings)
    return time.perf_counter() - start


def read(settings: Settings, count: int) -> Iterator[Served]:
    """Let readers loose on some replicas, one after another as a proxy would send them."""
    ports = [FIRST_PORT + number for number in range(count)]
    with ExitStack() as at_work:
        for port in ports:
            own = settings.data / str(port)
            url = str(settings.snapshots_url)
            at_work.enter_context(dashboard.server(own, port, MILEX_SNAPSHOTS_URL=url))
        asyncio.run(_crowd(ports, count))  # each replica has fetched and drawn every page once
        for readers in READERS:
            found = asyncio.run(_crowd(ports, readers))
            seconds = max(sum(times) for times, _ in found)  # without the end of connections
            waits = [wait for times, _ in found for wait in times]
            yield Served(
                count, readers, len(waits), seconds, waits, sum(errors for _, errors in found)
            )


async def _crowd(ports: Sequence[int], readers: int) -> list[tuple[list[float], int]]:
    return await asyncio.gather(*(dashboard.session(ports[n % len(ports)]) for n in range(readers)))


def resample(snapshot: Path) -> Iterator[Resampled]:
    """One partition here, then on clusters of one worker and more."""
    from distributed import LocalCluster

    with duckdb.connect(str(snapshot), read_only=True) as connection:
        samples = bootstrap.samples(connection, *PARTITION)
    bootstrap.intervals(samples[:1])  # numpy is loaded
    start = time.perf_counter()
    here = bootstrap.intervals(samples)
    yield Resampled(0, len(samples), time.perf_counter() - start, True)
    for workers in WORKERS:
        with LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=CRITICAL
        ) as local:
            bootstrap.intervals(samples[:workers], local.scheduler_address)
            start = time.perf_counter()
            there = bootstrap.intervals(samples, local.scheduler_address)
            yield Resampled(workers, len(samples), time.perf_counter() - start, there == here)


def served_table(served: Sequence[Served]) -> str:
    """Replicas against readers."""
    return table(
        ["replicas", "readers at once", "pages a second", "95 % of pages within, s", "errors"],
        [
            [
                str(one.replicas),
                str(one.readers),
                f"{one.pages / one.seconds:.1f}",
                f"{one.slowest_but_5_per_cent:.1f}",
                str(one.errors),
            ]
            for one in served
        ],
    )


def resampled_table(resampled: Sequence[Resampled]) -> str:
    """Workers against resamples."""
    return table(
        ["computed on", "samples", "seconds", "resamples a second", "same bits"],
        [
            [
                f"{one.workers} worker{'s' * (one.workers > 1)}" if one.workers else "this process",
                str(one.samples),
                f"{one.seconds:.1f}",
                f"{one.samples * bootstrap.RESAMPLES / one.seconds:,.0f}",
                "yes" if one.same else "**no**",
            ]
            for one in resampled
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
