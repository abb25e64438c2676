"""SIPRI Military Expenditure Database editions as tidy tables; knows no Dagster and no DuckDB.

Whatever differs between editions is found by content: the sheets by name or title, the header
row and its columns by what they say, countries by having cells under the year headers.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.errors import ReadError
from pipelines.readers.workbook import (
    BLUE,
    RED,
    Sheet,
    Workbook,
    coordinate,
)

Categories: TypeAlias = "pd.Categorical[str]"

STATUSES = ("reported", "estimate", "uncertain", "unavailable", "not_independent")
REPORTED, ESTIMATE, UNCERTAIN, UNAVAILABLE, NOT_INDEPENDENT = range(5)

_MARKERS = {
    "": UNAVAILABLE,
    "..": UNAVAILABLE,
    "...": UNAVAILABLE,
    "…": UNAVAILABLE,
    "xxx": NOT_INDEPENDENT,
}
_ERROR_VALUE = re.compile(r"#(?:VALUE!|REF!|DIV/0!|NAME\?|NUM!|NULL!|N/A)")


@dataclass(frozen=True)
class _Kind:
    """How a kind of sheet is recognised: by its name, or failing that by its title rows."""

    key: str
    looks_like: str
    name: re.Pattern[str]
    title: re.Pattern[str]


def _kind(key: str, looks_like: str, name: str, title: str) -> _Kind:
    return _Kind(key, looks_like, re.compile(name), re.compile(title))


# Country sheets, in the workbook's order; names and titles are matched in lower case. Of the
# titles (the rows above the header, joined) the first line names the measure; the local
# currency sheets share it and differ in the second.
_COUNTRY_SHEETS = (
    _kind(
        "local_currency_financial",
        "Local currency financial years",
        r"local currency.*fin",
        r"in local currency.{0,500}? for financial years",
    ),
    _kind(
        "local_currency",
        "Local currency calendar years",
        r"local currency(?!.*fin)",
        r"in local currency.{0,500}? for calendar years",
    ),
    _kind(
        "constant_usd", "Constant (YYYY) US$", r"constant\b", r"by country, in constant \(?\d{4}"
    ),
    _kind(
        "current_usd",
        "Current US$",
        r"current\b.*(?:us|\$|dollar|prices)|current$",
        r"by country, in millions.{0,40} current prices",
    ),
    _kind(
        "share_of_gdp",
        "Share of GDP",
        r"share of (?:the )?(?:gdp|gross domestic)",
        r"percentage of gross domestic product",
    ),
    _kind("per_capita_usd", "Per capita", r"per capita", r"expenditure per capita"),
    _kind(
        "share_of_government_spending",
        "Share of Govt. spending",
        r"share of gov",
        r"percentage of government spending",
    ),
)
_REGIONAL_TOTALS = _kind(
    "regional_totals", "Regional totals", r"region(?:al)? totals?", r"expenditure by region"
)
_FOOTNOTES = _kind("footnotes", "Footnotes", r"foot ?notes?", r"footnotes and special notes")
_SHEETS = (_REGIONAL_TOTALS, *_COUNTRY_SHEETS, _FOOTNOTES)
MEASURES = tuple(kind.key for kind in _COUNTRY_SHEETS)

_REGIONS = {"africa", "americas", "asia and oceania", "europe", "middle east"}
_SUBREGIONS = {
    "north africa",
    "sub saharan",
    "sub saharan africa",
    "central america and the caribbean",
    "central america and caribbean",
    "north america",
    "south america",
    "oceania",
    "central asia",
    "central and south asia",
    "east asia",
    "south asia",
    "south east asia",
    "southeast asia",
    "central europe",
    "eastern europe",
    "western europe",
    "central and western europe",
}
_WORLD = re.compile(r"world\b.*|middle east \(.*\)")

_MIN_YEAR_HEADERS = 5
_MAX_LISTED = 20
_MAX_ROWS = np.iinfo(np.int16).max  # the type of sheet_row


@dataclass(frozen=True)
class SipriEdition:
    """One edition, as printed: no name canonical, no row interpreted beyond its own sheet.

    `figures` has one row for every country row and year header of the seven country sheets:
    edition, measure, country, region_heading, subregion_heading ('' where no heading stands),
    year, value (NaN where there is none), unit, status, sheet_row, sheet_column (from 1).
    Values are US$ millions, single units of the currency that `unit` names, fractions, or US$
    per head.

    `notes` has one row for every country row: edition, measure, country, marks ('‡ ¶ 2'),
    notes (their texts, joined by a space), fiscal_year, currency, reporting_year, sheet_row;
    '' where nothing is printed.

    `regional_totals`: edition, region, year, prices ('constant' or 'current'), value_bn (US$
    billions), status, omitted (as printed), sheet_row, sheet_column.

    `footnotes`: edition, mark, text.
    """

    edition: int
    base_year: int
    first_year: int
    last_year: int
    figures: pd.DataFrame
    notes: pd.DataFrame
    regional_totals: pd.DataFrame
    footnotes: pd.DataFrame


def read_sipri(path: Path) -> SipriEdition:
    """The edition in the workbook at `path`.

    Raises ReadError where the file is no workbook, a sheet is missing or without a header, a
    country stands twice in one sheet, or a figure cell holds text that is no known marker.
    """
    path = Path(path)
    sheets = _find_sheets(Workbook(path), path)
    tables = {kind.key: _table(sheets[kind.key], kind, path) for kind in _COUNTRY_SHEETS}
    regional = _table(sheets["regional_totals"], _REGIONAL_TOTALS, path)

    blocks = _country_blocks(tables, path)
    totals = _regional_block(regional, path)
    strays = [stray for block in [*blocks.values(), totals] for stray in block.strays]
    _refuse_strays(strays, path)

    years = sorted({year for block in blocks.values() for year in block.years_with_figures()})
    if not years:
        raise ReadError(
            f"{path}: no country sheet holds any figure; expected figures under the year "
            "headers. Check that it is the publisher's file."
        )
    edition = years[-1]
    base_year = _base_year(sheets["constant_usd"], path)
    footnotes = _footnotes(sheets["footnotes"])
    return SipriEdition(
        edition=edition,
        base_year=base_year,
        first_year=years[0],
        last_year=edition,
        figures=_figures(blocks, edition, base_year),
        notes=_notes(blocks, edition, footnotes),
        regional_totals=_regional_totals(regional, totals, edition),
        footnotes=pd.DataFrame(
            {
                "edition": np.full(len(footnotes), edition, dtype=np.int16),
                "mark": pd.Series(list(footnotes), dtype="str"),
                "text": pd.Series(list(footnotes.values()), dtype="str"),
            }
        ),
    )


# --- sheets and headers ---------------------------------------------------------------------


def _find_sheets(book: Workbook, path: Path) -> dict[str, Sheet]:
    """Every kind's sheet, by name and, for those left over, by title."""
    names = book.sheet_names
    found: dict[str, str] = {}
    for kind in _SHEETS:
        matching = [name for name in names if kind.name.match(_normal(name))]
        if len(matching) > 1:
            raise ReadError(
                f"{path}: the sheets {_listed(matching)} may each be the sheet "
                f"'{kind.looks_like}'; expected one. Rename or delete those that are not SIPRI's."
            )
        if matching:
            found[kind.key] = matching[0]
    sheets = {key: book.sheet(name) for key, name in found.items()}
    missing = [kind for kind in _SHEETS if kind.key not in found]
    if missing:
        renamed = [book.sheet(name) for name in names if name not in found.values()]
        titles = [(sheet, _title(sheet)) for sheet in renamed]
        for kind in missing:
            match = next((sheet for sheet, title in titles if kind.title.search(title)), None)
            if match is None:
                raise ReadError(
                    f"{path}: no sheet '{kind.looks_like}'; looked for a sheet named "
                    f"like it or with a title that says '{_in_words(kind.title)}', among "
                    f"{_listed(names) or 'no sheets at all'}. Give the sheet its name back, or "
                    "download the file again."
                )
            sheets[kind.key] = match
    return sheets


