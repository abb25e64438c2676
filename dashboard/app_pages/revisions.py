"""Revisions: what each edition says of the same years, and what changed most between two."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import filters, queries, revision_charts, spending_queries
from dashboard import revision_queries as asked
from dashboard.data import Snapshot
from dashboard.parts import downloads, picture, rows
from dashboard.revision_charts import signed
from dashboard.revision_queries import Cell, Series
from dashboard.spending_charts import Trend, scale_of, spans, told
from dashboard.text import billions, percent, plain
from pipelines.claims.numbers import figure
from pipelines.table import Table

DEFAULT = "China"
SINCE = 2000
BARS = 15
US_DOLLARS = ("constant_usd", "current_usd")
VALUES = ("Indexed", "Absolute")
AGAINST = {"before": "the edition before", "newest": "the newest edition"}
SIZES = {"relative": "Relative change", "amount": "Amount in US$"}
TEXTS = {"same": "=", "added": "new", "removed": "gone", "beyond": "·"}


def main(snapshot: Snapshot) -> None:
    """The page."""
    st.title("How much do editions revise the past?")
    st.markdown(
        "Every edition of the SIPRI database recomputes earlier years. Each is kept here as it was "
        "published, so that what it says can be set beside what the others say."
    )
    editions = sorted(row["edition"] for row in queries.editions(snapshot).records())
    one_place(snapshot, editions)
    if len(editions) > 1:
        between(snapshot, editions)
    else:
        st.info("This snapshot has one edition. Put others into `data/raw/` to compare them.")
    statements(snapshot, editions)


def choice(label: str, options: Sequence[str], key: str) -> str:
    """One of a few, kept in the address."""
    chosen = st.segmented_control(
        label, options, default=options[0], required=True, key=key, bind="query-params"
    )
    return str(chosen or options[0])


def one_place(snapshot: Snapshot, editions: Sequence[int]) -> None:
    """A place in one measure: a line an edition, and the matrix of what each changed."""
    left, middle, right = st.columns(3)
    with left:
        place = filters.place(snapshot, DEFAULT)
    with middle:
        measure = filters.measure()
    with right:
        first, last = spending_queries.span(snapshot, measure, editions[-1])
        years = filters.years(first, last, (SINCE, last))
    region = place in queries.regions(snapshot)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        basis = filters.basis() if region and measure in US_DOLLARS else "published"
        values = choice("Values", VALUES, "values") if measure == "constant_usd" else "Absolute"
        shown = asked.series(snapshot, place, measure, basis, years)
        base = index_year(shown) if values == "Indexed" else None
    if not shown:
        st.info(
            f"No edition has this measure for {plain(place)} between {years[0]} and {years[1]}."
            + (" Regions have totals in US$, and an implied share of GDP." if region else "")
        )
        return
    left_out = []
    if base is not None:
        kept = asked.indexed(shown, base)
        left_out = [one.edition for one in shown if one not in kept and not one.values.get(base)]
        shown = kept
    totals = f" Totals: {filters.BASES[basis]}." if region and measure in US_DOLLARS else ""
    source = f"Source: SIPRI Military Expenditure Database, {listed(editions)}.{totals} Milex."
    drawn_unit = unit(measure, base)
    sentence = takeaway(place, shown, measure, base)
    scale = 1.0 if base is not None else scale_of(measure)
    suffix = " %" if scale == 100.0 else ""
    picture(
        revision_charts.by_edition(
            sentence,
            [trend(one, years, scale) for one in shown],
            drawn_unit,
            source,
            suffix=suffix,
        ),
        alt=f"Lines by year, one for each edition. {sentence}",
        key="editions",
    )
    prices_note(shown, measure, base)
    if left_out:
        st.caption(f"Without a figure for {base}, and so without an index: {listed(left_out)}.")
    gaps(shown)
    matrix(place, shown, years, drawn_unit, source)
    found = asked.flat(
        shown,
        "index"
        if base is not None
        else "US$ millions, prices of base year"
        if measure == "constant_usd"
        else spending_queries.unit(snapshot, measure, editions[-1]),
    )
    with st.expander("The figures by edition and year"):
        rows(found, f"{filters.MEASURES[measure]} of {place} by edition and year")
    downloads(
        found,
        [
            f"{place}: {filters.MEASURES[measure]}, {years[0]} to {years[1]}, as each edition gives it"
            + (f"; index, {base} = 100. " if base is not None else ". ")
            + source,
            *queries.provenance(snapshot, "SIPRI", editions[-1]),
        ],
        f"milex-editions-{measure.replace('_', '-')}",
        "figures",
    )


def index_year(shown: Sequence[Series]) -> int | None:
    """The year that is 100: the first for which every edition has a figure, unless chosen."""
    common = asked.common_years(shown)
    if not common:
        return None
    return int(
        st.selectbox("Year that is 100", common, key="index_year", bind="query-params", width=160)
    )


def unit(measure: str, base: int | None) -> str:
    """The unit that is drawn."""
    if base is not None:
        return f"index of military expenditure at constant prices, {base} = 100"
    return {
        "constant_usd": "US$ billions, each edition in prices of its own base year",
        "current_usd": "US$ billions, current prices",
        "per_capita_usd": "US$ per head, current prices",
        "share_of_gdp": "share of GDP",
        "share_of_government_spending": "share of general government spending",
    }[measure]


def listed(editions: Sequence[int]) -> str:
    """'edition 2017', 'editions 2017, 2019 and 2020'."""
    names = [str(edition) for edition in sorted(editions)]
    if len(names) == 1:
        return f"edition {names[0]}"
    return f"editions {', '.join(names[:-1])} and {names[-1]}"


def trend(one: Series, years: tuple[int, int], scale: float) -> Trend:
    """An edition's series in the unit that is drawn, with a gap for a year without a figure."""
    span = range(years[0], min(years[1], one.edition) + 1)
    values = [one.values.get(year) for year in span]
    return Trend(
        str(one.edition),
        list(span),
        [None if value is None else scale * value for value in values],
        [one.statuses.get(year, "") for year in span],
    )


