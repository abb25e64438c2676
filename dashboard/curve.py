"""A claim's specifications as a picture: from what queries return to dots and levels."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from dashboard import charts
from dashboard.queries import Specifications
from dashboard.text import percent
from pipelines.claims.numbers import figure
from pipelines.table import Table

_WORDS = {
    "shift": "the years",
    "place": "the region",
    "formed_from": "the first year of signature",
    "ended_by": "the last year of ending",
    "ending": "how they ended",
    "wartime": "wartime pacts",
    "counted": "whether all or those that ended are counted",
    "convention": "how years are counted",
}
MATTERS = 0.02  # of the variance; what is below is named without a figure


def curve(claim: Mapping[str, Any], found: Specifications) -> tuple[go.Figure, str]:
    """The specification curve of a claim, and its takeaway in words."""
    agreeing = claim["agreeing"]
    matters = importance(found)
    takeaway = f"{agreeing:,} of {claim['specifications']:,} specifications {_agree(claim)}"
    if matters and matters[0][1] > 0:
        takeaway += f"; the figure depends most on {words(matters[0][0])}"
    stated = [claim["stated_value"]]
    if claim["stated_upper"] is not None:
        stated.append(claim["stated_upper"])
    dots = [
        charts.Dot(
            dot["position"],
            dot["value"],
            bool(dot["agrees"]),
            bool(dot["own"]),
            f"{figure(dot['value'], claim['unit'], claim['decimals'] + 1)}: {_changes(dot, found)}",
        )
        for dot in found.dots
    ]
    thinned = (
        ""
        if len(dots) == found.positions
        else f" ({len(dots):,} of {found.positions:,} dots drawn)"
    )
    return (
        charts.specification_curve(
            takeaway,
            dots,
            levels(found, [name for name, _ in matters]),
            stated=stated,
            stated_text=f"stated: {claim['stated']}" if claim["stated"] else "as found",
            unit=f"{claim['unit']}; specifications from the lowest to the highest figure{thinned}",
            source="Below: the levels of each dimension; the darker a cell, the more of the "
            "specifications above it have that level. Bold: the own definition. Milex.",
        ),
        takeaway,
    )


def by_edition(claim: Mapping[str, Any], found: Table) -> tuple[go.Figure, str] | None:
    """The figure by the own definition in every edition, or None where there is one edition."""
    rows = found.records()
    if len(rows) < 2:
        return None
    agreeing = sum(row["agrees"] for row in rows)
    takeaway = f"{agreeing} of {len(rows)} editions {_agree(claim)}, all else equal"
    marks = [
        charts.Mark(
            row["edition"],
            row["value"],
            figure(row["value"], claim["unit"], claim["decimals"] + 1),
        )
        for row in rows
        if row["is_own"]
    ]
    picture = charts.lines(
        takeaway,
        [charts.Line("", found.column("edition"), found.column("value"))],
        f"{claim['unit']}, by edition; diamond: the edition of the own definition",
        "Source: SIPRI Military Expenditure Database, the editions at hand. Milex.",
        marks=marks,
        threshold=(claim["stated_value"], f"stated: {claim['stated']}")
        if claim["stated"]
        else None,
        from_zero=False,
        points=True,
    )
    return picture, takeaway


def _agree(claim: Mapping[str, Any]) -> str:
    """What agreeing means: with the statement, or with the figure found where nothing is stated."""
    if claim["stated"]:
        return "agree"
    return f"give {figure(claim['stated_value'], claim['unit'], claim['decimals'])}"


def in_words(claim: Mapping[str, Any], found: Specifications) -> str:
    """Between which figures all specifications lie, and which dimensions make the difference."""
    if not found.dots:
        return "No specification has a figure."
    low, high = (
        figure(dot["value"], claim["unit"], claim["decimals"] + 1)
        for dot in (found.dots[0], found.dots[-1])
    )
    if low == high:
        return f"Every specification gives {low}."
    matters = importance(found)
    much = [f"{words(name)} ({percent(part, 0)})" for name, part in matters if part >= MATTERS]
    little = [words(name) for name, part in matters if part < MATTERS]
    told = f"The figures lie between {low} and {high}."
    if much:
        much[0] = much[0].replace(" %)", " % of the variance between the figures)")
        told += f" What matters most: {_listed(much)}."
    if little:
        told += f" Hardly anything depends on {_listed(little)}."
    return told


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def changed(row: Mapping[str, Any], found: Specifications) -> str:
    """The dimensions in which a specification differs from the own definition, in words."""
    names = [
        _name(name, str(value), found.own.get(name, ""))
        for name, value in json.loads(row["parameters"]).items()
        if str(value) != found.own.get(name)
    ]
    return ", ".join(names) or "own definition"


def _changes(dot: Mapping[str, Any], found: Specifications) -> str:
    many = f" and {dot['specifications'] - 1:,} more" if dot["specifications"] > 1 else ""
    return changed(dot, found) + many


def importance(found: Specifications) -> list[tuple[str, float]]:
    """Dimensions by the share of the figures' variance between their levels, most first."""
    sums: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
    for row in found.levels:
        entry = sums[row["dimension"]][str(row["level"])]
        entry[0] += row["specifications"]
        entry[1] += row["total"]
    result = []
    for name, by_level in sums.items():
        count = sum(entry[0] for entry in by_level.values())
        mean = sum(entry[1] for entry in by_level.values()) / count
        between = sum(e[0] * (e[1] / e[0] - mean) ** 2 for e in by_level.values()) / count
        result.append((name, between / found.variance if found.variance > 1e-12 else 0.0))
    return sorted(result, key=lambda item: -item[1])


def levels(found: Specifications, order: list[str]) -> list[charts.Level]:
    """The rows of the strip: dimensions in the given order, the own level first, gaps between."""
    shares: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0] * found.bins)
    in_bin: dict[tuple[str, int], int] = defaultdict(int)
    for row in found.levels:
        in_bin[row["dimension"], row["bin"]] += row["specifications"]
    for row in found.levels:
        key = (row["dimension"], str(row["level"]))
        shares[key][row["bin"]] = row["specifications"] / in_bin[row["dimension"], row["bin"]]
    rows: list[charts.Level] = []
    for dimension in order:
        own = found.own[dimension]
        mine = sorted(
            (key[1] for key in shares if key[0] == dimension), key=lambda v: (v != own, v)
        )
        if len(mine) < 2:
            continue
        if rows:
            rows.append(charts.Level("", [], False))
        rows += [
            charts.Level(_name(dimension, level, own), shares[dimension, level], level == own)
            for level in mine
        ]
    return rows


def _name(dimension: str, level: str, own: str) -> str:
    """Short enough for a phone: 'edition 2017', '… without Oceania', 'one year earlier'."""
    if dimension == "shift":
        return {"0": "years as given", "-1": "one year earlier", "1": "one year later"}.get(
            level, f"years {level}"
        )
    if dimension in ("place", "region"):
        return (
            f"… {level.removeprefix(own).strip()}"
            if level != own and level.startswith(own)
            else level
        )
    return level if dimension == "dataset" else f"{dimension.replace('_', ' ')} {level}"


def words(dimension: str) -> str:
    """A dimension's name as people say it."""
    return _WORDS.get(dimension, f"the {dimension.replace('_', ' ')}")