def _title(sheet: Sheet) -> str:
    """The text of the first rows, which name the measure."""
    return _normal(" ".join(_text(row[0]) for row in sheet.rows[:6] if row))


@dataclass(frozen=True)
class _Table:
    """A sheet with its header found; columns and rows count from 0."""

    kind: _Kind
    sheet: Sheet
    header_row: int
    first_column: int
    years: list[int]

    @property
    def header(self) -> list[object]:
        return self.sheet.rows[self.header_row]

    @property
    def end_column(self) -> int:
        return self.first_column + len(self.years)

    def body(self) -> Iterator[tuple[int, list[object]]]:
        for row in range(self.header_row + 1, len(self.sheet.rows)):
            yield row, self.sheet.rows[row]

    def column(self, starts_with: str) -> int | None:
        """The column left of the figures whose header starts so."""
        for column, header in enumerate(self.header[: self.first_column]):
            if _normal(_text(header)).startswith(starts_with):
                return column
        return None


def _table(sheet: Sheet, kind: _Kind, path: Path) -> _Table:
    for row, cells in enumerate(sheet.rows):
        if not cells or _normal(_text(cells[0])) not in ("country", "region"):
            continue
        first, years = _year_run(cells)
        if len(years) >= _MIN_YEAR_HEADERS:
            backwards = [b for a, b in pairwise(years) if b <= a]
            if backwards:
                raise ReadError(
                    f"{path}, sheet '{sheet.name}': the year headers in row {row + 1} do not "
                    f"ascend at {backwards[0]}; expected each year once. Restore the header row."
                )
            _refuse_interruption(sheet, row, first + len(years), years[-1], path)
            return _Table(kind, sheet, row, first, years)
    raise ReadError(
        f"{path}, sheet '{sheet.name}': no header row; looked for a row whose first cell is "
        f"Country or Region, followed by at least {_MIN_YEAR_HEADERS} year headers, for "
        f"'{kind.looks_like}'. Restore the header row, or download the file again."
    )


