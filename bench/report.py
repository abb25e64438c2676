"""What was measured, as one Markdown page: machine, versions, results against their goals."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.adhoc import AdHoc
from bench.builds import Run
from bench.dashboard import Crowd, Waits
from bench.grid import Grid
from bench.growth import Grown, ratios
from bench.readers import Reading

PACKAGES = ("duckdb", "dagster", "pandas", "python-calamine", "openpyxl")
FULL_SECONDS, UNCHANGED_SECONDS, PEAK_MB = 10.0, 4.0, 500.0
BEGIN, END = "<!-- benchmarks: written by `make bench` -->", "<!-- end of benchmarks -->"
EDITION_SECONDS, GRID_SECONDS, GRID_RATIO = 0.6, 3.0, 50.0
QUERY_SECONDS = 0.05
FIRST_PAGE_SECONDS, PAGE_SECONDS, FILTER_SECONDS = 3.0, 1.0, 0.5
CROWD_SECONDS, CROWD_MB = 2.0, 600.0


@dataclass(frozen=True)
class Results:
    """Everything that one benchmark run measured."""

    runs: int
    load: tuple[float, float]
    full: Run
    full_peak_mb: float
    unchanged: Run
    readings: Sequence[Reading]
    grid: Grid
    adhoc: AdHoc
    waits: Waits
    crowd: Crowd
    editions: Sequence[Grown]
    alliances: Sequence[Grown]


def met(is_met: bool) -> str:
    """Whether a goal is met, in a word."""
    return "met" if is_met else "**missed**"


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def goals(results: Results) -> str:
    """What was to be reached and what was measured, as a table."""
    full, unchanged, grid = results.full, results.unchanged, results.grid
    slowest = max(reading.ours for reading in results.readings)
    never_slower = all(reading.ours <= reading.openpyxl for reading in results.readings)
    ratio = grid.pandas_seconds / grid.seconds
    return table(
        ["what", "goal", "measured", ""],
        [
            [
                "full build, every edition of the mirror",
                f"≤ {FULL_SECONDS:.0f} s",
                f"{full.seconds:.1f} s ({full.cpu_seconds:.1f} s of processor)",
                met(full.seconds <= FULL_SECONDS),
            ],
            [
                "build when nothing changed",
                f"≤ {UNCHANGED_SECONDS:.0f} s",
                f"{unchanged.seconds:.1f} s",
                met(unchanged.seconds <= UNCHANGED_SECONDS),
            ],
            [
                "peak memory of the full build",
                f"< {PEAK_MB:.0f} MB",
                f"{results.full_peak_mb:.0f} MB",
                met(results.full_peak_mb < PEAK_MB),
            ],
            [
                "one edition with statuses and notes, the slowest",
                f"≤ {EDITION_SECONDS} s",
                f"{slowest:.2f} s",
                met(slowest <= EDITION_SECONDS),
            ],
            [
                "never slower than pandas + openpyxl on values alone",
                "every edition",
                "every edition" if never_slower else "not every edition",
                met(never_slower),
            ],
            [
                f"grid of alliances, {grid.combinations:,} combinations",
                f"≤ {GRID_SECONDS:.0f} s",
                f"{grid.seconds:.2f} s",
                met(grid.seconds <= GRID_SECONDS),
            ],
            [
                "grid against one pandas query a specification",
                f"≥ {GRID_RATIO:.0f} times faster",
                f"{ratio:.0f} times",
                met(ratio >= GRID_RATIO),
            ],
            [
                "a simple ad hoc query through a warm worker, median",
                f"≤ {QUERY_SECONDS * 1e3:.0f} ms",
                f"{results.adhoc.median * 1e3:.1f} ms",
                met(results.adhoc.median <= QUERY_SECONDS),
            ],
            [
                "dashboard in a browser: first page after the server's start",
                f"≤ {FIRST_PAGE_SECONDS:.0f} s",
                f"{results.waits.first:.1f} s",
                met(results.waits.first <= FIRST_PAGE_SECONDS),
            ],
            [
                "a later page, median",
                f"≤ {PAGE_SECONDS:.0f} s",
                f"{results.waits.page:.2f} s",
                met(results.waits.page <= PAGE_SECONDS),
            ],
            [
                "a changed filter, median",
                f"≤ {FILTER_SECONDS} s",
                f"{results.waits.changed:.2f} s",
                met(results.waits.changed <= FILTER_SECONDS),
            ],
            [
                f"{results.crowd.sessions} sessions at once: 95 % of reruns, errors",
                f"≤ {CROWD_SECONDS:.0f} s, 0",
                f"{results.crowd.p95:.1f} s, {results.crowd.errors}",
                met(results.crowd.p95 <= CROWD_SECONDS and not results.crowd.errors),
            ],
            [
                "the dashboard server's memory with them",
                f"< {CROWD_MB:.0f} MB",
                f"{results.crowd.peak_mb:.0f} MB",
                met(results.crowd.peak_mb < CROWD_MB),
            ],
        ],
    )


def in_readme(text: str, results: Results) -> str:
    """A text with the table of goals between its markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"bench: README.md has no lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{goals(results)}\n\n{END}{after}"


