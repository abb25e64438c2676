"""Check a claim: a question of the reader's own, its figure, and how far it depends on choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import alliance_queries, checking, claim_parts, filters, queries, spending_queries
from dashboard.checking import KINDS, Answer, Question
from dashboard.data import Snapshot
from dashboard.parts import picture
from dashboard.text import plain, verdict_badge
from pipelines.claims.dimensions import Dimension
from pipelines.claims.files import Stated
from pipelines.claims.metrics import METRICS
from pipelines.claims.numbers import figure
from pipelines.errors import MilexError
from pipelines.models import Model, load_models
from pipelines.settings import load_settings

REGION = "Asia & Oceania"
COUNTRY = "China"
YEARS_BACK = 10
MOST_RANKS = 50
LABELS = {
    "unit": "Counted by",
    "obligation": "Obligation",
    "members": "Members",
    "ended_by": "Ended by",
    "statistic": "Statistic",
}


@st.cache_resource(show_spinner=False)
def models() -> dict[str, Model]:
    """What evaluates claims."""
    return load_models(load_settings().sql)


@st.cache_data(max_entries=100, show_spinner="Computing every specification …")
def answered(path: str, text: str) -> Answer:
    """What a claim file's text comes to over a snapshot."""
    with Snapshot(path).connection() as connection:
        return checking.answer(connection, text, models())


def main(snapshot: Snapshot) -> None:
    """The page."""
    st.title("Does a figure hold?")
    st.markdown(
        "Ask for a figure, and see how far it depends on the edition, the prices and other choices "
        "that somebody could reasonably make. State what you read, and it is checked."
    )
    question = asked(snapshot)
    if question is None:
        return
    regions = queries.regions(snapshot)
    first = checking.claim_of(checking.written(question, regions, None))
    value = checking.value_of(snapshot, first)
    text = checking.written(question, regions, value)
    known = shown_as(question, checking.before_evaluation(checking.claim_of(text), value))
    found = figure(value, question.unit, known["decimals"] + 1)
    st.divider()
    if value is not None:
        st.header(plain(question.sentence(found)), anchor=False)
    verdict = st.container()
    about = None
    if value is not None:
        from dashboard import subjects

        about = subjects.subject(snapshot, known)
        if about and about.figure:
            picture(about.figure, alt=about.takeaway, key="about")
    answer = answered(snapshot.path, text)
    claim = shown_as(question, answer.claim)
    with verdict:
        judged(question, claim)
    if claim["specifications"]:
        claim_parts.dependence(claim, answer.grid)
    claim_parts.query(claim)
    if about:
        claim_parts.rows_behind(about)
    travels(snapshot, question, claim, answer, text, about)


