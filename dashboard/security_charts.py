"""Figures on the structure of security: DataFrames in, Plotly figures out; knows no table and no page.

An obligation has a colour, a dash or pattern, and a word: none of them alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from dashboard.charts import ACCENT, GREY, MAIN, finish
from dashboard.survival_charts import AMBER, GREEN, PINK, empty, key, shaded
from dashboard.text import in_chart

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Style:
    """How an obligation is drawn and called."""

    word: str
    colour: str
    dash: str
    width: float
    pattern: str
    line_sign: str
    area_sign: str


OBLIGATIONS = {
    "defense": Style("defence", MAIN, "solid", 3.5, "", "━━", "■"),
    "offense": Style("offence", PINK, "longdash", 2.5, "x", "━ ━", "▩"),
    "neutrality": Style("neutrality", GREEN, "dashdot", 1.6, "-", "━·━", "▤"),
    "nonaggression": Style("non-aggression", ACCENT, "dash", 1.1, "/", "╺╸╺╸", "▨"),
    "consultation": Style("consultation", AMBER, "dot", 1.4, ".", "┈┈", "▒"),
    "none": Style("no obligation", GREY, "dot", 0.8, "\\", "┈", "▧"),
}
BAR = 26
CLOSED = "unknown"


def _there(values: Collection[Any]) -> list[str]:
    """The obligations that occur, strongest first."""
    found = set(values)
    return [name for name in OBLIGATIONS if name in found]


def timeline(title: str, phases: pd.DataFrame, *, source: str) -> go.Figure:
    """Pacts from begin to end, a row each; one in force at the closing goes on as an arrow.

    phases: alliance_id, name, begin_date, end_date (None: in force at the closing), closing_date,
    strongest, bilateral; in the order in which they are drawn.
    """
    if not len(phases):
        return empty(title, source)
    rows = {pact: number for number, pact in enumerate(dict.fromkeys(phases["alliance_id"]))}
    drawn = phases.assign(
        row=phases["alliance_id"].map(rows),
        begin=phases["begin_date"].map(_year),
        going=phases["end_date"].isna(),
        end=[
            _year(closing if _absent(end) else end)
            for end, closing in zip(phases["end_date"], phases["closing_date"], strict=True)
        ],
    )
    closing = float(drawn["closing_date"].map(_year).max())
    first = min(1945.0, float(drawn["begin"].min()))
    figure = go.Figure()
    legend = []
    for name in _there(drawn["strongest"]):
        style = OBLIGATIONS[name]
        mine = drawn[drawn["strongest"] == name]
        figure.add_bar(
            base=mine["begin"].tolist(),
            x=[
                max(0.3, end - begin) for begin, end in zip(mine["begin"], mine["end"], strict=True)
            ],
            y=mine["row"].tolist(),
            orientation="h",
            width=0.36,
            offset=0.06,
            name=style.word,
            marker={
                "color": style.colour,
                "pattern": {
                    "shape": style.pattern,
                    "fillmode": "overlay",
                    "fgcolor": "#FFFFFF",
                    "size": 5,
                },
            },
            customdata=[_told(row, style.word) for row in mine.to_dict("records")],
            hovertemplate="%{customdata}<extra></extra>",
        )
        legend.append((style.colour, style.area_sign, style.word))
    going = drawn[drawn["going"]]
    if len(going):
        figure.add_scatter(
            x=going["end"].tolist(),
            y=[row + 0.24 for row in going["row"]],
            mode="markers",
            marker={
                "symbol": "triangle-right",
                "size": 14,
                "color": [OBLIGATIONS[name].colour for name in going["strongest"]],
            },
            hoverinfo="skip",
            cliponaxis=False,
            name="in force at the closing",
        )
        legend.append((GREY, "▶", "in force at closing, then unknown"))
    middle = first + 0.35 * (closing - first)
    labels = drawn.groupby("row").agg(
        name=("name", "first"), begin=("begin", "min"), end=("end", "max")
    )
    early = [begin <= middle for begin in labels["begin"]]
    figure.add_scatter(
        x=[
            begin if left else end
            for begin, end, left in zip(labels["begin"], labels["end"], early, strict=True)
        ],
        y=[row + 0.02 for row in labels.index],
        text=[in_chart(_short(name)) for name in labels["name"]],
        mode="text",
        textposition=["top right" if left else "top left" for left in early],
        textfont={"size": 12},
        hoverinfo="skip",
        cliponaxis=False,
        name="names",
    )
    figure.update_xaxes(range=[first - 1, closing + 2.5], showgrid=True, zeroline=False)
    figure.update_yaxes(
        range=[len(rows) - 0.4, -0.75], visible=False, showgrid=False, fixedrange=True
    )
    figure.update_layout(barmode="overlay")
    return finish(
        figure,
        title,
        source,
        "the whole pact from signature to end, by phase; colour and pattern: strongest obligation",
        height=(BAR + 6) * len(rows) + 20,
        left=14,
        legend=key(legend),
    )


def _absent(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def _year(day: date) -> float:
    """A date as a fraction of years, for an axis."""
    return day.year + (day.timetuple().tm_yday - 1) / 365.25


def _short(name: str, most: int = 40) -> str:
    """A name that fits a row of a phone with its year; hovering shows the whole of it."""
    if len(name) <= most:
        return name
    year = f" {name[-6:]}" if name.endswith(")") else ""
    return f"{name[: most - 1 - len(year)].rstrip()}…{year}"


def _told(row: Mapping[Any, Any], word: str) -> str:
    end = "in force at the closing" if row["going"] else f"to {row['end_date']:%d %b %Y}"
    kind = "bilateral" if row["bilateral"] else "multilateral"
    text = (
        f"{row['name']} ({row['alliance_id']}): {word}, {kind}, {row['begin_date']:%d %b %Y} {end}"
    )
    return in_chart(text, 40)


@dataclass(frozen=True)
class Plan:
    """Where states are drawn, the same in every year.

    places: by state code, within the unit circle. labels, names: by state code. hub, spokes, inside:
    state codes; the other states are outside powers.
    """

    places: Mapping[int, tuple[float, float]]
    labels: Mapping[int, str]
    names: Mapping[int, str]
    hub: int
    spokes: Collection[int]
    inside: Collection[int]


def network(title: str, ties: pd.DataFrame, plan: Plan, *, source: str) -> go.Figure:
    """Who is tied to whom in one year; states keep their places in every year.

    ties: state_a, state_b, strongest, bilateral (the pact with it is), alliance_ids. A state without
    a tie is named in grey. Ties of a state that the plan does not place are not drawn.
    """
    figure = go.Figure()
    drawn = [
        tie
        for tie in (ties.to_dict("records") if len(ties) else [])
        if tie["state_a"] in plan.places and tie["state_b"] in plan.places
    ]
    legend = []
    found = _there([tie["strongest"] for tie in drawn])
    for name in reversed(found):
        for bilateral in (False, True):
            _ties(figure, plan, name, [t for t in drawn if t["strongest"] == name], bilateral)
    legend = [(OBLIGATIONS[n].colour, OBLIGATIONS[n].line_sign, OBLIGATIONS[n].word) for n in found]
    if drawn:
        middles = [_between(plan, tie) for tie in drawn]
        figure.add_scatter(
            x=[x for x, _ in middles],
            y=[y for _, y in middles],
            mode="markers",
            marker={"size": 9, "opacity": 0},
            customdata=[_tied(plan, tie) for tie in drawn],
            hovertemplate="%{customdata}<extra></extra>",
            name="ties",
        )
    tied = {tie[end] for tie in drawn for end in ("state_a", "state_b")}
    _states(figure, plan, tied)
    legend += [
        (MAIN, "■", "hub"),
        (MAIN, "●", "spoke"),
        (GREY, "●", "region"),
        (GREY, "□", "outside"),
    ]
    for axis in (figure.update_xaxes, figure.update_yaxes):
        axis(visible=False, range=[-1.12, 1.12], fixedrange=True, showgrid=False, zeroline=False)
    return finish(
        figure,
        title,
        source,
        "lines: strongest obligation (thin: by a multilateral pact only); grey name: no such tie that year",
        height=430,
        left=8,
        axis=2,
        legend=key(legend),
    )


def _ties(
    figure: go.Figure, plan: Plan, name: str, ties: Sequence[Mapping[Any, Any]], bilateral: bool
) -> None:
    """One trace of lines: thinner for what only a multilateral pact ties, pale if it is no defence."""
    style = OBLIGATIONS[name]
    pale = not bilateral and name != "defense"
    x: list[float | None] = []
    y: list[float | None] = []
    for tie in ties:
        if bool(tie["bilateral"]) == bilateral:
            (x0, y0), (x1, y1) = plan.places[tie["state_a"]], plan.places[tie["state_b"]]
            x += [x0, x1, None]
            y += [y0, y1, None]
    if x:
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            name=f"{style.word}, {'bilateral' if bilateral else 'multilateral only'}",
            line={
                "color": style.colour,
                "width": 0.7 if pale else style.width if bilateral else style.width / 2,
                "dash": "solid" if pale else style.dash,
            },
            opacity=0.22 if pale else 1.0,
            hoverinfo="skip",
        )


def _between(plan: Plan, tie: Mapping[Any, Any]) -> tuple[float, float]:
    """A point on a tie where the pointer finds it, nearer to its second state than to the hub."""
    (x0, y0), (x1, y1) = plan.places[tie["state_a"]], plan.places[tie["state_b"]]
    return x0 + 0.55 * (x1 - x0), y0 + 0.55 * (y1 - y0)


def _tied(plan: Plan, tie: Mapping[Any, Any]) -> str:
    names = plan.names
    a, b = (names.get(tie[end], str(tie[end])) for end in ("state_a", "state_b"))
    kind = "by a bilateral pact" if tie["bilateral"] else "by multilateral pacts only"
    word = OBLIGATIONS[tie["strongest"]].word
    return in_chart(f"{a} and {b}: {word}; {kind}; pacts {tie['alliance_ids']}", 40)


def _states(figure: go.Figure, plan: Plan, tied: Collection[int]) -> None:
    """The states in four kinds that differ by shape, and those without a tie as grey names."""
    kinds: tuple[tuple[str, Callable[[int], bool], dict[str, Any], dict[str, Any]], ...] = (
        (
            "no tie",
            lambda s: s not in tied,
            {},
            {"size": 10, "color": GREY},
        ),
        (
            "outside the region",
            lambda s: s in tied and s not in plan.inside and s != plan.hub,
            {
                "symbol": "square",
                "size": 26,
                "color": "#FFFFFF",
                "line": {"color": GREY, "width": 2},
            },
            {"size": 10, "color": "#31333F"},
        ),
        (
            "region",
            lambda s: s in tied and s in plan.inside and s not in plan.spokes,
            {"symbol": "circle", "size": 26, "color": "#6B7280"},
            {"size": 10, "color": "#FFFFFF"},
        ),
        (
            "spoke",
            lambda s: s in tied and s in plan.spokes,
            {
                "symbol": "circle",
                "size": 31,
                "color": MAIN,
                "line": {"color": "#FFFFFF", "width": 1},
            },
            {"size": 11, "color": "#FFFFFF"},
        ),
        (
            "hub",
            lambda s: s in tied and s == plan.hub,
            {
                "symbol": "square",
                "size": 36,
                "color": MAIN,
                "line": {"color": "#FFFFFF", "width": 1},
            },
            {"size": 12, "color": "#FFFFFF"},
        ),
    )
    for name, belongs, marker, font in kinds:
        chosen = [state for state in plan.places if belongs(state)]
        if chosen:
            figure.add_scatter(
                x=[plan.places[state][0] for state in chosen],
                y=[plan.places[state][1] for state in chosen],
                text=[in_chart(plan.labels.get(state, str(state))) for state in chosen],
                customdata=[in_chart(plan.names.get(state, str(state))) for state in chosen],
                mode="markers+text" if marker else "text",
                marker=marker or None,
                textfont=font,
                textposition="middle center",
                hovertemplate="%{customdata}<extra></extra>",
                name=name,
                cliponaxis=False,
            )


def obligations(
    title: str, pacts: pd.DataFrame, *, last_year: int, source: str, bilateral: bool
) -> go.Figure:
    """Pacts in force by year, stacked by strongest obligation; years after the closing are unknown.

    pacts: year, strongest, bilateral, pacts. bilateral: which of the two kinds is drawn. A year
    without a pact is 0 up to the closing; later there is nothing, and a grey area says so.
    """
    kind = "bilateral" if bilateral else "multilateral"
    mine = pacts[pacts["bilateral"] == bilateral] if len(pacts) else pacts
    if not len(mine):
        return empty(title, source)
    years = list(range(1945, last_year + 1))
    figure = go.Figure()
    legend = []
    for name in _there(mine["strongest"]):
        style = OBLIGATIONS[name]
        rows = mine[mine["strongest"] == name]
        counts = dict(zip(rows["year"], rows["pacts"], strict=True))
        figure.add_scatter(
            x=years,
            y=[int(counts.get(year, 0)) for year in years],
            name=style.word,
            mode="lines",
            stackgroup="one",
            line={"color": style.colour, "width": 1, "shape": "hvh"},
            fillcolor=shaded(style.colour, 0.75),
            fillpattern={"shape": style.pattern, "size": 6, "solidity": 0.3},
            hovertemplate=f"%{{x}}: %{{y}} {kind}, {style.word}<extra></extra>",
        )
        legend.append((style.colour, style.area_sign, style.word))
    _unknown_after(figure, last_year)
    most = int(mine.groupby("year")["pacts"].sum().max())
    figure.update_yaxes(range=[0, most * 1.12], dtick=1 if most <= 8 else None)
    return finish(
        figure,
        title,
        source,
        f"{kind} pacts in force, by strongest obligation",
        height=240,
        legend=key(legend),
    )


def _unknown_after(figure: go.Figure, last_year: int) -> None:
    """A grey area from the closing on: no figure, which is not the figure 0."""
    end = last_year + 8
    figure.add_shape(
        type="rect",
        x0=last_year + 0.5,
        x1=end,
        y0=0,
        y1=1,
        yref="y domain",
        fillcolor=shaded(GREY, 0.2),
        line={"width": 0},
        layer="below",
    )
    figure.add_annotation(
        x=(last_year + 0.5 + end) / 2,
        y=0.5,
        yref="y domain",
        text=CLOSED,
        textangle=-90,
        showarrow=False,
        font={"size": 12, "color": GREY},
    )
    figure.update_xaxes(range=[1944.3, end])


def shares(
    title: str,
    series: Sequence[tuple[str, pd.DataFrame]],
    *,
    unit: str,
    source: str,
    last_year: int,
) -> go.Figure:
    """Shares over years (year, share as a fraction), up to three; a gap where there is no base."""
    series = [(name, rows) for name, rows in series if len(rows)]
    if not series:
        return empty(title, source)
    figure = go.Figure()
    legend = []
    signs = (("solid", "━━", MAIN), ("dash", "╺╸╺╸", ACCENT), ("dot", "┈┈", GREEN))
    for (name, rows), (dash, sign, colour) in zip(series, signs, strict=False):
        by_year = dict(zip(rows["year"], rows["share"], strict=True))
        years = list(range(1945, last_year + 1))
        values = [by_year.get(year) for year in years]
        figure.add_scatter(
            x=years,
            y=[None if value is None or _absent(value) else 100 * float(value) for value in values],
            name=in_chart(name),
            mode="lines",
            line={"color": colour, "width": 2.5, "dash": dash},
            connectgaps=False,
            hovertemplate=f"{in_chart(name)}, %{{x}}: %{{y:.1f}} %<extra></extra>",
        )
        legend.append((colour, sign, name))
    _unknown_after(figure, last_year)
    figure.update_yaxes(rangemode="tozero", ticksuffix=" %")
    return finish(figure, title, source, unit, height=240, left=48, legend=key(legend))


def burden(
    title: str, rows: pd.DataFrame, *, source: str, last_year: int, least: int = 3
) -> go.Figure:
    """Military burden of allies and of the others, each the mean over its countries.

    rows: year, allied, countries, mean_share_of_gdp (fraction). least: a year in which a group has
    fewer countries is a gap in its line.
    """
    rows = rows[rows["countries"] >= least]
    if not len(rows):
        return empty(title, source)
    return shares(
        title,
        [
            (
                name,
                rows[rows["allied"] == allied].rename(columns={"mean_share_of_gdp": "share"}),
            )
            for name, allied in (("allies of the US", True), ("the other members", False))
        ],
        unit=f"% of GDP, mean over the countries with figures; years with {least} or more",
        source=source,
        last_year=last_year,
    )
