"""Publishers' CSV files as checked text, whole numbers, flags and dates; knows no dataset."""

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.errors import ReadError
from pipelines.readers.limits import read_limited

# The largest file so far has 0.6 MB and 5,000 rows.
MAX_BYTES = 256 * 2**20
MAX_CELLS = 64_000_000  # in the columns that are read
MAX_LINES = 2_000_000
MAX_ROW = 2**20  # characters
_HEADER_BYTES = 64 * 1024
_BATCH = 20_000
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_WHOLE = re.compile(r"[+-]?\d{1,9}(?:\.0*)?", re.ASCII)
_NO_NUMBER = ("", ".", "NA", "NaN", "nan")
_SHOWN = 10
_SHOWN_TEXT = 60

Flags = npt.NDArray[np.bool_]

AGAIN = "Fetch the publisher's file again, or save your copy as plain comma-separated text."


@dataclass(frozen=True)
class Table:
    """A file's cells as stripped text: lower-case column names, the line number as the index."""

    path: Path
    cells: pd.DataFrame

    def __contains__(self, column: str) -> bool:
        """Say whether the file has this column."""
        return column in self.cells.columns

    def text(self, column: str) -> pd.Series:
        """Text, with blank as missing; a column that the file lacks is missing throughout."""
        if column not in self:
            return pd.Series(pd.NA, index=self.cells.index, dtype="str")
        return self.cells[column].mask(self.cells[column] == "")

    def integers(self, column: str, *, blank: bool = True) -> pd.Series:
        """Whole numbers (Int64); blank is missing, or an error where `blank` is False."""
        if column not in self:
            return pd.Series(pd.NA, index=self.cells.index, dtype="Int64")
        codes, found = pd.factorize(self.cells[column])
        none = np.array([text in _NO_NUMBER for text in found], dtype=bool)
        whole = np.array([_WHOLE.fullmatch(text) is not None for text in found], dtype=bool)
        self.refuse((~none & ~whole)[codes], [column], "is not a whole number")
        if not blank:
            self.refuse(none[codes], [column], "is blank where a number is needed")
        numbers = np.array(
            [
                0 if absent else int(text.split(".")[0])
                for text, absent in zip(found, none, strict=True)
            ],
            dtype=np.int64,
        )
        return pd.Series(pd.arrays.IntegerArray(numbers[codes], none[codes]), self.cells.index)

    def flags(self, column: str) -> pd.Series:
        """0 and 1 as False and True (boolean); blank is missing."""
        numbers = self.integers(column)
        self.refuse(~numbers.isin([0, 1]) & numbers.notna(), [column], "is neither 0 nor 1")
        return numbers.astype("boolean")

    def dates(self, year: str, month: str, day: str) -> pd.DataFrame:
        """`date` (datetime64[s]) and `precision` (day, month, year) from three columns.

        A year that is 0 or blank means no date. A blank or 0 day is unknown and becomes the 15th;
        a blank or 0 month is unknown and, whatever the day, the date becomes 1 July.
        """
        years, months, days = (self.integers(c).fillna(0) for c in (year, month, day))
        has_year, has_month = years.ne(0), months.ne(0)
        has_day = has_month & days.ne(0)
        self.refuse(has_year & ~years.between(1000, 2200), [year], "is no year")
        self.refuse(has_year & ~months.between(0, 12), [month], "is no month")
        months, days = months.mask(~has_month, 7), days.mask(~has_day, 15).mask(~has_month, 1)

        def whole(numbers: pd.Series) -> npt.NDArray[np.int64]:
            return numbers.mask(~has_year, 1).to_numpy("int64")

        month_start = (whole(years) - 1970).astype("M8[Y]").astype("M8[M]") + (whole(months) - 1)
        dates = month_start.astype("M8[D]") + (whole(days) - 1)
        real = (dates.astype("M8[M]") == month_start) | ~has_year.to_numpy(bool)
        self.refuse(~real, [year, month, day], "is no date")
        precision = np.select([~has_month, ~has_day], ["year", "month"], "day")
        return pd.DataFrame(
            {
                "date": pd.Series(dates.astype("M8[s]"), self.cells.index).where(has_year),
                "precision": pd.Series(precision, self.cells.index, "str").where(has_year),
            }
        )

    def refuse(self, bad: pd.Series | Flags, columns: list[str], why: str) -> None:
        """Raise a ReadError that lists the cells of `columns` in the lines that are `bad`."""
        if not bad.any():
            return
        cells = self.cells.loc[np.asarray(bad, dtype=bool), columns]
        shown = [
            f"line {line}: {'-'.join(row)[:_SHOWN_TEXT]!r}"
            for line, *row in cells.head(_SHOWN).itertuples(name=None)
        ]
        more = f" and {len(cells) - _SHOWN} more" if len(cells) > _SHOWN else ""
        raise ReadError(
            f"{self.path}: {'/'.join(columns)} {why} in {'; '.join(shown)}{more}. "
            "Correct these cells, or fetch the publisher's file again."
        )


