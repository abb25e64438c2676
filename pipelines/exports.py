"""A table as a file that says what it is: CSV, Excel and Parquet with units and citation inside.

As JSON, Markdown and aligned text it is for programs and terminals, under its columns' own names.
Knows no database, no page and no command.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import MilexError
from pipelines.table import Table
from pipelines.unfinished import unfinished_path

if TYPE_CHECKING:
    import pyarrow as pa

# Excel's own limits.
EXCEL_ROWS = 1_048_576
EXCEL_TEXT = 32_767


@dataclass(frozen=True)
class Format:
    """A kind of file. write: a table and its notes to the file's bytes."""

    label: str
    ending: str
    mime: str
    write: Callable[[Table, Sequence[str]], bytes]


def to_csv(table: Table, notes: Sequence[str], *, plain_names: bool = False) -> bytes:
    """The table as UTF-8 CSV; lines that start with # before the header say what it is.

    notes: one line each. plain_names: the header has the columns' own names, not words and units.
    Spreadsheets would run text that begins with =, +, -, or @ as a formula: such text gets a leading
    apostrophe.
    """
    out = io.StringIO()
    for note in notes:
        out.write(f"# {' '.join(note.split())}\n")
    writer = csv.writer(out, lineterminator="\n")
    headings = table.columns if plain_names else [table.heading(name) for name in table.columns]
    writer.writerow([_inert(heading) for heading in headings])
    for row in table.rows:
        writer.writerow([_inert(as_scalar(value)) for value in row])
    return out.getvalue().encode("utf-8")


def to_bare_csv(table: Table) -> bytes:
    """The table as UTF-8 CSV under its columns' own names, without notes: for programs."""
    return to_csv(Table(table.columns, table.rows), [], plain_names=True)


def to_json(table: Table) -> bytes:
    """The table as a JSON array of one object a row; NULL and what is not finite are null."""
    rows = [{name: _finite(value) for name, value in record.items()} for record in table.records()]
    return (json.dumps(rows, ensure_ascii=False, default=str, indent=1) + "\n").encode("utf-8")


def to_markdown(table: Table) -> bytes:
    """The table as Markdown, under headings that name the units."""
    lines = [
        [table.heading(name) for name in table.columns],
        ["---:" if _is_numeric(table.column(name)) else "---" for name in table.columns],
        *([_shown(value) for value in row] for row in table.rows),
    ]
    texts = ("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return ("\n".join(texts) + "\n").encode("utf-8")


def to_text(table: Table, widest: int = 60) -> bytes:
    """The table as aligned text, under its columns' own names; longer cells are cut."""
    columns = [[name, *map(_shown, table.column(name))] for name in table.columns]
    padded = []
    for name, cells in zip(table.columns, columns, strict=True):
        short = [cell if len(cell) <= widest else f"{cell[: widest - 1]}…" for cell in cells]
        width = max(map(len, short))
        right = _is_numeric(table.column(name))
        padded.append([cell.rjust(width) if right else cell.ljust(width) for cell in short])
    lines = ("  ".join(line).rstrip() for line in zip(*padded, strict=True))
    return ("\n".join(lines) + "\n").encode("utf-8")


def to_xlsx(table: Table, notes: Sequence[str], *, plain_names: bool = False) -> bytes:
    """The table as an Excel workbook: the sheet Data, and the sheet About with notes and units.

    Text is written as text, never as a formula or a link. Raises MilexError for a table that has
    more rows than a sheet.
    """
    import xlsxwriter

    if len(table.rows) >= EXCEL_ROWS:
        raise MilexError(
            f"An Excel sheet holds {EXCEL_ROWS:,} rows, this table has {len(table.rows):,}. "
            "Take Parquet or CSV, or fewer rows."
        )
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        data = book.add_worksheet("Data")
        data.freeze_panes(1, 0)
        for column, name in enumerate(table.columns):
            data.write_string(0, column, name if plain_names else table.heading(name), bold)
        for number, row in enumerate(table.rows, start=1):
            for column, value in enumerate(row):
                _write_cell(data, number, column, as_scalar(value), day)
        data.autofit(300)
        about = book.add_worksheet("About")
        about.set_column(0, 0, 100)
        lines = [*notes, *(f"{name}: {unit}" for name, unit in table.units.items())]
        for number, line in enumerate(lines):
            about.write_string(number, 0, " ".join(line.split())[:EXCEL_TEXT])
    return out.getvalue()


def to_parquet(table: Table, notes: Sequence[str]) -> bytes:
    """The table as Parquet; units in the columns' metadata, the notes in the file's."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = [_arrow(table.column(name)) for name in table.columns]
    fields = [
        pa.field(
            name,
            array.type,
            metadata={"unit": table.units[name]} if name in table.units else None,
        )
        for name, array in zip(table.columns, arrays, strict=True)
    ]
    about = {"about": "\n".join(notes), "units": json.dumps(dict(table.units))}
    out = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=about)), out)
    return out.getvalue()


FORMATS: Mapping[str, Format] = {
    "csv": Format("CSV", "csv", "text/csv", to_csv),
    "xlsx": Format(
        "Excel",
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        to_xlsx,
    ),
    "parquet": Format("Parquet", "parquet", "application/vnd.apache.parquet", to_parquet),
}


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in its place in one step; nobody sees a half of it.

    Raises MilexError when the folder cannot be written to.
    """
    unfinished = unfinished_path(path)
    try:
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
    except OSError as error:
        raise MilexError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def as_scalar(value: Any) -> Any:
    """A list, struct or map as JSON text; everything else as it is."""
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value


def _shown(value: Any) -> str:
    """A value in one line; a figure without the digits that nobody reads."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1 else f"{value:,.2f}".replace(",", "")
    return " ".join(str(as_scalar(value)).split())


def _is_numeric(values: list[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(type(value) in (int, float) for value in known)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_cell(sheet: Any, row: int, column: int, value: Any, day: Any) -> None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, (int, float)) and abs(value) < 10**15:
        sheet.write_number(row, column, value)
    elif isinstance(value, date) and not isinstance(value, datetime) and value.year >= 1900:
        sheet.write_datetime(row, column, datetime.combine(value, time()), day)
    else:
        sheet.write_string(row, column, str(value)[:EXCEL_TEXT])


def _arrow(values: list[Any]) -> pa.Array:
    """Values as Arrow's own type for them; what has none becomes text."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if value is None else str(value) for value in values])


def _inert(value: Any) -> Any:
    """Text that no spreadsheet runs; a carriage return would end the row for some readers."""
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    if text[:1] not in ("=", "+", "-", "@", "\t"):
        return text
    try:
        float(text)  # a negative number is no formula
    except ValueError:
        return f"'{text}"
    return text
