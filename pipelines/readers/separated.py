"""Separated text as rows of fields, whatever its separator and encoding; knows no dataset.

What is no such text, is cut off or is far too large is a ReadError.
"""

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from pipelines.errors import ReadError
from pipelines.readers.limits import read_limited

# The largest file so far has 0.6 MB and 5,000 rows.
MAX_BYTES = 256 * 2**20
MAX_LINES = 2_000_000
MAX_ROW = 2**20  # characters
_HEADER_BYTES = 64 * 1024
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_SHOWN = 10

AGAIN = "Fetch the publisher's file again, or save your copy as plain comma-separated text."


def column_names(path: Path) -> frozenset[str]:
    """Column names in lower case, from the first bytes alone; empty where it is no CSV file."""
    try:
        with path.open("rb") as file:
            _, header = next(_rows(path, file.read(_HEADER_BYTES)), (0, []))
    except (OSError, ReadError):
        return frozenset()
    return frozenset(_names(header))


def read_columns(
    path: Path, required: Collection[str], optional: Collection[str] = (), what: str = "a table"
) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """The required columns, and the optional ones that are there, whatever their order.

    Returns their names, and for each row its line number and stripped cells.
    """
    rows = _rows(path, read_limited(path, MAX_BYTES, "a table"))
    header = _names(next(rows, (0, []))[1])
    _check_columns(path, header, required, what)
    wanted = [name for name in dict.fromkeys(header) if name in {*required, *optional}]
    places = [header.index(name) for name in wanted]
    return wanted, _cells(path, places, _whole(path, len(header), rows))


def _cells(
    path: Path, places: list[int], rows: Iterable[tuple[int, list[str]]]
) -> Iterator[tuple[Any, ...]]:
    any_row = False
    for line, row in rows:
        any_row = True
        yield (line, *(row[place].strip() for place in places))
    if not any_row:
        raise ReadError(f"{path}: has a header but no rows. {AGAIN}")


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
