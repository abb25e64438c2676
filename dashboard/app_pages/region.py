"""Region: a region's total by member, who drove its growth, a map, and what the total leaves out."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import filters, queries, region_charts
from dashboard import spending_queries as asked
from dashboard.data import Snapshot
from dashboard.parts import downloads, picture, rows
from dashboard.region_charts import OTHERS, Part, Share, Tile
from dashboard.spending_charts import spans
from dashboard.text import billions, percent, plain
from pipelines.table import Table

SINCE = 2008
LARGEST = 6
BARS = 8
# Below this part of a total a difference is rounding.
AGREES = 0.0005
REST = "Rest of the total"
ESTIMATED = ("estimate", "uncertain")
MAPS = {
    "share": "Share of the region's total",
    "share_of_gdp": "Share of GDP",
    "growth": "Growth between the two years",
}
NO_FIGURE = {"unavailable": "unavailable", "not_independent": "not independent"}


def main(snapshot: Snapshot) -> None:
    """The page."""
    st.title("Who makes up a region's spending?")
    left, middle, right = st.columns(3)
    with left:
        region = filters.region(snapshot)
    with middle:
        edition = filters.edition(snapshot)
    with right:
        basis = filters.basis()
    totals = asked.regional_totals(snapshot, region, edition)
    by_year = {row["year"]: row for row in totals.records() if row[f"{basis}_bn"] is not None}
    if len(by_year) < 2:
        st.info(
            f"Edition {edition} has no {filters.BASES[basis]} for {plain(region)} in two years or "
            "more. Choose another edition, region or regional total."
        )
        return
    years = filters.years(min(by_year), max(by_year), (SINCE, max(by_year)))
    source = (
        f"Source: SIPRI Military Expenditure Database, edition {edition}; prices of "
        f"{queries.base_year(snapshot, edition)}. Regional total: {filters.BASES[basis]}. Milex."
    )
    over_time(snapshot, region, edition, years, by_year, basis, source)
    excerpt = bool(queries.facts(snapshot).get("excerpt"))
    against_sum(totals, region, years[1], excerpt)
    members = asked.members(snapshot, region, edition, years, basis)
    drivers(members, region, years, by_year, basis, excerpt, source)
    in_a_year(members, region, years, source)
    st.subheader("The countries", anchor=False)
    rows(
        members,
        f"Countries of {region} in {years[0]} and {years[1]}",
        iso3=None,
        points=st.column_config.NumberColumn(
            f"points of the region's growth {years[0]}–{years[1]}", format="percent"
        ),
    )
    provenance = queries.provenance(snapshot, "SIPRI", edition)
    stem = f"milex-region-{region.lower().replace(' & ', '-').replace(' ', '-')}-{edition}"
    what = f"{region}, {years[0]} to {years[1]}. {source}"
    with st.container(horizontal=True):
        downloads(members, [what, *provenance], stem, "countries")
        downloads(totals, [what, *provenance], f"{stem}-totals", "totals by year")


def over_time(
    snapshot: Snapshot,
    region: str,
    edition: int,
    years: tuple[int, int],
    by_year: dict[int, dict[str, Any]],
    basis: str,
    source: str,
) -> None:
    """The region's total by its largest members."""
    found = asked.composition(snapshot, region, edition, years, LARGEST)
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in found.records():
        parts.setdefault(row["member"] or OTHERS, []).append(row)
    drawn = [
        Part(
            name,
            [row["year"] for row in mine],
            [row["constant_usd_m"] for row in mine],
            [row["estimated_usd_m"] for row in mine],
        )
        for name, mine in parts.items()
    ]
    published = [
        (year, 1e3 * row["published_bn"])
        for year, row in by_year.items()
        if years[0] <= year <= years[1] and row["published_bn"] is not None
    ]
    sentence = level(region, years, by_year, basis)
    picture(
        region_charts.composition(
            sentence,
            drawn,
            published,
            f"US$ billions, prices of {queries.base_year(snapshot, edition)}",
            source,
        ),
        alt=f"Stacked bars by year. {sentence}",
        key="composition",
    )
    gaps = [
        f"{plain(part.name)} {spans(missing)}"
        for part in drawn
        if part.name != OTHERS and (missing := set(range(years[0], years[1] + 1)) - set(part.years))
    ]
    counted = [row["countries"] for row in parts.get(OTHERS, [])]
    st.caption(
        f"The {LARGEST} largest of {years[1]}, and the others together"
        + (f" ({among(counted)} countries with a figure)" if counted else "")
        + ". Hatched: an estimate or highly uncertain, or more than a tenth of the bar is."
        + (f" Without a figure, and so without a bar: {'; '.join(gaps)}." if gaps else "")
    )


