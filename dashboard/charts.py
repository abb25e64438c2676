"""Figures, all in one style: from plain values to Plotly; knows no table, no page and no claim.

The colours survive colour blindness, and what a colour says a label or a shape says too. Text and
grid take the page's theme, so that a figure is readable in light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboard.text import in_chart

MAIN = "#0072B2"
ACCENT = "#D55E00"
GREY = "#8A8F98"
BACKGROUND_BAR = "#7C828C"
PALE = "rgba(138, 143, 152, 0.45)"
TITLE_WIDTH = 46
SOURCE_WIDTH = 60
LABEL_WIDTH = 24
MAX_WHOLE = 12


def config(form: str = "png", name: str = "chart") -> dict[str, object]:
    """What Plotly offers beside a chart: a camera that saves it as `form` (png or svg)."""
    return {
        "displaylogo": False,
        "displayModeBar": True,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {"format": form, "scale": 2, "filename": f"milex-{name}"},
    }


@dataclass(frozen=True)
class Line:
    """One series by year; a year without a figure is None and stays a gap."""

    name: str
    years: Sequence[int]
    values: Sequence[float | None]
    context: bool = False


@dataclass(frozen=True)
class Mark:
    """A point of a line that is spoken of, with its label."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Level:
    """A level of a dimension: its share in each bin of a specification curve, lowest first."""

    name: str
    shares: Sequence[float]
    own: bool


@dataclass(frozen=True)
class Dot:
    """A specification (or many that give the same figure) in a specification curve."""

    position: float
    value: float
    agrees: bool
    own: bool
    text: str


def lines(
    title: str,
    series: Sequence[Line],
    unit: str,
    source: str,
    *,
    marks: Sequence[Mark] = (),
    threshold: tuple[float, str] | None = None,
    from_zero: bool = True,
    points: bool = False,
) -> go.Figure:
    """Series over years, each named at its end; the years that are spoken of marked.

    points: few values that are nothing between them, such as editions.
    """
    figure = go.Figure()
    for one in series:
        colour = GREY if one.context else MAIN
        figure.add_scatter(
            x=list(one.years),
            y=list(one.values),
            name=in_chart(one.name),
            mode="lines+markers" if points else "lines",
            line={"color": colour, "width": 2, "dash": "dash" if one.context else "solid"},
            hovertemplate="%{x}: %{y:,.3~g} " + in_chart(unit) + "<extra></extra>",
            connectgaps=False,
        )
        known = [(x, y) for x, y in zip(one.years, one.values, strict=True) if y is not None]
        if known and len(series) > 1:
            figure.add_annotation(
                x=known[-1][0],
                y=known[-1][1],
                text=in_chart(one.name, LABEL_WIDTH),
                xanchor="right",
                yanchor="bottom",
                showarrow=False,
                font={"color": colour},
                yshift=4,
            )
    if marks:
        figure.add_scatter(
            x=[mark.x for mark in marks],
            y=[mark.y for mark in marks],
            mode="markers",
            marker={"color": ACCENT, "size": 10, "symbol": "diamond"},
            hoverinfo="skip",
        )
    years = [year for one in series for year in one.years]
    for mark in marks:
        early = mark.x < min(years) + 0.3 * (max(years) - min(years))
        _label(figure, mark, left=early, under=threshold is not None and mark.y < threshold[0])
    if threshold:
        middle = (min(years) + max(years)) / 2
        _stated(figure, *threshold, right=bool(marks) and all(m.x < middle for m in marks))
    figure.update_yaxes(rangemode="tozero" if from_zero else "normal")
    if points:
        figure.update_xaxes(tickvals=sorted(set(years)), tickformat="d")
    return finish(figure, title, source, unit)


def bars(
    title: str,
    items: Sequence[tuple[str, float, str, bool]],
    unit: str,
    source: str,
) -> go.Figure:
    """Horizontal bars, largest on top: (name, value, label, highlighted)."""
    names = [f"<b>{in_chart(name)}</b>" if high else in_chart(name) for name, _, _, high in items]
    most = max((value for _, value, *_ in items), default=0.0)
    figure = go.Figure(
        go.Bar(
            x=[value for _, value, _, _ in items],
            y=list(range(len(items))),
            orientation="h",
            text=[in_chart(label) for _, _, label, _ in items],
            textposition=["inside" if value > most / 2 else "outside" for _, value, *_ in items],
            constraintext="none",
            textfont={"size": 12},
            insidetextfont={"size": 12, "color": "#FFFFFF"},
            textangle=0,
            cliponaxis=False,
            marker={"color": [MAIN if high else BACKGROUND_BAR for *_, high in items]},
            customdata=names,
            hovertemplate="%{customdata}: %{text}<extra></extra>",
        )
    )
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(len(items))),
        ticktext=names,
        showgrid=False,
    )
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=True)
    longest = max((len(name) for name, *_ in items), default=0)
    return finish(
        figure, title, source, unit, height=25 * len(items), left=16 + 6 * longest, axis=6
    )


