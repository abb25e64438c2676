"""Ranking: the first n countries of a year in any measure, and who moved since another year."""

from __future__ import annotations

import streamlit as st

from dashboard import filters, queries, ranking_charts, spending_queries
from dashboard import ranking_queries as asked
from dashboard.data import Snapshot
from dashboard.parts import downloads, picture, rows
from dashboard.spending_charts import told
from dashboard.text import percent, plain
from pipelines.table import Table

LENGTHS = (10, 15, 20, 40)
DEFAULT_LENGTH = 15
YEARS_BACK = 10
LED = {
    "share_of_gdp": "carried the heaviest military burden",
    "share_of_government_spending": "gave the military the largest share of government spending",
    "per_capita_usd": "spent most a head",
}
OF = {"share_of_gdp": " of GDP"}
WORLDS = {
    "published": "SIPRI's total for the world",
    "summed": "the sum of the countries with a figure, as SIPRI prints no complete total for that "
    "year in these prices",
}
WHY = {
    "unavailable": "Unavailable: the state existed and SIPRI has no figure",
    "not_independent": "Not independent: there was no such state, and nothing is missing",
    None: "Not listed by this edition for that year",
}


def main(snapshot: Snapshot) -> None:
    """The page."""
    st.title("Who ranks where, and who moved?")
    left, middle, right = st.columns(3)
    with left:
        measure = filters.measure("current_usd")
    with middle:
        edition = filters.edition(snapshot)
    first, last = spending_queries.span(snapshot, measure, edition)
    with right:
        n = int(
            st.segmented_control(
                "How many",
                LENGTHS,
                default=DEFAULT_LENGTH,
                required=True,
                key="n",
                bind="query-params",
            )
            or DEFAULT_LENGTH
        )
    left, right = st.columns(2)
    with left:
        year = filters.year(first, last)
    with right:
        before = earlier(first, year)
    lacking = asked.without_figure(snapshot, edition, measure, year)
    comparable = unlisted(lacking) == unlisted(
        asked.without_figure(snapshot, edition, measure, before)
    )
    found = asked.ranking(snapshot, edition, measure, year, before if comparable else year, n)
    if asked.is_excerpt(snapshot, edition):
        count = sum(value is not None for value in found.column("value"))
        st.warning(
            f"Edition {edition} is here as an excerpt, with a figure of {count} countries for "
            f"{year}: ranks are among those.",
            icon=":material/content_cut:",
        )
    if not any(rank is not None for rank in found.column("rank")):
        st.info(f"Edition {edition} has no figure of this measure for {year}. Choose another year.")
        return
    source = f"Source: SIPRI Military Expenditure Database, edition {edition}. Milex."
    leaders(snapshot, found, measure, edition, year, n, source)
    named(lacking, year)
    if not comparable:
        st.info(
            f"This snapshot lists other countries for {before} than for {year}, so the ranks of the two "
            "years cannot be compared."
        )
        found = of_one_year(found)
    elif before < year:
        movement(snapshot, found, measure, edition, (before, year), n, source)
    else:
        found = of_one_year(found)
    table(snapshot, found, measure, edition, (before, year), source)


def unlisted(lacking: Table) -> list[str]:
    """The countries that the snapshot has no row for: in an excerpt, those that are left out."""
    return [row["country"] for row in lacking.records() if row["status"] is None]


def of_one_year(found: Table) -> Table:
    """The ranking without what compares it with another year."""
    count = found.columns.index("rank_before")
    return Table(
        found.columns[:count],
        [row[:count] for row in found.rows if row[0] is not None],
        {name: unit for name, unit in found.units.items() if name in found.columns[:count]},
    )


def earlier(first: int, year: int) -> int:
    """The year that is compared with; the ranked one itself where none is before it."""
    if year - first < 1:
        return year
    default = max(first, year - YEARS_BACK)
    if year - first == 1:
        return first
    return int(
        st.slider("Compared with", first, year - 1, default, key="before", bind="query-params")
    )


