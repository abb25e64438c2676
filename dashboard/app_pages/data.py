"""Data: which snapshot is shown, its editions and sources, their terms, and its tables."""

from __future__ import annotations

import streamlit as st

from dashboard import queries
from dashboard.data import Snapshot, name_of
from dashboard.text import moment, plain

snapshot: Snapshot = st.session_state["snapshot"]
facts = queries.facts(snapshot)

st.title("Data")
st.markdown(
    f"Snapshot `{name_of(snapshot)}`, built {plain(moment(facts.get('built_at', '')))} with Milex "
    f"{plain(facts.get('milex', ''))} and DuckDB {plain(facts.get('duckdb', ''))}."
)

st.subheader("Editions", anchor=False)
st.markdown(
    "Each edition of the SIPRI Military Expenditure Database is kept as it was published; no "
    "figure is overwritten by a later one."
)
editions = queries.editions(snapshot)
st.dataframe(
    editions.by_column(),
    hide_index=True,
    placeholder="",
    column_config={
        "edition": st.column_config.NumberColumn(format="%d", help="last year with data"),
        "published year": st.column_config.NumberColumn("published", format="%d"),
        "base year": st.column_config.NumberColumn("prices of", format="%d"),
        "first year": st.column_config.NumberColumn(format="%d"),
        "last year": st.column_config.NumberColumn(format="%d"),
        "is excerpt": st.column_config.CheckboxColumn("excerpt"),
        "url": st.column_config.LinkColumn(),
    },
    alt=f"{len(editions.rows)} editions",
)

st.subheader("Source files", anchor=False)
sources = queries.sources(snapshot)
for source in sources.records():
    if source["error"]:
        st.warning(
            f"{plain(source['file_name'])} could not be read: {plain(source['error'])}",
            icon=":material/warning:",
        )
st.dataframe(
    sources.by_column(),
    hide_index=True,
    placeholder="",
    column_config={
        "bytes": st.column_config.NumberColumn(format="localized"),
        "url": st.column_config.LinkColumn(),
    },
    alt=f"{len(sources.rows)} source files",
)

st.subheader("Terms and citations", anchor=False)
for entry in queries.terms(snapshot).records():
    st.markdown(f"**{plain(entry['dataset'])}**: {plain(entry['licence'] or 'no terms recorded')}")
    if entry["citation"]:
        st.code(entry["citation"], language=None, wrap_lines=True)

st.subheader("Tables", anchor=False)
st.dataframe(
    queries.tables(snapshot).by_column(),
    hide_index=True,
    placeholder="",
    column_config={"rows": st.column_config.NumberColumn(format="localized")},
    alt="The snapshot's tables and what one row of each means",
)
