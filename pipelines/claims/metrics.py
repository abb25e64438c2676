"""The metrics that a claim file can name: its dimensions, their levels and its SQL call.

A dimension is a column of the grid. `own` levels that a claim file may leave unsaid have a default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipelines.claims.dimensions import (
    BASIS,
    COUNTRY,
    COVERAGE,
    DATASETS,
    EDITION,
    PLACE,
    PRICES,
    SHIFT,
    YEAR,
    Dimension,
    Metric,
)
from pipelines.claims.structure import STRUCTURE

# The tables and macros that the calls of all metrics read: they are made before claims are told.
READ = (
    "main.alliance_lifespan",
    "main.alliance_members",
    "main.alliance_units",
    "main.alliances",
    "main.burden",
    "main.contribution",
    "main.growth",
    "main.has_obligation",
    "main.implied_exchange_rate",
    "main.observations",
    "main.omitted_countries",
    "main.rank_of",
    "main.region_members",
    "main.regional_pacts",
    "main.resolve_year",
    "main.share",
    "main.spending",
    "main.survival_at",
    "main.top",
)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _years(p: Mapping[str, Any]) -> tuple[int, int]:
    """First and last year with the shift applied; a single year is both."""
    last = p.get("year", p.get("to_year"))
    return p.get("from_year", last) + p["shift"], last + p["shift"]


def _growth(p: Mapping[str, Any]) -> str:
    first, last = _years(p)
    if p["coverage"] == "both years":
        return f"SELECT 100 * (sum(v1) / sum(v0) - 1) AS value FROM {_both_years(p)}"
    return (
        f"SELECT 100 * growth AS value FROM growth({_text(p['place'])}, {first}, {last}, "
        f"edition := {p['edition']}, prices := '{p['prices']}', basis := '{p['basis']}')"
    )


def _share(p: Mapping[str, Any]) -> str:
    def of(basis: str) -> str:
        return (
            f"share({_text(p['country'])}, {_text(p['place'])}, {_years(p)[1]}, "
            f"edition := {p['edition']}, prices := '{p['prices']}', basis := '{basis}')"
        )

    if (p["prices"], p["basis"]) == ("current", "published"):
        # A year without a published total in current prices: the sum of the listed countries.
        return (
            "SELECT 100 * coalesce(p.share, s.share) AS value "
            f"FROM {of('published')} AS p, {of('summed')} AS s"
        )
    return f"SELECT 100 * share AS value FROM {of(p['basis'])}"


def _contribution(p: Mapping[str, Any]) -> str:
    first, last = _years(p)
    if p["coverage"] == "both years":
        return (
            f"SELECT 100 * (SELECT to_value - from_value FROM growth({_text(p['country'])}, "
            f"{first}, {last}, edition := {p['edition']})) / sum(v1 - v0) AS value "
            f"FROM {_both_years(p)}"
        )
    return (
        f"SELECT 100 * contribution AS value FROM contribution({_text(p['country'])}, "
        f"{_text(p['place'])}, {first}, {last}, edition := {p['edition']}, "
        f"basis := '{p['basis']}')"
    )


def _both_years(p: Mapping[str, Any]) -> str:
    """A region's members with figures in both years; what is left out of its total is left out."""
    first, last = _years(p)
    column = f"{p.get('prices', 'constant')}_usd_m"
    return (
        f"(SELECT a.country, a.{column} AS v0, b.{column} AS v1 FROM spending AS a "
        f"JOIN spending AS b ON b.edition = a.edition AND b.country = a.country "
        f"AND b.year = {last} AND b.{column} IS NOT NULL "
        f"JOIN region_members AS m ON m.country = a.country AND m.region = {_text(p['place'])} "
        f"ANTI JOIN omitted_countries AS o ON o.edition = a.edition AND o.region = m.region "
        f"AND o.country = a.country "
        f"WHERE a.edition = {p['edition']} AND a.year = {first} AND a.{column} IS NOT NULL)"
    )


def _ranked(p: Mapping[str, Any], n: int) -> str:
    """The n largest spenders: `top`, or the same by constant prices."""
    year = _years(p)[1]
    if p["prices"] == "current":
        return f"top({year}, edition := {p['edition']}, n := {n})"
    return (
        "(SELECT country, rank() OVER (ORDER BY constant_usd_m DESC) AS rank FROM spending "
        f"WHERE edition = {p['edition']} AND year = resolve_year({year}, {p['edition']}) "
        "AND constant_usd_m IS NOT NULL "
        f"QUALIFY rank <= {n})"
    )


