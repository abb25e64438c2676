"""Figures on ranks: the first n of a year, and who moved between two; knows no table and no page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard.charts import ACCENT, GREY, MAIN, bars, finish
from dashboard.text import in_chart
from pipelines.claims.numbers import ordinal

MARKS = {"estimate": "○", "uncertain": "◇"}
HATCHES = {"estimate": "/", "uncertain": "x"}
LEGEND = "/// ○ estimate   xxx ◇ highly uncertain"
# Movement: colour, dash, what the legend calls it.
MOVES = {
    "rose": (ACCENT, "solid", "━━ rose"),
    "fell": (MAIN, "dash", "╍╍ fell"),
    "same rank": (GREY, "solid", "━━ same rank"),
}
WIDEST_NAME = 24
GAP = "\u00a0\u00a0"
ROW = 21

Row = Mapping[str, Any]


def ranked(
    title: str, items: Sequence[tuple[str, float, str, str]], unit: str, source: str
) -> go.Figure:
    """The first n as bars: (name, value, label, status); what is estimated is hatched and marked."""
    figure = bars(
        title,
        [
            (name, value, f"{label} {MARKS[status]}" if status in MARKS else label, True)
            for name, value, label, status in items
        ],
        unit,
        source,
    )
    hatches = [HATCHES.get(status, "") for *_, status in items]
    # A label on hatching could not be read.
    places = list(figure.data[0].textposition)
    figure.update_traces(
        marker={"pattern": {"shape": hatches, "fillmode": "replace", "size": 6}},
        textposition=[
            "outside" if hatch else at for hatch, at in zip(hatches, places, strict=True)
        ],
    )
    most = max((value for _, value, *_ in items), default=0.0)
    return figure.update_xaxes(range=[0, 1.4 * most or 1.0])


def place(rank: int | None, tied: bool | None) -> str:
    """A rank as it stands beside a name: '7', '=12' for a shared one, '–' for none."""
    return "–" if rank is None else f"={rank}" if tied else str(rank)


def direction(row: Row) -> str:
    """Whether a country's line goes up, down or level: a key of MOVES; no figure is below all."""
    before, now = row["rank_before"], row["rank"]
    if before == now:
        return "same rank"
    return "rose" if now is not None and (before is None or now < before) else "fell"


def moves(
    title: str, rows: Sequence[Row], n: int, years: tuple[int, int], unit: str, source: str
) -> go.Figure:
    """Ranks in two years, joined: those who are among the n first in either.

    rows: country, iso3, rank, tied, rank_before, tied_before. Who is not among the n first in a year
    stands below the gap, in the order of rank.
    """
    shown = [r for r in rows if any((r[key] or n + 1) <= n for key in ("rank", "rank_before"))]
    left = _slots(shown, "rank_before", n)
    right = _slots(shown, "rank", n)
    figure = go.Figure()
    for name, (colour, dash, _) in MOVES.items():
        chosen = [row for row in shown if direction(row) == name]
        if not chosen:
            continue
        told = [_told(row, years) for row in chosen]
        figure.add_scatter(
            x=[x for _ in chosen for x in (0, 1, None)],
            y=[y for row in chosen for y in (left[row["country"]], right[row["country"]], None)],
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 1.5 if name == "same rank" else 2.5, "dash": dash},
            marker={"color": colour, "size": 7},
            customdata=[text for text in told for _ in range(3)],
            hovertemplate="%{customdata}<extra></extra>",
            connectgaps=False,
            cliponaxis=False,
        )
    figure.add_scatter(
        x=[1] * len(shown),
        y=[right[row["country"]] for row in shown],
        text=[
            f"{GAP}{place(row['rank'], row['tied'])}{GAP}{in_chart(_short(row))}" for row in shown
        ],
        mode="text",
        textposition="middle right",
        cliponaxis=False,
        hoverinfo="skip",
    )
    lowest = max([*left.values(), *right.values()], default=0)
    figure.update_yaxes(
        range=[lowest + 0.7, -0.7],
        tickvals=[left[row["country"]] for row in shown],
        ticktext=[
            f"{_code(row)}{GAP}{place(row['rank_before'], row['tied_before'])}" for row in shown
        ],
        showgrid=False,
        zeroline=False,
    )
    if lowest >= n:
        edge = min(y for y in [*left.values(), *right.values()] if y >= n) - 0.75
        figure.add_hline(y=edge, line={"color": GREY, "width": 1, "dash": "dot"})
    figure.update_xaxes(
        range=[-0.02, 1.02],
        tickvals=[0, 1],
        ticktext=[str(year) for year in years],
        showgrid=False,
        zeroline=False,
    )
    finish(
        figure,
        title,
        source,
        unit,
        height=round(ROW * (lowest + 1.5)),
        left=78,
        legend="   ".join(
            f"<span style='color:{colour}'>{text}</span>" for colour, _, text in MOVES.values()
        ),
    )
    widest = max((len(_short(row)) for row in shown), default=0)
    return figure.update_layout(margin={"r": 40 + 7 * widest})


def takeaway(rows: Sequence[Row], n: int, years: tuple[int, int]) -> str:
    """Who moved most between two years among the n first, and how many came and went."""
    within = [r for r in rows if r["rank"] and r["rank_before"] and r["rank"] <= n]
    entered = [row for row in rows if row["movement"] == "entered"]
    left = [row for row in rows if row["movement"] == "left"]
    told = f"{years[0]} to {years[1]}: "
    best = max(within, key=lambda r: r["places_gained"], default=None)
    if best and best["places_gained"] > 0:
        told += (
            f"{best['country']} rose most, from {ordinal(best['rank_before'])} to "
            f"{ordinal(best['rank'])}; "
        )
    if not entered and not left:
        return f"{told}nobody entered or left the first {n}"
    return f"{told}{len(entered)} entered the first {n}, {len(left)} left"


def _slots(rows: Sequence[Row], rank: str, n: int) -> dict[str, float]:
    """Where each country stands: by rank, those beyond the n first below a gap, no figure last."""
    ordered = sorted(rows, key=lambda r: (r[rank] is None, r[rank] or 0, r["country"]))
    return {
        row["country"]: slot + (0.5 if (row[rank] or n + 1) > n else 0)
        for slot, row in enumerate(ordered)
    }


def _short(row: Row) -> str:
    name = row["country"]
    return name if len(name) <= WIDEST_NAME else f"{name[: WIDEST_NAME - 1]}…"


def _code(row: Row) -> str:
    return in_chart(row["iso3"] or row["country"][:6])


def _told(row: Row, years: tuple[int, int]) -> str:
    before, now = (
        f"{'shared ' if tied else ''}{ordinal(rank)}" if rank else "no figure"
        for rank, tied in (
            (row["rank_before"], row["tied_before"]),
            (row["rank"], row["tied"]),
        )
    )
    return f"{in_chart(row['country'])}: {before} in {years[0]}, {now} in {years[1]}"