def _refuse_interruption(sheet: Sheet, row: int, end: int, last: int, path: Path) -> None:
    """A later year beyond the run: without it the file would pass for an earlier edition."""
    for column, cell in enumerate(sheet.rows[row][end:], end):
        found = re.match(r"(\d{4})(?!\d)(?!.*current)", _normal(_text(cell)))
        if found and last < int(found[1]) <= 2100:
            raise ReadError(
                f"{path}, sheet '{sheet.name}': the year headers in row {row + 1} end with {last}, "
                f"but further on stands {_label(cell)[:40]} ({coordinate(row, column)}); expected "
                "one unbroken run of years. Restore the header row."
            )


def _year_run(header: list[object]) -> tuple[int, list[int]]:
    """First column and years of the first unbroken run of year headers.

    What stands beyond the run ('2017 Current', stray numbers) is no year of the series.
    """
    years: list[int] = []
    first = 0
    for column, cell in enumerate(header):
        year = _year(cell)
        if year is not None:
            if not years:
                first = column
            years.append(year)
        elif years:
            break
    return first, years


def _year(cell: object) -> int | None:
    if isinstance(cell, str) and re.fullmatch(r"\s*\d{4}\s*", cell):
        cell = int(cell)
    if not _is_number(cell):
        return None
    return int(cell) if 1940 <= cell <= 2100 and cell == int(cell) else None


def _base_year(sheet: Sheet, path: Path) -> int:
    """The year of the constant prices: from the sheet's name, or else its titles."""
    for text in (_normal(sheet.name), _title(sheet)):
        found = re.search(r"constant \(?(\d{4})\b", text)
        if found:
            return int(found[1])
    raise ReadError(
        f"{path}, sheet '{sheet.name}': no base year; looked for 'Constant (YYYY)' in the "
        "sheet's name and title rows. Give the sheet its name back."
    )


