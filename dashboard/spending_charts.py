"""Figures on spending by year, and their sentence; knows no table and no page.

A colour tells places apart, and their names at the ends of the lines do so too; dashes and open
marks are kept for figures that SIPRI calls estimates or highly uncertain.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import plotly.graph_objects as go

from dashboard.charts import ACCENT, GREY, MAIN, finish
from dashboard.text import billions, in_chart, percent

# Okabe and Ito's colours, the darkest first, without the yellow that vanishes on white.
COLOURS = (MAIN, ACCENT, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A6BBE", GREY)
SYMBOLS = {"estimate": "circle-open", "uncertain": "diamond-open"}
LEGEND = {
    "reported": "━━ reported",
    "estimate": "╍○╍ estimate",
    "uncertain": "╍◇╍ highly uncertain",
    "implied": "━━ region: implied by its countries",
}
PLOT_HEIGHT = 340
LINE_HEIGHT = 15
NAME_WIDTH = 15


@dataclass(frozen=True)
class Trend:
    """A place by year; a year without a figure is None and stays a gap.

    values: in the unit that is drawn; statuses: reported, estimate, uncertain, implied, or why there
    is no figure.
    """

    name: str
    years: Sequence[int]
    values: Sequence[float | None]
    statuses: Sequence[str]

    def known(self) -> list[tuple[int, float, str]]:
        """Year, value and status of the years with a figure."""
        return [
            (year, value, status)
            for year, value, status in zip(self.years, self.values, self.statuses, strict=True)
            if value is not None
        ]

    def at(self, year: int) -> float | None:
        """The value of a year."""
        return next((value for found, value, _ in self.known() if found == year), None)


def told(value: float, measure: str) -> str:
    """A value of a measure of main.observations as people write it."""
    if value == 0:
        return "nothing"
    if measure in ("constant_usd", "current_usd"):
        return billions(value)
    if measure == "per_capita_usd":
        return f"${value:,.0f}" if value >= 10 else f"${value:,.2f}"
    return percent(value)


def spans(years: Iterable[int]) -> str:
    """Years as people write them: '1990–95, 2001'."""
    ordered = sorted(set(years))
    runs = [
        [year for _, year in run]
        for _, run in groupby(enumerate(ordered), lambda pair: pair[1] - pair[0])
    ]
    return ", ".join(_span(run[0], run[-1]) for run in runs)


def _span(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first}–{last % 100:02d}" if first // 100 == last // 100 else f"{first}–{last}"


def takeaway(trends: Sequence[Trend], measure: str, base_year: int | None) -> str:
    """What the lines show, in one sentence. base_year: of an index, else None."""
    ends = [(trend, trend.known()) for trend in trends]
    ends = [(trend, known) for trend, known in ends if known]
    if not ends:
        return "No figure for these places, years and this measure"
    last = max(known[-1][0] for _, known in ends)
    now = sorted(
        ((known[-1][1], trend) for trend, known in ends if known[-1][0] == last),
        key=lambda pair: -pair[0],
    )
    (most, first), (least, other) = now[0], now[-1]
    if base_year is not None:
        if len(now) == 1:
            return f"With {base_year} as 100, {first.name} is at {most:,.0f} in {last}"
        return (
            f"With {base_year} as 100, {first.name} is at {most:,.0f} in {last}, and {other.name} at "
            f"{least:,.0f}"
        )
    what = {"share_of_gdp": " of GDP", "per_capita_usd": " a head"}.get(measure, "")
    if measure == "share_of_government_spending":
        what = " of government spending"
    if len(now) == 1:
        year, value, _ = first.known()[0]
        begin = f", {told(value, measure)} in {year}" if year != last else ""
        return f"{first.name}: {told(most, measure)}{what} in {last}{begin}"
    return (
        f"{last}: {first.name} has the most ({told(most, measure)}{what}), "
        f"{other.name} the least ({told(least, measure)})"
    )


def trends(
    title: str,
    shown: Sequence[Trend],
    unit: str,
    source: str,
    *,
    measure: str,
    indexed: bool = False,
    log: bool = False,
) -> go.Figure:
    """Places over years: solid where reported, dashed with open marks where estimated.

    measure: of main.observations; gives the scale of the values (US$ millions are drawn as billions,
    fractions as percentages), unless they are indexed. log: values of zero are not drawn.
    """
    scale = 1.0 if indexed else scale_of(measure)
    money = not indexed and measure.endswith("usd") and measure != "per_capita_usd"
    figure = go.Figure()
    ends: list[tuple[float, str, str]] = []
    seen: set[str] = set()
    drawn = [
        value * scale for trend in shown for _, value, _ in trend.known() if value > 0 or not log
    ]
    low, high = _range(drawn, log, indexed)
    for trend, colour in zip(shown, COLOURS, strict=False):
        points = [(y, v * scale, s) for y, v, s in trend.known() if v > 0 or not log]
        if not points:
            continue
        seen |= {status for _, _, status in points}
        _segments(figure, trend.name, points, colour)
        labels = [
            f"{in_chart(trend.name)}, {year}: "
            + (f"{value:,.0f}" if indexed else told(value / scale, measure))
            + ("" if status == "reported" else f" ({LEGEND[status].split(' ', 1)[1]})")
            for year, value, status in points
        ]
        figure.add_scatter(
            x=[year for year, _, _ in points],
            y=[value for _, value, _ in points],
            name=in_chart(trend.name),
            mode="markers",
            marker={
                "color": colour,
                "symbol": [SYMBOLS.get(status, "circle") for _, _, status in points],
                "size": _sizes(points),
                "line": {"width": 1.5, "color": colour},
            },
            customdata=labels,
            hovertemplate="%{customdata}<extra></extra>",
        )
        ended = "" if points[-1][0] == trend.years[-1] else f" (to {points[-1][0]})"
        ends.append((points[-1][1], trend.name + ended, colour))
    if not ends:
        return nothing(title, source)
    widest = _names(figure, ends, (low, high), log)
    figure.update_yaxes(
        range=[low, high],
        type="log" if log else "linear",
        dtick=("D2" if high - low < 2 else 1) if log else None,
        tickformat=",~g",
        ticksuffix="" if indexed or money or measure == "per_capita_usd" else " %",
    )
    years = [year for trend in shown for year in trend.years]
    figure.update_xaxes(range=[min(years) - 0.5, max(years) + 0.5], tickformat="d")
    finish(
        figure,
        title,
        source,
        unit,
        height=PLOT_HEIGHT,
        legend="   ".join(text for status, text in LEGEND.items() if status in seen)
        if seen - {"reported"}
        else "",
    )
    return figure.update_layout(margin={"r": 18 + 7 * widest})


def nothing(title: str, source: str) -> go.Figure:
    """What stands in the place of a figure when the choices leave nothing to draw."""
    figure = go.Figure()
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return finish(figure, title, source, "nothing to draw", height=40, left=16)


def scale_of(measure: str) -> float:
    """From a measure's unit to the one that is drawn."""
    return {"constant_usd": 1e-3, "current_usd": 1e-3, "per_capita_usd": 1.0}.get(measure, 100.0)


