"""The metrics that a claim file can name: its dimensions, their levels and its SQL call.

A dimension is a column of the grid. `own` levels that a claim file may leave unsaid have a default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

REGION_ALTERNATIVES = (
    "Asia & Oceania without Oceania",
    "Asia & Oceania without Central Asia",
    "Asia & Oceania without South Asia",
    "East Asia",
    "East and South East Asia",
)


@dataclass(frozen=True)
class Dimension:
    """One parameter: its type, its levels (None: any value), its default (None: must be given)."""

    type: type
    levels: tuple[Any, ...] | None = None
    default: Any = None
    required: bool = False
    values_from: str | None = None  # a query of the values that the data know


PRICES = Dimension(str, ("constant", "current"), "constant")
BASIS = Dimension(str, ("published", "summed"), "published")
COVERAGE = Dimension(str, ("all", "both years"), "all")
SHIFT = Dimension(int, (-1, 0, 1), 0)
YEAR = Dimension(int, required=True)
EDITION = Dimension(int, required=True, values_from="SELECT edition FROM main.editions ORDER BY 1")
COUNTRY = Dimension(str, required=True, values_from="SELECT country FROM main.countries ORDER BY 1")
PLACE = Dimension(
    str, required=True, values_from="SELECT DISTINCT place FROM main.place_names ORDER BY 1"
)


DATASETS = "SELECT DISTINCT dataset || ' ' || version FROM main.alliances ORDER BY 1"


@dataclass(frozen=True)
class Metric:
    """A metric as claims use it.

    grid: spending_grid or alliance_grid. unit: of the value. call: the SQL that a user would write
    for one specification, from its parameters.
    """

    name: str
    grid: str
    unit: str
    dimensions: Mapping[str, Dimension]
    call: Callable[[Mapping[str, Any]], str]


def _text(value: Any) -> str:
    return "NULL" if value is None else str(value) if isinstance(value, int) else f"'{value}'"


def _years(p: Mapping[str, Any]) -> tuple[int, int]:
    """First and last year with the shift applied; a single year is both."""
    last = p.get("year", p.get("to_year"))
    return p.get("from_year", last) + p["shift"], last + p["shift"]


def _growth(p: Mapping[str, Any]) -> str:
    first, last = _years(p)
    return (
        f"SELECT 100 * growth AS value FROM growth({_text(p['place'])}, {first}, {last}, "
        f"edition := {p['edition']}, prices := '{p['prices']}', basis := '{p['basis']}')"
    )


def _share(p: Mapping[str, Any]) -> str:
    return (
        f"SELECT 100 * share AS value FROM share({_text(p['country'])}, {_text(p['place'])}, "
        f"{_years(p)[1]}, edition := {p['edition']}, prices := '{p['prices']}', "
        f"basis := '{p['basis']}')"
    )


def _contribution(p: Mapping[str, Any]) -> str:
    first, last = _years(p)
    return (
        f"SELECT 100 * contribution AS value FROM contribution({_text(p['country'])}, "
        f"{_text(p['place'])}, {first}, {last}, edition := {p['edition']}, "
        f"basis := '{p['basis']}')"
    )


def _rank(p: Mapping[str, Any]) -> str:
    return (
        f"SELECT rank AS value FROM rank_of({_text(p['country'])}, {_years(p)[1]}, "
        f"edition := {p['edition']})"
    )


def _ranks_together(p: Mapping[str, Any]) -> str:
    holds = " OR ".join(
        f"(country = {_text(country)} AND rank = {rank})" for country, rank in p["ranks"].items()
    )
    return (
        f"SELECT count(*) AS value FROM top({_years(p)[1]}, edition := {p['edition']}, n := 1000) "
        f"WHERE {holds}"
    )


def _members_in_top(p: Mapping[str, Any]) -> str:
    return (
        f"SELECT count(*) AS value FROM top({_years(p)[1]}, edition := {p['edition']}, "
        f"n := {p['top']}) JOIN region_members AS m USING (country) "
        f"WHERE m.region = {_text(p['place'])}"
    )


def _burden_gap(p: Mapping[str, Any]) -> str:
    year = _years(p)[1]
    return (
        f"SELECT 100 * (r.share_of_gdp - w.share_of_gdp) AS value "
        f"FROM burden({_text(p['place'])}, {year}, {year}, edition := {p['edition']}) AS r, "
        f"burden('World', {year}, {year}, edition := {p['edition']}) AS w"
    )


def _highest_burden(p: Mapping[str, Any]) -> str:
    first, last = _years(p)
    return (
        f"SELECT 100 * max(share_of_gdp) AS value FROM burden({_text(p['country'])}, {first}, "
        f"{last}, edition := {p['edition']})"
    )


def _money(p: Mapping[str, Any]) -> str:
    return (
        f"SELECT {p['amount']} / local_per_usd AS value FROM implied_exchange_rate("
        f"{_text(p['country'])}, {_years(p)[1]}, edition := {p['edition']})"
    )


def _alliances(column: str) -> Callable[[Mapping[str, Any]], str]:
    def call(p: Mapping[str, Any]) -> str:
        chosen = "median_years" if p["statistic"] == "median" else "mean_years"
        dataset, version = p["dataset"].split()
        ended_by = "NULL" if p["ended_by"] == "closing" else p["ended_by"]
        return (
            f"SELECT {column or chosen} AS value FROM alliance_lifespan(dataset := "
            f"'{dataset}', version := '{version}', unit := '{p['unit']}', "
            f"formed_from := {p['formed_from']}, formed_to := 1989, ended_by := {ended_by}, "
            f"obligation := '{p['obligation']}', members := '{p['members']}', "
            f"ending := '{p['ending']}', wartime := '{p['wartime']}', "
            f"convention := '{p['convention']}')"
        )

    return call


_ALLIANCE_SET = {
    "dataset": Dimension(str, required=True, values_from=DATASETS),
    "unit": Dimension(str, ("alliance", "phase", "lineage", "member spell", "dyad"), "alliance"),
    "formed_from": Dimension(int, (1815, 1816), 1815),
    "ended_by": Dimension(str, ("1999", "2000", "2001", "closing"), "closing"),
    "obligation": Dimension(
        str,
        (
            "all",
            "defense or offense",
            "defense",
            "not only nonaggression",
            "not only consultation",
        ),
        "all",
    ),
    "members": Dimension(str, ("all", "bilateral", "multilateral"), "all"),
    "ending": Dimension(
        str, ("all", "not renegotiated", "not independence lost", "fulfilled or violated"), "all"
    ),
    "wartime": Dimension(str, ("in", "out"), "in"),
    "counted": Dimension(str, ("ended", "formed"), "ended"),
    "convention": Dimension(str, ("years", "years plus one", "exact"), "years"),
    "statistic": Dimension(str, ("mean", "median"), "mean"),
}

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "growth",
            "spending_grid",
            "%",
            {
                "place": PLACE,
                "from_year": YEAR,
                "to_year": YEAR,
                "shift": SHIFT,
                "edition": EDITION,
                "prices": PRICES,
                "basis": BASIS,
                "coverage": COVERAGE,
            },
            _growth,
        ),
        Metric(
            "share",
            "spending_grid",
            "%",
            {
                "country": COUNTRY,
                "place": PLACE,
                "year": YEAR,
                "shift": SHIFT,
                "edition": EDITION,
                "prices": PRICES,
                "basis": BASIS,
            },
            _share,
        ),
        Metric(
            "contribution",
            "spending_grid",
            "%",
            {
                "country": COUNTRY,
                "place": PLACE,
                "from_year": YEAR,
                "to_year": YEAR,
                "shift": SHIFT,
                "edition": EDITION,
                "basis": BASIS,
                "coverage": COVERAGE,
            },
            _contribution,
        ),
        Metric(
            "rank",
            "spending_grid",
            "rank",
            {
                "country": COUNTRY,
                "year": YEAR,
                "shift": SHIFT,
                "edition": EDITION,
                "prices": Dimension(str, ("current", "constant"), "current"),
            },
            _rank,
        ),
        Metric(
            "ranks_together",
            "spending_grid",
            "ranks",
            {
                "ranks": Dimension(dict, required=True),
                "year": YEAR,
                "shift": SHIFT,
                "edition": EDITION,
                "prices": Dimension(str, ("current", "constant"), "current"),
            },
            _ranks_together,
        ),
        Metric(
            "members_in_top",
            "spending_grid",
            "countries",
            {
                "place": PLACE,
                "top": Dimension(int, default=15),
                "year": YEAR,
                "shift": SHIFT,
                "edition": EDITION,
                "prices": Dimension(str, ("current", "constant"), "current"),
            },
            _members_in_top,
        ),
        Metric(
            "burden_gap",
            "spending_grid",
            "percentage points",
            {"place": PLACE, "year": YEAR, "shift": SHIFT, "edition": EDITION},
            _burden_gap,
        ),
        Metric(
            "highest_burden",
            "spending_grid",
            "% of GDP",
            {
                "country": COUNTRY,
                "from_year": YEAR,
                "to_year": YEAR,
                "shift": SHIFT,
                "edition": EDITION,
            },
            _highest_burden,
        ),
        Metric(
            "money",
            "spending_grid",
            "US$ billions",
            {
                "country": COUNTRY,
                "amount": Dimension(float, required=True),
                "year": YEAR,
                "shift": SHIFT,
                "edition": EDITION,
                "series": Dimension(str, ("calendar", "financial"), "calendar"),
            },
            _money,
        ),
        Metric("alliance_count", "alliance_grid", "alliances", _ALLIANCE_SET, _alliances("n")),
        Metric("alliance_lifespan", "alliance_grid", "years", _ALLIANCE_SET, _alliances("")),
    )
}
