"""What a claim is about: its metric call read back, and from it a chart and the rows behind it.

A claim brings its metric call as SQL; nothing else of its file is known here. A metric without an
entry below still shows the result of its call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from dashboard import charts, queries
from dashboard.database import Database
from dashboard.text import billions, percent
from pipelines.claims.numbers import figure, ordinal
from pipelines.table import Table

SHOWN_YEARS = 15
SHOWN_MEMBERS = 11
TOP = 15
FEW = 6  # countries that are shown even when they rank below the top
ALL_COUNTRIES = 1000


@dataclass(frozen=True)
class Call:
    """One metric call in SQL: its name and its arguments."""

    metric: str
    given: tuple[Any, ...]
    named: Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """A chart with its takeaway in words, and the rows behind it."""

    figure: go.Figure | None
    takeaway: str
    rows: Table
    rows_are: str


_CALL = re.compile(r"\b([a-z_]+)\(((?:[^()']|'(?:[^']|'')*')*)\)", re.IGNORECASE)
_ARGUMENT = re.compile(r"(?:(\w+)\s*:=\s*)?('(?:[^']|'')*'|[^,'\s]+)")
_SPOKES = re.compile(r"list_intersect\(cow_codes, \[[\d, ]+\]\)")
_AGE = re.compile(r">= (\d+)\)::INTEGER")


def calls(sql: str) -> list[Call]:
    """Every metric call in a query whose arguments are constants."""
    found = []
    for name, inside in _CALL.findall(sql):
        given, named = [], {}
        for key, text in _ARGUMENT.findall(inside):
            if key:
                named[key] = _value(text)
            else:
                given.append(_value(text))
        found.append(Call(name.lower(), tuple(given), named))
    return found


def _value(text: str) -> Any:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text.upper() == "NULL":
        return None
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


def subject(db: Database, claim: Mapping[str, Any]) -> Subject | None:
    """The chart and the rows of a testable claim; None for one without a metric call."""
    if not claim["sql"]:
        return None
    draw = _SUBJECTS.get(claim["metric"] or "")
    found: dict[str, Call] = {}
    for call in calls(claim["sql"]):
        found.setdefault(call.metric, call)
    if draw is None or claim["recomputed_value"] is None:
        return _called(db, claim)
    return draw(db, claim, found)


def _sipri(db: Database, edition: int, prices: str | None = None) -> str:
    """The line below a chart on spending."""
    year = queries.base_year(db, edition)
    unit = {"constant": f"; constant ({year}) US$", "current": "; current US$", None: ""}[prices]
    return f"Source: SIPRI Military Expenditure Database, edition {edition}{unit}. Milex."


def _stated_line(claim: Mapping[str, Any]) -> tuple[float, str] | None:
    """The stated figure with its label; None where a reader asks without stating one."""
    return (claim["stated_value"], f"stated: {claim['stated']}") if claim["stated"] else None


def _stated_besides(claim: Mapping[str, Any]) -> str:
    return f"; the statement has {claim['stated']}" if claim["stated"] else ""


def _growth(db: Database, claim: Mapping[str, Any], found: Mapping[str, Call]) -> Subject:
    call = found["growth"]
    place, first, last = call.given
    edition, prices = call.named["edition"], call.named["prices"]
    rows = queries.series(db, place, edition, prices, call.named["basis"])
    by_year = dict(zip(rows.column("year"), rows.column("value_usd_m"), strict=True))
    years = range(max(min(by_year), first - SHOWN_YEARS), max(by_year) + 1)
    change = by_year[last] / by_year[first] - 1
    direction = "up" if change >= 0 else "down"
    takeaway = f"{place}: {direction} {percent(abs(change))} from {first} to {last}"
    return Subject(
        charts.lines(
            takeaway,
            [charts.Line(place, list(years), [_billions(by_year.get(y)) for y in years])],
            f"US$ billions, {prices} prices",
            _sipri(db, edition, prices),
            marks=[
                charts.Mark(year, by_year[year] / 1e3, f"{year}: {billions(by_year[year])}")
                for year in (first, last)
            ],
        ),
        takeaway,
        rows,
        f"{place}, edition {edition}, {prices} prices, {call.named['basis']}",
    )


def _billions(millions: float | None) -> float | None:
    return None if millions is None else millions / 1e3


def _member_bars(
    values: list[tuple[str, float]], total: float, country: str, as_change: bool
) -> list[tuple[str, float, str, bool]]:
    """The largest members, the highlighted one always among them, and the others in one bar."""
    ranked = sorted(values, key=lambda item: -item[1])
    shown = ranked[:SHOWN_MEMBERS]
    if country not in dict(shown):
        shown += [item for item in ranked if item[0] == country]
    names = {name for name, _ in shown}
    others = [value for name, value in ranked if name not in names]
    items = [
        (
            name,
            value / 1e3,
            f"{'+' if as_change and value > 0 else ''}{billions(value)} ({percent(value / total)})",
            name == country,
        )
        for name, value in shown
    ]
    if others:
        value = sum(others)
        name = f"{len(others)} others"
        items.append((name, value / 1e3, f"{billions(value)} ({percent(value / total)})", False))
    return items


def _share(db: Database, claim: Mapping[str, Any], found: Mapping[str, Call]) -> Subject:
    call = found["share"]
    country, region, year = call.given
    edition, prices = call.named["edition"], call.named["prices"]
    rows = queries.members(db, region, edition, (year, year), prices)
    values = [(r["country"], r["to_value"]) for r in rows.records() if r["to_value"] is not None]
    totals = [
        queries.share_total(db, country, region, year, **one.named)
        for one in calls(claim["sql"])
        if one.metric == "share"
    ]
    total = next((total for total in totals if total), None)
    stated = figure(claim["recomputed_value"], claim["unit"], claim["decimals"] + 1)
    takeaway = f"{country} made up {stated} of {region}'s military spending in {year}"
    rows = Table(
        ("country", f"value_{year}", "status"),
        [(r["country"], r["to_value"], r["status"]) for r in rows.records()],
        {f"value_{year}": f"US$ millions, {prices} prices"},
    )
    return Subject(
        charts.bars(
            takeaway,
            _member_bars(values, total or sum(v for _, v in values), country, as_change=False),
            f"US$, {prices} prices; share of the region's total",
            _sipri(db, edition, prices),
        ),
        takeaway,
        rows,
        f"countries of {region} in {year}, edition {edition}",
    )


def _contribution(db: Database, claim: Mapping[str, Any], found: Mapping[str, Call]) -> Subject:
    call = found["contribution"]
    country, region, first, last = call.given
    edition = call.named["edition"]
    rows = queries.members(db, region, edition, (first, last), "constant")
    values = [
        (r["country"], r["to_value"] - r["from_value"])
        for r in rows.records()
        if r["to_value"] is not None and r["from_value"] is not None
    ]
    total = queries.total_increase(db, country, region, (first, last), **call.named)
    found_text = figure(claim["recomputed_value"], claim["unit"], claim["decimals"] + 1)
    takeaway = f"{country} made up {found_text} of the increase in {region}, {first}–{last}"
    unit = "US$ millions, constant prices"
    rows = Table(
        ("country", f"value_{first}", f"value_{last}", f"status_{last}"),
        rows.rows,
        {f"value_{first}": unit, f"value_{last}": unit},
    )
    return Subject(
        charts.bars(
            takeaway,
            _member_bars(values, total or sum(v for _, v in values), country, as_change=True),
            "change in US$, constant prices; share of the region's increase",
            _sipri(db, edition, "constant"),
        ),
        takeaway,
        rows,
        f"countries of {region} in {first} and {last}, edition {edition}",
    )


def _top_bars(
    db: Database, own: Mapping[str, Any], chosen: set[str], takeaway: str, *, n: int = TOP
) -> Subject:
    """The largest spenders of the year, edition and prices of a claim's own definition."""
    year, edition, prices = own["year"] + own["shift"], own["edition"], own["prices"]
    ranked = (queries.top if prices == "current" else queries.top_constant)(
        db, year, edition, ALL_COUNTRIES
    )
    lowest = [r["rank"] for r in ranked.records() if r["country"] in chosen]
    shown = max([n, *lowest]) if len(chosen) <= FEW else n
    rows = Table(ranked.columns, [row for row in ranked.rows if row[0] <= shown], ranked.units)
    items = [
        (
            f"{ordinal(r['rank'])} {r['country']}",
            r[f"{prices}_usd_m"] / 1e3,
            billions(r[f"{prices}_usd_m"]),
            r["country"] in chosen,
        )
        for r in rows.records()
        if r["rank"] <= n or r["country"] in chosen
    ]
    return Subject(
        charts.bars(takeaway, items, f"US$, {prices} prices", _sipri(db, edition, prices)),
        takeaway,
        rows,
        f"largest military spenders of {year}, edition {edition}, {prices} prices",
    )


