"""What stands below a claim and below a reader's own question alike; knows neither page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import streamlit as st

from dashboard import checking, filters
from dashboard.parts import downloads, picture, rows
from dashboard.queries import Grid
from dashboard.text import plain
from pipelines.claims.numbers import figure
from pipelines.table import Table

if TYPE_CHECKING:
    from dashboard.subjects import Subject

Claim = Mapping[str, Any]
# How filters that pages share stand in an address.
WORDS = {
    "prices": {name: text.capitalize() for name, text in filters.PRICES.items()},
    "basis": filters.BASES,
}


def address(question: checking.Question) -> dict[str, str | list[str]]:
    """The parameters with which the page Check a claim asks a question."""
    return checking.address(question, WORDS)


def dependence(claim: Claim, grid: Grid) -> None:
    """The specification curve, which dimensions matter, the figure by edition, what is left out."""
    from dashboard import curve  # the list of claims does without Plotly

    st.subheader("How far it depends on choices", anchor=False)
    drawn, takeaway = curve.curve(claim, grid.thinned)
    picture(drawn, alt=takeaway, key="curve")
    st.markdown(plain(curve.in_words(claim, grid.thinned)))
    editions = curve.by_edition(claim, grid.editions)
    if editions:
        drawn, takeaway = editions
        picture(drawn, alt=takeaway, key="editions")
    notes = [
        f"{rule['combinations']:,} combinations left out: {plain(rule['rule'])}."
        for rule in grid.left_out
    ]
    notes += [
        f"Shown beside, without a verdict: {plain(curve.changed(row, grid.thinned))}: "
        f"{plain(figure(row['value'], claim['unit'], claim['decimals'] + 1))}."
        for row in grid.beside
    ]
    if notes:
        st.caption("  \n".join(notes))


def query(claim: Claim) -> None:
    """The SQL of the figure, and the way to the page that runs it."""
    st.subheader("What is behind it", anchor=False)
    st.markdown("The figure is what this query gives on the published snapshot:")
    st.code(claim["sql"], language="sql", wrap_lines=True)
    st.page_link(
        "app_pages/sql.py",
        label="Run this SQL",
        icon=":material/terminal:",
        query_params={"q": claim["sql"]},
    )


def rows_behind(about: Subject) -> None:
    """The rows that the figure comes from."""
    st.markdown(f"Rows: {plain(about.rows_are)}.")
    rows(about.rows, f"Rows: {about.rows_are}")


def files(claim: Claim, about: Subject | None, grid: Grid, notes: Sequence[str]) -> None:
    """Downloads of the rows and of every specification. notes: how to cite them."""
    stem = f"milex-{claim['claim_id']}"
    if about:
        downloads(about.rows, [*notes, f"Rows: {about.rows_are}"], f"{stem}-rows")
    every = Table(grid.all.columns, grid.all.rows, {"value": claim["unit"]})
    downloads(every, notes, f"{stem}-specifications", "specifications")


def here(parameters: Mapping[str, str | list[str]]) -> str:
    """The address of this page with these parameters."""
    return f"{(st.context.url or '').partition('?')[0]}?{urlencode(parameters, doseq=True)}"


def link(address: str) -> None:
    """An address that opens what is shown."""
    st.markdown("A link to this:")
    st.code(address, language=None, wrap_lines=True)