# --- cells ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """One country or region row and the headings that it stands under."""

    label: str
    row: int
    region: str = ""
    subregion: str = ""


@dataclass(frozen=True)
class _Block:
    """The figure cells of a table's rows: rows × years."""

    table: _Table
    rows: list[_Row]
    values: NDArray[np.float64]
    statuses: NDArray[np.int8]
    strays: list[str]

    def years_with_figures(self) -> list[int]:
        return [self.table.years[j] for j in np.flatnonzero((~np.isnan(self.values)).any(axis=0))]


def _block(table: _Table, rows: list[_Row], columns: range, red: int, path: Path) -> _Block:
    """Values and statuses under `columns`; cells that are neither are listed as strays."""
    _refuse_nameless(table, path)
    _refuse_doubles(table, rows, path)
    _refuse_distant(table, rows, path)
    values = np.full((len(rows), len(columns)), np.nan)
    statuses = np.full((len(rows), len(columns)), UNAVAILABLE, dtype=np.int8)
    strays: list[str] = []
    sheet = table.sheet
    for i, at in enumerate(rows):
        cells = sheet.rows[at.row]
        # Whole rows are handed over: an array takes each single value in the time of ten in a list.
        row_values, row_statuses = [], []
        for column in columns:
            cell = cells[column]
            if _is_number(cell) and math.isfinite(cell):
                row_values.append(cell)
                row_statuses.append(REPORTED)
                continue
            status = _marker(cell)
            if status is None:
                strays.append(_stray(sheet, at.row, column))
                status = UNAVAILABLE
            row_values.append(math.nan)
            row_statuses.append(status)
        values[i], statuses[i] = row_values, row_statuses
    sheet_rows = [at.row for at in rows]
    for row, column in sorted(sheet.uncalculated.intersection(product(sheet_rows, columns))):
        strays.append(f"{sheet.name}!{coordinate(row, column)} = a formula without its value")
    if rows:
        hues = sheet.hues[np.ix_(sheet_rows, list(columns))]
        reported = statuses == REPORTED
        statuses[reported & (hues == BLUE)] = ESTIMATE
        statuses[reported & (hues == RED)] = red
    return _Block(table, rows, values, statuses, strays)


@lru_cache(maxsize=1_000)  # a sheet has thousands of markers and few different ones
def _marker(cell: object) -> int | None:
    """The status that a text stands for; None if it is no marker."""
    if not isinstance(cell, str):
        return None
    squeezed = "".join(cell.split()).casefold()
    status = _MARKERS.get(squeezed)
    if status is None and _ERROR_VALUE.fullmatch(squeezed.upper()):
        return UNAVAILABLE
    return status


def _is_number(cell: object) -> TypeGuard[float]:
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def _stray(sheet: Sheet, row: int, column: int) -> str:
    return f"{sheet.name}!{coordinate(row, column)} = {_label(sheet.rows[row][column])[:40]}"


def _refuse_strays(strays: list[str], path: Path) -> None:
    if not strays:
        return
    more = f" and {len(strays) - _MAX_LISTED} more" if len(strays) > _MAX_LISTED else ""
    raise ReadError(
        f"{path}: {len(strays)} figure cells hold neither a figure nor a marker ('. .', '...', "
        f"'xxx', blank): {'; '.join(strays[:_MAX_LISTED])}{more}. The copy seems edited by "
        "hand: restore these cells, or use the publisher's file."
    )


# --- country sheets -------------------------------------------------------------------------


def _country_blocks(tables: dict[str, _Table], path: Path) -> dict[str, _Block]:
    """Every country sheet's rows.

    A label with anything under the year headers of some sheet is a country; so a row that is
    blank in one sheet is still told from a heading or an explanatory text.
    """
    countries = {label for table in tables.values() for label in _labels_with_cells(table)}
    return {
        measure: _block(
            table,
            _country_rows(table, countries, path),
            range(table.first_column, table.end_column),
            UNCERTAIN,
            path,
        )
        for measure, table in tables.items()
    }


