"""Choices that pages share, kept in the address under one name each; knows what can be chosen.

A filter has the same key on every page on which it means the same, so a choice goes along from page
to page and with a link. Values that the snapshot does not know are ignored: the default is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard import queries, spending_queries
from dashboard.database import Database

PRICES = {"constant": "constant prices", "current": "current prices"}
BASES = {"published": "SIPRI's total", "summed": "sum of its countries"}
MEASURES = {
    "constant_usd": "constant US$",
    "current_usd": "current US$",
    "share_of_gdp": "share of GDP",
    "per_capita_usd": "US$ per head",
    "share_of_government_spending": "share of government spending",
}
MOST_PLACES = 8
# What means the same on every page that asks for it.
SHARED = (
    "edition", "region", "places", "place", "measure", "prices", "basis", "years", "year", "data",
)  # fmt: skip


def recall(page: str) -> None:
    """Before a page that follows another: what was chosen there, unless the address says otherwise.

    Streamlit carries choices in the address, but not those that a link brought and nobody touched
    yet, and not through a page that has no such filter.
    """
    if st.session_state.get("page shown") != page:
        st.session_state["page shown"] = page
        kept = st.session_state.setdefault("kept filters", {})
        for key in kept.keys() - st.query_params.keys():
            value, written = kept[key]
            st.session_state[key] = value
            st.query_params[key] = written


def remember() -> None:
    """After a page: what is chosen on it and no default, as the address holds it."""
    for key in SHARED:
        if key in st.session_state:
            if key in st.query_params:
                chosen = st.session_state[key], st.query_params.get_all(key)
                st.session_state["kept filters"][key] = chosen
            else:
                st.session_state["kept filters"].pop(key, None)


def edition(db: Database) -> int:
    """The edition to show; the newest unless another is chosen."""
    known = [row[0] for row in queries.editions(db).rows]
    return int(
        st.selectbox(
            "Edition",
            known,
            key="edition",
            bind="query-params",
            help="The last year with data. Every edition revises history.",
        )
    )


def region(db: Database, default: str = "Asia & Oceania") -> str:
    """A region with a total, SIPRI's or composed."""
    return _one_known("Region", queries.regions(db), default, "region")


def places(db: Database, default: Sequence[str]) -> list[str]:
    """Several countries and regions, in the order in which they were chosen."""
    known = spending_queries.places(db)
    return [
        str(place)
        for place in st.multiselect(
            "Countries and regions",
            known,
            [place for place in default if place in known] or known[:1],
            max_selections=MOST_PLACES,
            key="places",
            bind="query-params",
            placeholder="Choose up to eight",
        )
    ]


def measure(default: str = "constant_usd") -> str:
    """What is measured: a key of MEASURES, as in main.observations."""
    return str(
        st.selectbox(
            "Measure",
            list(MEASURES),
            index=list(MEASURES).index(default),
            format_func=lambda name: MEASURES[name][0].upper() + MEASURES[name][1:],
            key="measure",
            bind="query-params",
        )
    )


def one_of(label: str, words: Mapping[str, str], key: str) -> str:
    """One of a few, shown by their words; the first unless another is chosen."""
    first = next(iter(words))
    chosen = st.segmented_control(
        label,
        list(words),
        format_func=lambda name: words[name],
        default=first,
        required=True,
        key=key,
        bind="query-params",
    )
    return str(chosen or first)  # an address may hold the key without a value


def prices() -> str:
    """Constant or current prices."""
    return one_of("Prices", {name: text.capitalize() for name, text in PRICES.items()}, "prices")


def basis() -> str:
    """A region's total as published, or summed from its countries."""
    return one_of("Regional total", BASES, "basis")


def years(first: int, last: int, default: tuple[int, int]) -> tuple[int, int]:
    """The first and the last year to show, both within what there is."""
    kept = st.session_state.get("years")
    if kept and not first <= min(kept) <= max(kept) <= last:  # of an edition that reaches further
        within = max(min(kept), first), min(max(kept), last)
        if within[0] < within[1]:
            st.session_state["years"] = within
        else:
            del st.session_state["years"]
    chosen = st.slider(
        "Years",
        first,
        last,
        (max(first, default[0]), min(last, default[1])),
        key="years",
        bind="query-params",
    )
    return int(min(chosen)), int(max(chosen))


def keep(key: str, options: Sequence[object]) -> None:
    """Forget a choice that the other choices no longer allow."""
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]


def dataset(versions: Sequence[str]) -> str:
    """A dataset of alliances with its version; the first unless another is chosen."""
    keep("data", versions)
    return str(st.selectbox("Dataset and version", versions, key="data", bind="query-params"))


def year(first: int, last: int) -> int:
    """One year; the last unless another is chosen."""
    kept = st.session_state.get("year")
    if kept and not first <= kept <= last:  # of an edition that reaches further
        del st.session_state["year"]
    return int(st.slider("Year", first, last, last, key="year", bind="query-params"))


def place(db: Database, default: str) -> str:
    """One country or region."""
    return _one_known("Country or region", spending_queries.places(db), default, "place")


def _one_known(label: str, known: Sequence[str], default: str, key: str) -> str:
    """One of what the snapshot has; its first where it lacks the default."""
    index = known.index(default) if default in known else 0
    return str(st.selectbox(label, known, index=index, key=key, bind="query-params"))
