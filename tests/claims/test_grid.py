"""A grid is every combination of the declared levels, the own definition once and first."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.claims.files import Claim, ClaimError, Stated
from pipelines.claims.grid import GRIDS, levels_of, write_grids
from pipelines.claims.metrics import METRICS
from tests.claims.writing import COUNT, GROWTH, claims_of

EDITIONS = (2015, 2017, 2019)
COUNTRIES = ("China", "Cote d'Ivoire", "Japan")
PLACES = (*COUNTRIES, "World", "Asia & Oceania")
DATASETS = ("ATOP 3.0", "ATOP 5.1", "COW 4.1")
BY_NAME = {"edition": EDITIONS, "country": COUNTRIES, "place": PLACES, "dataset": DATASETS}


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA claims")
        for table, column, values in (
            ("editions", "edition", EDITIONS),
            ("countries", "country", COUNTRIES),
            ("place_names", "place", PLACES),
        ):
            connection.execute(f"CREATE TABLE {table} AS SELECT unnest(?) AS {column}", [values])
        connection.execute(
            "CREATE TABLE alliances AS SELECT split_part(d, ' ', 1) AS dataset, "
            "split_part(d, ' ', 2) AS version FROM (SELECT unnest(?) AS d)",
            [DATASETS],
        )
        yield connection


def values_of(name: str, metric: str) -> st.SearchStrategy[Any]:
    dimension = METRICS[metric].dimensions[name]
    if dimension.levels is not None:
        return st.sampled_from(dimension.levels)
    if name in BY_NAME:
        return st.sampled_from(BY_NAME[name])
    if dimension.type is dict:
        return st.just({"China": 2, "Cote d'Ivoire": 8})
    if dimension.type is list:
        return st.just([740, 732])
    if dimension.type is float:
        return st.floats(0.1, 1e6)
    return st.integers(1950, 2020)


@st.composite
def declared(draw: st.DrawFn) -> Claim:
    """A claim of any metric with any definition and alternatives to it."""
    metric = draw(st.sampled_from(sorted(METRICS)))
    definition, alternatives = {}, {}
    for name, dimension in METRICS[metric].dimensions.items():
        values = values_of(name, metric)
        definition[name] = draw(values)
        if dimension.type in (dict, list) or draw(st.booleans()):
            continue
        every = dimension.levels is not None or dimension.values_from is not None
        if every and draw(st.booleans()):
            alternatives[name] = "every"
        else:
            levels = draw(st.lists(values, max_size=3))
            alternatives[name] = tuple(dict.fromkeys(v for v in levels if v != definition[name]))
    return Claim(
        id="a-claim",
        statement="",
        source="",
        locator="",
        paragraph="",
        path=Path("a.yaml"),
        stated=Stated(1, "=", 0, METRICS[metric].unit),
        metric=METRICS[metric],
        definition=definition,
        alternatives=alternatives,
    )


def rows_of(connection: duckdb.DuckDBPyConnection, claim: Claim) -> list[dict[str, Any]]:
    write_grids(connection, [claim])
    assert claim.metric is not None
    found = connection.execute(f"FROM claims.{claim.metric.grid} ORDER BY specification_id")
    names = [entry[0] for entry in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def as_column(name: str) -> str:
    return "to_year" if name == "year" else name


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(claim=declared())
def test_a_grid_holds_the_own_definition_exactly_once(
    database: duckdb.DuckDBPyConnection, claim: Claim
) -> None:
    levels = levels_of(database, claim)
    rows = rows_of(database, claim)
    assert len(rows) == math.prod(map(len, levels.values()))
    assert [row["specification_id"] for row in rows] == list(range(len(rows)))
    assert [row["specification_id"] for row in rows if row["changes"] == 0] == [0]
    varying = {name: values for name, values in levels.items() if len(values) > 1}
    combinations = set()
    for row in rows:
        parameters = json.loads(row["parameters"])
        assert parameters.keys() == varying.keys()
        changed = [name for name, value in parameters.items() if value != claim.definition[name]]
        assert row["changes"] == len(changed)
        assert row["carries_verdict"]
        combinations.add(tuple(parameters.values()))
        chosen = {**claim.definition, **parameters}
        for name, value in chosen.items():
            found = row[as_column(name)]
            if isinstance(value, dict | list):
                found = json.loads(found)
            assert found == value
    assert len(combinations) == len(rows)


def test_every_grid_table_is_there_though_no_claim_uses_it(
    database: duckdb.DuckDBPyConnection,
) -> None:
    write_grids(database, [])
    for grid in GRIDS:
        assert database.execute(f"SELECT count(*) FROM {grid}").fetchone() == (0,)


def test_what_stands_beside_has_negative_numbers_and_no_verdict(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows = rows_of(database, claims_of(tmp_path, COUNT)[0])
    assert [row["specification_id"] for row in rows] == [-1, *range(6)]
    assert [row["carries_verdict"] for row in rows] == [False, *[True] * 6]
    assert rows[0]["unit"] == "lineage"
    assert rows[0]["parameters"] == '{"unit": "lineage"}'


def test_a_grid_that_is_too_large_is_refused(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    years = ", ".join(map(str, range(1950, 2025)))
    text = GROWTH.replace("[current]", f"[current]\n  from_year: [{years}]\n  to_year: [{years}]")
    (claim,) = claims_of(tmp_path, text.replace("alternatives:", "alternatives:\n  shift: every"))
    place = "\n  place: [World, China, Japan, Cote d'Ivoire]\n  basis: every\n  coverage: every"
    rows_of(database, claim)
    (claim,) = claims_of(tmp_path, text.replace("[current]", "[current]" + place))
    with pytest.raises(ClaimError, match=r"mine\.yaml: alternatives: [\d,]+ combinations"):
        rows_of(database, claim)
