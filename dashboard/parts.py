"""Pieces that pages share: tables, pictures and downloads; knows no table of the snapshot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import streamlit as st

from pipelines.exports import FORMATS
from pipelines.table import Table

if TYPE_CHECKING:
    import plotly.graph_objects as go

PICTURE_FORMATS = ("PNG", "SVG")
MOST_ROWS_SHOWN = 2000


def formats(table: Table) -> dict[str, Any]:
    """How a table's columns are shown: years without thousands, fractions as percentages."""
    shown: dict[str, Any] = {}
    for name in table.columns:
        unit = table.units.get(name, "")
        if name == "year" or name.endswith("_year") or name == "edition":
            form = "%d"
        elif unit.startswith("fraction"):
            form = "percent"
        elif unit:
            form = "localized"
        else:
            continue
        shown[table.heading(name)] = st.column_config.NumberColumn(format=form)
    return shown


def picture(figure: go.Figure, *, alt: str, key: str) -> None:
    """A chart; the camera above it saves it. alt: its takeaway, for those who cannot see it."""
    from dashboard import charts  # a page without a chart does without Plotly

    chosen = st.session_state.get("pictures") or PICTURE_FORMATS[0]
    st.plotly_chart(figure, config=charts.config(chosen.lower(), key), alt=alt, key=key)


@cache
def remembered(build: Callable[..., go.Figure]) -> Callable[..., go.Figure]:
    """A chart's function that keeps its figures: to build one takes many times what a look-up does.

    What it is given has to be of values and tables, and nobody may change what it gives.
    """
    return st.cache_resource(max_entries=30, show_spinner=False)(build)


def picture_format() -> None:
    """The choice of what the camera above a chart saves; kept for the session."""
    st.segmented_control(
        "The camera above a chart saves it as",
        PICTURE_FORMATS,
        default=PICTURE_FORMATS[0],
        required=True,
        key="pictures",
        persist_state="session",
    )


def rows(table: Table, meaning: str, /, **column_config: Any) -> None:
    """A table on the page, at most its first rows, under headings with units.

    meaning: what the rows are, for those who cannot see them. column_config: by column name, in
    place of the usual format.
    """
    first = _rounded(Table(table.columns, table.rows[:MOST_ROWS_SHOWN], table.units))
    own = {table.heading(name): config for name, config in column_config.items()}
    st.dataframe(
        first.by_column(),
        hide_index=True,
        height=min(360, 36 * (len(first.rows) + 1) + 3),
        column_config={**formats(table), **own},
        placeholder="",
        alt=meaning,
    )
    if len(table.rows) > MOST_ROWS_SHOWN:
        st.caption(
            f"The first {MOST_ROWS_SHOWN:,} of {len(table.rows):,} rows; a download has them all."
        )


def _rounded(table: Table) -> Table:
    """Money with one decimal, as people read it; a download has every digit."""
    money = {n for n, name in enumerate(table.columns) if "US$" in table.units.get(name, "")}
    rows = [
        tuple(round(v, 1) if n in money and isinstance(v, float) else v for n, v in enumerate(row))
        for row in table.rows
    ]
    return Table(table.columns, rows, table.units)


def downloads(table: Table, notes: Sequence[str], stem: str, what: str = "rows") -> None:
    """What is shown, as a file of each format, with the notes, units and citation inside.

    notes: what the rows are, the citation, the snapshot (one line each). stem: the file's name
    without its ending; also what tells one download of a page from another.
    """
    with st.popover(f"Download {what}", icon=":material/download:", type="tertiary"):
        for form in FORMATS.values():
            st.download_button(
                form.label,
                data=lambda form=form: form.write(table, notes),
                file_name=f"{stem}.{form.ending}",
                mime=form.mime,
                key=f"download {stem} {form.ending}",
                on_click="ignore",
                width="stretch",
            )
