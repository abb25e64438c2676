"""What was measured, as one Markdown page: machine, versions, results against their goals."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.builds import Run
from bench.grid import Grid
from bench.readers import Reading

PACKAGES = ("duckdb", "dagster", "pandas", "python-calamine", "openpyxl")
FULL_SECONDS, UNCHANGED_SECONDS, PEAK_MB = 10.0, 4.0, 500.0
BEGIN, END = "<!-- benchmarks: written by `make bench` -->", "<!-- end of benchmarks -->"
EDITION_SECONDS, GRID_SECONDS, GRID_RATIO = 0.6, 3.0, 50.0


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
"""


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