def page(results: Results) -> str:
    """The whole page."""
    grid = results.grid
    readers = table(
        [
            "edition",
            "Milex, s",
            "pandas + openpyxl, s",
            "ratio",
            "pandas + calamine, s",
            "calamine alone, s",
        ],
        [
            [
                str(r.edition),
                f"{r.ours:.2f}",
                f"{r.openpyxl:.2f}",
                f"{r.openpyxl / r.ours:.1f}",
                f"{r.pandas_calamine:.2f}",
                f"{r.calamine:.2f}",
            ]
            for r in results.readings
        ],
    )
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return f"""# Benchmarks

Written by `make bench` (`python -m bench`); do not edit by hand. Times are the best of \
{results.runs} runs.

Measured on {datetime.now(UTC):%d %B %Y}: {_machine()}. Load of the machine: \
{results.load[0]:.1f} at the start, {results.load[1]:.1f} at the end; a load above \
{os.cpu_count()} means that other work slowed these runs. {versions}.

{goals(results)}

Every build is a process of its own in an empty data folder, with installed and compiled packages. \
The peak is the largest of all full builds. The grid is declared and evaluated in one go.

## Reading one edition

Milex reads the seven country sheets, the regional totals and the footnotes, and gives every cell's \
value, unit, status and notes. The others read the values of the seven country sheets and nothing \
else. The ratio is pandas + openpyxl over Milex.

{readers}

## The grid of alliances

{grid.evaluated:,} of {grid.combinations:,} combinations have a meaning. One pandas query takes \
{grid.seconds_a_query * 1e3:.1f} ms on average over a sample of {grid.sample}, or \
{grid.pandas_seconds:.0f} s for all of them; the grid takes {grid.seconds:.2f} s. On the sample the \
largest difference of the results is {grid.largest_difference:.0e}.

## The dashboard

One reader in a real browser, the best of {results.runs} for each: from the click to the page with \
every chart drawn.

{_waits(results.waits)}

{results.crowd.sessions} sessions go through all pages at the same time, over the browser's own \
protocol, each asking for the next page {results.crowd.pause:.0f} s after it has the last: \
{results.crowd.reruns} reruns, half of them within {results.crowd.median:.2f} s and 95 % within \
{results.crowd.p95:.1f} s. One session had gone through them before.

## Ad hoc queries

{results.adhoc.queries} simple queries through a warm worker: median \
{results.adhoc.median * 1e3:.1f} ms, slowest {results.adhoc.slowest * 1e3:.1f} ms. The first, which \
starts the worker, took {results.adhoc.first:.2f} s.

## Growth

{_growth(results)}
"""


def _waits(waits: Waits) -> str:
    rows = [("first page", waits.first), *waits.pages.items()]
    rows += [(f"filter: {name}", seconds) for name, seconds in waits.filters.items()]
    return table(["page", "s"], [[name, f"{seconds:.2f}"] for name, seconds in rows])


def _growth(results: Results) -> str:
    if not results.editions:
        return "Not measured in this run."
    rows = [
        [f"{one.size} {what}", f"{one.run.seconds:.1f}", ratio, f"{one.run.peak_mb:.0f}"]
        for what, grown in (
            ("editions", results.editions),
            ("times the alliances of ATOP 3.0, one edition", results.alliances),
        )
        for one, ratio in zip(grown, ratios(grown), strict=True)
    ]
    return (
        "A full build each. Editions are the newest workbook cut off at earlier years; alliances are "
        "repeated under other numbers and among other states.\n\n"
        + table(["of", "s", "ratio", "peak MB"], rows)
    )


def _machine() -> str:
    model = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    )
