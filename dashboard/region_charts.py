"""Figures on a region and its countries, and their sentences; knows no table and no page.

The map is a map of tiles, one a country, all of one size, so that Singapore is as easy to read as
China. It needs no outlines of countries; Plotly would fetch those from the internet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import plotly.graph_objects as go

from dashboard.charts import BACKGROUND_BAR, GREY, MAIN, finish
from dashboard.spending_charts import COLOURS, LINE_HEIGHT, NAME_WIDTH, apart, nothing, write_beside
from dashboard.text import billions, in_chart, percent

TILES = Path(__file__).with_name("tiles.txt")
EMPTY = "..."
HATCHED = "/"
OTHERS = "Others"
# More than a tenth: where SIPRI marks a region's total as an estimate.
MUCH_ESTIMATED = 0.1
PLOT_HEIGHT = 320
SEQUENTIAL = [(0.0, "#DCE9F3"), (0.5, "#5B9BC8"), (1.0, "#08466E")]
DIVERGING = [(0.0, "#A34400"), (0.5, "#F2EFEA"), (1.0, "#08466E")]
MOST_TILE = 64
LEAST_TILE = 26
NO_FIGURE = 0.01


@dataclass(frozen=True)
class Part:
    """A member's expenditure by year in US$ millions, with how much of it is estimated."""

    name: str
    years: Sequence[int]
    values: Sequence[float]
    estimated: Sequence[float]


@dataclass(frozen=True)
class Share:
    """What one country, or what is left, adds to a region's growth.

    increase: US$ millions. points: fraction of the region's first-year total.
    """

    name: str
    increase: float
    points: float
    estimated: bool
    rest: bool = False


@dataclass(frozen=True)
class Tile:
    """A country on the map.

    value: a fraction; None where there is no figure. text: the value in percent, or why none.
    """

    iso3: str
    name: str
    value: float | None
    text: str


