"""Questions about revisions to the published snapshot, and changes between editions.

Knows no page and no chart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard import spending_queries
from dashboard.database import Database
from pipelines.table import Table

# main.revisions takes a smaller change for a matter of printing.
PRINTING = 1e-6
EVERY = 1_000_000


@dataclass(frozen=True)
class Series:
    """A place in one measure as one edition gives it, one entry a year that it has a row for.

    values: in the unit of spending_queries.unit, or an index; None where there is no figure.
    """

    edition: int
    base_year: int
    values: dict[int, float | None]
    statuses: dict[int, str]


@dataclass(frozen=True)
class Cell:
    """An edition's figure for a year against another edition's.

    kind: 'revised', 'same', 'added' or 'removed' (only this, only the other edition has a figure),
    'beyond' (one of them ends before the year). change: a fraction of the other edition's figure;
    None unless both have one above zero.
    """

    kind: str
    change: float | None


def series(
    db: Database, place: str, measure: str, basis: str, years: tuple[int, int]
) -> list[Series]:
    """A place in one measure as each edition gives it, the oldest edition first.

    Editions without a row for the place in these years are left out. basis: of a region's total.
    """
    shown = []
    for edition, base_year in db.rows(
        "SELECT edition, base_year FROM main.editions ORDER BY edition"
    ).rows:
        found = spending_queries.series(db, [place], edition, measure, basis, years).records()
        if any(row["value"] is not None for row in found):
            shown.append(
                Series(
                    edition,
                    base_year,
                    {row["year"]: row["value"] for row in found},
                    {row["year"]: row["status"] for row in found},
                )
            )
    return shown


def common_years(shown: Sequence[Series]) -> list[int]:
    """The years for which every edition has a figure above zero."""
    if not shown:
        return []
    years = [{year for year, value in one.values.items() if value} for one in shown]
    return sorted(set.intersection(*years))


def indexed(shown: Sequence[Series], base: int) -> list[Series]:
    """Each edition over its own figure of one year, which becomes 100: growth, without base years."""
    return [
        Series(
            one.edition,
            one.base_year,
            {
                year: None if value is None else 100 * value / own
                for year, value in one.values.items()
            },
            one.statuses,
        )
        for one in shown
        if (own := one.values.get(base))
    ]


def cell(this: Series, other: Series, year: int) -> Cell | None:
    """How an edition's figure for a year stands to another's; None where neither has one."""
    a, b = this.values.get(year), other.values.get(year)
    if a is None and b is None:
        return None
    if a is None or b is None:
        if year > min(this.edition, other.edition):
            return Cell("beyond", None)
        return Cell("removed" if a is None else "added", None)
    if abs(a - b) <= PRINTING * max(a, b):
        return Cell("same", 0.0)
    return Cell("revised", a / b - 1 if a and b else None)


def flat(shown: Sequence[Series], unit: str) -> Table:
    """The series as rows: edition, base year, year, value, status."""
    return Table(
        ("edition", "base_year", "year", "value", "status"),
        [
            (one.edition, one.base_year, year, value, one.statuses[year])
            for one in shown
            for year, value in one.values.items()
        ],
        {"value": unit},
    )


def extent(db: Database, earlier: int, later: int) -> dict[str, int]:
    """How many current-US$ figures of countries two editions share, and how many changed.

    Keys: common, revised, added, removed.
    """
    return db.rows(
        """
        SELECT (SELECT count(*) FROM main.spending AS a
                JOIN main.spending AS b ON b.country = a.country AND b.year = a.year
                WHERE a.edition = $1 AND b.edition = $2
                  AND a.current_usd_m IS NOT NULL AND b.current_usd_m IS NOT NULL) AS common,
               count(*) FILTER (kind = 'revised') AS revised,
               count(*) FILTER (kind = 'added') AS added,
               count(*) FILTER (kind = 'removed') AS removed
        FROM main.revisions WHERE from_edition = $1 AND to_edition = $2
        """,
        earlier,
        later,
    ).records()[0]


def revised(db: Database, earlier: int, later: int) -> Table:
    """Every current-US$ figure that changed between two editions, the largest amount first."""
    found = db.rows(
        """
        SELECT country, year, kind, from_usd_m, to_usd_m, change_usd_m, change
        FROM main.revisions WHERE from_edition = ? AND to_edition = ?
        ORDER BY abs(change_usd_m) DESC NULLS LAST, country, year
        """,
        earlier,
        later,
    )
    money = "US$ millions, current prices"
    return Table(
        found.columns,
        found.rows,
        {"from_usd_m": money, "to_usd_m": money, "change_usd_m": money, "change": "fraction"},
    )


def largest(db: Database, earlier: int, later: int, n: int) -> Table:
    """The largest relative revision of each country, n countries; figures of US$ 100 million or more.

    In the order of the metric: by the logarithm of the ratio, so that a halving equals a doubling.
    """
    found = db.rows(
        "SELECT country, year, from_usd_m, to_usd_m, change FROM largest_revisions(?, ?, n := ?)",
        earlier,
        later,
        EVERY,
    )
    return _first_of_each(found, n)


def largest_amounts(db: Database, earlier: int, later: int, n: int) -> Table:
    """The largest revision in US$ of each country, n countries."""
    found = revised(db, earlier, later)
    amount = found.columns.index("change_usd_m")
    both = [row for row in found.rows if row[amount] is not None]
    return _first_of_each(Table(found.columns, both, found.units), n)


def _first_of_each(found: Table, n: int) -> Table:
    """The first row of each country, n of them."""
    first: dict[str, tuple[object, ...]] = {}
    for row in found.rows:
        first.setdefault(row[0], row)
    return Table(found.columns, list(first.values())[:n], found.units)


def claims(db: Database) -> list[dict[str, object]]:
    """The statements about spending: claim_id, statement, stated, unit, decimals."""
    return db.rows(
        "SELECT claim_id, statement, stated, unit, decimals FROM main.claims "
        "WHERE claim_id IN (SELECT claim_id FROM main.claim_editions) ORDER BY position"
    ).records()


def claim_editions(db: Database) -> Table:
    """Each of those statements in each edition: value in the claim's unit, whether it agrees."""
    return db.rows(
        "SELECT claim_id, edition, value, agrees, is_own FROM main.claim_editions "
        "ORDER BY claim_id, edition"
    )


def claim_revisions(db: Database, claim_id: str, unit: str) -> Table:
    """How a claim's figure moved from each edition to the next, in four parts. unit: the claim's."""
    found = db.rows(
        """
        SELECT from_edition, to_edition, from_value, to_value, change, revised_data,
               revised_deflators, countries_entering, published_residual
        FROM main.claim_revisions WHERE claim_id = ? ORDER BY from_edition
        """,
        claim_id,
    )
    moved = "percentage points" if unit == "%" else unit
    return Table(
        found.columns,
        found.rows,
        {
            name: unit if name.endswith("_value") else moved
            for name in found.columns
            if not name.endswith("_edition")
        },
    )
