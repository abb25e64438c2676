"""Security structure: the hub and its spokes by year, and the layers of pacts in the region."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import alliance_queries as asked
from dashboard import filters, security_charts
from dashboard.data import Snapshot
from dashboard.parts import downloads, formats, picture, remembered
from dashboard.security_charts import OBLIGATIONS
from pipelines import graph
from pipelines.table import Table

TIES = ("defence", "all")
FIRST_YEAR = 1945
BARS = {"with the US": "pacts with the US", "defence": "defence pacts"}
SPOKES = list(asked.SPOKES)
RING = [732, 740, 713, 840, 900, 800]
MEASURES = (
    ("states", "States", "states of the region, and outside ones tied to it"),
    ("ties", "Ties", "pairs of states that one pact or more ties"),
    ("hub_degree", "Ties of the US", "how many of these states the US is tied to"),
    ("share_at_hub", "Share of ties at the US", "100 %: nobody is tied to anybody but the US"),
    ("density", "Density", "ties over all pairs of states that could be tied"),
    (
        "centralisation",
        "Centralisation",
        "by degree (Freeman): 100 % for a perfect hub and spokes, 0 % where all have equally many",
    ),
    (
        "closed_triangles",
        "Closed triangles",
        "of all pairs with a common partner, the share that is tied too; a pure hub and spokes has 0 %",
    ),
    ("components", "Groups", "separate groups of two states or more (connected components)"),
    ("largest_component", "Largest group", "states in the largest of them"),
)


def main(snapshot: Snapshot) -> None:
    """The page."""
    st.title("The structure of Asia-Pacific security")
    st.markdown(
        "Who is tied to whom, by what, since when. Each year shows the pacts as they were in force, "
        "by phase; a pact counts in every year of which it was in force on one day or more."
    )
    versions = {
        f"{row['dataset']} {row['version']}": row
        for row in asked.structure_versions(snapshot).records()
    }
    if not versions:
        st.info("This snapshot has no members of alliances. Put ATOP's files into `data/raw/`.")
        return
    first, second = st.columns(2)
    with first:
        chosen = filters.dataset(list(versions))
    region = second.selectbox(
        "Region",
        list(asked.LEVELS),
        key="level",
        bind="query-params",
        help="core: East Asia, South-East Asia and Oceania. The US and Russia are outside powers.",
    )
    level = asked.LEVELS[region]
    dataset, version = versions[chosen]["dataset"], versions[chosen]["version"]
    last_year = int(versions[chosen]["last_year"])
    source = asked.citation(snapshot, dataset, version)
    year = shape(snapshot, dataset, version, level, last_year, source)
    hub_and_spokes(snapshot, dataset, version, source)
    layers(snapshot, dataset, version, level, year, last_year, source)
    bars(snapshot, dataset, version, level, source)
    if dataset == "ATOP":
        burden(snapshot, last_year)


def shape(
    snapshot: Snapshot, dataset: str, version: str, level: int, last_year: int, source: str
) -> int:
    """The network of one year with its measures; the year is what the reader chose."""
    st.subheader("The network, year by year", anchor=False)
    if (asked_for := st.session_state.get("network_year")) is not None:
        st.session_state["network_year"] = min(max(asked_for, FIRST_YEAR), last_year)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    year = left.slider(
        "Year", FIRST_YEAR, last_year, last_year, key="network_year", bind="query-params"
    )
    shown = right.segmented_control(
        "Ties",
        TIES,
        default="defence",
        required=True,
        key="ties",
        bind="query-params",
    )
    ties = asked.frame(asked.ties(snapshot, dataset, version, level, year))
    if shown == "defence":
        ties = ties[ties["strongest"] == "defense"]
    states = asked.states(snapshot, dataset, version, level, shown == "defence").records()
    names = {row["state"]: row["country"] for row in states}
    inside = {row["state"] for row in states if row["inside"]}
    tied = set(ties["state_a"]) | set(ties["state_b"])
    places = graph.positions(
        asked.HUB,
        RING,
        inside,
        [row["state"] for row in states if row["closely"] and not row["inside"]],
    )
    plan = security_charts.Plan(
        {state: at for state, at in places.items() if state in inside | tied},
        {row["state"]: row["label"] for row in states},
        names,
        asked.HUB,
        SPOKES,
        inside,
    )
    pairs = list(zip(ties["state_a"], ties["state_b"], strict=True))
    measured = graph.measures(pairs, asked.HUB, inside)
    far = tied - set(places)
    spoken = spokes_tied(ties)
    takeaway = (
        f"{year}: the US has {'defence ties' if shown == 'defence' else 'ties'} with {spoken} of "
        f"its six spokes; the spokes have {among(ties)} with one another"
    )
    drawn, table = st.columns([5, 4])
    with drawn:
        picture(
            remembered(security_charts.network)(takeaway, ties, plan, source=source),
            alt=takeaway,
            key="network",
        )
    if far:
        drawn.caption(
            f"Not drawn: {len(far)} states outside the region that only a large treaty ties to it. "
            "They are in the measures and in the rows."
        )
    rows = [(name, told(measured[key], key), meaning) for key, name, meaning in MEASURES]
    table.markdown(f"**Its shape in {year}**")
    table.table(
        pd.DataFrame(rows, columns=["measure", str(year), "what it says"]).set_index("measure")
    )
    table.caption(
        "Few states and a chosen region: measures to compare years by, not to test anything."
    )
    found = asked.ties(snapshot, dataset, version, level, year)
    with table:
        downloads(
            found,
            [f"Ties of {year}, strongest obligation.", source],
            f"milex-ties-{dataset}-{version}-{year}",
            "ties",
        )
    return int(year)


def told(value: float | int | None, key: str) -> str:
    """A measure as people read it."""
    if value is None:
        return "–"
    return f"{100 * value:.0f} %" if isinstance(value, float) else f"{value:,}"


def spokes_tied(ties: pd.DataFrame) -> int:
    """How many spokes are tied to the hub."""
    return len(set(ties[ties["state_a"] == asked.HUB]["state_b"]) & set(SPOKES))


def among(ties: pd.DataFrame) -> str:
    """How many ties the spokes have with one another, in words."""
    count = int((ties["state_a"].isin(SPOKES) & ties["state_b"].isin(SPOKES)).sum())
    return "none" if count == 0 else f"{count} of 15 possible"


def readable(table: Table, *drop: str) -> Table:
    """Obligations in words, dates as dates; without columns that are for machines."""
    columns = [name for name in table.columns if name not in drop]
    rows = [
        tuple(OBLIGATIONS[row[name]].word if name == "strongest" else row[name] for name in columns)
        for row in table.records()
    ]
    return Table(tuple(columns), rows, table.units)


def listing(table: Table, alt: str) -> None:
    """A table with its column settings; a NULL end is an open one."""
    st.dataframe(
        table.by_column(),
        hide_index=True,
        height=min(420, 36 * (len(table.rows) + 1) + 3),
        column_config={
            **formats(table),
            "alliance id": st.column_config.TextColumn("pact no."),
            "strongest": st.column_config.TextColumn("strongest obligation"),
            "since": st.column_config.DateColumn(format="D MMM YYYY"),
            "ended": st.column_config.DateColumn(format="D MMM YYYY", width="medium"),
            "with us": st.column_config.CheckboxColumn("with the US"),
            "with russia": st.column_config.CheckboxColumn("with Russia"),
            "hub is in it": st.column_config.CheckboxColumn(
                "US in it", help="the US was a member at some time while the two were"
            ),
        },
        placeholder="in force at closing" if "ended" in table.columns else "",
        alt=alt,
    )


def hub_and_spokes(snapshot: Snapshot, dataset: str, version: str, source: str) -> None:
    """The hub's pacts with each spoke, and the spokes' with one another."""
    st.subheader("Hub and spokes", anchor=False)
    st.markdown(
        "The pacts of the US with Japan, South Korea, the Philippines, Taiwan, Thailand and Australia "
        "in force at any time since 1951, defence pacts first."
    )
    ties = asked.hub_ties(snapshot, dataset, version, asked.HUB, SPOKES)
    if ties.rows:
        listing(readable(ties, "state_b"), "Pacts of the US with the six spokes")
    else:
        st.info("No pact between the US and a spoke is in these data.")
    st.markdown(
        "**The spokes' pacts with one another.** Where the US is a member too, the tie runs through "
        "the hub's own treaty."
    )
    others = asked.spoke_ties(snapshot, dataset, version, asked.HUB, SPOKES)
    if others.rows:
        listing(readable(others), "Pacts of two spokes with one another")
    else:
        st.info("No pact between two spokes is in these data.")
    downloads(
        ties,
        ["Pacts of the US with six spokes since 1951.", source],
        f"milex-hub-{dataset}-{version}",
        "hub and spokes",
    )


def layers(
    snapshot: Snapshot,
    dataset: str,
    version: str,
    level: int,
    year: int,
    last_year: int,
    source: str,
) -> None:
    """Bilateral defence below, large cooperative treaties above; and those with the US over time."""
    st.subheader("Two layers", anchor=False)
    pacts = asked.frame(asked.pacts_by_year(snapshot, dataset, version, level))
    if not len(pacts):
        st.info("No pact of this region is in these data.")
        return
    now = pacts[pacts["year"] == year]
    left, right = st.columns(2)
    for column, bilateral in ((left, True), (right, False)):
        mine = now[now["bilateral"] == bilateral]
        total = int(mine["pacts"].sum())
        defence = int(mine[mine["strongest"] == "defense"]["pacts"].sum())
        kind = "bilateral" if bilateral else "multilateral"
        takeaway = f"{year}: {defence} of {total} {kind} pacts carry a duty to defend"
        column.plotly_chart(
            remembered(security_charts.obligations)(
                takeaway, pacts, last_year=last_year, source=source, bilateral=bilateral
            ),
            alt=takeaway,
            key=f"obligations {kind}",
        )
    st.markdown(f"**The multilateral pacts in force in {year}**, the largest first.")
    multilateral = asked.layer(snapshot, dataset, version, level, year)
    if multilateral.rows:
        listing(readable(multilateral), f"Multilateral pacts of {year}")
    else:
        st.info(f"No multilateral pact of the region was in force in {year}.")
    of_all = share_with_us(pacts)
    of_defence = share_with_us(pacts[pacts["strongest"] == "defense"])
    latest = dict(zip(of_defence["year"], of_defence["share"], strict=True)).get(year)
    takeaway = (
        f"The region had no defence pact in {year}"
        if latest is None
        else f"The US was in {100 * latest:.0f} % of the region's defence pacts in {year}"
    )
    picture(
        remembered(security_charts.shares)(
            takeaway,
            [("of defence pacts", of_defence), ("of all pacts", of_all)],
            unit="share of the region's pacts in force that have the US as a member",
            source=source,
            last_year=last_year,
        ),
        alt=takeaway,
        key="share",
    )


def share_with_us(pacts: pd.DataFrame) -> pd.DataFrame:
    """By year, the share of pacts that have the US as a member."""
    if not len(pacts):
        return pd.DataFrame({"year": [], "share": []})
    sums = pacts.groupby("year", as_index=False)[["with_us", "pacts"]].sum()
    return sums.assign(share=sums["with_us"] / sums["pacts"])[["year", "share"]]


def bars(snapshot: Snapshot, dataset: str, version: str, level: int, source: str) -> None:
    """Pacts from begin to end."""
    st.subheader("From signature to end", anchor=False)
    which = st.segmented_control(
        "Pacts",
        list(BARS),
        default="with the US",
        required=True,
        key="pacts",
        bind="query-params",
    )
    phases = asked.frame(asked.timeline(snapshot, dataset, version, level, which))
    going = phases[phases["end_date"].isna()]["alliance_id"].nunique() if len(phases) else 0
    pacts = phases["alliance_id"].nunique() if len(phases) else 0
    takeaway = f"{going} of {pacts} {BARS[which]} since 1945 were in force at the closing"
    picture(
        remembered(security_charts.timeline)(takeaway, phases, source=source),
        alt=takeaway,
        key="timeline",
    )


def burden(snapshot: Snapshot, last_year: int) -> None:
    """What allies of the US and the others spend."""
    editions = asked.burden_editions(snapshot)
    if not editions:
        return
    st.subheader("What allies spend, and the others", anchor=False)
    filters.keep("edition", editions)
    edition = st.selectbox("SIPRI edition", editions, key="edition", bind="query-params")
    rows = asked.allies_burden(snapshot, edition)
    known = asked.frame(rows)
    latest = int(known["year"].max())
    by_group: dict[bool, Any] = {
        bool(row["allied"]): row for row in rows.records() if row["year"] == latest
    }
    takeaway = f"No year has both groups in edition {edition}"
    if len(by_group) == 2:
        ally, other = by_group[True], by_group[False]
        takeaway = (
            f"{latest}: {ally['countries']} allies spent {100 * ally['mean_share_of_gdp']:.1f} % of "
            f"GDP on average, the {other['countries']} other members "
            f"{100 * other['mean_share_of_gdp']:.1f} %"
        )
    picture(
        remembered(security_charts.burden)(
            takeaway,
            known,
            source=f"Source: SIPRI Military Expenditure Database, edition {edition}; ATOP, newest "
            "version. Milex.",
            last_year=latest,
        ),
        alt=takeaway,
        key="burden",
    )
    st.caption(
        "Few countries, chosen by history, and not the same ones in every year; a group of fewer "
        "than three is not drawn. A country is left "
        "out in years without both figures. This describes; it does not explain, and it says "
        "nothing of cause. An ally is a member of SIPRI's Asia & Oceania that ATOP ties to the US "
        "with a defence obligation in the year; years after ATOP's closing are unknown."
    )
    st.dataframe(
        rows.by_column(),
        hide_index=True,
        height=240,
        column_config={
            **formats(rows),
            **{
                rows.heading(name): st.column_config.NumberColumn(
                    name.replace("_", " ").replace("share of gdp", "% of GDP"), format="percent"
                )
                for name in rows.units
            },
        },
        placeholder="",
        alt="Military burden of allies and others by year",
    )


main(st.session_state["snapshot"])