def among(counted: list[int]) -> str:
    """How many there were, from year to year."""
    low, high = min(counted), max(counted)
    return str(low) if low == high else f"{low} to {high}"


def level(
    region: str, years: tuple[int, int], by_year: dict[int, dict[str, Any]], basis: str
) -> str:
    """The region's total in the last year, and its growth since the first."""
    first, last = (by_year.get(year, {}).get(f"{basis}_bn") for year in years)
    if last is None:
        return f"{region} has no total in {years[1]}"
    now = f"{region} spent {billions(1e3 * last)} in {years[1]}"
    if not first or years[0] == years[1]:
        return now
    growth = last / first - 1
    return f"{now}, {percent(abs(growth))} {'more' if growth >= 0 else 'less'} than in {years[0]}"


def against_sum(totals: Table, region: str, year: int, excerpt: bool) -> None:
    """SIPRI's total beside the sum of the countries, in words."""
    row = next((row for row in totals.records() if row["year"] == year), None)
    if row is None:
        return
    missing = row["unavailable_countries"]
    if row["published_bn"] is None:
        text = (
            f"SIPRI gives no total for {plain(region)} in {year}. The countries with a figure add "
            f"up to {plain(billions(1e3 * row['summed_bn']))}"
            + (f"; {plain(missing)} have none." if missing else ".")
        )
    elif row["summed_bn"] is None:
        text = (
            f"SIPRI's total for {year} is {plain(billions(1e3 * row['published_bn']))}; this "
            "snapshot has no figures of the countries to add up."
        )
    else:
        text = residual(row, year, excerpt)
    omitted = row["omitted_countries"]
    st.markdown(
        f"**SIPRI's total and the sum.** {text}"
        + (f" Left out of both: {plain(omitted)}." if omitted else "")
        + (
            f" {percent(row['estimated_share_of_sum'], 0)} of the sum is estimated or highly "
            "uncertain."
            if row["estimated_share_of_sum"]
            else ""
        )
    )


def residual(row: dict[str, Any], year: int, excerpt: bool) -> str:
    """What is left when the countries are taken from SIPRI's total."""
    published, summed, left = (
        1e3 * row[name] for name in ("published_bn", "summed_bn", "residual_bn")
    )
    both = (
        f"For {year} SIPRI's total is {plain(billions(published))}, and the countries with a figure "
        f"add up to {plain(billions(summed))}."
    )
    if abs(left) < AGREES * published:
        return f"{both} They agree."
    rest = f"The residual of {plain(billions(left))} ({percent(left / published)} of the total)"
    if excerpt:
        return f"{both} {rest} is what this excerpt lacks, and what SIPRI estimates."
    missing = row["unavailable_countries"]
    if left > 0 and missing:
        return f"{both} {rest} is what SIPRI estimates for those without one: {plain(missing)}."
    return f"{both} {rest} is not explained by countries without a figure."