def composition(
    title: str,
    parts: Sequence[Part],
    total: Sequence[tuple[int, float]],
    unit: str,
    source: str,
) -> go.Figure:
    """A region by year as bars of its largest members, the largest lowest, and SIPRI's total above.

    total: (year, US$ millions). What is estimated is hatched. All are drawn in US$ billions.
    """
    figure = go.Figure()
    colours = [
        GREY if part.name == OTHERS else colour
        for part, colour in zip(parts, COLOURS, strict=False)
    ]
    for part, colour in zip(parts, colours, strict=True):
        rough = [
            part_estimated > MUCH_ESTIMATED * value
            for value, part_estimated in zip(part.values, part.estimated, strict=True)
        ]
        figure.add_bar(
            x=list(part.years),
            y=[value / 1e3 for value in part.values],
            name=in_chart(part.name),
            marker={
                "color": colour,
                "line": {"width": 0},
                "pattern": {
                    "shape": [HATCHED if one else "" for one in rough],
                    "fillmode": "overlay",
                    "size": 5,
                    "fgcolor": "#FFFFFF",
                    "fgopacity": 0.75,
                },
            },
            customdata=[
                f"{in_chart(part.name)}, {year}: {billions(value)}"
                + (f", {percent(amount / value, 0)} of it estimated" if one else "")
                for year, value, amount, one in zip(
                    part.years, part.values, part.estimated, rough, strict=True
                )
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    if not figure.data:
        return nothing(title, source)
    if total:
        figure.add_scatter(
            x=[year for year, _ in total],
            y=[value / 1e3 for _, value in total],
            name="SIPRI's total",
            mode="markers",
            marker={"symbol": "line-ew-open", "size": 9, "color": GREY, "line": {"width": 2}},
            customdata=[f"SIPRI's total, {year}: {billions(value)}" for year, value in total],
            hovertemplate="%{customdata}<extra></extra>",
        )
    sums: dict[int, float] = {}
    for part in parts:
        for year, value in zip(part.years, part.values, strict=True):
            sums[year] = sums.get(year, 0.0) + value / 1e3
    high = 1.06 * max([*sums.values(), *(value / 1e3 for _, value in total)], default=1.0)
    widest = _band_names(figure, parts, colours, high)
    figure.update_yaxes(range=[0, high], tickformat=",~g")
    years = [year for part in parts for year in part.years]
    figure.update_xaxes(tickformat="d", range=[min(years) - 0.6, max(years) + 0.6])
    figure.update_layout(barmode="stack")
    finish(
        figure,
        title,
        source,
        unit,
        height=PLOT_HEIGHT,
        legend="▨ estimated" + ("   ━ SIPRI's total" if total else ""),
    )
    return figure.update_layout(margin={"r": 18 + 7 * widest}, bargap=0.12)


def _band_names(
    figure: go.Figure, parts: Sequence[Part], colours: Sequence[str], high: float
) -> int:
    """Names beside the last year's bars; the widest's length."""
    last = max((year for part in parts for year in part.years), default=0)
    middles, texts, inks = [], [], []
    floor = 0.0
    for part, colour in zip(parts, colours, strict=True):
        if part.years and part.years[-1] == last:
            middles.append(floor + part.values[-1] / 2e3)
            floor += part.values[-1] / 1e3
        else:
            middles.append(floor)
        texts.append(in_chart(part.name, NAME_WIDTH))
        inks.append(colour)
    per_pixel = high / PLOT_HEIGHT
    heights = [per_pixel * LINE_HEIGHT * (text.count("<br>") + 1) for text in texts]
    return write_beside(figure, texts, inks, apart(middles, heights, (0, high)))


def contributions(title: str, shares: Sequence[Share], unit: str, source: str) -> go.Figure:
    """What each country adds to a region's growth, as bars to the right or, where it fell, left."""
    names = [in_chart(share.name) for share in shares]
    most = max((abs(share.increase) for share in shares), default=1.0) or 1.0
    figure = go.Figure(
        go.Bar(
            x=[share.increase / 1e3 for share in shares],
            y=list(range(len(shares))),
            orientation="h",
            marker={
                "color": [BACKGROUND_BAR if share.rest else MAIN for share in shares],
                "pattern": {
                    "shape": [HATCHED if share.estimated else "" for share in shares],
                    "fillmode": "overlay",
                    "size": 6,
                    "fgcolor": "#FFFFFF",
                    "fgopacity": 0.6,
                },
            },
            customdata=[
                f"{name}: {signed(share.increase)}, {points(share.points)}"
                for name, share in zip(names, shares, strict=True)
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    for row, share in enumerate(shares):
        inside = share.increase > 0.55 * most
        figure.add_annotation(
            x=0 if share.increase < 0 else share.increase / 1e3 if not inside else 0,
            y=row,
            text=f"{signed(share.increase)}, {points(share.points)}",
            xanchor="left",
            xshift=6,
            showarrow=False,
            font={"size": 12, **({"color": "#FFFFFF"} if inside else {})},
            **({"bgcolor": BACKGROUND_BAR if share.rest else MAIN} if inside else {}),
        )
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(len(shares))),
        ticktext=[
            f"<i>{name}</i>" if share.rest else name
            for name, share in zip(names, shares, strict=True)
        ],
        showgrid=False,
    )
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=True)
    longest = max((len(name) for name in names), default=0)
    return finish(
        figure,
        title,
        source,
        unit,
        height=27 * max(1, len(shares)),
        left=16 + 7 * longest,
        axis=6,
        legend="▨ a figure of either year is estimated" if any(s.estimated for s in shares) else "",
    )


def signed(millions: float) -> str:
    """An increase as '+$84.5 billion'."""
    return ("+" if millions >= 0 else "−") + billions(abs(millions))


def points(fraction: float) -> str:
    """A part of a growth rate as '+12.3 points'."""
    return f"{'+' if fraction >= 0 else '−'}{abs(100 * fraction):.1f} points"


@cache
def places() -> Mapping[str, tuple[int, int]]:
    """Column and row of each country on the map, by ISO code."""
    lines = TILES.read_text(encoding="utf-8").splitlines()
    return {
        iso3: (column, row)
        for row, line in enumerate(lines)
        for column, iso3 in enumerate(line.split())
        if iso3 != EMPTY
    }


def tile_map(
    title: str,
    tiles: Sequence[Tile],
    unit: str,
    source: str,
    *,
    diverging: bool = False,
) -> go.Figure:
    """A tile for each country, roughly where it lies: its code and value, the darker the larger.

    diverging: values above and below zero, told apart by their sign and by two colours. Countries
    without a tile are left out.
    """
    at = places()
    shown = [tile for tile in tiles if tile.iso3 in at]
    figure = go.Figure()
    if not shown:
        return nothing(title, source)
    columns = [at[tile.iso3][0] for tile in shown]
    lines = [at[tile.iso3][1] for tile in shown]
    left, top = min(columns), min(lines)
    width, depth = max(columns) - left + 1, max(lines) - top + 1
    values = [tile.value for tile in shown if tile.value is not None]
    high = max((_shade(abs(value)) for value in values), default=1.0) or 1.0
    low = -high if diverging else 0.0
    grey = low - NO_FIGURE * (high - low)
    z: list[list[float | None]] = [[None] * width for _ in range(depth)]
    texts = [[""] * width for _ in range(depth)]
    hover = [[""] * width for _ in range(depth)]
    for tile, column, line in zip(shown, columns, lines, strict=True):
        at_column, at_row = column - left, line - top
        if tile.value is None:
            z[at_row][at_column] = grey
            said = tile.text
        else:
            z[at_row][at_column] = math.copysign(_shade(abs(tile.value)), tile.value)
            said = f"{tile.text} %"
        texts[at_row][at_column] = f"{tile.iso3}<br>{in_chart(tile.text)}"
        hover[at_row][at_column] = f"{in_chart(tile.name)}: {in_chart(said)}"
    # One trace, so that all texts have one size: the lowest end of the scale is for no figure.
    scale = DIVERGING if diverging else SEQUENTIAL
    figure.add_heatmap(
        z=z,
        text=texts,
        customdata=hover,
        texttemplate="%{text}",
        hovertemplate="%{customdata}<extra></extra>",
        hoverongaps=False,
        xgap=2,
        ygap=2,
        showscale=False,
        zmin=grey,
        zmax=high,
        colorscale=[
            [0, BACKGROUND_BAR],
            [NO_FIGURE / 2, BACKGROUND_BAR],
            [NO_FIGURE / 2, scale[0][1]],
            *([NO_FIGURE + (1 - NO_FIGURE) * at, colour] for at, colour in scale[1:]),
        ],
    )
    figure.update_xaxes(visible=False, range=[-0.5, width - 0.5])
    figure.update_yaxes(visible=False, range=[depth - 0.5, -0.5])
    size = max(LEAST_TILE, min(MOST_TILE, 560 // depth))
    return finish(figure, title, source, unit, height=size * depth, left=16, axis=6)


def _shade(value: float) -> float:
    """A few giants among many small ones: the root keeps the small ones apart."""
    return math.sqrt(value)
