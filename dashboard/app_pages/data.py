"""Data: what the snapshot was made from and under which terms, its checks, problems and tables."""

from __future__ import annotations

import streamlit as st

from dashboard import data_queries as asked
from dashboard import queries
from dashboard.data import Snapshot, name_of
from dashboard.parts import downloads, rows
from dashboard.text import moment, plain, with_code
from pipelines.models import entries
from pipelines.table import Table

SEVERITIES = {
    "blocking": "it stops what is downstream",
    "error": "the build goes on and says so",
    "warning": "it may be right",
}


def main(snapshot: Snapshot) -> None:
    """The page."""
    facts = queries.facts(snapshot)
    st.title("What is this made from, and does it hold?")
    st.markdown(
        f"Snapshot `{name_of(snapshot)}`, built {plain(moment(facts.get('built_at', '')))} with Milex "
        f"{plain(facts.get('milex', ''))} and DuckDB {plain(facts.get('duckdb', ''))}."
    )
    notes = asked.provenance(snapshot)
    editions(snapshot, notes)
    sources(snapshot, notes)
    terms(snapshot)
    checks(snapshot, notes)
    problems(snapshot)
    tables(snapshot, notes)
    metrics(snapshot, notes)


def editions(snapshot: Snapshot, notes: list[str]) -> None:
    """The editions of SIPRI's database."""
    st.subheader("Editions", anchor=False)
    st.markdown(
        "Each edition of the SIPRI Military Expenditure Database is kept as it was published; no "
        "figure is overwritten by a later one."
    )
    found = queries.editions(snapshot)
    meaning = f"{len(found.rows)} editions of the SIPRI Military Expenditure Database"
    rows(
        found,
        meaning,
        edition=st.column_config.NumberColumn(format="%d", help="last year with data"),
        published_year=st.column_config.NumberColumn("published", format="%d"),
        base_year=st.column_config.NumberColumn("prices of", format="%d"),
        is_excerpt=st.column_config.CheckboxColumn("excerpt"),
        url=st.column_config.LinkColumn(),
    )
    downloads(found, [f"{meaning}.", *notes], "milex-editions", "editions")


def sources(snapshot: Snapshot, notes: list[str]) -> None:
    """The files that were read, where they came from, and which could not be."""
    st.subheader("Source files", anchor=False)
    found = queries.sources(snapshot)
    for source in found.records():
        if source["error"]:
            st.warning(
                f"{plain(source['file_name'])} could not be read: {plain(source['error'])}",
                icon=":material/warning:",
            )
    st.markdown(
        "Origin: *raw*, the project's folder of raw files; *mirror*, a folder of copies; *publisher*, "
        "downloaded; *excerpt*, the committed excerpt that stands in for a file that is not there. "
        "A superseded file is one of two copies of an edition, and the other is used."
    )
    rows(
        found,
        f"{len(found.rows)} source files",
        bytes=st.column_config.NumberColumn(format="localized"),
        url=st.column_config.LinkColumn(),
    )
    downloads(
        found, ["The files that the snapshot was made from.", *notes], "milex-sources", "sources"
    )


def terms(snapshot: Snapshot) -> None:
    """What each publisher asks for."""
    st.subheader("Terms and citations", anchor=False)
    for entry in asked.terms(snapshot).records():
        st.markdown(
            f"**{plain(entry['dataset'])}** ({plain(entry['versions'] or 'no version')}): "
            f"{plain(entry['licence'] or 'no terms recorded')}"
        )
        if entry["citation"]:
            st.code(entry["citation"], language=None, wrap_lines=True)


def checks(snapshot: Snapshot, notes: list[str]) -> None:
    """What was checked in the build, and what failed."""
    st.subheader("Checks of this build", anchor=False)
    found = asked.checks(snapshot)
    every = found.records()
    if not every:
        st.info("No check was run in this build.")
        return
    failed = [check for check in every if check["outcome"] == "failed"]
    with st.container(horizontal=True, gap="medium"):
        for label, count in (
            ("Checks that passed", f"{len(every) - len(failed)} of {len(every)}"),
            ("Rows that fail", f"{sum(check['failing'] for check in every):,}"),
            ("Rows with a known reason", f"{sum(check['excepted'] for check in every):,}"),
        ):
            st.metric(label, count, width="content")
    for check in failed:
        st.error(
            f"**{plain(check['check_name'])}** ({plain(check['severity'])}: "
            f"{SEVERITIES[check['severity']]}) fails in {check['failing']:,} rows. "
            f"{plain(check['description'])}",
            icon=":material/error:",
        )
        st.code("\n".join(check["sample"]), language=None, wrap_lines=True)
        if check["failing"] > len(check["sample"]):
            st.caption(f"The first {len(check['sample'])} rows; the Dagster asset shows its check.")
    shown = Table(
        found.columns[:-2],
        [row[:-2] for row in found.rows],
        {"failing": "rows", "excepted": "rows"},
    )
    rows(
        shown,
        "the checks of the build with their outcome",
        description=st.column_config.TextColumn(width="large"),
    )
    st.caption(
        "A check passes when every row that fails it has a known and listed reason (excepted). "
        + plain(" ".join(f"{name.capitalize()}: {text}." for name, text in SEVERITIES.items()))
    )
    downloads(found, ["The checks of the build.", *notes], "milex-checks", "checks")


