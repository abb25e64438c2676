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
from bench.parts import Parts
from bench.readers import Reading

PACKAGES = ("duckdb", "dagster", "pandas", "python-calamine", "openpyxl")
BEGIN, END = "<!-- benchmarks: written by `make bench` -->", "<!-- end of benchmarks -->"


@dataclass(frozen=True)
class Results:
    """Everything that one benchmark run measured."""

    runs: int
    load: tuple[float, float]
    full: Run
    full_peak_mb: float
    unchanged: Run
    parts: Parts
    unchanged_parts: Parts
    readings: Sequence[Reading]
    grid: Grid
    adhoc: AdHoc
    waits: Waits
    crowd: Crowd
    editions: Sequence[Grown]
    alliances: Sequence[Grown]


@dataclass(frozen=True)
class Goal:
    """One line of the table of goals."""

    what: str
    goal: str
    measured: str
    met: bool


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def goals(results: Results) -> list[Goal]:
    """What was to be reached and what was measured."""
    full, unchanged, grid, waits, crowd = (
        results.full,
        results.unchanged,
        results.grid,
        results.waits,
        results.crowd,
    )
    slowest = max(reading.ours for reading in results.readings)
    slower = [r.edition for r in results.readings if r.ours > r.openpyxl]
    ratio = grid.pandas_seconds / grid.seconds
    query = results.adhoc.median * 1e3
    spent = f"{full.seconds:.1f} s ({full.cpu_seconds:.1f} s of processor)"
    return [
        Goal("full build, every edition of the mirror", "≤ 10 s", spent, full.seconds <= 10),
        at_most("build when nothing changed", 4, unchanged.seconds, "s"),
        below("peak memory of the full build", 500, results.full_peak_mb),
        at_most("one edition with statuses and notes, the slowest", 0.6, slowest, "s", 2),
        Goal(
            "never slower than pandas + openpyxl on values alone",
            "every edition",
            f"not {', '.join(map(str, slower))}" if slower else "every edition",
            not slower,
        ),
        at_most(f"grid of alliances, {grid.combinations:,} combinations", 3, grid.seconds, "s", 2),
        Goal(
            "grid against one pandas query a specification",
            "≥ 50 times faster",
            f"{ratio:.0f} times",
            ratio >= 50,
        ),
        at_most("a simple ad hoc query through a warm worker, median", 50, query, "ms"),
        at_most("dashboard in a browser: first page after the server's start", 3, waits.first, "s"),
        at_most("a later page, median", 1, waits.page, "s", 2),
        at_most("a changed filter, median", 0.5, waits.changed, "s", 2),
        Goal(
            f"{crowd.sessions} sessions at once: 95 % of reruns, errors",
            "≤ 2 s, 0",
            f"{crowd.p95:.1f} s, {crowd.errors}",
            crowd.p95 <= 2 and not crowd.errors,
        ),
        below("the dashboard server's memory with them", 600, crowd.peak_mb),
    ]


def at_most(what: str, limit: float, measured: float, unit: str, digits: int = 1) -> Goal:
    """A time that is not to be exceeded."""
    return Goal(what, f"≤ {limit:g} {unit}", f"{measured:.{digits}f} {unit}", measured <= limit)


def below(what: str, limit: float, measured: float) -> Goal:
    """Memory that is not to be reached, in MB."""
    return Goal(what, f"< {limit:g} MB", f"{measured:.0f} MB", measured < limit)


def goals_table(results: Results) -> str:
    """Goals, and whether each is met."""
    return table(
        ["what", "goal", "measured", ""],
        [[g.what, g.goal, g.measured, "met" if g.met else "**missed**"] for g in goals(results)],
    )


def in_readme(text: str, results: Results) -> str:
    """A text with the table of goals between its markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"bench: README.md has no lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{goals_table(results)}\n\n{END}{after}"


def page(results: Results) -> str:
    """The whole page."""
    grid = results.grid
    readers = table(
        [
            "edition",
            "Milex, s",
            "pandas + openpyxl, s",
            "over Milex",
            "pandas + calamine, s",
            "calamine alone, s",
            "Milex over it",
        ],
        [
            [
                str(r.edition),
                f"{r.ours:.2f}",
                f"{r.openpyxl:.2f}",
                f"{r.openpyxl / r.ours:.1f}",
                f"{r.pandas_calamine:.2f}",
                f"{r.calamine:.2f}",
                f"{r.ours / r.calamine:.1f}",
            ]
            for r in results.readings
        ],
    )
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return f"""# Benchmarks

Written by `make bench` (`python -m bench`); do not edit by hand. Times are the median of \
{results.runs} runs, where nothing else is said.

Measured on {datetime.now(UTC):%d %B %Y}: {_machine()}. Load of the machine: \
{results.load[0]:.1f} at the start, {results.load[1]:.1f} at the end; a load above \
{os.cpu_count()} means that other work slowed these runs. {versions}.

{goals_table(results)}

Every build is a process of its own in an empty data folder, with installed and compiled packages. \
The peak is the largest of all full builds, that of a build's two processes together. The grid is \
declared and evaluated in one go.

## A build and the sum of its parts

The parts are done by hand, one after another, in one process that keeps no ledger and no history, \
and imports Dagster only at the end. `milex build` runs the same through Dagster; it reads the \
files in a second process while it imports, and makes two tables at a time.

{_parts(results.parts, results.full)}

A build that finds nothing changed does not import Dagster:

{_parts(results.unchanged_parts, results.unchanged)}

## Reading one edition

Milex reads the seven country sheets, the regional totals and the footnotes, and gives every cell's \
value, unit, status and notes. The others read the values of the seven country sheets and nothing \
else; calamine alone is the floor. Milex stays above it because it does more: it reads each cell's \
font from the XML, which calamine does not give and in which SIPRI prints what is an estimate, holds \
every cell against what may stand there, and bounds what a damaged file may cost.

{readers}

## The grid of alliances

{grid.evaluated:,} of {grid.combinations:,} combinations have a meaning. One pandas query takes \
{grid.seconds_a_query * 1e3:.1f} ms on average over a sample of {grid.sample}, or \
{grid.pandas_seconds:.0f} s for all of them; the grid takes {grid.seconds:.2f} s. On the sample the \
largest difference of the results is {grid.largest_difference:.0e}.

## The dashboard

One reader in a real browser, the median of {results.runs} for each: from the click to the page with \
every chart drawn and nothing left to do.

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


def _parts(parts: Parts, whole: Run) -> str:
    total = sum(parts.values())
    rows = [[part, f"{seconds:.2f}", f"{seconds / total:.0%}"] for part, seconds in parts.items()]
    rows += [
        ["**sum of the parts**", f"{total:.2f}", ""],
        ["**the build**", f"{whole.seconds:.2f}", f"{whole.seconds / total:.2f} times the sum"],
    ]
    return table(["part", "s", ""], rows)


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
        "One full build each. Editions are the newest workbook cut off at earlier years; alliances are "
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
