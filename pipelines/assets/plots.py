"""Small pictures for asset pages, where a picture tells more than a preview."""

import base64
import io
from collections.abc import Callable, Mapping

import duckdb

Series = Mapping[str, tuple[list[float], list[float]]]


def regional_spending(connection: duckdb.DuckDBPyConnection) -> str:
    """Asia & Oceania's published total as each edition has it, as an image in markdown."""
    rows = connection.execute(
        "SELECT edition, year, constant_usd_bn FROM main.regional_spending "
        "WHERE region = 'Asia & Oceania' AND basis = 'published' AND constant_usd_bn IS NOT NULL "
        "ORDER BY edition, year"
    ).fetchall()
    series: dict[str, tuple[list[float], list[float]]] = {}
    for edition, year, value in rows:
        years, values = series.setdefault(f"edition {edition}", ([], []))
        years.append(year)
        values.append(value)
    return _lines(
        series, "Asia & Oceania, SIPRI's published total", "US$ billions, constant prices"
    )


def alliance_units(connection: duckdb.DuckDBPyConnection) -> str:
    """Share of ended alliances by lifespan, for each version, as an image in markdown."""
    rows = connection.execute(
        "SELECT dataset || ' ' || version, lifespan_years, "
        "sum(count(*)) OVER (PARTITION BY dataset, version ORDER BY lifespan_years) "
        "/ sum(count(*)) OVER (PARTITION BY dataset, version) "
        "FROM main.alliance_units WHERE unit = 'alliance' AND lifespan_years IS NOT NULL "
        "GROUP BY dataset, version, lifespan_years ORDER BY ALL"
    ).fetchall()
    series: dict[str, tuple[list[float], list[float]]] = {}
    for version, years_lasted, share in rows:
        x, y = series.setdefault(version, ([], []))
        x.append(years_lasted)
        y.append(100 * float(share))
    return _lines(series, "Ended alliances by lifespan", "% that lasted at most so many years")


# Which tables have a picture.
PLOTS: dict[str, Callable[[duckdb.DuckDBPyConnection], str]] = {
    "main.regional_spending": regional_spending,
    "main.alliance_units": alliance_units,
}


def _lines(series: Series, title: str, unit: str) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2))
    axes = figure.subplots()
    for name, (x, y) in series.items():
        axes.plot(x, y, label=name, linewidth=1.4)
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_ylabel(unit, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100)
    return f"![{title}](data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()})"
