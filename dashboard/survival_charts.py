"""Figures on how long alliances last: DataFrames in, Plotly figures out; knows no table and no page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from dashboard.charts import ACCENT, GREY, MAIN, PALE, finish
from dashboard.text import in_chart

if TYPE_CHECKING:
    import pandas as pd

GREEN = "#009E73"
PINK = "#CC79A7"
AMBER = "#E69F00"
# Colour and dash together: either alone tells the curves apart.
STYLES = (
    (MAIN, "solid", "━━"),
    (ACCENT, "dash", "╺╸╺╸"),
    (GREEN, "dot", "┈┈"),
    (PINK, "dashdot", "━·━"),
    (AMBER, "longdash", "━ ━"),
)
ROW = 18
LEGEND_WIDTH = 46


def key(entries: Sequence[tuple[str, str, str]]) -> str:
    """A legend as Plotly text: (colour, shape, name) each, in lines that fit a phone."""
    lines: list[list[str]] = [[]]
    width = 0
    for colour, shape, name in entries:
        long = len(shape) + len(name) + 4
        if lines[-1] and width + long > LEGEND_WIDTH:
            lines.append([])
            width = 0
        lines[-1].append(f"<span style='color:{colour}'>{shape}</span> {in_chart(name)}")
        width += long
    return "<br>".join("   ".join(line) for line in lines)


def empty(title: str, source: str) -> go.Figure:
    """What stands in the place of a figure when a filter leaves nothing."""
    figure = go.Figure()
    figure.update_xaxes(visible=False, range=[0, 1])
    figure.update_yaxes(visible=False, range=[0, 1])
    return finish(figure, title, source, "nothing to draw", height=40, left=16)


def shaded(colour: str, opacity: float = 0.16) -> str:
    """A colour as a band that lets the grid and other bands through."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def survival(
    title: str,
    curves: pd.DataFrame,
    at_risk: pd.DataFrame,
    *,
    unit: str,
    source: str,
    names: Mapping[str, str] | None = None,
    to_age: float = 100,
) -> go.Figure:
    """Kaplan–Meier curves with their 95 % bands, and under them how many were at risk.

    curves: level, years, survival, lower, upper (fractions; NULL where there is no band). at_risk:
    level, age, at_risk. names: levels as people say them, in the order in which they are drawn.
    """
    names = names or {}
    there = set(curves["level"]) if len(curves) else set()
    levels = [level for level in names if level in there] or sorted(there)
    if not levels:
        return empty(title, source)
    strip = ROW * (len(levels) + 1)
    height = 280
    share = strip / (height + strip + 26)
    figure = go.Figure()
    legend = []
    for level, (colour, dash, shape) in zip(levels, STYLES, strict=False):
        name = names.get(level, level)
        mine = curves[curves["level"] == level].sort_values("years")
        rows = mine[mine["years"] <= to_age]
        x = [0.0, *rows["years"]]
        y = [100.0, *(100 * rows["survival"])]
        banded = rows[rows["lower"].notna() & rows["upper"].notna()]
        last = _last_age(at_risk, level, to_age, x[-1])
        if last > x[-1]:
            x.append(last)
            y.append(y[-1])
        if len(banded):
            figure.add_scatter(
                **_band(banded, min(last, to_age)),
                fill="toself",
                fillcolor=shaded(colour),
                line={"width": 0},
                mode="lines",
                hoverinfo="skip",
                name=f"{in_chart(name)}, 95 % band",
            )
        figure.add_scatter(
            x=x,
            y=y,
            name=in_chart(name),
            mode="lines",
            line={"color": colour, "width": 2.5, "dash": dash, "shape": "hv"},
            hovertemplate=f"{in_chart(name)}: %{{y:.1f}} % outlive %{{x:.1f}} years<extra></extra>",
        )
        legend.append((colour, shape, name))
    _risk_table(figure, at_risk, levels, names, to_age)
    figure.update_layout(
        xaxis={
            "anchor": "y",
            "range": [-0.035 * to_age, to_age * 1.04],
            "tickvals": _ages(to_age),
            "zeroline": False,
        },
        yaxis={"domain": [share + 26 / (height + strip), 1], "range": [0, 102], "ticksuffix": " %"},
    )
    return finish(
        figure,
        title,
        source,
        f"share of {unit} that outlive an age in years; bands: 95 %",
        height=height + strip,
        axis=6,
        left=48,
        legend=key(legend) if len(levels) > 1 else "",
    )


