"""Alliances: how long they last and how they end, with and without those still in force."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import alliance_queries as asked
from dashboard import filters, survival_charts
from dashboard.data import Snapshot
from dashboard.parts import downloads, formats, picture
from dashboard.text import plain
from pipelines.table import Table

NAMES = {
    "all": {"all": "all"},
    "obligation": {
        "defense": "defence",
        "nonaggression": "non-aggression",
        "neutrality": "neutrality",
        "consultation": "consultation",
    },
    "members": {"bilateral": "bilateral", "multilateral": "multilateral"},
    "era": {name: name for name in ("1815–1914", "1914–45", "1945–89", "since 1989")},
}
MEANING = {
    "alliance": "one treaty relationship, from signature to end",
    "phase": "one version of an alliance's obligations",
    "lineage": "renegotiated treaties that continue one another, counted as one",
    "member spell": "one state's time in one alliance",
    "dyad": "two states' common time in one alliance",
}
AGE = 60
TO_AGE = 100
AGES = list(range(0, TO_AGE + 1, 10))
PITFALLS = """
- **Leaving out what goes on biases downwards.** The mean of those that ended knows only lives that
  were short enough to end before the closing. The survival estimate counts those still in force for
  as long as they were watched.
- **Coverage ends.** ATOP 3.0 knows nothing after 2003, 5.1 after 2018, COW 4.1 after 2012. What came
  later is unknown, and never counted as an end.
- **A closing limits what can be seen.** By the end of 2003 no alliance signed after 1943 can have
  reached sixty years. So a count of those that did is over those old enough.
- **COW begins late.** Alliances in force before 1816 come under observation in 1816, at the age
  that they then had: the ones that ended earlier are not in the dataset.
- **A renegotiated treaty is a new alliance** (US and Japan 1951 and 1960). The lineage joins them:
  at least two common members, the later begun within 365 days of the earlier's end on either side,
  and the earlier coded as renegotiated.
- **The unit is part of every figure.** Spells and dyads of one treaty often end on the same day, so
  their bands are too narrow and their p-values too small.
- **Obligations overlap.** A pact stands under each obligation that it has. Eras are half-open: a
  border year belongs to the later one.
