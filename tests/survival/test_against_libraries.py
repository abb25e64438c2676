"""Every curve of every version at hand, against statsmodels and scipy."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from statsmodels.duration.survfunc import survdiff

from tests.survival import library
from tests.survival.library import CLOSE, LEVELS, Z

pytestmark = pytest.mark.mirror
UNITS = ("alliance", "phase", "lineage", "member spell", "dyad")
VERSIONS = (("ATOP", "3.0"), ("ATOP", "5.1"), ("COW", "4.1"))
GROUPS = [(*version, unit) for version in VERSIONS for unit in UNITS]


@pytest.fixture(scope="module")
def lives(full_db: duckdb.DuckDBPyConnection) -> dict[tuple[str, ...], pd.DataFrame]:
    every = library.exposures(full_db)
    return {
        tuple(map(str, key)): part for key, part in every.groupby(["dataset", "version", "unit"])
    }


def of_group(
    connection: duckdb.DuckDBPyConnection, table: str, group: tuple[str, ...]
) -> dict[tuple[str, str], pd.DataFrame]:
    found = connection.execute(
        f"SELECT * FROM {table} WHERE dataset = ? AND version = ? AND unit = ? ORDER BY ALL",
        [*group],
    ).df()
    return {(str(g), str(level)): part for (g, level), part in found.groupby(["grouping", "level"])}


def test_no_version_and_unit_is_forgotten(full_db: duckdb.DuckDBPyConnection) -> None:
    for table in ("alliance_exposure", "alliance_survival", "alliance_lifespans"):
        found = full_db.execute(f"SELECT DISTINCT dataset, version, unit FROM {table}").fetchall()
        assert set(found) == set(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_survival_equals_statsmodels_and_scipy(
    full_db: duckdb.DuckDBPyConnection,
    lives: dict[tuple[str, ...], pd.DataFrame],
    group: tuple[str, ...],
) -> None:
    found = of_group(full_db, "alliance_survival", group)
    for level, belongs in LEVELS.items():
        chosen = lives[group][belongs(lives[group])]
        if not chosen.ended.any():
            assert level not in found
            continue
        ours = found[level]
        late = chosen.entry.gt(0).any()
        known = library.curve(chosen.time, chosen.ended, chosen.entry if late else None)
        assert_allclose(ours.years, known.years, **CLOSE)
        assert_allclose(ours.at_risk, known.at_risk)
        assert_allclose(ours.ended, known.ended)
        assert_allclose(ours.survival, known.survival, **CLOSE)
        assert_allclose(ours.standard_error, known.standard_error, **CLOSE)
        assert_allclose(ours.lower, known.lower, **CLOSE)
        assert_allclose(ours.upper, known.upper, **CLOSE)
        if not late:
            years, survival, lower, upper = library.ecdf(chosen.time, chosen.ended)
            assert_allclose(ours.years, years, **CLOSE)
            assert_allclose(ours.survival, survival, **CLOSE)
            alive = ours.survival > 0
            assert_allclose(ours.lower[alive], lower[alive], **CLOSE)
            assert_allclose(ours.upper[alive], upper[alive], **CLOSE)
            first = ours.at_risk.iloc[0] - chosen.shape[0]
            assert ours.ended.sum() + ours.censored.sum() == chosen.shape[0] + first


@pytest.mark.parametrize("group", [group for group in GROUPS if group[0] == "ATOP"])
def test_endings_equal_statsmodels(
    full_db: duckdb.DuckDBPyConnection,
    lives: dict[tuple[str, ...], pd.DataFrame],
    group: tuple[str, ...],
) -> None:
    found = of_group(full_db, "alliance_endings", group)
    curves = of_group(full_db, "alliance_survival", group)
    for level, belongs in LEVELS.items():
        chosen = lives[group][belongs(lives[group])]
        present = [ending for ending in library.ENDINGS if (chosen.ending == ending).any()]
        codes = chosen.ending.map({ending: n for n, ending in enumerate(present, 1)}).fillna(0)
        times, known = library.incidence(chosen.time, codes)
        assert set(found[level].ending) == set(present)
        total = np.zeros(len(curves[level]))
        for number, ending in enumerate(present, 1):
            ours = found[level][found[level].ending == ending]
            at = np.searchsorted(times, ours.years - 1e-9)
            estimate, error = (values[at] for values in known[number])
            assert_allclose(ours.cumulative_incidence, estimate, **CLOSE)
            with np.errstate(all="ignore"):
                spread = Z * error / (estimate * -np.log(estimate))
                centre = np.log(-np.log(estimate))
            # Where all have left in this way, or none, there are no limits; nor an error in the
            # library's figures once nobody is left.
            known_error = np.isfinite(spread) & (estimate < 1 - 1e-12)
            for column, sign in (("lower", 1), ("upper", -1)):
                limit = np.exp(-np.exp(centre[known_error] + sign * spread[known_error]))
                assert_allclose(ours[column][known_error], limit, **CLOSE)
            total += ours.cumulative_incidence.to_numpy()
        assert_allclose(total + curves[level].survival, 1.0, **CLOSE)


@pytest.mark.parametrize("group", GROUPS)
def test_log_rank_equals_statsmodels(
    full_db: duckdb.DuckDBPyConnection,
    lives: dict[tuple[str, ...], pd.DataFrame],
    group: tuple[str, ...],
) -> None:
    found = of_group(full_db, "alliance_logrank", group)
    every = lives[group]
    eras = pd.Series("none", index=every.index)
    for (grouping, level), belongs in LEVELS.items():
        if grouping == "era":
            eras[belongs(every)] = level
    tests = {
        **{
            ("obligation", name): every[name].map({True: "with", False: "without"})
            for name in ("defense", "nonaggression", "neutrality", "consultation")
        },
        ("members", "all"): every.bilateral.astype(str),
        ("era", "all"): eras.where(eras != "none"),
    }
    assert found.keys() == tests.keys()
    for test, levels in tests.items():
        ours = found[test].iloc[0]
        chosen, groups = every[levels.notna()], levels.dropna()
        assert ours.units == len(chosen)
        assert ours.levels == groups.nunique()
        if groups.nunique() < 2:
            assert pd.isna(ours.p_value)
            continue
        entry = chosen.entry.to_numpy() if chosen.entry.gt(0).any() else None
        chi_square, p_value = survdiff(
            chosen.time.to_numpy(),
            chosen.ended.to_numpy().astype(int),
            groups.to_numpy(),
            entry=entry,
        )
        assert ours.degrees_of_freedom == groups.nunique() - 1
        assert ours.chi_square == pytest.approx(chi_square, rel=1e-9)
        assert ours.p_value == pytest.approx(p_value, abs=1e-9)


@pytest.mark.parametrize("group", GROUPS)
def test_medians_and_restricted_means_follow_from_the_library_s_curve(
    full_db: duckdb.DuckDBPyConnection,
    lives: dict[tuple[str, ...], pd.DataFrame],
    group: tuple[str, ...],
) -> None:
    found = of_group(full_db, "alliance_lifespans", group)
    for level, belongs in LEVELS.items():
        chosen = lives[group][belongs(lives[group])]
        ours = found[level].iloc[0]
        assert (ours.units, ours.ended) == (len(chosen), chosen.ended.sum())
        assert ours.in_force == len(chosen) - ours.ended
        assert ours.mean_years == pytest.approx(chosen.lifespan_years.mean(), abs=1e-9)
        quartiles = chosen.lifespan_years.quantile([0.25, 0.5, 0.75]).to_list()
        names = ["lower_quartile_years", "median_years", "upper_quartile_years"]
        assert_allclose(ours[names].astype(float), quartiles, **CLOSE)
        late = chosen.entry.gt(0).any()
        watched = chosen.time[chosen.entry == 0].max()
        assert ours.horizon_years == pytest.approx(watched, abs=1e-9)
        known = library.curve(chosen.time, chosen.ended, chosen.entry if late else None)
        below = known.years[known.survival <= 0.5 + 1e-9]
        assert_allclose(
            ours[["survival_median_years"]].astype(float),
            below[:1] if len(below) else [np.nan],
            **CLOSE,
        )
        for horizon, name in ((50.0, "restricted_mean_50"), (watched, "restricted_mean")):
            if horizon > watched + 1e-9 and known.survival[-1] > 1e-14:
                assert pd.isna(ours[f"{name}_years"])
                continue
            mean, error = library.restricted_mean(known, horizon)
            assert ours[f"{name}_years"] == pytest.approx(mean, abs=1e-9)
            assert ours[f"{name}_lower"] == pytest.approx(mean - Z * error, abs=1e-9)
            assert ours[f"{name}_upper"] == pytest.approx(mean + Z * error, abs=1e-9)


@pytest.mark.parametrize("group", GROUPS)
def test_limits_of_the_median_equal_statsmodels(
    full_db: duckdb.DuckDBPyConnection,
    lives: dict[tuple[str, ...], pd.DataFrame],
    group: tuple[str, ...],
) -> None:
    found = of_group(full_db, "alliance_lifespans", group)
    for level, belongs in LEVELS.items():
        chosen = lives[group][belongs(lives[group])]
        ours = found[level].iloc[0]
        lower, upper = library.median_limits(chosen.time, chosen.ended, chosen.entry)
        assert_allclose(
            [ours.survival_median_lower, ours.survival_median_upper], [lower, upper], **CLOSE
        )


@pytest.mark.parametrize("group", GROUPS)
def test_the_metric_gives_what_the_table_gives(
    full_db: duckdb.DuckDBPyConnection, group: tuple[str, ...]
) -> None:
    dataset, version, unit = group
    columns = "years, at_risk, ended, censored, survival, lower, upper"
    filters = {
        ("all", "all"): "",
        ("obligation", "neutrality"): ", obligation := 'neutrality'",
        ("members", "multilateral"): ", members := 'multilateral'",
        ("era", "1914–45"): ", formed_from := 1914, formed_to := 1944",
    }
    for (grouping, level), more in filters.items():
        table = full_db.execute(
            f"SELECT {columns} FROM alliance_survival WHERE dataset = ? AND version = ? AND unit = ? "
            "AND grouping = ? AND level = ? ORDER BY years",
            [*group, grouping, level],
        ).fetchall()
        metric = full_db.execute(
            f"FROM survival('{dataset}', '{version}', unit := '{unit}'{more})"
        ).fetchall()
        assert [row[:4] for row in metric] == [row[:4] for row in table]
        estimates = [np.array([row[4:] for row in rows], dtype=float) for rows in (metric, table)]
        assert_allclose(*estimates, rtol=0, atol=1e-12)


def test_the_newest_version_is_the_default(full_db: duckdb.DuckDBPyConnection) -> None:
    assert (
        full_db.execute("FROM survival()").fetchall()
        == full_db.execute("FROM survival('ATOP', '5.1', 'alliance')").fetchall()
    )


def test_the_metric_of_endings_gives_what_the_table_gives(
    full_db: duckdb.DuckDBPyConnection,
) -> None:
    table = full_db.execute(
        "SELECT ending, years, at_risk, ended, cumulative_incidence, lower, upper "
        "FROM alliance_endings WHERE version = '3.0' AND unit = 'phase' AND level = 'bilateral' "
        "ORDER BY ending, years"
    ).fetchall()
    metric = full_db.execute(
        "FROM competing_risks(version := '3.0', unit := 'phase', members := 'bilateral')"
    ).fetchall()
    assert [row[:4] for row in metric] == [row[:4] for row in table]
    estimates = [np.array([row[4:] for row in rows], dtype=float) for rows in (metric, table)]
    assert_allclose(*estimates, rtol=0, atol=1e-12)