def takeaway(place: str, shown: Sequence[Series], measure: str, base: int | None) -> str:
    """What the oldest and the newest edition say of the last year that both have."""
    oldest, newest = shown[0], shown[-1]
    if oldest is newest:
        return f"{place}: only edition {newest.edition} has a figure"
    both = [
        year
        for year, value in oldest.values.items()
        if value is not None and newest.values.get(year) is not None
    ]
    if not both:
        return f"{place}: editions {oldest.edition} and {newest.edition} share no year"
    year = max(both)
    old, new = oldest.values[year] or 0.0, newest.values[year] or 0.0
    if base is not None:
        return (
            f"{place}, {base} to {year}: {signed(old / 100 - 1)} by edition {oldest.edition}, "
            f"{signed(new / 100 - 1)} by edition {newest.edition}"
        )
    return (
        f"{place}, {year}: {told(old, measure)} in edition {oldest.edition}, {told(new, measure)} "
        f"in edition {newest.edition}"
    )


def prices_note(shown: Sequence[Series], measure: str, base: int | None) -> None:
    """What a reader must know to compare constant prices of several editions."""
    if measure != "constant_usd":
        return
    years = ", ".join(f"{one.edition} in prices of {one.base_year}" for one in shown)
    if base is not None:
        st.caption(
            f"Each edition has a base year of its own ({years}). The index takes that out: it compares "
            "growth. Current US$ and shares of GDP compare amounts."
        )
    else:
        st.warning(
            f"Each edition has a base year of its own ({years}), so these amounts are in different "
            "dollars: most of the distance between the lines is inflation and exchange rates. "
            "The index, or current US$, compares editions.",
            icon=":material/warning:",
        )


def gaps(shown: Sequence[Series]) -> None:
    """Why a year has no figure, told apart, by edition."""
    words = {"unavailable": "unavailable", "not_independent": "not independent"}
    lines = []
    for one in shown:
        told_of = [
            f"{word} {spans(years)}"
            for status, word in words.items()
            if (
                years := [
                    year
                    for year, found in one.statuses.items()
                    if found == status and one.values[year] is None
                ]
            )
        ]
        if told_of:
            lines.append(f"- Edition {one.edition}: {'; '.join(told_of)}")
    if lines:
        st.markdown("\n".join(lines))


