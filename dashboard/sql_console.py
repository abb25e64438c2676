"""What the SQL page stands on: what can be named, a link, a quick chart; no widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import streamlit as st

from dashboard.data import Snapshot
from pipelines import public
from pipelines.adhoc.pool import Answer
from pipelines.exports import as_scalar
from pipelines.settings import load_settings
from pipelines.table import Table

if TYPE_CHECKING:
    import plotly.graph_objects as go

LONGEST_LINK = 4_000
MOST_LINES = 8
MOST_BARS = 40
KEPT_QUERIES = 10
EXACT_INTEGERS = 2**53
NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL")


@dataclass(frozen=True)
class Metric:
    """A metric as it is called. signature: with its defaults."""

    name: str
    signature: str
    meaning: str
    example: str


def tables(snapshot: Snapshot) -> Table:
    """Each table of the snapshot with what one row of it means."""
    return snapshot.rows(
        "SELECT table_name, split_part(comment, chr(10) || chr(10), 1) AS meaning, "
        "estimated_size AS rows FROM duckdb_tables() WHERE NOT internal ORDER BY table_name"
    )


def columns(snapshot: Snapshot, table: str) -> Table:
    """A table's columns with type, unit and meaning."""
    return snapshot.rows(
        'SELECT column_name AS "column", data_type AS "type", '
        "coalesce(regexp_extract(comment, ' \\[([^\\]]+)\\]$', 1), '') AS unit, "
        "regexp_replace(comment, ' \\[[^\\]]+\\]$', '') AS meaning "
        "FROM duckdb_columns() WHERE NOT internal AND table_name = ? ORDER BY column_index",
        table,
    )


@st.cache_data(show_spinner=False)
def metrics() -> list[Metric]:
    """Each metric, by name."""
    return [
        Metric(
            model.name,
            f"{model.name}({model.arguments})",
            model.description.split("\n\n")[0].replace("\n", " "),
            model.notes.get("example", "").strip(),
        )
        for model in public.metrics(load_settings())
    ]


@st.cache_data(max_entries=2, show_spinner=False)
def completions(path: str) -> list[dict[str, Any]]:
    """What the editor proposes: tables, their columns and metrics. path: of the snapshot."""
    snapshot = Snapshot(path)
    named = [(name, name, "table", 300) for name in tables(snapshot).column("table_name")]
    named += [(metric.name, f"{metric.name}(", "metric", 200) for metric in metrics()]
    found = snapshot.rows(
        "SELECT column_name, list(table_name ORDER BY table_name)[1] FROM duckdb_columns() "
        "WHERE NOT internal GROUP BY column_name ORDER BY column_name"
    )
    named += [(name, name, f"column, {table}", 100) for name, table in found.rows]
    return [
        {"caption": caption, "value": value, "meta": meta, "name": caption, "score": score}
        for caption, value, meta, score in named
    ]


def link(address: str, sql: str) -> str | None:
    """The page's address with the query in it; None if it would be too long for an address."""
    carried = f"{address.partition('?')[0]}?{urlencode({'q': sql})}"
    return carried if len(carried) <= LONGEST_LINK else None


def remembered(history: Sequence[str], sql: str) -> list[str]:
    """The last queries with one more, the newest first, each once."""
    return [sql, *(one for one in history if one != sql)][:KEPT_QUERIES]


def displayable(table: Table) -> Table:
    """A table whose values a browser can show: lists as text, and figures that it would round."""
    rows = [tuple(_displayed(value) for value in row) for row in table.rows]
    return Table(table.columns, rows, table.units)


def numeric(answer: Answer) -> list[str]:
    """The columns that hold numbers."""
    return [
        name
        for name, kind in zip(answer.table.columns, answer.types, strict=True)
        if any(number in kind for number in NUMBERS)
        and not kind.endswith(("]", ")[]"))
        and not kind.startswith(("STRUCT", "MAP"))
    ]


def quick_lines(table: Table, x: str, y: str, each: str | None, source: str) -> go.Figure:
    """One line, or one for each of the values of a column: the MOST_LINES with the largest figures."""
    from dashboard import charts

    grouped: dict[str, list[tuple[float, float | None]]] = {}
    names = table.column(each) if each else [y] * len(table.rows)
    for name, at, value in zip(names, table.column(x), table.column(y), strict=True):
        if at is not None:
            grouped.setdefault(str(name), []).append((at, value))
    largest = sorted(
        grouped, key=lambda name: -max((v for _, v in grouped[name] if v is not None), default=0)
    )
    series = []
    for name in largest[:MOST_LINES]:
        points = sorted(grouped[name], key=lambda point: point[0])
        series.append(charts.Line(name, [at for at, _ in points], [value for _, value in points]))
    left_out = len(largest) - len(series)
    title = f"{y.replace('_', ' ')} by {x.replace('_', ' ')}"
    if left_out:
        title += f" (the {MOST_LINES} largest of {len(largest)})"
    return charts.lines(title, series, table.units.get(y, ""), source, from_zero=False)


def quick_bars(table: Table, x: str, y: str, source: str) -> go.Figure:
    """A bar for each of the first MOST_BARS rows."""
    from dashboard import charts

    known = [
        (str(name), float(value))
        for name, value in zip(table.column(x), table.column(y), strict=True)
        if value is not None
    ]
    items = [(name, value, f"{value:,.4g}", False) for name, value in known[:MOST_BARS]]
    title = f"{y.replace('_', ' ')} by {x.replace('_', ' ')}"
    if len(known) > MOST_BARS:
        title += f" (the first {MOST_BARS} of {len(known)})"
    return charts.bars(title, items, table.units.get(y, ""), source)


def _displayed(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT_INTEGERS:
        return str(value)
    return as_scalar(value)