def problems(snapshot: Snapshot) -> None:
    """What is odd in the publishers' files and explained."""
    st.subheader("Known problems", anchor=False)
    st.markdown(
        "What is odd in the publishers' files and was looked into: the reasons of the rows above that "
        "fail a check and are excepted. The figures stay as printed unless a line says otherwise. "
        "The file `docs/known-problems.md` of the project has more on layout and coding."
    )
    for check in asked.checks(snapshot).records():
        if check["known_exceptions"]:
            with st.expander(
                f"{plain(check['check_name'].replace('_', ' '))}: {check['excepted']:,} rows"
            ):
                st.caption(plain(check["description"]))
                st.markdown("\n".join(f"- {plain(why)}" for why in check["known_exceptions"]))
    zeros = asked.false_zeros(snapshot).rows
    if zeros:
        counts = ", ".join(f"{count:,} in edition {edition}" for edition, count in zeros)
        st.markdown(
            f"- False zeros at current prices: {counts}. They are printed as 0 although the figure in "
            "local currency is not zero; here they are unavailable, with a note."
        )


def tables(snapshot: Snapshot, notes: list[str]) -> None:
    """The data dictionary: every table with its columns, and the small ones to take along."""
    st.subheader("Tables", anchor=False)
    known = queries.tables(snapshot)
    rows(
        known,
        "the snapshot's tables, what one row of each is and whose data it rests on",
        rows=st.column_config.NumberColumn(format="localized"),
    )
    downloads(
        asked.dictionary(snapshot),
        ["Every column of every table: type, unit and meaning.", *notes],
        "milex-data-dictionary",
        "the data dictionary",
    )
    names = [str(name) for name in known.column("table")]
    chosen = st.selectbox(
        "A table's columns",
        names,
        index=names.index("spending") if "spending" in names else 0,
        key="table",
        bind="query-params",
    )
    documentation(asked.description(snapshot, chosen))
    rows(asked.columns(snapshot, chosen), f"the columns of {chosen}")
    if chosen in asked.OWN_TABLES:
        found = asked.whole(snapshot, chosen)
        with st.expander(f"The rows of {chosen}"):
            rows(found, f"the rows of {chosen}")
        downloads(
            found,
            [f"Table {chosen}. {asked.description(snapshot, chosen)}", *notes],
            f"milex-table-{chosen.replace('_', '-')}",
            chosen,
        )
    else:
        st.markdown(
            "This table holds publishers' figures. Their terms allow excerpts and ask not to pass on "
            "the whole, so it is no download here. For yourself, this writes the tables to a folder "
            "(`--format csv` or `xlsx` for other forms than Parquet):"
        )
        st.code("milex export my-copy", language="bash")


def metrics(snapshot: Snapshot, notes: list[str]) -> None:
    """The metrics with how they are called."""
    st.subheader("Metrics", anchor=False)
    st.markdown(
        "Macros of the database that the claims, these pages and your own SQL call. Arguments are "
        "given by place or by name (`edition := 2017`); an edition or a version that is left out is "
        "the newest."
    )
    found = asked.metrics(snapshot)
    by_name = {row["metric"]: row for row in found.records()}
    names = list(by_name)
    chosen = st.selectbox(
        "A metric",
        names,
        index=names.index("growth") if "growth" in names else 0,
        key="metric",
        bind="query-params",
    )
    st.code(by_name[chosen]["call"], language="sql", wrap_lines=True)
    documentation(by_name[chosen]["meaning"] or "")
    downloads(
        found, ["The metrics and how they are called.", *notes], "milex-metrics", "the metrics"
    )


def documentation(comment: str) -> None:
    """A comment of the database, shown as it is; its example as SQL that can be copied."""
    for part in comment.split("\n\n"):
        if part.startswith("Example: "):
            st.code(part.removeprefix("Example: "), language="sql", wrap_lines=True)
        elif part.startswith(("Arguments:", "Columns:")):
            heading, _, section = part.partition(":")
            listed = [f"- {with_code(entry)}" for entry in entries(section)]
            st.markdown("\n".join([f"{heading}:", "", *listed]))
        else:
            st.markdown(with_code(part))


main(st.session_state["snapshot"])