def _labels_with_cells(table: _Table) -> Iterator[str]:
    columns = slice(table.first_column, table.end_column)
    for _, cells in table.body():
        label = _label(cells[0])
        if label and not _is_heading(label) and any(_text(cell) for cell in cells[columns]):
            yield label


def _country_rows(table: _Table, countries: set[str], path: Path) -> list[_Row]:
    rows: list[_Row] = []
    region = subregion = ""
    for row, cells in table.body():
        label = _label(cells[0])
        if label in countries:
            rows.append(_Row(label, row, region, subregion))
        elif _normal_label(label) in _REGIONS or _is_world(label):
            region, subregion = label, ""
        elif label:
            subregion = label
        else:
            # A heading that lost its text (South America in 2017): better none than a wrong one.
            subregion = ""
    if not rows:
        raise ReadError(
            f"{path}, sheet '{table.sheet.name}': no country below the header in row "
            f"{table.header_row + 1}; expected country rows. Download the file again."
        )
    return rows


def _refuse_doubles(table: _Table, rows: list[_Row], path: Path) -> None:
    first: dict[str, int] = {}
    for at in rows:
        earlier = first.setdefault(at.label.casefold(), at.row)
        if earlier != at.row:
            raise ReadError(
                f"{path}, sheet '{table.sheet.name}': {at.label[:60]} stands twice, in rows "
                f"{earlier + 1} and {at.row + 1}; expected one row for each name. Delete the "
                "row that is not SIPRI's."
            )


def _refuse_distant(table: _Table, rows: list[_Row], path: Path) -> None:
    if rows and rows[-1].row >= _MAX_ROWS:
        raise ReadError(
            f"{path}, sheet '{table.sheet.name}': {rows[-1].label[:60]} stands in row "
            f"{rows[-1].row + 1}; expected every name within the first {_MAX_ROWS} rows. Delete "
            "the rows that are not SIPRI's."
        )


def _refuse_nameless(table: _Table, path: Path) -> None:
    """Figures beside an empty first cell: whose they are cannot be known."""
    for row, cells in table.body():
        columns = range(table.first_column, table.end_column)
        figure = next((c for c in columns if _is_number(cells[c])), None)
        if figure is not None and not _label(cells[0]):
            raise ReadError(
                f"{path}, sheet '{table.sheet.name}': row {row + 1} has figures but no name "
                f"({_stray(table.sheet, row, figure)}). Restore the name, or delete the row."
            )


def _is_world(label: str) -> bool:
    return bool(_WORLD.fullmatch(_normal_label(label)))


def _is_heading(label: str) -> bool:
    normal = _normal_label(label)
    return normal in _REGIONS or normal in _SUBREGIONS or _is_world(label)


def _figures(blocks: dict[str, _Block], edition: int, base_year: int) -> pd.DataFrame:
    columns: dict[str, list[NDArray[Any]]] = {
        name: [] for name in ("measure", "value", "status", "year", "sheet_row", "sheet_column")
    }
    texts: dict[str, list[str]] = {
        name: [] for name in ("country", "region_heading", "subregion_heading", "unit")
    }
    repeats: list[int] = []
    currencies = _currencies(blocks)
    for number, (measure, block) in enumerate(blocks.items()):
        table, height, width = block.table, len(block.rows), len(block.table.years)
        columns["measure"].append(np.full(height * width, number, dtype=np.int8))
        columns["value"].append(block.values.ravel())
        columns["status"].append(block.statuses.ravel())
        columns["year"].append(np.tile(np.array(table.years, dtype=np.int16), height))
        sheet_rows = np.array([at.row + 1 for at in block.rows], dtype=np.int16)
        columns["sheet_row"].append(np.repeat(sheet_rows, width))
        sheet_columns = np.arange(table.first_column + 1, table.end_column + 1, dtype=np.int16)
        columns["sheet_column"].append(np.tile(sheet_columns, height))
        texts["country"] += [at.label for at in block.rows]
        texts["region_heading"] += [at.region for at in block.rows]
        texts["subregion_heading"] += [at.subregion for at in block.rows]
        texts["unit"] += _units(measure, block, base_year, currencies)
        repeats += [width] * height
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    size = len(whole["value"])
    return pd.DataFrame(
        {
            "edition": np.full(size, edition, dtype=np.int16),
            "measure": _categories(whole["measure"], list(blocks)),
            **{
                name: _repeated(texts[name], repeats)
                for name in ("country", "region_heading", "subregion_heading")
            },
            "year": whole["year"],
            "value": whole["value"],
            "unit": _repeated(texts["unit"], repeats),
            "status": _categories(whole["status"], STATUSES),
            "sheet_row": whole["sheet_row"],
            "sheet_column": whole["sheet_column"],
        }
    )


