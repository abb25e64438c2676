"""Survival on small invented sets: ties, all censored, none, one unit, delayed entry, no unit at all."""

from collections.abc import Iterator

import duckdb
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from statsmodels.duration.survfunc import survdiff

from tests.survival import library
from tests.survival.library import CLOSE, YEAR

# Weeks of remission of 42 leukaemia patients (Freireich 1963, as in Cox 1972); the other group saw all end.
TREATED = [
    *((day, True) for day in (6, 6, 6, 7, 10, 13, 16, 22, 23)),
    *((day, False) for day in (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)),
]
PLACEBO = (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)


@pytest.fixture
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with library.database() as connection:
        yield connection


def curve(db: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return db.execute(
        "SELECT round(years * 365.2425)::INTEGER, at_risk, ended, censored, survival, lower, upper "
        "FROM kaplan_meier('lives') ORDER BY years"
    ).fetchall()


def summary(db: duckdb.DuckDBPyConnection, horizon: str = "NULL") -> list[tuple[object, ...]]:
    return db.execute(
        "SELECT * EXCLUDE (stratum) FROM kaplan_meier_summary('lives', horizon := " + horizon + ")"
    ).fetchall()


def test_a_textbook_curve(db: duckdb.DuckDBPyConnection) -> None:
    library.put(db, [(0, day, ended) for day, ended in TREATED])
    rows = curve(db)
    assert [row[:4] for row in rows] == [
        (6, 21, 3, 1),
        (7, 17, 1, 1),
        (10, 15, 1, 2),
        (13, 12, 1, 0),
        (16, 11, 1, 3),
        (22, 7, 1, 0),
        (23, 6, 1, 5),
    ]
    assert [round(row[4], 3) for row in rows] == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]


def test_a_textbook_log_rank(db: duckdb.DuckDBPyConnection) -> None:
    library.put(
        db,
        [
            *((0, day, ended, None, "treated") for day, ended in TREATED),
            *((0, day, True, None, "placebo") for day in PLACEBO),
        ],
    )
    (row,) = db.execute("SELECT * EXCLUDE (stratum) FROM log_rank('lives')").fetchall()
    assert row[:2] == (42, 2)
    assert row[2] == pytest.approx(16.793, abs=5e-4)
    assert row[3] == 1
    assert row[4] == pytest.approx(4.17e-5, rel=1e-3)


def test_an_end_counts_before_a_censoring_of_the_same_day(db: duckdb.DuckDBPyConnection) -> None:
    library.put(db, [(0, 100, True), (0, 100, False), (0, 200, True), (0, 300, False)])
    assert [row[:5] for row in curve(db)] == [(100, 4, 1, 1, 0.75), (200, 2, 1, 1, 0.375)]


def test_all_censored_has_no_row_and_no_median(db: duckdb.DuckDBPyConnection) -> None:
    library.put(db, [(0, 3652, False), (0, 7305, False)])
    assert curve(db) == []
    (row,) = summary(db)
    assert row[:6] == (2, 0, 2, None, None, None)
    assert row[6:] == (pytest.approx(7305 / YEAR), pytest.approx(7305 / YEAR), None, None)
    assert db.execute("FROM aalen_johansen('lives')").fetchall() == []


def test_none_censored_ends_at_nought_without_limits(db: duckdb.DuckDBPyConnection) -> None:
    library.put(db, [(0, 100, True), (0, 200, True), (0, 300, True), (0, 300, True)])
    rows = curve(db)
    assert_allclose([row[4] for row in rows], [0.75, 0.5, 0.0], **CLOSE)
    assert rows[-1][5:] == (None, None)
    assert summary(db)[0][3] == pytest.approx(200 / YEAR)
    # Where all have ended, the mean beyond is known: the plain mean.
    assert summary(db, "100")[0][7] == pytest.approx(225 / YEAR)


def test_one_unit(db: duckdb.DuckDBPyConnection) -> None:
    library.put(db, [(0, 100, True)])
    assert curve(db) == [(100, 1, 1, 0, 0.0, None, None)]
    assert summary(db)[0][3:6] == (pytest.approx(100 / YEAR), None, None)


def test_an_end_on_the_first_day_is_an_end_at_nought(db: duckdb.DuckDBPyConnection) -> None:
    rows = [(0, 0, True), (0, 0, False), (0, 10, True), (0, 20, False)]
    library.put(db, rows)
    assert [row[:5] for row in curve(db)] == [(0, 4, 1, 1, 0.75), (10, 2, 1, 1, 0.375)]
    known = library.curve([row[1] for row in rows], [row[2] for row in rows])
    assert_allclose([row[4] for row in curve(db)], known.survival, **CLOSE)