def _ages(to_age: float) -> list[int]:
    """The ages at which the axis and the table under it have a figure."""
    return list(range(0, int(to_age) + 1, 20))


def _last_age(at_risk: pd.DataFrame, level: str, to_age: float, ended: float) -> float:
    """Up to which age somebody was still watched, as far as the table tells."""
    mine = at_risk[(at_risk["level"] == level) & (at_risk["at_risk"] > 0)]
    return max(ended, min(to_age, float(mine["age"].max()))) if len(mine) else ended


def _band(rows: pd.DataFrame, last: float) -> dict[str, list[float]]:
    """A band as a polygon of steps: there along the upper limit, and back along the lower."""
    ages = [*rows["years"], max(last, float(rows["years"].iloc[-1]))]
    upper = _steps(ages, [100 * value for value in rows["upper"]])
    lower = _steps(ages, [100 * value for value in rows["lower"]])
    points = upper + lower[::-1]
    return {"x": [x for x, _ in points], "y": [y for _, y in points]}


def _steps(ages: Sequence[float], values: Sequence[float]) -> list[tuple[float, float]]:
    points = []
    for (begin, end), value in zip(pairwise(ages), values, strict=True):
        points += [(begin, value), (end, value)]
    return points


def _risk_table(
    figure: go.Figure,
    at_risk: pd.DataFrame,
    levels: Sequence[str],
    names: Mapping[str, str],
    to_age: float,
) -> None:
    """How many were at risk at each age, a row a level, in the colour of its curve."""
    x, y, text, colours, hover = [], [], [], [], []
    for number, level in enumerate(levels):
        mine = at_risk[at_risk["level"] == level].set_index("age")["at_risk"]
        for age in _ages(to_age):
            count = int(mine.get(age, 0))
            x.append(age)
            y.append(number + 1)
            text.append(f"{count:,}")
            colours.append(STYLES[number % len(STYLES)][0])
            hover.append(f"{in_chart(names.get(level, level))}: {count:,} at risk at age {age}")
    figure.add_scatter(
        x=x,
        y=y,
        text=text,
        customdata=hover,
        mode="text",
        textfont={"size": 11, "color": colours},
        hovertemplate="%{customdata}<extra></extra>",
        name="at risk",
        yaxis="y2",
    )
    strip = ROW * (len(levels) + 1)
    figure.update_layout(
        yaxis2={
            "domain": [0, strip / (280 + strip + 26)],
            "range": [len(levels) + 0.6, -0.4],
            "visible": False,
            "fixedrange": True,
        }
    )
    figure.add_annotation(
        x=-0.035 * to_age,
        y=0,
        yref="y2",
        text="at risk (watched, not yet ended)",
        xanchor="left",
        showarrow=False,
        font={"size": 11, "color": GREY},
    )