def _currencies(blocks: dict[str, _Block]) -> dict[str, str]:
    """Each country's currency, from whichever local-currency sheet names it."""
    return {
        at.label: name
        for measure, block in blocks.items()
        if measure.startswith("local_currency")
        for at, name in zip(
            block.rows, _printed(block, block.table.column("currency")), strict=True
        )
        if name
    }


def _units(measure: str, block: _Block, base_year: int, currencies: dict[str, str]) -> list[str]:
    if measure.startswith("local_currency"):
        own = _printed(block, block.table.column("currency"))
        return [
            name or currencies.get(at.label, "unnamed local currency")
            for at, name in zip(block.rows, own, strict=True)
        ]
    unit = {
        "constant_usd": f"US$ m., constant {base_year} prices",
        "current_usd": "US$ m., current prices",
        "share_of_gdp": "fraction of GDP",
        "share_of_government_spending": "fraction of government spending",
        "per_capita_usd": "US$ per head",
    }[measure]
    return [unit] * len(block.rows)


def _repeated(texts: list[str], repeats: list[int]) -> Categories:
    """Each text as often as it has cells, stored once."""
    code = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    return _categories(np.repeat([code[text] for text in texts], repeats), list(code))


def _categories(codes: NDArray[np.integer[Any]], names: Sequence[str]) -> Categories:
    # An explicit index keeps the string type where there is no row at all.
    return pd.Categorical.from_codes(codes, pd.Index(list(names), dtype="str"))


# --- notes ----------------------------------------------------------------------------------


def _notes(blocks: dict[str, _Block], edition: int, footnotes: dict[str, str]) -> pd.DataFrame:
    columns: dict[str, list[str]] = {
        name: []
        for name in ("country", "marks", "notes", "fiscal_year", "currency", "reporting_year")
    }
    measures: list[int] = []
    sheet_rows: list[int] = []
    for number, block in enumerate(blocks.values()):
        table = block.table
        marks = [_marks(text) for text in _printed(block, table.column("note"))]
        columns["country"] += [at.label for at in block.rows]
        columns["marks"] += [" ".join(of_row) for of_row in marks]
        columns["notes"] += [
            " ".join(footnotes[mark] for mark in of_row if mark in footnotes) for of_row in marks
        ]
        columns["fiscal_year"] += _printed(block, table.column("fiscal"))
        columns["currency"] += _printed(block, table.column("currency"))
        columns["reporting_year"] += _printed(block, table.column("reporting"))
        measures += [number] * len(block.rows)
        sheet_rows += [at.row + 1 for at in block.rows]
    return pd.DataFrame(
        {
            "edition": np.full(len(measures), edition, dtype=np.int16),
            "measure": _categories(np.array(measures, dtype=np.int8), list(blocks)),
            **{name: pd.Series(texts, dtype="str") for name, texts in columns.items()},
            "sheet_row": np.array(sheet_rows, dtype=np.int16),
        }
    )


def _printed(block: _Block, column: int | None) -> list[str]:
    """A column's text in every country row; '' without the column, or for a marker."""
    if column is None:
        return [""] * len(block.rows)
    cells = [block.table.sheet.rows[at.row][column] for at in block.rows]
    return ["" if _marker(cell) is not None else _text(cell) for cell in cells]


