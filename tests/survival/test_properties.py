"""What holds of every set of exposures, whatever it is."""

from collections.abc import Iterator
from itertools import pairwise

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.survival import library
from tests.survival.library import CLOSE

# Few days, so that ties are common; entry before leaving, or both on the first day.
ending = st.sampled_from(["fulfilled", "violated", "renegotiated"])
prompt = st.tuples(st.just(0), st.integers(0, 30), st.booleans(), ending)
late = st.tuples(st.integers(1, 15), st.integers(16, 30), st.booleans(), ending)
some = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with library.database() as connection:
        yield connection


def fetch(db: duckdb.DuckDBPyConnection, query: str) -> np.ndarray:
    return np.array(db.execute(query).fetchall(), dtype=float)


@some
@given(st.lists(prompt | late, min_size=1, max_size=40))
def test_survival_falls_from_one_to_nought_within_its_band(
    db: duckdb.DuckDBPyConnection, rows: list[tuple[object, ...]]
) -> None:
    library.put(db, rows)
    curve = db.execute(
        "SELECT survival, lower, upper, at_risk, ended, standard_error "
        "FROM kaplan_meier('lives') ORDER BY years"
    ).fetchall()
    survival = [1.0, *(row[0] for row in curve)]
    assert all(0 <= after <= before for before, after in pairwise(survival))
    for value, lower, upper, at_risk, ended, error in curve:
        assert at_risk >= ended > 0
        assert (lower is None) == (upper is None) == (error is None) == (value == 0)
        if lower is not None:
            assert 0 <= lower <= value <= upper <= 1


@some
@given(st.lists(prompt, min_size=1, max_size=40))
def test_survival_of_any_set_equals_the_library_s(
    db: duckdb.DuckDBPyConnection, rows: list[tuple[int, int, bool, str]]
) -> None:
    library.put(db, rows)
    ours = fetch(db, "SELECT survival FROM kaplan_meier('lives') ORDER BY years").ravel()
    known = library.curve([row[1] for row in rows], [row[2] for row in rows])
    assert_allclose(ours, known.survival, **CLOSE)


@some
@given(st.lists(prompt | late, min_size=1, max_size=40))
def test_nobody_is_lost_between_two_rows(
    db: duckdb.DuckDBPyConnection, rows: list[tuple[int, int, bool, str]]
) -> None:
    library.put(db, rows)
    curve = db.execute(
        "SELECT round(years * 365.2425)::INTEGER, at_risk, ended, censored "
        "FROM kaplan_meier('lives') ORDER BY years"
    ).fetchall()
    for (day, at_risk, ended, censored), (later, later_at_risk, _, _) in pairwise(curve):
        entered = sum(day <= row[0] < later for row in rows if row[0] > 0)
        assert later_at_risk == at_risk - ended - censored + entered


@some
@given(st.lists(prompt | late, min_size=1, max_size=40))
def test_incidences_and_survival_add_up_to_one(
    db: duckdb.DuckDBPyConnection, rows: list[tuple[object, ...]]
) -> None:
    library.put(db, rows)
    total = fetch(
        db,
        "SELECT k.survival + sum(a.cumulative_incidence), bool_and(a.cumulative_incidence >= 0), "
        "bool_and(a.lower IS NULL OR a.cumulative_incidence BETWEEN a.lower AND a.upper) "
        "FROM kaplan_meier('lives') AS k JOIN aalen_johansen('lives') AS a USING (years) "
        "GROUP BY years, k.survival",
    )
    assert_allclose(total, 1.0, **CLOSE)


@some
@given(st.lists(prompt | late, min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    db: duckdb.DuckDBPyConnection, rows: list[tuple[object, ...]], random: object
) -> None:
    library.put(db, rows)
    queries = (
        "FROM kaplan_meier('lives') ORDER BY years",
        "FROM aalen_johansen('lives') ORDER BY ending, years",
        "FROM kaplan_meier_summary('lives', horizon := 0.05)",
    )
    first = [db.execute(query).fetchall() for query in queries]
    random.shuffle(rows)  # type: ignore[attr-defined]
    library.put(db, rows)
    assert [db.execute(query).fetchall() for query in queries] == first


@some
@given(st.lists(prompt, min_size=2, max_size=40), st.integers(1, 30))
def test_twice_the_units_is_the_same_curve_with_a_narrower_band(
    db: duckdb.DuckDBPyConnection, rows: list[tuple[object, ...]], day: int
) -> None:
    query = (
        "SELECT survival, coalesce(lower, 0), coalesce(upper, 0) "
        "FROM kaplan_meier('lives') ORDER BY years"
    )
    library.put(db, rows)
    once = fetch(db, query)
    library.put(db, [*rows, *rows])
    twice = fetch(db, query)
    if len(once):
        assert_allclose(twice[:, 0], once[:, 0], **CLOSE)
        assert np.all(twice[:, 1] >= once[:, 1] - 1e-12)
        assert np.all(twice[:, 2] <= once[:, 2] + 1e-12)
