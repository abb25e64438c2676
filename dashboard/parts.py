"""Pieces that pages share; knows Streamlit and no table in particular."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard.tables import Table


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