def test_who_enters_late_is_at_risk_from_the_day_after(db: duckdb.DuckDBPyConnection) -> None:
    rows = [(0, 100, True), (100, 300, True), (50, 200, True), (0, 400, False)]
    library.put(db, rows)
    assert [row[:4] for row in curve(db)] == [(100, 3, 1, 0), (200, 3, 1, 0), (300, 2, 1, 1)]
    known = library.curve([r[1] for r in rows], [r[2] for r in rows], [r[0] for r in rows])
    assert_allclose([row[4] for row in curve(db)], known.survival, **CLOSE)


def test_no_unit_is_an_empty_result(db: duckdb.DuckDBPyConnection) -> None:
    library.put(db, [])
    for metric in ("kaplan_meier", "kaplan_meier_summary", "aalen_johansen", "log_rank"):
        assert db.execute(f"FROM {metric}('lives')").fetchall() == []


def test_a_restricted_mean_beyond_what_was_watched_is_unknown(
    db: duckdb.DuckDBPyConnection,
) -> None:
    library.put(db, [(0, 3652, True), (0, 7305, False)])
    assert summary(db, "20")[0][7] == pytest.approx((3652 + 20 * YEAR) / 2 / YEAR)
    assert summary(db, "21")[0][6:] == (21.0, None, None, None)
    assert summary(db, "5")[0][6:8] == (5.0, 5.0)


def test_one_ending_alone_is_one_less_survival(db: duckdb.DuckDBPyConnection) -> None:
    library.put(db, [(0, day, ended, "fulfilled") for day, ended in TREATED])
    pairs = db.execute(
        "SELECT a.cumulative_incidence + k.survival, a.standard_error - k.standard_error "
        "FROM aalen_johansen('lives') AS a JOIN kaplan_meier('lives') AS k USING (years)"
    ).fetchall()
    assert len(pairs) == 7
    assert_allclose(pairs, [(1.0, 0.0)] * 7, **CLOSE)


def test_strata_are_apart(db: duckdb.DuckDBPyConnection) -> None:
    library.put(db, [(0, 100, True), (0, 200, False)])
    db.execute("INSERT INTO lives SELECT 'other', 0, 150, true, 'violated', NULL")
    assert db.execute(
        "SELECT stratum, at_risk FROM kaplan_meier('lives') ORDER BY 1"
    ).fetchall() == [
        ("all", 2),
        ("other", 1),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 100, True, None, "a"), (0, 200, True, None, "a")],
        [(0, 100, False, None, "a"), (0, 200, False, None, "b")],
        [(0, 100, True, None, "a"), (150, 200, True, None, "b")],
    ],
    ids=["one level", "none ended", "never at risk together"],
)
def test_no_comparison_has_no_statistic(
    db: duckdb.DuckDBPyConnection, rows: list[tuple[object, ...]]
) -> None:
    library.put(db, rows)
    (row,) = db.execute(
        "SELECT chi_square, degrees_of_freedom, p_value FROM log_rank('lives')"
    ).fetchall()
    assert row == (None, 0, None)


def test_a_level_that_was_never_at_risk_costs_no_degree_of_freedom(
    db: duckdb.DuckDBPyConnection,
) -> None:
    pair = [(0, day, True, None, "a") for day in (5, 7, 9)]
    pair += [(0, day, True, None, "b") for day in (6, 20, 30)]
    found = []
    for extra in ([], [(40, 50, False, None, "c")], [(40, 50, False, None, "A")]):
        library.put(db, [*pair, *extra])
        found += db.execute(
            "SELECT chi_square, degrees_of_freedom FROM log_rank('lives')"
        ).fetchall()
    chi_square, _ = survdiff([5, 7, 9, 6, 20, 30], [1] * 6, list("aaabbb"))
    assert [row[1] for row in found] == [1, 1, 1]
    assert_allclose([row[0] for row in found], chi_square, **CLOSE)


def test_more_than_four_levels_are_refused(db: duckdb.DuckDBPyConnection) -> None:
    library.put(db, [(0, day, True, None, f"level {day}") for day in range(5)])
    with pytest.raises(duckdb.Error, match="two to four levels, not 5"):
        db.execute("FROM log_rank('lives')").fetchall()


@pytest.mark.parametrize("df", [1, 2, 3, 5, 10, 40])
def test_p_values_equal_scipy_down_to_the_smallest(db: duckdb.DuckDBPyConnection, df: int) -> None:
    values = np.r_[0.0, np.geomspace(1e-6, 1200, 400), df + 2 - 1e-9, df + 2.0]
    found = [
        row[0]
        for row in db.execute(
            "SELECT chi_square_p(value, ?) FROM (SELECT unnest(?) AS value)", [df, values.tolist()]
        ).fetchall()
    ]
    assert_allclose(found, stats.chi2.sf(values, df), rtol=1e-10, atol=0)


def test_p_value_of_nothing_is_nothing(db: duckdb.DuckDBPyConnection) -> None:
    assert db.execute(
        "SELECT chi_square_p(NULL, 1), chi_square_p(3.0, NULL), chi_square_p(3.0, 0)"
    ).fetchall() == [(None, None, None)]
