"""Claims: every statement with its verdict, and one of them opened to all that is behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import data_queries, queries
from dashboard.data import Snapshot, name_of
from dashboard.parts import downloads, picture
from dashboard.text import VERDICTS, plain, verdict_badge
from pipelines.table import Table

Claim = Mapping[str, Any]
# Columns of the list's download; figures as text with their unit.
LISTED = (
    "claim_id",
    "statement",
    "source",
    "locator",
    "stated",
    "recomputed",
    "verdict",
    "edition_or_version",
    "explanation",
)
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


def scoreboard(snapshot: Snapshot, claims: list[dict[str, Any]]) -> None:
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
    shown = [claim for claim in claims if not chosen or claim["verdict"] in chosen]
    downloads(
        Table(LISTED, [tuple(claim[name] for name in LISTED) for claim in shown]),
        data_queries.provenance(snapshot),
        "milex-claims",
        "claims",
    )


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
    from dashboard import checking, claim_parts  # the list of claims does without them

    if not claim["sql"]:
        st.markdown(plain(claim["explanation"]))
        claim_parts.link(claim_parts.here({"claim": claim["claim_id"]}))
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
    question = checking.question_of(claim)
    if question:
        st.page_link(
            "app_pages/check.py",
            label="Ask this with another country, year, edition or figure",
            icon=":material/rule:",
            query_params=claim_parts.address(question),
        )
    from dashboard import subjects  # the list of claims does without Plotly

    about = subjects.subject(snapshot, claim)
    grid = queries.grid(snapshot, claim["claim_id"])
    if about and about.figure:
        picture(about.figure, alt=about.takeaway, key="about")
    if claim["specifications"]:
        claim_parts.dependence(claim, grid)
    claim_parts.query(claim)
    if about:
        claim_parts.rows_behind(about)
    notes = citation_lines(snapshot, claim)
    with st.container(horizontal=True):
        claim_parts.files(claim, about, grid, notes)
    st.markdown("To cite:")
    st.code("\n".join(notes[1:]), language=None, wrap_lines=True)
    claim_parts.link(claim_parts.here({"claim": claim["claim_id"]}))


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
    scoreboard(shown, statements)
