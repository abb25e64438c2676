"""The alliance grid as a set in DuckDB, against one pandas query for each specification."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.readers import timed
from pipelines.claims.files import load_claims
from pipelines.claims.grid import write_grids
from pipelines.models import create, load_models
from pipelines.settings import Settings
from pipelines.warehouse import files, open_warehouse

DIMENSIONS = (
    "dataset, unit, formed_from, ended_by, obligation, members, ending, wartime, counted, "
    "convention, statistic"
)
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Grid:
    """How long the whole grid takes here, and how long it would take query by query."""

    combinations: int
    evaluated: int
    seconds: float
    sample: int
    seconds_a_query: float
    largest_difference: float

    @property
    def pandas_seconds(self) -> float:
        """All evaluated specifications at the speed of the sample."""
        return self.seconds_a_query * self.evaluated


def measure(warehouse: Path, home: Path, folder: Path, runs: int, sample: int) -> Grid:
    """Declare and evaluate the grid on a copy of a warehouse, and a sample of it with pandas."""
    settings = Settings(home=home, data=folder, mirror=None)
    models = load_models(settings.sql)
    claims = [
        claim
        for claim in load_claims([home / "claims"])
        if claim.metric is not None and claim.metric.grid == "alliance_grid"
    ]
    own = folder / "grid"
    own.mkdir()
    for file in files(warehouse):
        shutil.copy(file, own)
    with open_warehouse(own / warehouse.name) as connection:

        def evaluate() -> None:
            write_grids(connection, claims)
            create(connection, models["claims.alliance_values"])

        seconds, _ = timed(runs, evaluate)
        counts = connection.sql(
            "SELECT count(*), count(*) FILTER (left_out IS NULL) FROM claims.alliance_values"
        ).fetchall()[0]
        asked = connection.sql(
            f"SELECT g.metric, {DIMENSIONS}, v.value FROM claims.alliance_grid AS g "
            "JOIN claims.alliance_values AS v USING (claim_id, specification_id) "
            f"WHERE v.left_out IS NULL ORDER BY hash(claim_id, specification_id) LIMIT {sample}"
        ).df()
        units = connection.sql(
            "SELECT dataset || ' ' || version AS dataset, unit, year(begin_date) AS formed, "
            "year(end_date) AS ended, lifespan_years, lifespan_exact_years, defense, offense, "
            "neutrality, nonaggression, consultation, bilateral, wartime, ending "
            "FROM main.alliance_units"
        ).df()
    for column in ("defense", "offense", "neutrality", "nonaggression", "consultation", "wartime"):
        units[column] = units[column].fillna(False).astype(bool)
    rows = list(asked.itertuples(index=False))
    start = time.perf_counter()
    values = [by_pandas(units, row) for row in rows]
    spent = time.perf_counter() - start
    differences = [
        abs(ours - row.value)
        for ours, row in zip(values, rows, strict=True)
        if not (math.isnan(ours) and math.isnan(row.value))
    ]
    largest = max(differences)
    if not largest <= TOLERANCE:
        raise SystemExit(f"pandas and DuckDB differ by {largest} on the sample")
    return Grid(counts[0], counts[1], seconds, len(rows), spent / len(rows), largest)


def by_pandas(units: pd.DataFrame, asked: Any) -> float:
    """One specification, as a person would write it."""
    chosen = units[
        (units["dataset"] == asked.dataset)
        & (units["unit"] == asked.unit)
        & units["formed"].between(asked.formed_from, 1989)
    ]
    chosen = chosen[_obligation(chosen, asked.obligation)]
    if asked.members != "all":
        chosen = chosen[chosen["bilateral"] == (asked.members == "bilateral")]
    if asked.ending == "fulfilled or violated":
        chosen = chosen[chosen["ending"].isin(["fulfilled", "violated"])]
    elif asked.ending != "all":
        chosen = chosen[chosen["ending"] != asked.ending.removeprefix("not ")]
    if asked.wartime == "out":
        chosen = chosen[~chosen["wartime"]]
    last = math.inf if asked.ended_by == "closing" else int(asked.ended_by)
    ended = chosen[chosen["ended"] <= last]
    if asked.metric == "alliance_count":
        return float(len(chosen if asked.counted == "formed" else ended))
    exact = asked.convention == "exact"
    lifespans = ended["lifespan_exact_years" if exact else "lifespan_years"]
    lifespan = lifespans.mean() if asked.statistic == "mean" else lifespans.median()
    return float(lifespan + (asked.convention == "years plus one"))


def _obligation(units: pd.DataFrame, wanted: str) -> pd.Series:
    if wanted == "all":
        return pd.Series(True, units.index)
    if wanted == "defense":
        return units["defense"]
    if wanted == "defense or offense":
        return units["defense"] | units["offense"]
    only = wanted.removeprefix("not only ")
    kinds = ["defense", "offense", "neutrality", "nonaggression", "consultation"]
    others = [kind for kind in kinds if kind != only]
    return ~units[only] | units[others].any(axis=1)
