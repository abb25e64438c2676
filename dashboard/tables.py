"""A result set with its units, and the CSV that carries units, edition and citation inside."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Table:
    """Rows of one query. units: of the columns that have one."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    units: Mapping[str, str] = field(default_factory=dict)

    def column(self, name: str) -> list[Any]:
        """All values of one column."""
        index = self.columns.index(name)
        return [row[index] for row in self.rows]

    def records(self) -> list[dict[str, Any]]:
        """One mapping a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def by_column(self) -> dict[str, list[Any]]:
        """Columns under headings that name their units: what `st.dataframe` shows."""
        return {self.heading(name): self.column(name) for name in self.columns}

    def heading(self, name: str) -> str:
        """A column's name as people read it, with its unit."""
        unit = self.units.get(name)
        words = name.replace("_", " ")
        return f"{words} [{unit}]" if unit else words


def to_csv(table: Table, notes: Sequence[str]) -> bytes:
    """The table as UTF-8 CSV; lines that start with # before the header say what it is.

    notes: one line each. The units stand there and in the header. Spreadsheets would run text that
    begins with =, + or @ as a formula: such text gets a leading apostrophe.
    """
    out = io.StringIO()
    for note in notes:
        out.write(f"# {' '.join(note.split())}\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([table.heading(name) for name in table.columns])
    for row in table.rows:
        writer.writerow([_inert(value) for value in row])
    return out.getvalue().encode("utf-8")


def _inert(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("=", "+", "@", "\t", "\r"):
        return f"'{value}"
    return value
