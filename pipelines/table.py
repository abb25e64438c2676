"""A result set with the units of its columns; knows no database and no file format."""

from __future__ import annotations

from collections.abc import Mapping
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