def lifespans(
    title: str,
    spans: pd.DataFrame,
    marks: Sequence[tuple[float | None, str]],
    *,
    unit: str,
    source: str,
    width: int = 2,
    to_years: int = 80,
) -> go.Figure:
    """Lifespans of those that ended, and beside one another the means and medians.

    spans: lifespan_years. marks: (years, label), drawn with different dashes; None is left out. Longer
    lives than to_years stand in one last bar.
    """
    values = [float(value) for value in spans["lifespan_years"].dropna()] if len(spans) else []
    if not values:
        return empty(title, source)
    bins = to_years // width
    counts = [0] * (bins + 1)
    for value in values:
        counts[max(0, min(int(value // width), bins))] += 1
    while len(counts) > 1 and not counts[-1]:
        counts.pop()
    names = [
        f"{width * at}–{width * (at + 1) - 1} years" if at < bins else f"{to_years} years or more"
        for at in range(len(counts))
    ]
    figure = go.Figure(
        go.Bar(
            x=[width * (at + 0.5) for at in range(len(counts))],
            y=counts,
            width=width * 0.92,
            marker={
                "color": PALE,
                "pattern": {"shape": ["/" if at == bins else "" for at in range(len(counts))]},
            },
            customdata=names,
            hovertemplate="%{customdata}: %{y}<extra></extra>",
            name="ended",
        )
    )
    top = max(counts)
    known = sorted((years, text) for years, text in marks if years is not None)
    for row, (years, text) in enumerate(known):
        colour, dash, _ = STYLES[row % len(STYLES)]
        figure.add_shape(
            type="line",
            x0=years,
            x1=years,
            y0=0,
            y1=top * (1.14 - 0.12 * row),
            line={"color": colour, "width": 2, "dash": dash},
        )
        figure.add_annotation(
            x=years,
            y=top * (1.14 - 0.12 * row),
            text=in_chart(text),
            xanchor="left",
            yanchor="top",
            xshift=5,
            showarrow=False,
            font={"color": colour, "size": 13},
        )
    figure.update_xaxes(
        title=f"lifespan in years (last bar: {to_years} or more)"
        if len(counts) > bins
        else "lifespan in years",
        range=[0, width * max(len(counts), 20)],
    )
    figure.update_yaxes(range=[0, top * 1.18])
    return finish(figure, title, source, f"number of {unit} that ended", axis=48)


ENDINGS = {
    "fulfilled": "fulfilled",
    "violated": "violated",
    "renegotiated": "renegotiated",
    "independence lost": "independence lost",
    "unknown": "ended in a way not coded",
}


def incidence(
    title: str, endings: pd.DataFrame, *, unit: str, source: str, to_age: float = 100
) -> go.Figure:
    """Cumulative incidence of each way of ending, stacked: what is left above is still in force.

    endings: ending, years, cumulative_incidence (fraction).
    """
    there = set(endings["ending"]) if len(endings) else set()
    chosen = [ending for ending in ENDINGS if ending in there]
    if not chosen:
        return empty(title, source)
    figure = go.Figure()
    legend = []
    patterns = ("", "/", ".", "x", "-")
    shapes = ("■", "▨", "▒", "▩", "▤")
    for number, ending in enumerate(chosen):
        colour = STYLES[number][0]
        rows = endings[endings["ending"] == ending].sort_values("years")
        rows = rows[rows["years"] <= to_age]
        figure.add_scatter(
            x=[0.0, *rows["years"], to_age],
            y=[0.0, *(100 * rows["cumulative_incidence"]), 100 * _last(rows)],
            name=in_chart(ENDINGS[ending]),
            mode="lines",
            stackgroup="one",
            line={"color": colour, "width": 1.5, "shape": "hv"},
            fillcolor=shaded(colour, 0.55),
            fillpattern={"shape": patterns[number], "size": 6, "solidity": 0.25},
            hovertemplate=f"{in_chart(ENDINGS[ending])} by %{{x:.0f}} years: %{{y:.1f}} %"
            "<extra></extra>",
        )
        legend.append((colour, shapes[number], ENDINGS[ending]))
    figure.add_annotation(
        x=to_age,
        y=98,
        text="not ended",
        xanchor="right",
        yanchor="top",
        showarrow=False,
        font={"size": 13},
    )
    figure.update_xaxes(
        title="age in years", range=[0, to_age], tickvals=_ages(to_age), zeroline=False
    )
    figure.update_yaxes(range=[0, 100], ticksuffix=" %")
    return finish(
        figure,
        title,
        source,
        f"share of {unit} that has ended in each way by an age (Aalen–Johansen)",
        axis=48,
        left=48,
        legend=key(legend),
    )


def _last(rows: pd.DataFrame) -> float:
    return float(rows["cumulative_incidence"].iloc[-1]) if len(rows) else 0.0
