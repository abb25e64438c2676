"""Publishers' CSV files as checked text, whole numbers, flags and dates; knows no dataset."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.errors import ReadError
from pipelines.readers.separated import read_columns

MAX_CELLS = 64_000_000  # in the columns that are read
_BATCH = 20_000
_WHOLE = re.compile(r"[+-]?\d{1,9}(?:\.0*)?", re.ASCII)
_NO_NUMBER = ("", ".", "NA", "NaN", "nan")
_SHOWN = 10
_SHOWN_TEXT = 60

Flags = npt.NDArray[np.bool_]


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

    def texts(self, column: str) -> list[str] | None:
        """The different texts of a column; None if the file lacks it."""
        return list(self.cells[column].unique()) if column in self else None

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


def read_table(
    path: Path, required: Collection[str], optional: Collection[str] = (), what: str = "a table"
) -> Table:
    """Read the required columns, and the optional ones that are there, whatever their order."""
    names, cells = read_columns(path, required, optional, what)
    batches: list[pd.DataFrame] = []
    while batch := list(islice(cells, _BATCH)):
        lines, *columns = zip(*batch, strict=True)
        batches.append(
            pd.DataFrame(
                dict(zip(names, columns, strict=True)),
                index=pd.Index(lines, name="line"),
                dtype="str",
            )
        )
        if len(batches) * _BATCH * len(names) > MAX_CELLS:
            raise ReadError(
                f"{path}: more than {MAX_CELLS:,} cells in its {len(names)} columns, the limit "
                "for a table. Check that it is the publisher's file."
            )
    return Table(path, pd.concat(batches))
