"""The same estimates from statistics libraries, and exposures from dates without our SQL."""

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

from pipelines.models import create, load_models

MODELS = load_models(Path(__file__).resolve().parents[2] / "sql")
GENERIC = ("kaplan_meier", "kaplan_meier_summary", "aalen_johansen", "chi_square_p", "log_rank")
FILTERED = ("has_obligation", "resolve_version", "exposure_of", "survival", "survival_at")
CLOSE = {"rtol": 0, "atol": 1e-9}
YEAR = 365.2425
Z = 1.959963984540054
OBSERVED_FROM = np.datetime64("1816-01-01")
ENDINGS = ("fulfilled", "violated", "renegotiated", "independence lost", "unknown")
LEVELS: dict[tuple[str, str], Callable[[pd.DataFrame], "pd.Series[bool]"]] = {
    ("all", "all"): lambda lives: lives.begin_date.notna(),
    ("obligation", "defense"): lambda lives: lives.defense.eq(True),
    ("obligation", "nonaggression"): lambda lives: lives.nonaggression.eq(True),
    ("obligation", "neutrality"): lambda lives: lives.neutrality.eq(True),
    ("obligation", "consultation"): lambda lives: lives.consultation.eq(True),
    ("members", "bilateral"): lambda lives: lives.bilateral.eq(True),
    ("members", "multilateral"): lambda lives: lives.bilateral.eq(False),
    ("era", "1815–1914"): lambda lives: lives.formed.between(1815, 1913),
    ("era", "1914–45"): lambda lives: lives.formed.between(1914, 1944),
    ("era", "1945–89"): lambda lives: lives.formed.between(1945, 1988),
    ("era", "since 1989"): lambda lives: lives.formed.ge(1989),
}

Rows = Sequence[tuple[int, int, bool]]


@dataclass(frozen=True)
class Curve:
    """A survival curve at the ages at which one or more ended."""

    years: Any
    at_risk: Any
    ended: Any
    survival: Any
    standard_error: Any
    lower: Any
    upper: Any


def database() -> duckdb.DuckDBPyConnection:
    """The metrics that take any table of exposures, and no data."""
    connection = duckdb.connect()
    for name in GENERIC:
        create(connection, MODELS[f"main.{name}"])
    return connection


def put(connection: duckdb.DuckDBPyConnection, rows: Iterable[Sequence[object]]) -> None:
    """Exposures of one stratum: entered_days, left_days, ended, then ending and level if given."""
    connection.execute(
        "CREATE OR REPLACE TABLE lives (stratum VARCHAR, entered_days BIGINT, left_days BIGINT, "
        "ended BOOLEAN, ending VARCHAR, level VARCHAR)"
    )
    whole = [["all", *row, *[None] * (5 - len(row))] for row in rows]
    if whole:
        connection.executemany("INSERT INTO lives VALUES (?, ?, ?, ?, ?, ?)", whole)


def curve(time: Any, ended: Any, entry: Any = None) -> Curve:
    """Kaplan–Meier by statsmodels, with log-log limits from its Greenwood errors."""
    with np.errstate(all="ignore"):
        found = SurvfuncRight(
            np.asarray(time, dtype=float),
            np.asarray(ended, dtype=int),
            entry=None if entry is None else np.asarray(entry, dtype=float),
        )
        survival, error = found.surv_prob, found.surv_prob_se
        reach = Z * error / (survival * -np.log(survival))
        centre = np.log(-np.log(survival))
        return Curve(
            found.surv_times,
            found.n_risk,
            found.n_events,
            survival,
            np.where(survival > 1e-14, error, np.nan),
            np.where(survival > 1e-14, np.exp(-np.exp(centre + reach)), np.nan),
            np.where(survival > 1e-14, np.exp(-np.exp(centre - reach)), np.nan),
        )


def ecdf(time: Any, ended: Any) -> tuple[Any, Any, Any, Any]:
    """Ages, survival and log-log limits by scipy, at the ages at which one or more ended."""
    uncensored = [t for t, e in zip(time, ended, strict=True) if e]
    censored = [t for t, e in zip(time, ended, strict=True) if not e]
    found = stats.ecdf(stats.CensoredData(uncensored=uncensored, right=censored)).sf
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # Where survival is 0 there are no limits; ours are NULL there, and are compared elsewhere.
        warnings.simplefilter("ignore", RuntimeWarning)
        limits = found.confidence_interval(confidence_level=0.95, method="log-log")
    at = np.isin(found.quantiles, np.unique(uncensored))
    return (
        found.quantiles[at],
        found.probabilities[at],
        limits.low.probabilities[at],
        limits.high.probabilities[at],
    )


def incidence(time: Any, ending: Any) -> tuple[Any, dict[int, tuple[Any, Any]]]:
    """Aalen–Johansen by statsmodels: ages, then estimate and error by ending (1, 2, …)."""
    with np.errstate(all="ignore"):
        found = CumIncidenceRight(np.asarray(time, dtype=float), np.asarray(ending, dtype=int))
    pairs = zip(found.cinc, found.cinc_se, strict=True)
    return found.times, dict(enumerate(pairs, 1))


def restricted_mean(known: Curve, horizon: float) -> tuple[float, float]:
    """The area under a curve of statsmodels up to a horizon, and its standard error."""
    inside = known.years <= horizon
    years = np.r_[0.0, known.years[inside], horizon]
    areas = np.diff(years) * np.r_[1.0, known.survival[inside]]
    onward = np.cumsum(areas[::-1])[::-1][1:]
    at_risk, ended = known.at_risk[inside], known.ended[inside]
    with np.errstate(all="ignore"):
        loss = ended / (at_risk * (at_risk - ended))
    variance = np.nansum(np.where(np.isfinite(loss), onward**2 * loss, 0.0))
    return float(areas.sum()), math.sqrt(variance)


def exposures(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """All units with entry, exit and ending in years, from the dates and not from our exposures."""
    lives = connection.execute(
        "SELECT u.*, a.begin_date AS alliance_begin FROM alliance_units AS u "
        "JOIN alliances AS a USING (dataset, version, alliance_id)"
    ).df()
    for name in ("begin_date", "end_date", "closing_date", "alliance_begin"):
        lives[name] = pd.to_datetime(lives[name])
    clipped = lives.left_censored & (lives.begin_date <= OBSERVED_FROM)
    origin = lives.begin_date.where(~clipped, lives.alliance_begin)
    late = (OBSERVED_FROM - origin).dt.days.clip(lower=0)
    lives["entry"] = late.where(clipped, 0) / YEAR
    lives["time"] = (lives.end_date.fillna(lives.closing_date) - origin).dt.days / YEAR
    lives["ended"] = lives.end_date.notna()
    lives["formed"] = origin.dt.year
    return lives


def median_limits(time: Any, ended: Any, entry: Any) -> tuple[float, float]:
    """Limits of the median by statsmodels, log-log; not a number where one is not reached."""
    late = np.asarray(entry, dtype=float)
    with np.errstate(all="ignore"):
        found = SurvfuncRight(
            np.asarray(time, dtype=float),
            np.asarray(ended, dtype=int),
            entry=late if late.any() else None,
        )
        lower, upper = found.quantile_ci(0.5, method="cloglog")
    return float(lower), math.nan if np.isinf(upper) else float(upper)