def _marks(text: str) -> list[str]:
    """The single marks in a Notes cell: '‡§¶16' → ['‡', '§', '¶', '16']; '||' is '‖'."""
    return re.findall(r"\d+|[†‡§¶‖]|[^\s\d†‡§¶‖,;]+", text.replace("||", "‖"))


def _footnotes(sheet: Sheet) -> dict[str, str]:
    """Mark to text; the text stands in the first filled column after the mark's."""
    found: dict[str, str] = {}
    for cells in sheet.rows:
        mark = _text(cells[0]).replace("||", "‖") if cells else ""
        text = next((_text(cell) for cell in cells[1:] if _text(cell)), "")
        if text and re.fullmatch(r"\d+|[†‡§¶‖]", mark):
            found.setdefault(mark, text)
    return found


# --- regional totals ------------------------------------------------------------------------


def _regional_block(table: _Table, path: Path) -> _Block:
    """Totals under the year headers and, as a last column, in current prices if there."""
    current = _current_prices(table)
    end = table.end_column
    if current is not None and current[0] == end:
        end += 1
    columns = range(table.first_column, end)
    rows = [
        _Row(_label(cells[0]), row)
        for row, cells in table.body()
        if _label(cells[0])
        and (
            _is_heading(_label(cells[0])) or any(_text(c) for c in cells[table.first_column : end])
        )
    ]
    return _block(table, rows, columns, ESTIMATE, path)


def _current_prices(table: _Table) -> tuple[int, int] | None:
    """Column and year of the 'YYYY (current prices)' header."""
    for column in range(table.end_column, len(table.header)):
        found = re.match(r"(\d{4}) ?\(?current", _normal(_text(table.header[column])))
        if found:
            return column, int(found[1])
    return None


def _regional_totals(table: _Table, block: _Block, edition: int) -> pd.DataFrame:
    height, width = block.values.shape
    current = _current_prices(table)
    years = list(table.years)
    prices = [0] * len(years)
    if current is not None and width > len(years):
        years.append(current[1])
        prices.append(1)
    omitted_column = next(
        (
            c
            for c, header in enumerate(table.header)
            if _normal(_text(header)).startswith("omitted")
        ),
        None,
    )
    return pd.DataFrame(
        {
            "edition": np.full(height * width, edition, dtype=np.int16),
            "region": _repeated([at.label for at in block.rows], [width] * height),
            "year": np.tile(np.array(years, dtype=np.int16), height),
            "prices": _categories(
                np.tile(np.array(prices, dtype=np.int8), height), ("constant", "current")
            ),
            "value_bn": block.values.ravel(),
            "status": _categories(block.statuses.ravel(), STATUSES),
            "omitted": _repeated(_printed(block, omitted_column), [width] * height),
            "sheet_row": np.repeat(
                np.array([at.row + 1 for at in block.rows], dtype=np.int16), width
            ),
            "sheet_column": np.tile(
                np.arange(width, dtype=np.int16) + np.int16(table.first_column + 1), height
            ),
        }
    )


# --- text -----------------------------------------------------------------------------------


def _text(cell: object) -> str:
    """A cell as printed: whole numbers without a decimal point, outer white space gone."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _label(cell: object) -> str:
    """A country's or region's name as printed, its white space collapsed."""
    return " ".join(_text(cell).split())


def _normal(text: str) -> str:
    """For comparison: lower case, white space collapsed."""
    return " ".join(text.split()).casefold()


def _normal_label(label: str) -> str:
    return " ".join(label.replace("&", " and ").replace("-", " ").split()).casefold()


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(f"'{name}'" for name in names[:_MAX_LISTED]) + more


def _in_words(pattern: re.Pattern[str]) -> str:
    words = pattern.pattern.replace(r"\(?\d{4}", "(YYYY)").replace(".*", " … ")
    return words.replace("\\", "")