- **An unknown day or month** is set to the middle of the period.
"""


def number(value: Any, decimals: int = 1) -> str:
    """A figure, or words where there is none."""
    return "not reached" if value is None else f"{value:,.{decimals}f}"


def main(snapshot: Snapshot) -> None:
    """The page."""
    st.title("How long do alliances last?")
    choices: dict[str, list[str]] = {}
    for dataset, version, unit in asked.units(snapshot).rows:
        choices.setdefault(f"{dataset} {version}", []).append(unit)
    if not choices:
        st.info("This snapshot has no alliances. Put ATOP's or COW's files into `data/raw/`.")
        return
    first, second, third = st.columns(3)
    with first:
        chosen = filters.dataset(list(choices))
    filters.keep("unit", choices[chosen])
    unit = second.selectbox(
        "Unit",
        choices[chosen],
        key="unit",
        bind="query-params",
        help="\n\n".join(f"**{name}**: {text}" for name, text in MEANING.items()),
    )
    grouping = third.selectbox(
        "Curves by",
        list(NAMES),
        key="by",
        bind="query-params",
    )
    dataset, version = chosen.split(" ", 1)
    st.caption(f"Unit: {unit}, {MEANING[unit]}. Every figure below is in this unit.")
    if len(choices[chosen]) < len(asked.UNITS):
        st.caption(
            "Other units need the members of every alliance, and this snapshot has those of some."
        )
    source = asked.citation(snapshot, dataset, version)
    whole = asked.lifespans(snapshot, dataset, version, unit, "all").records()
    if not whole:
        st.info(f"There is no {unit} in {plain(chosen)}.")
        return
    summary(whole[0], unit)
    survival(snapshot, dataset, version, unit, grouping, source)
    lifespans(snapshot, dataset, version, unit, whole[0], source)
    endings(snapshot, dataset, version, unit, source)
    st.subheader("What to know before quoting a figure", anchor=False)
    st.markdown(PITFALLS)


def plural(unit: str) -> str:
    """More than one of a unit."""
    return "dyads" if unit == "dyad" else f"{unit}s"


def summary(row: dict[str, Any], unit: str) -> None:
    """The mean without those in force, and beside it what counts them."""
    with st.container(horizontal=True, gap="medium"):
        for label, value in (
            (plural(unit).capitalize(), f"{row['units']:,}"),
            ("In force at the closing", f"{row['in_force']:,}"),
            ("Mean of those that ended", f"{number(row['mean_years'])} years"),
            ("Survival median", f"{number(row['survival_median_years'])} years"),
            ("Mean of the first 50 years", f"{number(row['restricted_mean_50_years'])} years"),
        ):
            st.metric(label, value, width="content")
    st.caption(
        "The first mean leaves out those still in force. The survival median and the mean of the "
        "first 50 years (Kaplan–Meier, restricted) count them for as long as they were watched."
    )


def survival(
    snapshot: Snapshot, dataset: str, version: str, unit: str, grouping: str, source: str
) -> None:
    """The curves, how many were at risk, the log-rank test, and how rare a long life is."""
    curves = asked.curves(snapshot, dataset, version, unit, grouping)
    risk = asked.at_risk(snapshot, dataset, version, unit, grouping, AGES)
    rows = asked.lifespans(snapshot, dataset, version, unit, grouping)
    names = NAMES[grouping]
    takeaway = headline(rows, unit, names)
    picture(
        survival_charts.survival(
            takeaway,
            asked.frame(curves),
            asked.frame(risk),
            unit=plural(unit),
            source=source,
            names=names,
            to_age=TO_AGE,
        ),
        alt=f"Survival curves. {takeaway}",
        key="survival",
    )
    if grouping != "all":
        tested(asked.log_rank(snapshot, dataset, version, unit, grouping), names, unit)
    rare = asked.reach(snapshot, AGE, dataset, version, unit).records()[0]
    if rare["old_enough"]:
        estimate = (
            ""
            if rare["survival"] is None
            else f" The survival estimate from all of them is {100 * rare['survival']:.1f} %"
            + (
                ""
                if rare["lower"] is None
                else f" (95 %: {100 * rare['lower']:.1f} to {100 * rare['upper']:.1f} %)"
            )
            + "."
        )
        st.markdown(
            f"**How rare is a long life?** Of the {rare['old_enough']:,} {plural(unit)} begun "
            f"{AGE} years or more before the closing, {rare['reached']:,} "
            f"({100 * rare['reached_share']:.1f} %) lasted {AGE} years.{estimate}"
        )
    st.dataframe(
        rows.by_column(),
        hide_index=True,
        column_config={
            **formats(rows),
            **{
                rows.heading(name): st.column_config.NumberColumn(format="%.1f")
                for name in rows.units
            },
        },
        placeholder="",
        alt=f"Lifespans of {plural(unit)}, by {grouping}",
    )
    downloads(
        curves,
        [f"Unit: {unit}; grouping: {grouping}.", source],
        f"milex-survival-{dataset}-{version}-{unit.replace(' ', '-')}-{grouping}",
        "curves",
    )


def headline(rows: Table, unit: str, names: dict[str, str]) -> str:
    """What the curves show, in one sentence."""
    medians = {
        names[row["level"]]: row["survival_median_years"]
        for row in rows.records()
        if row["level"] in names
    }
    if len(medians) == 1:
        (median,) = medians.values()
        return (
            f"More than half of the {plural(unit)} go on as far as they were watched"
            if median is None
            else f"Half of the {plural(unit)} are over after {median:.1f} years"
        )
    parts = [f"{medians[n]:.0f} ({n})" for n in names.values() if medians.get(n) is not None]
    never = [name for name in names.values() if name in medians and medians[name] is None]
    reached = f"Half of the {plural(unit)} are over after {', '.join(parts)} years" if parts else ""
    open_ = f"more than half go on: {', '.join(never)}" if never else ""
    return "; ".join(filter(None, (reached, open_)))


def tested(tests: Table, names: dict[str, str], unit: str) -> None:
    """The log-rank test in words."""
    lines = []
    for test in tests.records():
        what = (
            "Do the curves differ?"
            if test["level"] == "all"
            else f"With and without {names.get(test['level'], test['level'])}:"
        )
        if test["p_value"] is None:
            lines.append(f"- {what} No two levels were at risk together; there is no test.")
            continue
        p = "p < 0.001" if test["p_value"] < 0.001 else f"p = {test['p_value']:.3f}"
        lines.append(
            f"- {what} log-rank χ² = {test['chi_square']:.1f}, "
            f"{test['degrees_of_freedom']} df, {p} ({test['units']:,} {plural(unit)})"
        )
    if lines:
        st.markdown("**Log-rank test**\n\n" + "\n".join(lines).replace("<", "&lt;"))


def lifespans(
    snapshot: Snapshot, dataset: str, version: str, unit: str, row: dict[str, Any], source: str
) -> None:
    """The distribution of those that ended, with the means and medians."""
    st.subheader("The distribution", anchor=False)
    spans = asked.spans(snapshot, dataset, version, unit)
    mean, median = row["mean_years"], row["survival_median_years"]
    restricted = row["restricted_mean_50_years"]
    takeaway = (
        f"No {unit} has ended"
        if mean is None
        else f"Those that ended lasted {mean:.1f} years on average; "
        f"{row['in_force']:,} that go on are not in this mean"
    )
    picture(
        survival_charts.lifespans(
            takeaway,
            asked.frame(spans),
            [
                (mean, f"mean of those that ended: {number(mean)}"),
                (median, f"survival median: {number(median)}"),
                (restricted, f"restricted mean, 50 years: {number(restricted)}"),
            ],
            unit=plural(unit),
            source=f"{source[: -len(' Milex.')]} One bar is two years. Milex.",
        ),
        alt=f"Histogram of lifespans. {takeaway}",
        key="lifespans",
    )
    downloads(
        spans,
        [f"Unit: {unit}, those that ended.", source],
        f"milex-lifespans-{dataset}-{version}-{unit.replace(' ', '-')}",
        "lifespans",
    )


def endings(snapshot: Snapshot, dataset: str, version: str, unit: str, source: str) -> None:
    """How they end."""
    st.subheader("How they end", anchor=False)
    found = asked.endings(snapshot, dataset, version, unit)
    if not found.rows:
        st.markdown(f"{plain(dataset)} does not code how an alliance ended.")
        return
    last: dict[str, float] = {}
    for row in found.records():
        if row["years"] <= AGE:
            last[row["ending"]] = row["cumulative_incidence"]
    most = max(last, key=lambda name: last[name], default="")
    takeaway = (
        f"By the age of {AGE}, {100 * last[most]:.0f} % were {most}"
        if most in ("fulfilled", "violated", "renegotiated")
        else f"By the age of {AGE}, {100 * sum(last.values()):.0f} % had ended"
    )
    picture(
        survival_charts.incidence(
            takeaway, asked.frame(found), unit=plural(unit), source=source, to_age=TO_AGE
        ),
        alt=f"How {plural(unit)} end. {takeaway}",
        key="endings",
    )
    st.caption(
        "Endings compete: an alliance that was renegotiated can no longer be violated. The shares of "
        "all endings and of those not ended add up to 100 %."
    )


main(st.session_state["snapshot"])