def _rank(db: Database, claim: Mapping[str, Any], _: Mapping[str, Call]) -> Subject:
    own = json.loads(claim["definition"])
    place = ordinal(round(claim["recomputed_value"]))
    takeaway = f"{own['country']} ranked {place} in {own['year'] + own['shift']}"
    return _top_bars(db, own, {own["country"]}, takeaway)


def _ranks_together(db: Database, claim: Mapping[str, Any], _: Mapping[str, Call]) -> Subject:
    own = json.loads(claim["definition"])
    named = set(own["ranks"])
    takeaway = (
        f"{claim['recomputed_value']:.0f} of {len(named)} stated ranks hold in "
        f"{own['year'] + own['shift']}"
    )
    return _top_bars(db, own, named, takeaway)


def _members_in_top(db: Database, claim: Mapping[str, Any], _: Mapping[str, Call]) -> Subject:
    own = json.loads(claim["definition"])
    members = queries.regions_countries(db, own["place"])
    takeaway = (
        f"{claim['recomputed_value']:.0f} of the {own['top']} largest spenders of "
        f"{own['year'] + own['shift']} are in {own['place']}"
    )
    return _top_bars(db, own, members, takeaway, n=own["top"])


def _burden_line(db: Database, place: str, edition: int, years: tuple[int, int]) -> Table:
    return queries.burden(db, place, years[0], years[1], edition)


