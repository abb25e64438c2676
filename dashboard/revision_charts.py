"""Figures on what editions say of the same years; knows no table and no page."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.charts import ACCENT, GREY, MAIN, finish
from dashboard.spending_charts import Trend
from dashboard.text import in_chart

DASHES = ("dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = {"estimate": "circle-open", "uncertain": "diamond-open"}
MARKED = {"estimate": "○ estimate", "uncertain": "◇ highly uncertain"}
# Light in both themes, so that dark text is readable on every cell.
FALL, LEVEL, RISE = "#8CC4E8", "#EEF0F2", "#F2B377"
INK = "#1A1C20"
MATRIX_LEGEND = (
    "= unchanged   ≈ by less than 0.05 %   new: only this edition has a figure   "
    "gone: only the other   · the other ends before"
)
MOST_COLOUR = 0.25
# A line that ends this near the newest one has its name above or below by turns.
LEVEL_WITHIN = 0.02
ROW = 19


def signed(change: float, decimals: int = 1) -> str:
    """A change as people write it: '+12.3 %', '−7.9 %', and from tenfold on '×1,330'."""
    if change >= 9:
        return f"×{1 + change:,.0f}"
    text = f"{100 * change:+,.{decimals}f} %"
    return text.replace("-", "−")


def by_edition(
    title: str, shown: Sequence[Trend], unit: str, source: str, *, suffix: str = ""
) -> go.Figure:
    """One line an edition, the newest and the oldest in colour; each named at its end.

    shown: the oldest edition first, values in the unit that is drawn.
    """
    figure = go.Figure()
    for number, one in enumerate(shown):
        newest, oldest = number == len(shown) - 1, number == 0
        colour = MAIN if newest else ACCENT if oldest else GREY
        dash = "solid" if newest else "dash" if oldest else DASHES[(number - 1) % len(DASHES)]
        figure.add_scatter(
            x=list(one.years),
            y=list(one.values),
            name=f"edition {one.name}",
            mode="lines",
            line={"color": colour, "width": 3 if newest else 2 if oldest else 1.5, "dash": dash},
            hovertemplate=f"%{{x}}, edition {one.name}: %{{y:,.4~g}}{suffix}<extra></extra>",
            connectgaps=False,
        )
        known = one.known()
        if known:
            year, value, _ = known[-1]
            reference = shown[-1].at(year)
            level = reference is None or abs(value - reference) <= LEVEL_WITHIN * abs(reference)
            under = number % 2 == 0 if level and not newest else value < (reference or value)
            figure.add_annotation(
                x=year,
                y=value,
                text=one.name,
                xanchor="center",
                yanchor="top" if under else "bottom",
                yshift=-3 if under else 3,
                showarrow=False,
                font={"color": colour, "size": 12},
            )
    marked = []
    for status, symbol in SYMBOLS.items():
        points = [
            (year, value) for one in shown for year, value, found in one.known() if found == status
        ]
        if points:
            marked.append(MARKED[status])
            figure.add_scatter(
                x=[year for year, _ in points],
                y=[value for _, value in points],
                name=status,
                mode="markers",
                marker={"symbol": symbol, "size": 4, "color": GREY},
                hoverinfo="skip",
            )
    figure.update_yaxes(rangemode="tozero", ticksuffix=suffix, tickformat=",~g")
    years = [year for one in shown for year in one.years]
    if years:
        figure.update_xaxes(range=[min(years) - 0.5, max(years) + 1.5], tickformat="d")
    return finish(
        figure,
        title,
        source,
        unit,
        height=340,
        left=56,
        legend="   ".join(["each line an edition, named at its end", *marked]),
    )


def matrix(
    title: str,
    editions: Sequence[int],
    years: Sequence[int],
    changes: Sequence[Sequence[float | None]],
    texts: Sequence[Sequence[str]],
    told: Sequence[Sequence[str]],
    unit: str,
    source: str,
) -> go.Figure:
    """Years down, editions across; a cell says its change in words and figures, and a shade besides.

    changes: fractions by year and edition, None for a cell without colour. texts: what the cells
    say; told: what the pointer says.
    """
    sizes = [abs(change) for row in changes for change in row if change is not None]
    most = min(MOST_COLOUR, max([0.01, *sizes]))
    figure = go.Figure(
        go.Heatmap(
            x=[str(edition) for edition in editions],
            y=list(years),
            z=[list(row) for row in changes],
            zmin=-most,
            zmax=most,
            colorscale=[[0, FALL], [0.5, LEVEL], [1, RISE]],
            showscale=False,
            xgap=2,
            ygap=2,
            text=[list(row) for row in texts],
            texttemplate="%{text}",
            textfont={"color": INK, "size": 12},
            customdata=[list(row) for row in told],
            hovertemplate="%{customdata}<extra></extra>",
            hoverongaps=False,
        )
    )
    figure.update_xaxes(type="category", side="top", showgrid=False, zeroline=False)
    figure.update_yaxes(
        autorange="reversed", dtick=1, tickformat="d", showgrid=False, zeroline=False
    )
    finish(
        figure,
        title,
        source,
        unit,
        height=ROW * len(years),
        left=48,
        axis=6,
        legend=in_chart(MATRIX_LEGEND, 60),
    )
    top = figure.layout.margin.t
    return figure.update_layout(height=figure.layout.height + 24, margin={"t": top + 24})


def largest(
    title: str, items: Sequence[tuple[str, float, str]], unit: str, source: str, *, ratio: bool
) -> go.Figure:
    """Bars to the right for rises and to the left for falls, the largest on top: (name, change, label).

    ratio: the changes are fractions, and a bar is as long as the logarithm of the ratio, so that a
    doubling and a halving are equal; else a bar is as long as the change.
    """
    lengths = [math.log10(1 + change) if ratio else change for _, change, _ in items]
    most = max((abs(length) for length in lengths), default=1.0) or 1.0
    figure = go.Figure(
        go.Bar(
            x=lengths,
            y=list(range(len(items))),
            orientation="h",
            text=[in_chart(label) for *_, label in items],
            textposition="outside",
            constraintext="none",
            textfont={"size": 12},
            cliponaxis=False,
            marker={"color": [ACCENT if length > 0 else MAIN for length in lengths]},
            customdata=[in_chart(name) for name, *_ in items],
            hovertemplate="%{customdata}: %{text}<extra></extra>",
        )
    )
    room = 0.9 * most
    figure.update_xaxes(
        range=[
            min([0.0, *lengths]) - room if min([0.0, *lengths]) < 0 else 0,
            max([0.0, *lengths]) + room if max([0.0, *lengths]) > 0 else 0,
        ],
        showticklabels=False,
        showgrid=False,
        zeroline=True,
    )
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(len(items))),
        ticktext=[in_chart(name) for name, *_ in items],
        showgrid=False,
    )
    longest = max((len(name) for name, *_ in items), default=0)
    return finish(
        figure, title, source, unit, height=25 * len(items), left=16 + 6 * longest, axis=6
    )
