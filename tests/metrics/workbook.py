"""SIPRI's workbook read cell by cell, with nothing of the project: what a metric is held against."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

Cells = dict[tuple[str, int], float]


@lru_cache(maxsize=4)
def book(path: Path) -> dict[str, list[tuple[object, ...]]]:
    workbook = load_workbook(path, read_only=True, data_only=True)
    try:
        return {sheet.title: list(_rows(sheet)) for sheet in workbook.worksheets}
    finally:
        workbook.close()


def _rows(sheet: Worksheet) -> Iterator[tuple[object, ...]]:
    yield from sheet.iter_rows(values_only=True)


def cells(path: Path, sheet: str, heading: str = "Country") -> Cells:
    """Every figure of a sheet by the name of its row and the year of its column."""
    rows = book(path)[sheet]
    number = next(n for n, row in enumerate(rows) if str(row[0]).strip() == heading)
    years = {
        position: int(cell)
        for position, cell in enumerate(rows[number])
        if isinstance(cell, int | float) and 1900 < cell < 2100
    }
    return {
        (str(row[0]).strip(), year): float(value)
        for row in rows[number + 1 :]
        for position, year in years.items()
        if position < len(row) and isinstance(value := row[position], int | float) and row[0]
    }


def countries_of(path: Path, sheet: str, first: str, last: str) -> list[str]:
    """The names printed between two headings of a country sheet."""
    names = [str(row[0]).strip() for row in book(path)[sheet] if row[0]]
    return names[names.index(first) : names.index(last)]