def _burden_gap(db: Database, claim: Mapping[str, Any], _: Mapping[str, Call]) -> Subject:
    here, world = (call for call in calls(claim["sql"]) if call.metric == "burden")
    place, year, _last = here.given
    edition = here.named["edition"]
    first = max(year - SHOWN_YEARS, _first_year(db, edition))
    series = []
    rows: list[tuple[Any, ...]] = []
    for call in (here, world):
        found = _burden_line(db, call.given[0], edition, (first, year))
        rows += [(call.given[0], *row) for row in found.rows]
        by_year = dict(zip(found.column("year"), found.column("share_of_gdp"), strict=True))
        years = list(range(first, year + 1))
        series.append(
            charts.Line(
                call.given[0],
                years,
                [None if y not in by_year else 100 * by_year[y] for y in years],
                context=call is world,
            )
        )
    gap = claim["recomputed_value"]
    side = "below" if gap < 0 else "above"
    takeaway = (
        f"{place}'s military burden was {abs(gap):.2f} percentage points {side} the world's "
        f"in {year}"
    )
    return Subject(
        charts.lines(takeaway, series, "% of GDP", _sipri(db, edition)),
        takeaway,
        Table(("place", "year", "share_of_gdp", "countries"), rows, {"share_of_gdp": "fraction"}),
        f"military burden by year, edition {edition}",
    )


def _first_year(db: Database, edition: int) -> int:
    found = db.rows("SELECT first_year FROM main.editions WHERE edition = ?", edition)
    return int(found.rows[0][0]) if found.rows else 0


def _highest_burden(db: Database, claim: Mapping[str, Any], found: Mapping[str, Call]) -> Subject:
    call = found["burden"]
    country, first, last = call.given
    edition = call.named["edition"]
    rows = _burden_line(db, country, edition, (first, last))
    by_year = dict(zip(rows.column("year"), rows.column("share_of_gdp"), strict=True))
    highest = max(by_year, key=lambda year: by_year[year])
    years = list(range(first, last + 1))
    takeaway = (
        f"{country}'s military burden was highest in {highest}: {100 * by_year[highest]:.3f} %"
    )
    return Subject(
        charts.lines(
            takeaway,
            [
                charts.Line(
                    country,
                    years,
                    [None if y not in by_year else 100 * by_year[y] for y in years],
                )
            ],
            "% of GDP",
            _sipri(db, edition),
            marks=[charts.Mark(highest, 100 * by_year[highest], f"{highest}")],
            threshold=_stated_line(claim),
        ),
        takeaway,
        rows,
        f"{country}'s military burden by year, edition {edition}",
    )


def _money(db: Database, claim: Mapping[str, Any], found: Mapping[str, Call]) -> Subject:
    call = found["implied_exchange_rate"]
    country, year = call.given
    edition = call.named["edition"]
    rows = queries.exchange_rates(db, country, edition)
    rates = dict(zip(rows.column("year"), rows.column("local_per_usd"), strict=True))
    amount = claim["recomputed_value"] * rates[year]
    years = list(range(year - SHOWN_YEARS, max(rates) + 1))
    recomputed = figure(claim["recomputed_value"], claim["unit"], claim["decimals"] + 1)
    takeaway = f"At the rate of {year} the sum is {recomputed}{_stated_besides(claim)}"
    return Subject(
        charts.lines(
            takeaway,
            [
                charts.Line(
                    country, years, [None if y not in rates else amount / rates[y] for y in years]
                )
            ],
            f"{claim['unit']}, at each year's implied exchange rate",
            _sipri(db, edition, "current"),
            marks=[charts.Mark(year, claim["recomputed_value"], f"{year}: {recomputed}")],
            threshold=_stated_line(claim),
        ),
        takeaway,
        rows,
        f"{country}'s expenditure in local currency and US$, edition {edition}",
    )


