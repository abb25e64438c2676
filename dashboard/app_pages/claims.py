"""Claims: every statement with its verdict, and one of them opened to all that is behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard import queries
from dashboard.data import Snapshot, name_of
from dashboard.parts import downloads, formats, picture
from dashboard.text import VERDICTS, plain, verdict_badge
from pipelines.claims.numbers import figure
from pipelines.table import Table

if TYPE_CHECKING:
    from dashboard import subjects

Claim = Mapping[str, Any]
# A statement is a button (a page link would be cut off after one line, and a link in text would
# open another tab); it reads as text does.
AS_TEXT = """<style>
.st-key-claims button { min-height: 0; padding: 0; text-align: left; justify-content: flex-start; }
.st-key-claims button * { text-align: left; justify-content: flex-start; }
.st-key-claims button:hover { text-decoration: underline; }
</style>"""


def choose(claim_id: str | None) -> None:
    """Open a claim, or none; the address follows."""
    st.session_state["claim"] = claim_id


def scoreboard(claims: list[dict[str, Any]]) -> None:
    """Every statement in one list, with the count of each verdict on top."""
    st.title("Do the figures hold?")
    st.markdown(
        "Statements about the security order in Asia, recomputed from the edition of the data that "
        "they were made from. Open one to see its chart, every alternative way to compute it, the "
        "SQL and the rows."
    )
    counts = Counter(claim["verdict"] for claim in claims)
    there = [verdict for verdict in VERDICTS if counts[verdict]]
    st.markdown("  ".join(verdict_badge(verdict, counts[verdict]) for verdict in there))
    chosen = st.pills(
        "Show only", there, selection_mode="multi", key="verdict", bind="query-params"
    )
    st.html(AS_TEXT)
    with st.container(gap="xsmall", key="claims"):
        for claim in claims:
            if not chosen or claim["verdict"] in chosen:
                row(claim)


def row(claim: Claim) -> None:
    """One statement of the list."""
    with st.container(border=True):
        what, figures, verdict = st.columns([5, 2.5, 2.5], vertical_alignment="center")
        with what:
            st.button(
                f"**{plain(claim['statement'])}**",
                key=f"open {claim['claim_id']}",
                type="tertiary",
                wrap=True,
                on_click=choose,
                args=(claim["claim_id"],),
            )
            st.caption(plain(place_of(claim)))
        if claim["stated"]:
            found = claim["recomputed"] or "no figure"
            figures.markdown(
                f":gray[stated] {plain(claim['stated'])}  \n:gray[recomputed] **{plain(found)}**"
            )
        verdict.markdown(verdict_badge(claim["verdict"]))


def place_of(claim: Claim) -> str:
    """Where it is stated and from which data it was recomputed."""
    where = f"{claim['source']}, {claim['locator']}"
    return f"{where} · {claim['edition_or_version']}" if claim["edition_or_version"] else where


def opened(snapshot: Snapshot, claim: Claim) -> None:
    """One statement: what was found, how far it depends on choices, and what is behind it."""
    st.button(
        "All claims", icon=":material/arrow_back:", type="tertiary", on_click=choose, args=(None,)
    )
    st.header(plain(claim["statement"]), anchor=False)
    st.markdown(f"{verdict_badge(claim['verdict'])} {plain(place_of(claim))}")
    if not claim["sql"]:
        st.markdown(plain(claim["explanation"]))
        return
    with st.container(horizontal=True, gap="medium"):
        ours = " (our threshold)" if claim["threshold_is_ours"] else ""
        for label, content in (
            (f"Stated{ours}", claim["stated"]),
            ("Recomputed", claim["recomputed"] or "no figure"),
            ("Specifications that agree", f"{claim['agreeing']:,} of {claim['specifications']:,}"),
        ):
            st.metric(label, content, width="content")
    st.markdown(plain(claim["explanation"]))
    if claim["today"]:
        st.markdown(f"**Today:** {plain(claim['today'])}")
    if claim["attribution"]:
        st.caption(plain(claim["attribution"]))
    from dashboard import subjects  # the list of claims does without Plotly

    about = subjects.subject(snapshot, claim)
    if about and about.figure:
        picture(about.figure, alt=about.takeaway, key="about")
    if claim["specifications"]:
        dependence(snapshot, claim)
    if about:
        behind(snapshot, claim, about)


def dependence(snapshot: Snapshot, claim: Claim) -> None:
    """The specification curve, the figure by edition, what stands beside, and what was left out."""
    from dashboard import curve

    st.subheader("How far it depends on choices", anchor=False)
    found = queries.specifications(snapshot, claim["claim_id"])
    drawn, takeaway = curve.curve(claim, found)
    picture(drawn, alt=takeaway, key="curve")
    editions = curve.by_edition(claim, queries.by_edition(snapshot, claim["claim_id"]))
    if editions:
        drawn, takeaway = editions
        picture(drawn, alt=takeaway, key="editions")
    notes = [
        f"{rule['combinations']:,} combinations left out: {plain(rule['rule'])}."
        for rule in queries.left_out(snapshot, claim["claim_id"])
    ]
    notes += [
        f"Shown beside, without a verdict: {plain(curve.changed(row, found))}: "
        f"{plain(figure(row['value'], claim['unit'], claim['decimals'] + 1))}."
        for row in queries.beside(snapshot, claim["claim_id"])
    ]
    if notes:
        st.caption("  \n".join(notes))


def behind(snapshot: Snapshot, claim: Claim, about: subjects.Subject) -> None:
    """The SQL, the rows, the downloads and the citation."""
    st.subheader("What is behind it", anchor=False)
    st.markdown("The recomputed figure is what this query gives on the published snapshot:")
    st.code(claim["sql"], language="sql", wrap_lines=True)
    st.markdown(f"Rows: {plain(about.rows_are)}.")
    st.dataframe(
        about.rows.by_column(),
        hide_index=True,
        height=min(320, 36 * (len(about.rows.rows) + 1) + 3),
        column_config=formats(about.rows),
        placeholder="",
        alt=f"Rows: {about.rows_are}",
    )
    notes = citation_lines(snapshot, claim)
    rows, specifications = st.columns(2)
    with rows:
        downloads(
            about.rows, [*notes, f"Rows: {about.rows_are}"], f"milex-{claim['claim_id']}-rows"
        )
    with specifications:
        downloads(
            specification_rows(snapshot, claim),
            notes,
            f"milex-{claim['claim_id']}-specifications",
            "specifications",
        )
    st.markdown("To cite:")
    st.code("\n".join(notes[1:]), language=None, wrap_lines=True)


def specification_rows(snapshot: Snapshot, claim: Claim) -> Table:
    """Every specification with the figure's unit."""
    found = queries.all_specifications(snapshot, claim["claim_id"])
    return Table(found.columns, found.rows, {"value": claim["unit"]})


def citation_lines(snapshot: Snapshot, claim: Claim) -> list[str]:
    """What a figure needs beside it when it travels: statement, data and where it was computed."""
    return [
        f"Statement ({claim['claim_id']}; {claim['source']}, {claim['locator']}): "
        f"{claim['statement']}",
        f"Data: {claim['edition_or_version']}. "
        f"{queries.citation(snapshot, claim['edition_or_version'])}",
        f"Recomputed with Milex, snapshot {name_of(snapshot)}.",
    ]


shown: Snapshot = st.session_state["snapshot"]
statements = queries.claims(shown)
by_id = {claim["claim_id"]: claim for claim in statements}
asked = st.selectbox(
    "Open a statement",
    list(by_id),
    index=None,
    placeholder="All claims. Choose one to open it.",
    key="claim",
    bind="query-params",
)
if asked in by_id:
    opened(shown, by_id[asked])
else:
    scoreboard(statements)