def column_names(path: Path) -> frozenset[str]:
    """Column names in lower case, from the first bytes alone; empty where it is no CSV file."""
    try:
        with path.open("rb") as file:
            _, header = next(_rows(path, file.read(_HEADER_BYTES)), (0, []))
    except (OSError, ReadError):
        return frozenset()
    return frozenset(_names(header))


def read_table(
    path: Path, required: Collection[str], optional: Collection[str] = (), what: str = "a table"
) -> Table:
    """Read the required columns, and the optional ones that are there, whatever their order."""
    rows = _rows(path, read_limited(path, MAX_BYTES, "a table"))
    header = _names(next(rows, (0, []))[1])
    _check_columns(path, header, required, what)
    wanted = [name for name in dict.fromkeys(header) if name in {*required, *optional}]
    places = [header.index(name) for name in wanted]
    cells = (
        (line, *(row[place].strip() for place in places))
        for line, row in _whole(path, len(header), rows)
    )
    batches: list[pd.DataFrame] = []
    while batch := list(islice(cells, _BATCH)):
        lines, *columns = zip(*batch, strict=True)
        batches.append(
            pd.DataFrame(
                dict(zip(wanted, columns, strict=True)),
                index=pd.Index(lines, name="line"),
                dtype="str",
            )
        )
        if len(batches) * _BATCH * len(wanted) > MAX_CELLS:
            raise ReadError(
                f"{path}: more than {MAX_CELLS:,} cells in its {len(wanted)} columns, the limit "
                "for a table. Check that it is the publisher's file."
            )
    if not batches:
        raise ReadError(f"{path}: has a header but no rows. {AGAIN}")
    return Table(path, pd.concat(batches))


def _rows(path: Path, content: bytes) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of every row; ReadError where it is no separated text."""
    _refuse_other_formats(path, content)
    text = io.TextIOWrapper(io.BytesIO(content), _encoding(content), newline="")
    room = MAX_ROW

    def lines() -> Iterator[str]:
        nonlocal room
        while line := text.readline(room + 1):
            room -= len(line)
            if room < 0:
                raise csv.Error(f"a row of more than {MAX_ROW:,} characters")
            yield line

    reader = csv.reader(lines(), delimiter=_separator(content), strict=True)
    try:
        for row in reader:
            room = MAX_ROW
            if reader.line_num > MAX_LINES:
                raise csv.Error(f"more than {MAX_LINES:,} lines")
            yield reader.line_num, row
    except csv.Error as error:
        raise ReadError(
            f"{path}: line {reader.line_num} cannot be read as separated text ({error}); "
            f"the file may be cut off. {AGAIN}"
        ) from error


def _whole(
    path: Path, width: int, rows: Iterable[tuple[int, list[str]]]
) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank; ReadError at the end if some have too few or many fields."""
    wrong = 0
    shown: list[str] = []
    for line, row in rows:
        if len(row) < width or any(map(str.strip, row[width:])):
            if any(map(str.strip, row)):
                wrong += 1
                shown += [f"line {line}: {len(row)}"] if wrong <= _SHOWN else []
        elif any(map(str.strip, row)):
            yield line, row
    if wrong:
        more = f" and {wrong - _SHOWN} more" if wrong > _SHOWN else ""
        raise ReadError(
            f"{path}: rows should have {width} fields, but {'; '.join(shown)}{more}; "
            f"the file may be cut off. {AGAIN}"
        )


def _refuse_other_formats(path: Path, content: bytes) -> None:
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        raise ReadError(f"{path}: is empty. {AGAIN}")
    if start.startswith(b"<"):
        raise ReadError(
            f"{path}: is a web page, not a table (a download that led to a notice?). {AGAIN}"
        )
    if start.startswith(b"pk\x03\x04"):
        raise ReadError(f"{path}: is a zip archive or a workbook. Unpack it first. {AGAIN}")
    if _CONTROL.search(content):
        raise ReadError(f"{path}: is not plain text (it has binary or NUL bytes). {AGAIN}")


def _separator(content: bytes) -> str:
    """The comma, or what a spreadsheet of another language writes in its place."""
    header = content[:_HEADER_BYTES].lstrip(b"\xef\xbb\xbf \r\n").splitlines()[0]
    return max(",;\t", key=lambda sign: header.count(sign.encode()))


def _encoding(content: bytes) -> str:
    """UTF-8 (with or without a byte-order mark) or else Latin-1."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), _HEADER_BYTES):
            decoder.decode(content[start : start + _HEADER_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _names(header: Iterable[str]) -> list[str]:
    return [name.strip().lower() for name in header]


def _check_columns(path: Path, header: list[str], required: Collection[str], what: str) -> None:
    if missing := [name for name in required if name not in header]:
        found = ", ".join(header)
        raise ReadError(
            f"{path}: as {what} it lacks {', '.join(missing)}; its columns are "
            f"{found[:300]}{'…' if len(found) > 300 else ''}. {AGAIN}"
        )
    if twice := [name for name in required if header.count(name) > 1]:
        raise ReadError(f"{path}: has {', '.join(twice)} more than once. Leave one of each.")