def _alliances(db: Database, claim: Mapping[str, Any], found: Mapping[str, Call]) -> Subject:
    call = found["alliance_lifespan"]
    chosen = {**queries.LIFESPAN_DEFAULTS, **call.named}
    rows = queries.alliance_set(db, chosen)
    spans = [float(span) for span in rows.column("lifespan")]
    unit = f"{chosen['unit']}s"
    marks: list[tuple[float, str, bool]] = []
    if claim["unit"] == "years":
        statistic = json.loads(claim["definition"])["statistic"]
        middle = claim["recomputed_value"]
        marks.append((middle, f"{statistic} {middle:.1f} years", False))
        if claim["stated"]:
            marks.append((claim["stated_value"], f"stated {claim['stated']}", True))
        by = "on average" if statistic == "mean" else f"by the {statistic}"
        takeaway = f"The {len(spans):,} {unit} lasted {middle:.1f} years {by}"
    else:
        if spans:
            mean = sum(spans) / len(spans)
            marks.append((mean, f"mean {mean:.1f} years", False))
        takeaway = (
            f"{len(spans):,} {unit} of {chosen['formed_from']}–{chosen['formed_to']} had ended by "
            f"{chosen['ended_by'] or 'the closing'}{_stated_besides(claim)}"
        )
    return Subject(
        charts.histogram(
            takeaway,
            spans,
            width=2,
            unit="lifespan in years",
            source=f"Source: {claim['edition_or_version']}; one bar is two years. Milex.",
            counted=f"number of {unit}",
            marks=marks,
        ),
        takeaway,
        rows,
        f"the {unit} that are counted, {claim['edition_or_version']}",
    )


def condition(sql: str, table: str) -> str | None:
    """The WHERE of the subquery on one table, up to the bracket that closes it."""
    _, there, rest = sql.partition(f"FROM {table} WHERE ")
    depth, quoted = 0, False
    for place, letter in enumerate(rest):
        quoted ^= letter == "'"
        if not quoted:
            depth += (letter == "(") - (letter == ")")
        if depth < 0:
            return rest[:place]
    return rest if there else None


def _called(db: Database, claim: Mapping[str, Any]) -> Subject:
    return Subject(None, "", queries.call(db, claim["sql"]), "what the query returns")


def _pacts(db: Database, claim: Mapping[str, Any], _: Mapping[str, Call]) -> Subject:
    """The pacts that are counted, from their first year to their last."""
    where = condition(claim["sql"], "regional_pacts")
    if where is None:
        return _called(db, claim)
    spokes = _SPOKES.search(claim["sql"])
    if spokes:
        where += f" AND len({spokes.group()}) > 0"
    rows = queries.pacts(db, where)
    rows_are = f"the pacts that are counted, {claim['edition_or_version']}"
    if not rows.rows:
        return Subject(None, "", rows, rows_are)
    longest = sorted(rows.records(), key=lambda r: r["first_year"] - r["last_year"])[:TOP]
    found = figure(claim["recomputed_value"], claim["unit"], claim["decimals"])
    takeaway = f"{found}, from {len(rows.rows)} pacts"
    items = [
        (r["name"], r["first_year"], r["last_year"], r["bilateral"])
        for r in sorted(longest, key=lambda r: (r["first_year"], r["alliance_id"]))
    ]
    source = f"Source: {claim['edition_or_version']}. Bold: bilateral. Milex."
    return Subject(charts.spans(takeaway, items, source), takeaway, rows, rows_are)


def _pact_share(db: Database, claim: Mapping[str, Any], _: Mapping[str, Call]) -> Subject:
    """How many pacts meet the description and how many do not."""
    where = condition(claim["sql"], "regional_pacts")
    if where is None:
        return _called(db, claim)
    rows = queries.pacts(db, where)
    bilateral = "avg((bilateral)" in claim["sql"]
    meets = [r["bilateral"] if bilateral else not r["defense"] for r in rows.records()]
    yes, no = (
        ("bilateral", "multilateral") if bilateral else ("without a defence obligation", "with one")
    )
    takeaway = f"{sum(meets)} of {len(meets)} pacts are {yes}"
    items = [
        (yes, sum(meets), f"{sum(meets)} pacts", True),
        (no, len(meets) - sum(meets), f"{len(meets) - sum(meets)} pacts", False),
    ]
    source = f"Source: {claim['edition_or_version']}. Milex."
    return Subject(
        charts.bars(takeaway, items, "pacts in force", source),
        takeaway,
        rows,
        f"the pacts that are counted, {claim['edition_or_version']}",
    )