def matrix(
    place: str, shown: Sequence[Series], years: tuple[int, int], unit: str, source: str
) -> None:
    """Years and editions: how each edition's figure stands to another's."""
    if len(shown) < 2:
        return
    st.subheader("Edition by edition, year by year", anchor=False)
    against = choice("Change against", list(AGAINST.values()), "against")
    newest = against == AGAINST["newest"]
    pairs = (
        [(one, shown[-1]) for one in shown[:-1]]
        if newest
        else list(zip(shown[1:], shown[:-1], strict=True))
    )
    span = list(range(years[0], years[1] + 1))
    cells = {
        (year, this.edition): asked.cell(this, other, year)
        for year in span
        for this, other in pairs
        if year <= this.edition
    }
    span = [year for year in span if any(cells.get((year, this.edition)) for this, _ in pairs)]
    sentence = matrix_takeaway(place, cells, {a.edition: b.edition for a, b in pairs})
    columns = [this.edition for this, _ in pairs]
    picture(
        revision_charts.matrix(
            sentence,
            columns,
            span,
            [[shade(cells.get((year, edition))) for edition in columns] for year in span],
            [[text(cells.get((year, edition))) for edition in columns] for year in span],
            [
                [
                    pointed(year, this, other, cells.get((year, this.edition)))
                    for this, other in pairs
                ]
                for year in span
            ],
            f"change in % against {against}: {unit}",
            source,
        ),
        alt=f"A table of years and editions. {sentence}",
        key="matrix",
    )


def matrix_takeaway(
    place: str, cells: dict[tuple[int, int], Cell | None], other: dict[int, int]
) -> str:
    """The largest change of all."""
    changed = {at: cell.change for at, cell in cells.items() if cell and cell.change}
    if not changed:
        return f"{place}: no edition changes another's figure"
    year, edition = max(changed, key=lambda at: abs(changed[at]))
    return (
        f"{place}, largest difference: {year} in edition {edition}, "
        f"{signed(changed[year, edition])} against edition {other[edition]}"
    )


def shade(cell: Cell | None) -> float | None:
    """What colours a cell: its change; nothing where there is no figure in this edition."""
    return None if cell is None else cell.change or 0.0


def text(cell: Cell | None) -> str:
    """What a cell says: its change without the sign for per cent, or a word."""
    if cell is None:
        return ""
    if cell.change is None or cell.kind != "revised":
        return TEXTS.get(cell.kind, "from 0")
    if abs(cell.change) < 0.0005:
        return "≈"
    return signed(cell.change).removesuffix(" %")


def pointed(year: int, this: Series, other: Series, cell: Cell | None) -> str:
    """What the pointer says of a cell."""
    if cell is None:
        return ""
    a, b = this.values.get(year), other.values.get(year)
    figures = [
        f"{'no figure' if value is None else f'{value:,.4g}'} in edition {one.edition}"
        for value, one in ((b, other), (a, this))
    ]
    return f"{year}: {', '.join(figures)}"


