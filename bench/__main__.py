"""`python -m bench`: measure, print, and write docs/benchmarks.md and the README's table.

Needs the publishers' files (MILEX_MIRROR), and installed test requirements. Takes some minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from bench import builds

ROOT = builds.ROOT
PAGE = ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"
PORT = 8573


def main() -> None:
    """Measure everything, the builds first: this process is then still small."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="the median of so many (default 3)")
    parser.add_argument("--sample", type=int, default=500, help="specifications for pandas")
    parser.add_argument(
        "--no-growth", dest="growth", action="store_false", help="leave out larger inputs"
    )
    parser.add_argument(
        "--no-keep", dest="keep", action="store_false", help="print, and write no file"
    )
    options = parser.parse_args()
    named = os.environ.get("MILEX_MIRROR")
    if not named or not list(Path(named).rglob("*.xlsx")):
        sys.exit("bench: MILEX_MIRROR names no folder with SIPRI's workbooks; it reads every one.")
    mirror = Path(named).resolve()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="milex-bench-") as scratch:
        folder = Path(scratch)
        full = [build(folder / f"build-{n}", mirror, "full build") for n in range(options.runs)]
        data = folder / f"build-{options.runs - 1}"
        unchanged = [build(data, mirror, "no change") for _ in range(options.runs)]

        from bench import adhoc, dashboard, grid, growth, parts, readers, report

        by_hand = parts.full(folder, mirror, options.runs)
        unchanged_by_hand = parts.unchanged(data, mirror, options.runs)
        say(f"the parts of a full build: {sum(by_hand.values()):.1f} s")
        readings = []
        for path in sorted(mirror.rglob("*.xlsx")):
            readings.append(readers.read(path, options.runs))
            say(f"edition {readings[-1].edition}: {readings[-1].ours:.2f} s")
        measured = grid.measure(
            data / "processed" / "warehouse.duckdb", ROOT, folder, options.runs, options.sample
        )
        queries = adhoc.measure((data / "processed" / "milex.duckdb").resolve())
        say(f"a simple query: {queries.median * 1e3:.1f} ms")
        waits = dashboard.one_reader(data, PORT, options.runs)
        say(f"dashboard: first page {waits.first:.1f} s, later {waits.page:.2f} s")
        crowd = dashboard.many_readers(data, PORT)
        say(f"{crowd.sessions} sessions: 95 % of reruns within {crowd.p95:.1f} s")
        editions = growth.with_editions(mirror, folder) if options.growth else []
        alliances = growth.with_alliances(mirror, folder) if options.growth else []
    results = report.Results(
        runs=options.runs,
        load=(load, os.getloadavg()[0]),
        full=builds.median(full),
        full_peak_mb=max(run.peak_mb for run in full),
        unchanged=builds.median(unchanged),
        parts=by_hand,
        unchanged_parts=unchanged_by_hand,
        readings=sorted(readings, key=lambda reading: reading.edition),
        grid=measured,
        adhoc=queries,
        waits=waits,
        crowd=crowd,
        editions=editions,
        alliances=alliances,
    )
    print(report.page(results))
    if options.keep:
        PAGE.write_text(report.page(results), encoding="utf-8")
        text = README.read_text(encoding="utf-8")
        README.write_text(report.in_readme(text, results), encoding="utf-8")
        say("Written: docs/benchmarks.md, README.md")


def build(data: Path, mirror: Path, what: str) -> builds.Run:
    """Build once and say what it took."""
    run = builds.build(data, mirror)
    say(f"{what}: {run.seconds:.1f} s, {run.cpu_seconds:.1f} s of processor, {run.peak_mb:.0f} MB")
    return run


def say(text: str) -> None:
    """Progress, for whoever waits."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
