"""Small invented workbooks laid out like SIPRI's editions, for tests to bend."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
from openpyxl.styles import Font
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

YEARS = list(range(2015, 2022))
BLUE, RED = "FF0000FF", "FFFF0000"

# Label → is it a country; the order in which every country sheet lists them.
ROWS = {
    "Africa": False,
    "North Africa": False,
    "Algeria": True,
    "Americas": False,
    "North America": False,
    "Canada": True,
    "South America": False,
    "Brazil": True,
    "Asia & Oceania": False,
    "East Asia": False,
    "China": True,
    "Korea, North": True,
    "Middle East": False,
    "Iran": True,
}
COUNTRIES = [label for label, is_country in ROWS.items() if is_country]

TITLES = {
    "Regional totals": ["Military expenditure by region in constant US dollars  © SIPRI"],
    "Local currency financial years": [
        "Military expenditure by country, in local currency",
        "Figures are in local currency at current prices and are for financial years.",
    ],
    "Local currency calendar years": [
        "Military expenditure by country, in local currency",
        "Figures are in local currency at current prices and are for calendar years, unless noted",
        "Financial years are converted",
    ],
    "Constant (2020) US$": ["Military expenditure by country, in constant (2020) US$ m.  © SIPRI"],
    "Current US$": [
        "Military expenditure by country, in millions of US$ at current prices and exchange rates"
    ],
    "Share of GDP": ["Military expenditure by country as percentage of gross domestic product"],
    "Per capita": ["Military expenditure per capita by country", "Figures are in current US$"],
    "Share of Govt. spending": [
        "Military expenditure by country as percentage of government spending"
    ],
}
COLUMNS = {
    "Local currency financial years": ["Currency", "Fiscal Year (Jan-Dec if not stated)", "Notes"],
    "Local currency calendar years": ["Currency", "Notes"],
    "Constant (2020) US$": [None, "Notes"],
    "Current US$": ["Notes"],
    "Share of GDP": ["Notes"],
    "Per capita": ["Notes"],
    "Share of Govt. spending": ["Notes", "Reporting year"],
}
COUNTRY_SHEETS = list(COLUMNS)
REGIONS = ["World", "Africa", "Americas", "Asia & Oceania", "East Asia", "Middle East"]


def make_book(years: list[int] = YEARS, header_row: int = 6) -> Workbook:
    """An edition of the layout from 2021 on; the base year stays 2020."""
    book = openpyxl.Workbook()
    book.active.title = "Front page"
    regional = book.create_sheet("Regional totals")
    _titles(regional)
    regional.append([])
    last = f"{years[-1]} (current prices)"
    _row(regional, 14, ["Region", *years, last, None, "Omitted countries"])
    for i, region in enumerate(REGIONS):
        figures = [100 * i + j + 0.5 for j in range(len(years) + 1)]
        _row(regional, 15 + i, [region, *figures, None, "Korea, North, Laos" if i == 3 else None])
    for number, name in enumerate(COUNTRY_SHEETS):
        _country_sheet(book.create_sheet(name), number, years, header_row)
    footnotes = book.create_sheet("Footnotes")
    footnotes.append(["Footnotes and special notes"])
    for mark in "†‡§¶‖":
        footnotes.append([mark, f"text of {mark}"])
    for mark in (1, 2, 16):
        footnotes.append([mark, f"text of {mark}"])
    return book


def _country_sheet(sheet: Worksheet, number: int, years: list[int], header_row: int) -> None:
    _titles(sheet)
    columns = COLUMNS[sheet.title]
    _row(sheet, header_row, ["Country", *columns, *years])
    row = header_row + 2
    for label, is_country in ROWS.items():
        if not is_country:
            _row(sheet, row, [label])
        elif label == "Korea, North":
            _row(sheet, row, [label, *[None] * len(columns), *["..."] * len(years)])
        else:
            left = {"Currency": f"{label} dinars  ", None: None}
            cells = [left.get(column) for column in columns]
            figures = [value(number, label, year) for year in years]
            _row(sheet, row, [label, *cells, *figures])
        row += 1


def value(number: int, country: str, year: int) -> float:
    """The figure that sheet `number` gives for a country and year."""
    return 1000 * (number + 1) + 10 * COUNTRIES.index(country) + (year - 2000) / 100


def _titles(sheet: Worksheet) -> None:
    for row, title in enumerate(TITLES[sheet.title], 1):
        sheet.cell(row, 1, title)


def _row(sheet: Worksheet, row: int, cells: list[object]) -> None:
    for column, cell in enumerate(cells, 1):
        if cell is not None:
            sheet.cell(row, column, cell)


def find(sheet: Worksheet, country: str, header: object) -> openpyxl.cell.Cell:
    """The cell in a country's row under a header."""
    header_row = next(r for r in range(1, 20) if sheet.cell(r, 1).value in ("Country", "Region"))
    row = next(r for r in range(header_row, 99) if sheet.cell(r, 1).value == country)
    column = next(c for c in range(1, 99) if sheet.cell(header_row, c).value == header)
    return sheet.cell(row, column)


def colour(cell: openpyxl.cell.Cell, **colour: object) -> None:
    """Give the cell's font a colour: rgb=, indexed= or theme=."""
    cell.font = Font(color=openpyxl.styles.Color(**colour))


def save(book: Workbook, path: Path) -> Path:
    book.save(path)
    return path


def rewrite(path: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """Pass every part of a saved workbook through `change`; None drops the part."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            changed = change(name, content)
            if changed is not None:
                archive.writestr(name, changed)
    return path


def rowwise_dimensions(name: str, content: bytes) -> bytes:
    """What a circulating LibreOffice copy does: extents without column letters."""
    if "worksheets/" not in name:
        return content
    return re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="1:20"', content)