def _range(values: Sequence[float], log: bool, indexed: bool) -> tuple[float, float]:
    """The ends of the vertical axis, in powers of ten if it is logarithmic."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if log:
        ends = math.log10(low or 1), math.log10(high or 1)
        room = max(0.05, 0.05 * (ends[1] - ends[0]))
        return ends[0] - room, ends[1] + room
    bottom = min(0.0, low) if not indexed else max(0.0, low - 0.1 * (high - low))
    return bottom, high + (0.06 * (high - bottom) or 1.0)


def _segments(
    figure: go.Figure, name: str, points: Sequence[tuple[int, float, str]], colour: str
) -> None:
    """The lines between neighbouring years: solid where both ends are firm, else dashed."""
    for dash in ("solid", "dot"):
        x: list[int | None] = []
        y: list[float | None] = []
        for (year, value, status), (following, then, after) in pairwise(points):
            uncertain = status in SYMBOLS or after in SYMBOLS
            if following == year + 1 and uncertain == (dash == "dot"):
                joined = bool(x) and x[-2] == year
                if joined:
                    del x[-1], y[-1]
                else:
                    x.append(year)
                    y.append(value)
                x += [following, None]
                y += [then, None]
        if x:
            figure.add_scatter(
                x=x,
                y=y,
                name=f"{in_chart(name)}, {'estimated' if dash == 'dot' else 'reported'}",
                mode="lines",
                line={"color": colour, "width": 2.5 if dash == "solid" else 1.5, "dash": dash},
                hoverinfo="skip",
                connectgaps=False,
            )


def _sizes(points: Sequence[tuple[int, float, str]]) -> list[float]:
    """Marks for what is estimated, and for a firm year that no line reaches."""
    years = {year for year, _, _ in points}
    return [
        6 if status in SYMBOLS else 5 if not {year - 1, year + 1} & years else 0
        for year, _, status in points
    ]


def _names(
    figure: go.Figure,
    ends: Sequence[tuple[float, str, str]],
    axis: tuple[float, float],
    log: bool,
) -> int:
    """Names beside the ends of the lines, moved apart where they would meet; the widest's length."""
    texts = [in_chart(name, NAME_WIDTH) for _, name, _ in ends]
    per_pixel = (axis[1] - axis[0]) / PLOT_HEIGHT
    at = apart(
        [math.log10(value) if log else value for value, _, _ in ends],
        [per_pixel * LINE_HEIGHT * (text.count("<br>") + 1) for text in texts],
        axis,
    )
    return write_beside(figure, texts, [colour for _, _, colour in ends], at)


def write_beside(
    figure: go.Figure, texts: Sequence[str], colours: Sequence[str], at: Sequence[float]
) -> int:
    """Names in their colours right of the plot, at these heights; returns the widest's length."""
    for text, colour, y in zip(texts, colours, at, strict=True):
        figure.add_annotation(
            x=1,
            xref="paper",
            y=y,
            text=text,
            xanchor="left",
            yanchor="middle",
            xshift=4,
            align="left",
            showarrow=False,
            font={"color": colour, "size": 12},
        )
    return max((len(line) for text in texts for line in text.split("<br>")), default=0)


def apart(
    wanted: Sequence[float], heights: Sequence[float], axis: tuple[float, float]
) -> list[float]:
    """Middles of labels near the wanted ones, none over another, within the axis if there is room."""
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    placed: dict[int, float] = {}
    floor = axis[0]
    for n in order:
        placed[n] = max(wanted[n], floor + heights[n] / 2)
        floor = placed[n] + heights[n] / 2
    ceiling = axis[1]
    for n in reversed(order):
        placed[n] = min(placed[n], ceiling - heights[n] / 2)
        ceiling = placed[n] - heights[n] / 2
    return [placed[n] for n in range(len(wanted))]