def leaders(
    snapshot: Snapshot, found: Table, measure: str, edition: int, year: int, n: int, source: str
) -> None:
    """The first n as bars, with their share of the world where the measure adds up to one."""
    top = [row for row in found.records() if row["rank"] and row["rank"] <= n]
    sentence = led(top, measure, year)
    unit = drawn_unit(snapshot, measure, edition)
    marked = {row["status"] for row in top} & ranking_charts.MARKS.keys()
    picture(
        ranking_charts.ranked(
            sentence,
            [
                (
                    f"{ranking_charts.place(row['rank'], row['tied'])}  {row['country']}",
                    row["value"],
                    told(row["value"], measure),
                    row["status"],
                )
                for row in top
            ],
            f"{unit}; {ranking_charts.LEGEND}" if marked else unit,
            source,
        ),
        alt=f"Bars, the largest on top. {sentence}",
        key="leaders",
    )
    notes = []
    basis = asked.world_basis(snapshot, edition, measure, year)
    if basis:
        together = sum(row["share_of_world"] for row in top)
        notes.append(
            f"These {len(top)} are {percent(together)} of the world's spending. A share of the world "
            f"is of {WORLDS[basis]}."
        )
    else:
        notes.append("This measure does not add up over countries: there is no share of the world.")
    if measure == "constant_usd":
        notes.append(
            "By current US$ the order can differ: it then takes each year's exchange rates."
        )
    if marked:
        notes.append(
            "Hatched bars are figures that SIPRI calls estimates (○) or highly uncertain (◇)."
        )
    if any(row["tied"] for row in top):
        notes.append("= marks a shared rank; the ranks after it are left out.")
    st.caption(plain(" ".join(notes)))


def drawn_unit(snapshot: Snapshot, measure: str, edition: int) -> str:
    """The unit as the labels of the charts have it."""
    unit = spending_queries.unit(snapshot, measure, edition)
    return unit.replace("US$ millions", "US$").replace("fraction of", "share of")


def led(top: list[dict[str, object]], measure: str, year: int) -> str:
    """Who is first, in one sentence."""
    leader = top[0]
    figure = told(float(str(leader["value"])), measure) + OF.get(measure, "")
    share = leader["share_of_world"]
    of_world = f", {percent(float(str(share)))} of the world" if share is not None else ""
    names = " and ".join(str(row["country"]) for row in top if row["rank"] == 1)
    return f"{year}: {names} {LED.get(measure, 'spent most')}, {figure}{of_world}"


def named(lacking: Table, year: int) -> None:
    """The countries that are in no rank that year, and why."""
    if not lacking.rows:
        st.caption(f"Every country of this edition has a figure for {year}.")
        return
    with st.expander(f"{len(lacking.rows)} countries have no figure for {year}"):
        for status, words in WHY.items():
            names = [row["country"] for row in lacking.records() if row["status"] == status]
            if names:
                st.markdown(f"**{words}** ({len(names)}): {plain('; '.join(names))}.")


def movement(
    snapshot: Snapshot,
    found: Table,
    measure: str,
    edition: int,
    years: tuple[int, int],
    n: int,
    source: str,
) -> None:
    """Ranks then and now, joined."""
    st.subheader(f"From {years[0]} to {years[1]}", anchor=False)
    everybody = found.records()
    if not any(row["rank_before"] for row in everybody):
        st.info(f"Edition {edition} has no figure of this measure for {years[0]}.")
        return
    sentence = ranking_charts.takeaway(everybody, n, years)
    unit = drawn_unit(snapshot, measure, edition)
    picture(
        ranking_charts.moves(sentence, everybody, n, years, f"rank by {unit}", source),
        alt=f"Lines from each country's rank in {years[0]} to that in {years[1]}. {sentence}",
        key="moves",
    )
    lines = []
    for word, told_as in (
        ("entered", f"Entered the first {n}"),
        ("left", f"Left the first {n}"),
    ):
        names = [
            f"{row['country']} ({then(row['rank_before'])} → {then(row['rank'])})"
            for row in everybody
            if row["movement"] == word
        ]
        if names:
            lines.append(f"- **{told_as}**: {plain('; '.join(names))}")
    if lines:
        st.markdown("\n".join(lines))
    st.caption(
        f"Below the dotted line are ranks beyond {n}; – is a year without a figure. A rank also moves "
        "when countries without a figure get one."
    )


def then(rank: int | None) -> str:
    """A rank in a list of movements."""
    return "no figure" if rank is None else str(rank)


def table(
    snapshot: Snapshot,
    found: Table,
    measure: str,
    edition: int,
    years: tuple[int, int],
    source: str,
) -> None:
    """Every country with its rank then and now."""
    st.subheader("Every country", anchor=False)
    meaning = f"rank by {filters.MEASURES[measure]} in {years[1]}"
    if "rank_before" in found.columns:
        meaning += f", compared with {years[0]} (before)"
    rows(found, meaning, country=st.column_config.TextColumn(width="medium"))
    downloads(
        found,
        [
            f"One row a country: {meaning}. {source}",
            *queries.provenance(snapshot, "SIPRI", edition),
        ],
        f"milex-ranking-{measure.replace('_', '-')}-{edition}-{years[1]}",
        "ranking",
    )


main(st.session_state["snapshot"])