def spans(
    title: str,
    items: Sequence[tuple[str, int, int, bool]],
    source: str,
) -> go.Figure:
    """What lasted from one year to another, first on top: (name, first year, last year, bold)."""
    names = [in_chart(name if len(name) <= 26 else f"{name[:25]}…") for name, *_ in items]
    figure = go.Figure(
        go.Bar(
            base=[first for _, first, _, _ in items],
            x=[last - first + 1 for _, first, last, _ in items],
            y=list(range(len(items))),
            orientation="h",
            marker={"color": [MAIN if high else BACKGROUND_BAR for *_, high in items]},
            customdata=[f"{in_chart(name)}, {a}–{b}" for name, a, b, _ in items],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(len(items))),
        ticktext=[
            f"<b>{name}</b>" if high else name
            for name, (*_, high) in zip(names, items, strict=True)
        ],
        showgrid=False,
    )
    figure.update_xaxes(tickformat="d")
    longest = max((min(26, len(name)) for name, *_ in items), default=0)
    return finish(
        figure, title, source, "years in force", height=25 * len(items), left=16 + 6 * longest
    )


def histogram(
    title: str,
    values: Sequence[float],
    *,
    width: int,
    unit: str,
    source: str,
    counted: str,
    marks: Sequence[tuple[float, str, bool]] = (),
) -> go.Figure:
    """How many values lie in each interval; vertical lines: (value, label, is the stated one)."""
    last = int(max(values, default=0) // width)
    counts = [0] * (last + 1)
    for value in values:
        counts[max(0, int(value // width))] += 1
    figure = go.Figure(
        go.Bar(
            x=[width * (bin_ + 0.5) for bin_ in range(last + 1)],
            y=counts,
            width=width * 0.92,
            marker={"color": PALE},
            customdata=[f"{width * b}–{width * (b + 1)}" for b in range(last + 1)],
            hovertemplate="%{customdata} " + in_chart(unit) + ": %{y}<extra></extra>",
        )
    )
    top = max(counts, default=0)
    for row, (value, text, stated) in enumerate(marks):
        colour = ACCENT if stated else MAIN
        figure.add_vline(
            x=value, line={"color": colour, "width": 2, "dash": "dash" if stated else "solid"}
        )
        figure.add_annotation(
            x=value,
            y=top * (1.0 - 0.12 * row),
            text=in_chart(text),
            xanchor="left",
            xshift=6,
            showarrow=False,
            font={"color": colour, "size": 13},
        )
    figure.update_xaxes(title=in_chart(unit), rangemode="tozero")
    return finish(figure, title, source, counted, axis=48)


def specification_curve(
    title: str,
    dots: Sequence[Dot],
    levels: Sequence[Level],
    *,
    stated: Sequence[float],
    stated_text: str,
    unit: str,
    source: str,
) -> go.Figure:
    """Every specification from the lowest figure to the highest, and below it which levels it has.

    levels: rows of the strip, an empty name for a gap; the darker a cell, the more of the
    specifications above it have that level.
    """
    strip = 17 * len(levels)
    top = 300
    share = strip / (strip + top)
    figure = go.Figure()
    last = max((dot.position for dot in dots), default=1.0)
    legend = []
    for name, colour, (shape, symbol, size), chosen in (
        ("disagrees", PALE, ("●", "circle", 6), [d for d in dots if not d.agrees and not d.own]),
        ("agrees", ACCENT, ("◆", "diamond", 8), [d for d in dots if d.agrees and not d.own]),
        ("own definition", MAIN, ("■", "square", 12), [d for d in dots if d.own]),
    ):
        if chosen:
            legend.append(f"<span style='color:{colour}'>{shape}</span> {name}")
            figure.add_scatter(
                x=[dot.position for dot in chosen],
                y=[dot.value for dot in chosen],
                text=[in_chart(dot.text, 40) for dot in chosen],
                name=name,
                mode="markers",
                marker={"color": colour, "symbol": symbol, "size": size},
                hovertemplate="%{text}<extra></extra>",
                xaxis="x",
                yaxis="y",
            )
    for number, value in enumerate(stated):
        figure.add_shape(
            type="line",
            x0=0,
            x1=1,
            xref="x domain",
            y0=value,
            y1=value,
            yref="y",
            line={"color": ACCENT, "width": 1.5, "dash": "dash"},
        )
        if number == 0:
            figure.add_annotation(
                x=0,
                xref="x domain",
                y=value,
                yref="y",
                text=in_chart(stated_text),
                xanchor="left",
                yanchor="bottom",
                showarrow=False,
                font={"color": ACCENT},
            )
    if levels:
        bins = len(next(level.shares for level in levels if level.name))
        edges = [0.5 + last * (bin_ + 0.5) / bins for bin_ in range(bins)]
        figure.add_heatmap(
            x=edges,
            y=list(range(len(levels))),
            z=[list(level.shares) if level.name else [None] * bins for level in levels],
            zmin=0,
            zmax=1,
            colorscale=[[0, "rgba(0, 114, 178, 0.07)"], [1, MAIN]],
            showscale=False,
            ygap=3,
            customdata=[[in_chart(level.name)] * bins for level in levels],
            hovertemplate="%{customdata}: %{z:.0%} of these<extra></extra>",
            xaxis="x",
            yaxis="y2",
        )
        figure.update_layout(
            yaxis2={
                "domain": [0, share - 0.02],
                "autorange": "reversed",
                "tickvals": [n for n, level in enumerate(levels) if level.name],
                "ticktext": [_level_name(level) for level in levels if level.name],
                "tickfont": {"size": 11},
                "showgrid": False,
                "zeroline": False,
                "fixedrange": True,
            }
        )
    figure.update_layout(
        xaxis={
            "anchor": "y2" if levels else "y",
            "range": [1 - 0.015 * last - 0.4, last * 1.015 + 0.4],
            "showticklabels": False,
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={"domain": [share + 0.02 if levels else 0, 1], "zeroline": False},
    )
    names = [len(level.name) for level in levels]
    left = 16 + 6 * min(30, max(names)) if levels else 44
    values = [dot.value for dot in dots]
    if values and max(values) - min(values) <= MAX_WHOLE and all(v % 1 == 0 for v in values):
        figure.update_layout(yaxis={"dtick": 1})
    return finish(
        figure,
        title,
        source,
        unit,
        height=top + strip,
        left=left,
        axis=6,
        legend="   ".join(legend),
    )


def _level_name(level: Level) -> str:
    text = level.name if len(level.name) <= 30 else f"{level.name[:29]}…"
    return f"<b>{in_chart(text)}</b>" if level.own else in_chart(text)


def _label(figure: go.Figure, mark: Mark, left: bool, under: bool) -> None:
    """A mark's label, on the side where there is room."""
    figure.add_annotation(
        x=mark.x,
        y=mark.y,
        text=in_chart(mark.text, LABEL_WIDTH),
        showarrow=False,
        xanchor="left" if left else "right",
        yanchor="top" if under else "bottom",
        xshift=6 if left else -6,
        yshift=-6 if under else 6,
        align="right",
        font={"size": 13},
    )


def _stated(figure: go.Figure, value: float, text: str, right: bool) -> None:
    """The stated figure as a dashed line, its label on the side that is free."""
    figure.add_hline(y=value, line={"color": ACCENT, "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=1 if right else 0,
        xref="x domain",
        y=value,
        text=in_chart(text),
        xanchor="right" if right else "left",
        yanchor="bottom",
        showarrow=False,
        font={"color": ACCENT, "size": 13},
    )


def finish(
    figure: go.Figure,
    title: str,
    source: str,
    unit: str,
    *,
    height: int = 300,
    left: int = 44,
    axis: int = 26,
    legend: str = "",
) -> go.Figure:
    """Title, unit, source and margins: the same for every figure.

    height: of the plot alone, in pixels. left: room for the labels of the vertical axis. axis: room
    for those of the horizontal one. legend: what the shapes mean, as one line of Plotly text.
    """
    title_lines = in_chart(title, TITLE_WIDTH)
    source_lines = in_chart(source, SOURCE_WIDTH)
    below_title = [in_chart(unit, SOURCE_WIDTH), *([legend] if legend else [])]
    small = "<br>".join(below_title)
    above = 34 + 19 * (title_lines.count("<br>") + 1) + 16 * (small.count("<br>") + 1)
    below = axis + 12 + 15 * (source_lines.count("<br>") + 1)
    whole = height + above + below
    figure.update_layout(
        title={
            "text": f"{title_lines}<br>"
            f"<span style='font-size:12px;font-weight:400;color:{GREY}'>{small}</span>",
            "font": {"size": 15},
            "x": 0,
            "xanchor": "left",
            "xref": "container",
            "y": 1 - 20 / whole,
            "yanchor": "top",
            "yref": "container",
            "automargin": False,
        },
        height=whole,
        margin={"l": left, "r": 16, "t": above, "b": below},
        showlegend=False,
        hovermode="closest",
        bargap=0.25,
    )
    figure.add_annotation(
        text=source_lines,
        x=0,
        xref="paper",
        y=0,
        yref="paper",
        xanchor="left",
        yanchor="top",
        xshift=-left,
        yshift=-axis - 6,
        showarrow=False,
        align="left",
        font={"size": 11, "color": GREY},
    )
    figure.update_xaxes(automargin=False)
    figure.update_yaxes(automargin=False)
    return figure