def drivers(
    members: Table,
    region: str,
    years: tuple[int, int],
    by_year: dict[int, dict[str, Any]],
    basis: str,
    excerpt: bool,
    source: str,
) -> None:
    """Which countries the growth came from."""
    st.subheader(f"Who drove the change from {years[0]} to {years[1]}?", anchor=False)
    first, last = (by_year.get(year, {}).get(f"{basis}_bn") for year in years)
    if first is None or last is None or years[0] == years[1]:
        st.info(
            f"There is no {filters.BASES[basis]} for two different years here. Choose other years."
        )
        return
    change, start = 1e3 * (last - first), 1e3 * first
    found = members.records()
    inside = [row for row in found if not row["omitted"]]
    both = [row for row in inside if row["increase"] is not None]
    both.sort(key=lambda row: -abs(row["increase"]))
    shares = [
        Share(
            row["country"],
            row["increase"],
            row["points"],
            row["from_status"] in ESTIMATED or row["to_status"] in ESTIMATED,
        )
        for row in both[:BARS]
    ]
    shares.sort(key=lambda share: -share.increase)
    small = both[BARS:]
    if small:
        amount = sum(row["increase"] for row in small)
        shares.append(Share(f"{len(small)} others", amount, amount / start, False, rest=True))
    rest = change - sum(share.increase for share in shares)
    lacking = [row for row in inside if row["increase"] is None]
    if abs(rest) > AGREES * start:
        shares.append(Share(REST, rest, rest / start, basis == "published", rest=True))
    sentence = driver(region, both, change, years)
    picture(
        region_charts.contributions(
            sentence,
            shares,
            f"increase in US$ billions, and percentage points of the region's {percent(change / start)}",
            source,
        ),
        alt=f"Bars. {sentence}",
        key="contributions",
    )
    lines = []
    for status, word in NO_FIGURE.items():
        for place in (0, 1):
            names = [
                row["country"]
                for row in lacking
                if row[("from_status", "to_status")[place]] == status
            ]
            if names:
                lines.append(f"{word} in {years[place]}: {', '.join(names)}")
    omitted = [row["country"] for row in found if row["omitted"]]
    if abs(rest) > AGREES * start:
        st.caption(
            f"“{REST}” is what no country with a figure in both years accounts for: "
            + (
                "SIPRI's estimates for countries without a figure, and "
                if basis == "published"
                else ""
            )
            + "countries with a figure in one of the two years"
            + (", and what this excerpt lacks." if excerpt else ".")
        )
    if lines:
        st.caption(f"No figure in both years: {plain('; '.join(lines))}.")
    if omitted:
        st.caption(f"Left out of the total: {plain(', '.join(omitted))}.")


def driver(region: str, both: list[dict[str, Any]], change: float, years: tuple[int, int]) -> str:
    """The largest contribution, in one sentence."""
    same_way = [row for row in both if row["increase"] * change > 0]
    if not same_way:
        return f"{region}: no country's figures explain the change from {years[0]} to {years[1]}"
    most = same_way[0]
    return (
        f"{most['country']} accounts for {percent(most['contribution'])} of the "
        f"{'increase' if change > 0 else 'decrease'} in {region}, {years[0]}–{years[1]}"
    )


def in_a_year(members: Table, region: str, years: tuple[int, int], source: str) -> None:
    """A map of tiles: shares, burden or growth."""
    st.subheader(f"The countries in {years[1]}", anchor=False)
    column = filters.one_of("The map shows", MAPS, "map")
    found = members.records()
    tiles = [
        Tile(row["iso3"], row["country"], row[column], told(row, column))
        for row in found
        if row["iso3"]
    ]
    known = sorted((row for row in found if row[column] is not None), key=lambda row: -row[column])
    sentence = f"No figure for {region} in {years[1]}"
    if known:
        words = {
            "share": f"{{}} of {region}'s spending in {years[1]}",
            "share_of_gdp": f"{{}} of GDP in {years[1]}, the highest share in {region}",
            "growth": f"{{}} from {years[0]} to {years[1]}, the highest growth in {region}",
        }[column]
        figure = percent(known[0][column])
        sentence = f"{known[0]['country']}: {words.format(figure)}"
    picture(
        region_charts.tile_map(
            sentence,
            tiles,
            f"{MAPS[column][0].lower()}{MAPS[column][1:]}, in %; darker is larger; ~ estimated or uncertain",
            source,
            diverging=column == "growth",
        ),
        alt=f"Map of tiles, one a country. {sentence}",
        key="tile map",
    )
    st.caption(
        "Every country is a tile of one size, roughly where it lies. A grey tile has no figure: "
        "n/a unavailable, n/i not independent, out: left out of the regional total. Where a tile is "
        "too small to read, point at it, or see the rows below."
    )


def told(row: dict[str, Any], column: str) -> str:
    """The value on a tile in percent, or why there is none."""
    value = row[column]
    if value is None:
        if column == "share" and row["omitted"]:
            return "out"
        return "n/i" if row["to_status"] == "not_independent" else "n/a"
    rough = row[
        "share_of_gdp_status" if column == "share_of_gdp" else "to_status"
    ] in ESTIMATED or (column == "growth" and row["from_status"] in ESTIMATED)
    if 0 < value < 0.0005:
        return f"{'~' if rough else ''}<0.1"
    number = f"{100 * value:.1f}" if abs(value) < 0.1 else f"{100 * value:,.0f}"
    return f"{'~' if rough else ''}{number}"


main(st.session_state["snapshot"])
