"""Spending: countries and regions over time, in any measure, with what is estimated or missing."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import filters, queries, spending_charts
from dashboard import spending_queries as asked
from dashboard.data import Snapshot
from dashboard.parts import downloads, picture, rows
from dashboard.spending_charts import Trend, spans
from dashboard.text import plain
from pipelines.table import Table

DEFAULT = ("China", "India", "Japan", "Korea, South")
SINCE = 1990
US_DOLLARS = ("constant_usd", "current_usd")
SHOWN = {"absolute": "Absolute", "indexed": "Indexed"}
AXES = {"linear": "Linear", "log": "Logarithmic"}
NO_REGION = {
    "per_capita_usd": "SIPRI gives totals of regions in US$ only, and no population to divide by",
    "share_of_government_spending": "SIPRI gives totals of regions in US$ only, and no government "
    "spending to divide by",
}
UNITS = {
    "current_usd": "US$ billions, current prices",
    "share_of_gdp": "share of GDP",
    "per_capita_usd": "US$ per head, current prices",
    "share_of_government_spending": "share of general government spending",
}
WORDS = {
    "estimate": "SIPRI's estimate",
    "uncertain": "highly uncertain",
    "unavailable": "unavailable",
    "not_independent": "not independent",
}


def main(snapshot: Snapshot) -> None:
    """The page."""
    st.title("Who spends how much, and since when?")
    places = filters.places(snapshot, DEFAULT)
    left, middle, right = st.columns(3)
    with left:
        measure = filters.measure()
    with middle:
        edition = filters.edition(snapshot)
    with right:
        first, last = asked.span(snapshot, measure, edition)
        years = filters.years(first, last, (SINCE, last))
    known = set(queries.regions(snapshot))
    regions = [place for place in places if place in known]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = filters.one_of("Values", SHOWN, "values")
        axis = filters.one_of("Axis", AXES, "axis")
        basis = filters.basis() if regions and measure in US_DOLLARS else "published"
        indexed_to = st.container()
    if not places:
        st.info("Choose a country or a region above.")
        return
    found = asked.series(snapshot, places, edition, measure, basis, years)
    trends = by_place(found, places, years)
    base_year = None
    if shown == "indexed":
        with indexed_to:
            base_year = index_year(trends, years)
    drawn = indexed(trends, base_year) if base_year else trends
    sentence = spending_charts.takeaway(drawn, measure, base_year)
    picture(
        spending_charts.trends(
            sentence,
            drawn,
            f"index, {base_year} = 100: {unit(snapshot, measure, edition)}"
            if base_year
            else unit(snapshot, measure, edition),
            source(edition, regions, measure, basis),
            measure=measure,
            indexed=base_year is not None,
            log=axis == "log",
        ),
        alt=f"Lines by year. {sentence}",
        key="spending",
    )
    told = [
        *undrawn(trends, base_year, axis == "log"),
        *(line for trend in trends for line in lacking(trend, regions, measure, edition)),
    ]
    if told:
        st.markdown("\n".join(f"- {line}" for line in told))
    st.caption(
        "Dashed lines and open marks are figures that SIPRI calls estimates (○) or highly uncertain "
        "(◇); a region's total is an estimate where more than a tenth of it is. Unavailable: the "
        "state existed and SIPRI has no figure. Not independent: there was no such state, and "
        "nothing is missing."
        + (
            " A region's share of GDP is implied: the spending of its countries over the GDP that "
            "their own shares imply."
            if regions and measure == "share_of_gdp"
            else ""
        )
    )
    st.subheader("The figures", anchor=False)
    rows(found, f"{filters.MEASURES[measure]} by place and year, with status and SIPRI's notes")
    downloads(
        found,
        [
            f"Military expenditure, {filters.MEASURES[measure]}, {years[0]} to {years[1]}. "
            + source(edition, regions, measure, basis),
            *queries.provenance(snapshot, "SIPRI", edition),
        ],
        f"milex-spending-{measure.replace('_', '-')}-{edition}",
        "figures",
    )


def index_year(trends: Sequence[Trend], years: tuple[int, int]) -> int:
    """The year that is 100: the first in which every place has a figure, unless another is chosen."""
    span = range(years[0], years[1] + 1)
    having = [trend for trend in trends if trend.known()]
    common = next((year for year in span if all(trend.at(year) for trend in having)), years[0])
    return int(
        st.selectbox(
            "Year that is 100",
            list(span),
            index=common - years[0],
            key="index_year",
            bind="query-params",
            width=160,
        )
    )


def by_place(found: Table, places: Sequence[str], years: tuple[int, int]) -> list[Trend]:
    """The rows as one series a place, with a gap for every year without a row."""
    by_key = {(row["place"], row["year"]): row for row in found.records()}
    span = list(range(years[0], years[1] + 1))
    return [
        Trend(
            place,
            span,
            [by_key[place, year]["value"] if (place, year) in by_key else None for year in span],
            [by_key[place, year]["status"] if (place, year) in by_key else "" for year in span],
        )
        for place in places
    ]


def indexed(trends: Sequence[Trend], base_year: int) -> list[Trend]:
    """Values over that of one year, which becomes 100; without the places that have none then."""
    return [
        Trend(
            trend.name,
            trend.years,
            [None if value is None else 100 * value / base for value in trend.values],
            trend.statuses,
        )
        for trend in trends
        if (base := trend.at(base_year))
    ]


def unit(snapshot: Snapshot, measure: str, edition: int) -> str:
    """The unit that is drawn."""
    return UNITS.get(measure, f"US$ billions, prices of {queries.base_year(snapshot, edition)}")


def source(edition: int, regions: Sequence[str], measure: str, basis: str) -> str:
    """The line below the chart."""
    totals = f" Regions: {filters.BASES[basis]}." if regions and measure in US_DOLLARS else ""
    return f"Source: SIPRI Military Expenditure Database, edition {edition}.{totals} Milex."


def undrawn(trends: Sequence[Trend], base_year: int | None, log: bool) -> list[str]:
    """What the choice of an index or of a logarithmic axis leaves out."""
    lines = []
    if base_year:
        lines += [
            f"**{plain(trend.name)}** is not drawn: it has no figure above zero in {base_year}, the "
            "year that is 100."
            for trend in trends
            if trend.known() and not trend.at(base_year)
        ]
    if log:
        lines += [
            f"**{plain(trend.name)}** spent nothing in {spans(zeros)}; a logarithmic axis has no "
            "place for zero."
            for trend in trends
            if (zeros := [year for year, value, _ in trend.known() if value == 0])
        ]
    return lines


def lacking(trend: Trend, regions: Sequence[str], measure: str, edition: int) -> list[str]:
    """What is estimated, unavailable or not independent in a place's series, with the years."""
    name = f"**{plain(trend.name)}**"
    if trend.name in regions and measure in NO_REGION:
        return [f"{name} is not drawn: {NO_REGION[measure]}."]
    told = [
        f"{word} {spans(years)}"
        for status, word in WORDS.items()
        if (
            years := [
                year
                for year, found in zip(trend.years, trend.statuses, strict=True)
                if found == status
            ]
        )
    ]
    unlisted = [year for year, found in zip(trend.years, trend.statuses, strict=True) if not found]
    if unlisted:
        what = "no total" if trend.name in regions else "no row"
        told.append(f"{what} in edition {edition} for {spans(unlisted)}")
    return [f"{name}: {'; '.join(told)}."] if told else []


main(st.session_state["snapshot"])