def _rank(p: Mapping[str, Any]) -> str:
    if p["prices"] == "constant":
        return f"SELECT rank AS value FROM {_ranked(p, 1000)} WHERE country = {_text(p['country'])}"
    return (
        f"SELECT rank AS value FROM rank_of({_text(p['country'])}, {_years(p)[1]}, "
        f"edition := {p['edition']})"
    )


def _ranks_together(p: Mapping[str, Any]) -> str:
    holds = " OR ".join(
        f"(country = {_text(country)} AND rank = {rank})" for country, rank in p["ranks"].items()
    )
    return f"SELECT count(*) AS value FROM {_ranked(p, 1000)} WHERE {holds}"


def _members_in_top(p: Mapping[str, Any]) -> str:
    return (
        f"SELECT count(*) AS value FROM {_ranked(p, p['top'])} "
        f"JOIN region_members AS m USING (country) "
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
        f"{last}, edition := {p['edition']}) HAVING max(year) = {last}"
    )


def _money(p: Mapping[str, Any]) -> str:
    if p["series"] == "financial":
        return (
            f"SELECT {p['amount']} / (max(value) FILTER (measure = 'local_currency_financial') "
            f"/ (1e6 * max(value) FILTER (measure = 'current_usd'))) AS value FROM observations "
            f"WHERE edition = {p['edition']} AND country = {_text(p['country'])} "
            f"AND year = {_years(p)[1]}"
        )
    return (
        f"SELECT {p['amount']} / local_per_usd AS value FROM implied_exchange_rate("
        f"{_text(p['country'])}, {_years(p)[1]}, edition := {p['edition']})"
    )


def _alliances(column: str) -> Callable[[Mapping[str, Any]], str]:
    def call(p: Mapping[str, Any]) -> str:
        chosen = "median_years" if p["statistic"] == "median" else "mean_years"
        dataset, version = p["dataset"].split()
        ended_by = "NULL" if p["ended_by"] == "closing" else p["ended_by"]
        if column == "n" and p["counted"] == "formed":
            return _formed(p)
        return (
            f"SELECT {column or chosen} AS value FROM alliance_lifespan(dataset := "
            f"'{dataset}', version := '{version}', unit := '{p['unit']}', "
            f"formed_from := {p['formed_from']}, formed_to := 1989, ended_by := {ended_by}, "
            f"obligation := '{p['obligation']}', members := '{p['members']}', "
            f"ending := '{p['ending']}', wartime := '{p['wartime']}', "
            f"convention := '{p['convention']}')"
        )

    return call


def _formed(p: Mapping[str, Any]) -> str:
    """All that were formed, ended or not."""
    dataset, version = p["dataset"].split()
    kinds = {
        "all": "",
        "not renegotiated": " AND ending <> 'renegotiated'",
        "not independence lost": " AND ending <> 'independence lost'",
        "fulfilled or violated": " AND ending IN ('fulfilled', 'violated')",
    }
    members = {"all": "", "bilateral": " AND bilateral", "multilateral": " AND NOT bilateral"}
    return (
        f"SELECT count(*) AS value FROM alliance_units WHERE dataset = '{dataset}' "
        f"AND version = '{version}' AND unit = '{p['unit']}' "
        f"AND year(begin_date) BETWEEN {p['formed_from']} AND 1989 "
        f"AND has_obligation('{p['obligation']}', defense, offense, neutrality, nonaggression, "
        f"consultation){members[p['members']]}{kinds[p['ending']]}"
        f"{' AND NOT wartime' if p['wartime'] == 'out' else ''}"
    )


_ALLIANCE_SET = {
    "dataset": Dimension(
        str,
        required=True,
        values_from=DATASETS,
        pattern=r"(ATOP|COW) \d+(\.\d+)*",
        expects="ATOP or COW with its version, like ATOP 3.0",
    ),
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
                "ranks": Dimension(dict, required=True, values_from=COUNTRY.values_from),
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
                "top": Dimension(int, default=15, bounds=(1, 500), expects="a number of countries"),
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
                "amount": Dimension(
                    float, required=True, bounds=(0, 1e9), expects="billions of local currency"
                ),
                "year": YEAR,
                "shift": SHIFT,
                "edition": EDITION,
                "series": Dimension(str, ("calendar", "financial"), "calendar"),
            },
            _money,
        ),
        Metric("alliance_count", "alliance_grid", "alliances", _ALLIANCE_SET, _alliances("n")),
        Metric("alliance_lifespan", "alliance_grid", "years", _ALLIANCE_SET, _alliances("")),
        *STRUCTURE,
    )
}
