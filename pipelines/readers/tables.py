"""Publishers' CSV files as checked text, whole numbers, flags and dates; knows no dataset."""

import csv
import io
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.errors import ReadError

MAX_BYTES = 64 * 1024 * 1024
_HEADER_BYTES = 64 * 1024
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_WHOLE = re.compile(r"[+-]?\d{1,9}(?:\.0*)?", re.ASCII)
_NO_NUMBER = ("", ".", "NA", "NaN", "nan")
_SHOWN = 10

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
            f"line {line}: {'-'.join(row)!r}"
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
            text = _decode(path, file.read(_HEADER_BYTES))
        return frozenset(_names(next(csv.reader(io.StringIO(text, newline="")), [])))
    except (OSError, ReadError, csv.Error):
        return frozenset()


def read_table(
    path: Path, required: Collection[str], optional: Collection[str] = (), what: str = "a table"
) -> Table:
    """Read the required columns, and the optional ones that are there, whatever their order."""
    text = _decode(path, _content(path))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = _names(next(reader, []))
        rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise ReadError(
            f"{path}: line {reader.line_num} cannot be read as comma-separated text ({error}); "
            f"the file may be cut off. {AGAIN}"
        ) from error
    _check_columns(path, header, required, what)
    if not rows:
        raise ReadError(f"{path}: has a header but no rows. {AGAIN}")
    _check_lengths(path, len(header), rows)
    wanted = {*required, *optional}
    return Table(
        path,
        pd.DataFrame(
            {
                name: [row[i].strip() for _, row in rows]
                for i, name in enumerate(header)
                if name in wanted
            },
            index=pd.Index([line for line, _ in rows], name="line"),
            dtype="str",
        ),
    )


def _content(path: Path) -> bytes:
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise ReadError(
                f"{path}: {size:,} bytes, more than the {MAX_BYTES:,} that any file of this kind "
                "needs. Check that it is the right file."
            )
        return path.read_bytes()
    except OSError as error:
        raise ReadError(f"{path}: cannot be opened ({error.strerror or error}).") from error


def _decode(path: Path, content: bytes) -> str:
    """Text of a file in UTF-8 (with or without a byte-order mark) or else Latin-1."""
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
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


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


def _check_lengths(path: Path, width: int, rows: list[tuple[int, list[str]]]) -> None:
    wrong = [
        f"line {line}: {len(row)}"
        for line, row in rows
        if len(row) < width or any(map(str.strip, row[width:]))
    ]
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ReadError(
            f"{path}: rows should have {width} fields, but {'; '.join(wrong[:_SHOWN])}{more}; "
            f"the file may be cut off. {AGAIN}"
        )