def between(snapshot: Snapshot, editions: Sequence[int]) -> None:
    """The largest revisions between two editions, over all countries and years."""
    st.subheader("The largest revisions between two editions", anchor=False)
    left, middle, right = st.columns(3)
    newest_first = sorted(editions, reverse=True)
    with left:
        later = int(
            st.selectbox("Later edition", newest_first[:-1], key="later", bind="query-params")
        )
    with middle:
        before = [edition for edition in sorted(editions) if edition < later]
        earlier = int(st.selectbox("Earlier edition", before, key="earlier", bind="query-params"))
    with right:
        relative = choice("Size", list(SIZES.values()), "size") == SIZES["relative"]
    extent = asked.extent(snapshot, earlier, later)
    if not extent["common"]:
        st.info(f"Editions {earlier} and {later} have no figure in common here.")
        return
    found = asked.revised(snapshot, earlier, later)
    items = (
        [
            (f"{row['country']} {row['year']}", row["change"], signed(row["change"]))
            for row in asked.largest(snapshot, earlier, later, BARS).records()
            if row["change"] is not None and row["change"] > -1
        ]
        if relative
        else [
            (
                f"{row['country']} {row['year']}",
                row["change_usd_m"],
                ("+" if row["change_usd_m"] > 0 else "−") + billions(abs(row["change_usd_m"])),
            )
            for row in asked.largest_amounts(snapshot, earlier, later, BARS).records()
        ]
    )
    st.markdown(
        f"Edition {later} changes **{extent['revised']:,} of {extent['common']:,}** figures at current "
        f"US\\$ that edition {earlier} has too ({percent(extent['revised'] / extent['common'])}). It "
        f"adds {extent['added']:,} that edition {earlier} lacks for years that it covers, and lacks "
        f"{extent['removed']:,} that edition {earlier} has."
    )
    source = f"Source: SIPRI Military Expenditure Database, editions {earlier} and {later}. Milex."
    if items:
        sentence = f"{items[0][0]} changed most: {items[0][2]} from edition {earlier} to {later}"
        picture(
            revision_charts.largest(
                sentence,
                items,
                "change of current US$; a bar's length is the logarithm of the ratio"
                if relative
                else "change of current US$",
                source,
                ratio=relative,
            ),
            alt=f"Bars, the largest change on top. {sentence}",
            key="largest",
        )
    st.caption(
        "Each country's largest revision"
        + (
            ", of figures of at least US\\$ 100 million in one of the two editions, in the order of "
            "`largest_revisions()`."
            if relative
            else "."
        )
    )
    st.caption(
        "Current US\\$ only: constant prices also change because their base year does. Kind: revised; "
        "added, only the later edition has a figure; removed, only the earlier one."
    )
    rows(found, f"figures that changed from edition {earlier} to {later}, the largest amount first")
    downloads(
        found,
        [
            f"One row a country and year whose figure at current US$ differs. {source}",
            *queries.provenance(snapshot, "SIPRI", earlier),
            *queries.provenance(snapshot, "SIPRI", later)[:1],
        ],
        f"milex-revisions-{earlier}-{later}",
        "revisions",
    )


def statements(snapshot: Snapshot, editions: Sequence[int]) -> None:
    """What the statements' figures are under each edition, and how one of them moved."""
    known = asked.claims(snapshot)
    if not known:
        return
    st.subheader("What it does to the statements", anchor=False)
    st.markdown(
        "Each statement about spending by its own definition, in every edition: ✓ agrees with the "
        "stated figure, ✗ does not; [own] marks the edition that it is stated from."
    )
    cells = {
        (row["claim_id"], row["edition"]): row for row in asked.claim_editions(snapshot).records()
    }
    found = Table(
        ("statement", "stated", *(str(edition) for edition in editions)),
        [
            (
                claim["statement"],
                claim["stated"],
                *(
                    figure_in(cells.get((claim["claim_id"], edition)), claim)
                    for edition in editions
                ),
            )
            for claim in known
        ],
    )
    meaning = "statements about spending with their figure in each edition"
    rows(found, meaning, statement=st.column_config.TextColumn(width="medium"))
    downloads(
        found,
        [f"{meaning}.", *queries.provenance(snapshot, "SIPRI", editions[-1])],
        "milex-statements-by-edition",
        "statements",
    )
    by_id = {str(claim["claim_id"]): claim for claim in known}
    chosen = st.selectbox(
        "How the figure of one statement moved",
        list(by_id),
        format_func=lambda claim_id: str(by_id[claim_id]["statement"]),
        key="statement",
        bind="query-params",
    )
    claim = by_id[chosen]
    moved = asked.claim_revisions(snapshot, chosen, str(claim["unit"]))
    if moved.rows:
        rows(moved, "change of the figure from each edition to the next, in four parts")
        st.caption(
            "The parts add up to the change, in this order: revised data at current prices, at the "
            "earlier edition's deflators; then revised deflators, with the base year and its exchange "
            "rates; then countries that enter or leave the sum; then what published totals hold "
            "beyond their listed countries. Another order would divide them differently. A rank, a "
            "burden or an exchange rate moves by revised data alone."
        )
    else:
        st.caption("Fewer than two editions have a figure for this statement.")
    st.page_link(
        "app_pages/claims.py",
        label="Open this statement on the page Claims",
        icon=":material/fact_check:",
        query_params={"claim": chosen},
    )


def figure_in(row: dict[str, object] | None, claim: dict[str, object]) -> str:
    """A statement's figure in an edition, with whether it agrees."""
    if row is None or row["value"] is None:
        return "no figure"
    value = figure(float(str(row["value"])), str(claim["unit"]), int(str(claim["decimals"])) + 1)
    return f"{value} {'✓' if row['agrees'] else '✗'}{' [own]' if row['is_own'] else ''}"


main(st.session_state["snapshot"])
