"""Choices that pages share, kept in the address under one name each; knows what can be chosen.

A filter has the same key on every page on which it means the same, so a choice goes along from page
to page and with a link. Values that the snapshot does not know are ignored: the default is shown.
"""

from __future__ import annotations

import streamlit as st

from dashboard import queries
from dashboard.database import Database

PRICES = {"constant": "constant prices", "current": "current prices"}
BASES = {"published": "SIPRI's total", "summed": "sum of its countries"}


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
    known = queries.regions(db)
    return str(
        st.selectbox(
            "Region",
            known,
            index=known.index(default) if default in known else 0,
            key="region",
            bind="query-params",
        )
    )


def prices() -> str:
    """Constant or current prices."""
    return str(
        st.segmented_control(
            "Prices",
            list(PRICES),
            format_func=lambda name: PRICES[name].capitalize(),
            default="constant",
            required=True,
            key="prices",
            bind="query-params",
        )
    )


def basis() -> str:
    """A region's total as published, or summed from its countries."""
    return str(
        st.segmented_control(
            "Regional total",
            list(BASES),
            format_func=lambda name: BASES[name],
            default="published",
            required=True,
            key="basis",
            bind="query-params",
        )
    )


def years(first: int, last: int, default: tuple[int, int]) -> tuple[int, int]:
    """The first and the last year to show, both within what there is."""
    chosen = st.slider(
        "Years",
        first,
        last,
        (max(first, default[0]), min(last, default[1])),
        key="years",
        bind="query-params",
    )
    return int(chosen[0]), int(chosen[1])


def year(first: int, last: int) -> int:
    """One year; the last unless another is chosen."""
    return int(st.slider("Year", first, last, last, key="year", bind="query-params"))