def shown_as(question: Question, claim: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `claims` in which nothing is stated where the reader stated nothing."""
    return {**claim} if question.stated else {**claim, "stated": ""}


def asked(snapshot: Snapshot) -> Question | None:
    """The question as it is chosen; None while something is missing, which the page says."""
    by_label = {kind.label: name for name, kind in KINDS.items()}
    label = st.selectbox(
        "Figure",
        by_label,
        key="metric",
        bind="query-params",
    )
    metric = by_label[label]
    if "dataset" in KINDS[metric].asks:
        choices = of_alliances(snapshot, metric)
    else:
        choices = of_spending(snapshot, metric)
    stated = stated_figure(metric)
    return None if choices is None else Question(metric, choices, stated)


def of_spending(snapshot: Snapshot, metric: str) -> dict[str, Any] | None:
    """The choices of a question about military expenditure, in the order of its kind."""
    asks = KINDS[metric].asks
    chosen: dict[str, Any] = {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if "place" in asks:
            regional = KINDS[metric].place_is == "region"
            choose = filters.region if regional else filters.place
            chosen["place"] = choose(snapshot, REGION)
        if "country" in asks:
            chosen["country"] = country(snapshot, chosen.get("place"))
        if "top" in asks:
            chosen["top"] = int(
                st.number_input(
                    "How many of the largest", 1, MOST_RANKS, 15, key="top", bind="query-params"
                )
            )
        if "amount" in asks:
            chosen["amount"] = float(
                st.number_input(
                    "Billions of local currency",
                    0.0,
                    1e9,
                    100.0,
                    format="%.12g",
                    key="amount",
                    bind="query-params",
                )
            )
        chosen["edition"] = filters.edition(snapshot)
    measure = "share_of_gdp" if "burden" in metric else "constant_usd"
    first, last = spending_queries.span(snapshot, measure, chosen["edition"])
    if "year" in asks:
        follow("year", last)
        chosen["year"] = filters.year(first, last)
    else:
        span = (max(first, last - YEARS_BACK), last)
        follow("years", span)
        chosen["from_year"], chosen["to_year"] = filters.years(first, last, span)
    with st.container(horizontal=True):
        if "prices" in asks:
            words = claim_parts.WORDS["prices"]
            levels = METRICS[metric].dimensions["prices"].levels or ()
            follow("prices", levels[0])
            chosen["prices"] = filters.one_of(
                "Prices", {level: words[level] for level in levels}, "prices"
            )
        if "basis" in asks:
            of_region = chosen["place"] in queries.regions(snapshot)
            chosen["basis"] = filters.basis() if of_region else "published"
    if "from_year" in chosen and chosen["from_year"] == chosen["to_year"]:
        st.info("Choose two different years.")
        return None
    if None in chosen.values():
        st.info("This snapshot has no figures for this question.")
        return None
    return {name: chosen[name] for name in asks}


def follow(key: str, default: Any) -> None:
    """Keep what was chosen while other choices change what can be chosen; what was left at its
    default follows the default.

    The address holds no default, so what it opens would else differ from what is shown.
    """
    defaults = st.session_state.setdefault("check defaults", {})
    if key in st.session_state:  # written anew, or the browser would keep what it shows
        chosen = st.session_state[key]
        st.session_state[key] = default if chosen == defaults.get(key) else chosen
    defaults[key] = default


def country(snapshot: Snapshot, region: str | None) -> str | None:
    """A country, of the region if there is one."""
    known = queries.countries(snapshot)
    if region is not None:
        members = queries.regions_countries(snapshot, region)
        known = [name for name in known if name in members]
    return one_of("Country", known, COUNTRY, "country")


def one_of(label: str, options: Sequence[str], default: str, key: str) -> str | None:
    """One of several, None of none; what the other choices no longer allow is forgotten."""
    if not options:
        return None
    index = options.index(default) if default in options else 0
    follow(key, options[index])
    if st.session_state.get(key, options[index]) not in options:
        st.session_state[key] = options[index]
    return str(st.selectbox(label, options, index=index, key=key, bind="query-params"))


def of_alliances(snapshot: Snapshot, metric: str) -> dict[str, Any] | None:
    """The choices of a question about alliances, in the order of its kind."""
    units: dict[str, list[str]] = {}
    for dataset, version, unit in alliance_queries.units(snapshot).rows:
        units.setdefault(f"{dataset} {version}", []).append(unit)
    if not units:
        st.info("This snapshot has no alliances. Put ATOP's or COW's files into `data/raw/`.")
        return None
    chosen: dict[str, Any] = {}
    with st.container(horizontal=True):
        chosen["dataset"] = one_of("Dataset and version", list(units), next(iter(units)), "data")
        for name in KINDS[metric].asks[1:]:
            dimension: Dimension = METRICS[metric].dimensions[name]
            levels = units[chosen["dataset"]] if name == "unit" else list(dimension.levels or ())
            chosen[name] = one_of(LABELS[name], levels, dimension.default, name)
    return chosen


def stated_figure(metric: str) -> Stated | None:
    """The figure that the reader read somewhere, if any."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        word = st.selectbox(
            "Stated as",
            list(checking.COMPARISONS),
            key="comparison",
            bind="query-params",
            width=160,
        )
        text = st.text_input(
            f"Stated figure, in {METRICS[metric].unit} (if there is one)",
            key="stated",
            bind="query-params",
            max_chars=60,
            placeholder="60 and 70" if word == "between" else "59",
            help="Write it as it is printed: 9.3 is compared to one decimal, 9 to none. A fall is "
            "negative.",
        )
    try:
        return checking.stated_in(text or "", checking.COMPARISONS[word], metric)
    except MilexError as error:
        st.warning(plain(str(error)))
        return None


def judged(question: Question, claim: Mapping[str, Any]) -> None:
    """The verdict on a stated figure; without one, how many specifications give the same."""
    if claim["verdict"] == "data missing":
        reason = checking.reason(claim)
        st.markdown(f"{verdict_badge('data missing')} {plain(reason)}")
        if "no such total" in reason:
            st.caption(f"The {filters.BASES['summed']} may be there: choose it as regional total.")
        return
    explained = claim["explanation"].removeprefix(claim["finding"]).strip()
    if question.stated:
        st.markdown(f"{verdict_badge(claim['verdict'])} {plain(explained)}")
        return
    printed = figure(claim["stated_value"], claim["unit"], claim["decimals"])
    st.markdown(
        f"{claim['agreeing']:,} of {claim['specifications']:,} specifications give "
        f"{plain(printed)}, to that precision."
    )


def travels(
    snapshot: Snapshot,
    question: Question,
    claim: Mapping[str, Any],
    answer: Answer,
    text: str,
    about: Any,
) -> None:
    """What can be taken away: files, a text with its citation, the question as a link or claim file."""
    from dashboard import curve

    dataset, _, version = str(claim["edition_or_version"]).partition(" ")
    notes = queries.provenance(snapshot, dataset, version)
    address = claim_parts.here(claim_parts.address(question))
    finding = claim["finding"] or checking.reason(claim)
    with st.container(horizontal=True):
        claim_parts.files(claim, about, answer.grid, [finding, *notes])
        if claim["finding"] or question.stated:
            st.download_button(
                "Save as claim file",
                data=text,
                file_name=f"{claim['claim_id']}.yaml",
                mime="application/yaml",
                icon=":material/save:",
                type="tertiary",
                on_click="ignore",
                help="`milex claim FILE` evaluates it again; in data/claims/ it is part of every "
                "build.",
            )
    st.markdown("To paste, with its citation:")
    verdict = [claim["explanation"].removeprefix(finding).strip()] if question.stated else [""]
    depends = [curve.in_words(claim, answer.grid.thinned)] if claim["specifications"] else []
    st.code(
        "\n".join(filter(None, [finding, *verdict, *depends, *notes, address])),
        language=None,
        wrap_lines=True,
    )
    claim_parts.link(address)


main(st.session_state["snapshot"])
