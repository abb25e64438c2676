"""One edition read with statuses and notes, against libraries that read the values alone."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COUNTRY_SHEET = re.compile(r"local currency|constant|current|share of|per capita", re.IGNORECASE)
SHEETS = 7


@dataclass(frozen=True)
class Reading:
    """The median seconds of each way to read one edition."""

    edition: int
    ours: float
    openpyxl: float
    pandas_calamine: float
    calamine: float


def timed(runs: int, call: Callable[[], Any]) -> tuple[float, Any]:
    """The median seconds of some runs, and what the last returned."""
    seconds, returned = [], None
    for _ in range(runs):
        start = time.perf_counter()
        returned = call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), returned


def read(path: Path, runs: int) -> Reading:
    """Time the readers on one workbook."""
    import pandas as pd
    from python_calamine import CalamineWorkbook

    from pipelines.readers.sipri import read_sipri

    names = [n for n in CalamineWorkbook.from_path(path).sheet_names if COUNTRY_SHEET.search(n)]
    if len(names) != SHEETS:
        raise SystemExit(f"{path.name}: expected {SHEETS} country sheets, found {names}")

    def by_pandas(engine: Any) -> Any:
        return pd.read_excel(path, sheet_name=names, header=None, engine=engine)

    def by_calamine() -> list[Any]:
        workbook = CalamineWorkbook.from_path(path)
        return [workbook.get_sheet_by_name(name).to_python() for name in names]

    ours, edition = timed(runs, lambda: read_sipri(path))
    return Reading(
        edition.edition,
        ours,
        timed(runs, lambda: by_pandas("openpyxl"))[0],
        timed(runs, lambda: by_pandas("calamine"))[0],
        timed(runs, by_calamine)[0],
    )
