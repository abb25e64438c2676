"""A build as a user runs it: its own process, a fresh data folder, every file of the mirror."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.memory import Peak

ROOT = Path(__file__).resolve().parent.parent
# What would make the process unlike a user's: other folders, and no compiled modules.
LEFT_OUT = ("MILEX_", "DAGSTER_", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class Run:
    """One command: seconds on the clock, seconds of processor, peak memory of its processes in MB."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def median(runs: Sequence[Run]) -> Run:
    """The run in the middle, by its seconds; of an even number the slower of the two."""
    return sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]


def environment(data: Path, mirror: Path) -> dict[str, str]:
    """That of a user who works in a data folder."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(LEFT_OUT)}
    return kept | {
        "MILEX_HOME": str(ROOT),
        "MILEX_DATA": str(data),
        "MILEX_MIRROR": str(mirror),
        "DAGSTER_HOME": str(data / "dagster"),
    }


def build(data: Path, mirror: Path) -> Run:
    """Run `milex build` into a data folder."""
    log = data.with_suffix(".log")
    with log.open("w", encoding="utf-8") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "build"],
            cwd=ROOT,
            env=environment(data, mirror),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        peak = Peak(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the build failed:\n{log.read_text(encoding='utf-8')[-2000:]}")
    own = used.ru_maxrss * _UNIT / 1e6
    return Run(seconds, used.ru_utime + used.ru_stime, max(own, peak.stop()))


# ru_maxrss is in kilobytes, but on macOS in bytes.
_UNIT = 1 if sys.platform == "darwin" else 1024