def _reaching(db: Database, claim: Mapping[str, Any], _: Mapping[str, Call]) -> Subject:
    """How old alliances became, with the age that is spoken of."""
    where = condition(claim["sql"], "alliance_units")
    age = _AGE.search(claim["sql"])
    if where is None or age is None:
        return _called(db, claim)
    rows = queries.ages(db, where)
    values = [float(value) for value in rows.column("age")]
    limit = int(age.group(1))
    reached = sum(value >= limit for value in values)
    takeaway = f"{reached} of {len(values):,} reached {limit} years"
    return Subject(
        charts.histogram(
            takeaway,
            values,
            width=5,
            unit="years reached",
            source=f"Source: {claim['edition_or_version']}; one bar is five years. Milex.",
            counted="number of alliances",
            marks=[(limit, f"{limit} years", True)],
        ),
        takeaway,
        rows,
        f"the alliances that are looked at, {claim['edition_or_version']}",
    )


def _ties(db: Database, claim: Mapping[str, Any], _: Mapping[str, Call]) -> Subject:
    """The pacts between the states that a claim is about, from their first year to their last."""
    own = json.loads(claim["definition"])
    dataset, version = own["dataset"].split()
    all_of = own.get("states") or [own["hub"]]
    rows = queries.pacts_of_states(db, dataset, version, all_of, own.get("spokes", []))
    rows_are = f"the alliances between the states in question, {claim['edition_or_version']}"
    if not rows.rows:
        return Subject(None, "", rows, rows_are)
    asymmetry = claim["metric"] == "hub_bilateral_asymmetric"
    items = [
        (
            r["name"],
            r["first_year"],
            r["last_year"],
            bool(r["bilateral"] and (r["asymmetric"] or not asymmetry)),
        )
        for r in rows.records()
    ]
    bold = "bilateral and asymmetric" if asymmetry else "bilateral"
    found = figure(claim["recomputed_value"], claim["unit"], claim["decimals"] + 1)
    takeaway = f"{found}, from {len(rows.rows)} alliances between these states"
    source = f"Source: {claim['edition_or_version']}. Bold: {bold}. Milex."
    return Subject(charts.spans(takeaway, items, source), takeaway, rows, rows_are)


def _pact_rank(db: Database, claim: Mapping[str, Any], _: Mapping[str, Call]) -> Subject:
    """The region's bilateral defence pacts by their members' combined military expenditure."""
    own = json.loads(claim["definition"])
    rows = queries.pacts_by_spending(db, own)
    items = [
        (r["name"], r["combined_usd_m"], billions(r["combined_usd_m"]), bool(r["is_the_pact"]))
        for r in rows.records()[:TOP]
    ]
    takeaway = (
        f"{ordinal(round(claim['recomputed_value']))} of {len(rows.rows)} bilateral defence pacts "
        f"by combined spending in {own['year']}"
    )
    source = f"Source: {own['dataset']}; SIPRI, edition {own['edition']}, current US$. Milex."
    picture = charts.bars(takeaway, items, "US$, current prices, both members", source)
    return Subject(picture, takeaway, rows, f"the pacts with figures for both, {own['year']}")


_SUBJECTS: dict[str, Callable[[Database, Mapping[str, Any], Mapping[str, Call]], Subject]] = {
    "growth": _growth,
    "share": _share,
    "contribution": _contribution,
    "rank": _rank,
    "ranks_together": _ranks_together,
    "members_in_top": _members_in_top,
    "burden_gap": _burden_gap,
    "highest_burden": _highest_burden,
    "money": _money,
    "alliance_count": _alliances,
    "alliance_lifespan": _alliances,
    "hub_ties": _pacts,
    "pacts_among_spokes": _pacts,
    "hub_multilateral": _pacts,
    "pact_share": _pact_share,
    "share_reaching_age": _reaching,
    "lineage_age": _ties,
    "hub_decades": _ties,
    "hub_bilateral_asymmetric": _ties,
    "member_duties": _ties,
    "pact_rank": _pact_rank,
}
