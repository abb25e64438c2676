"""The grids, evaluated as a set, give what each specification gives when it is asked for alone."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from pipelines.claims.evaluate import bind, evaluate
from pipelines.claims.files import Claim, Stated, load_claims
from pipelines.claims.metrics import METRICS
from tests.claims.writing import MODELS, bench
from tests.conftest import BuiltData

pytestmark = pytest.mark.mirror

ROOT = Path(__file__).resolve().parents[2]
REGIONS = ("World", "Asia & Oceania", "Europe", "sub-Saharan Africa", "East Asia", "Oceania")
COUNTRIES = ("China", "Cote d'Ivoire", "Japan", "United States of America", "Australia", "Eritrea")
Specification = tuple[str, int, dict[str, Any], float | None]


def fetch(connection: duckdb.DuckDBPyConnection, call: str) -> float | None:
    """A metric's value; a year that the edition does not have is no value."""
    try:
        row = connection.execute(call).fetchone()
    except duckdb.InvalidInputException as error:
        if "has no year" not in str(error):
            raise
        return None
    return None if row is None or row[0] is None else float(row[0])


def same(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return found == pytest.approx(expected, rel=1e-9)


@pytest.fixture(scope="module")
def claims(full_db: duckdb.DuckDBPyConnection) -> dict[str, Claim]:
    declared = bind(full_db, load_claims([ROOT / "claims"]))
    return {claim.id: claim for claim in declared if claim.metric is not None}


@pytest.fixture(scope="module")
def drawn(full_db: duckdb.DuckDBPyConnection) -> list[Specification]:
    """Specifications of every claim, more of those about alliances."""
    by_claim = defaultdict(list)
    for row in full_db.execute(
        "SELECT claim_id, specification_id, parameters, value FROM specifications "
        "WHERE carries_verdict ORDER BY 1, 2"
    ).fetchall():
        by_claim[row[0]].append((row[0], row[1], json.loads(row[2]), row[3]))
    choice = random.Random(1815)
    return [
        row
        for rows in by_claim.values()
        for row in choice.sample(rows, min(len(rows), 120 if len(rows) > 5000 else 12))
    ]


def test_the_sql_of_a_claim_gives_its_recomputed_figure(full_db: duckdb.DuckDBPyConnection) -> None:
    rows = full_db.execute(
        "SELECT claim_id, sql, recomputed_value, "
        "(SELECT value FROM specifications AS s WHERE s.claim_id = c.claim_id "
        "AND specification_id = 0) FROM claims AS c WHERE metric IS NOT NULL"
    ).fetchall()
    assert len(rows) > 20
    for name, sql, recomputed, own in rows:
        assert recomputed is not None, name
        assert same(fetch(full_db, sql), recomputed), name
        assert own == recomputed, name


def test_a_specification_gives_what_its_metric_gives(
    full_db: duckdb.DuckDBPyConnection, claims: dict[str, Claim], drawn: list[Specification]
) -> None:
    for name, number, parameters, value in drawn:
        metric = claims[name].metric
        assert metric is not None
        call = metric.call({**claims[name].definition, **parameters})
        assert same(fetch(full_db, call), value), (name, number, call)


def random_claim(choice: random.Random, number: int) -> Claim:
    """A claim about spending that nobody made, with alternatives to each of its levels."""
    spending = [m for m in METRICS.values() if m.grid == "spending_grid"]
    metric = spending[number % len(spending)]
    to_year = choice.randint(1995, 2024)
    own = {
        "place": choice.choice(REGIONS),
        "country": choice.choice(COUNTRIES),
        "from_year": to_year - choice.randint(1, 20),
        "to_year": to_year,
        "year": to_year,
        "edition": choice.choice((2017, 2019, 2020, 2022, 2023, 2025)),
        "ranks": {"China": 2, "Japan": 8, "Cote d'Ivoire": 100},
        "amount": choice.uniform(0.1, 500),
        "top": choice.choice((5, 10, 15, 40)),
    }
    definition, alternatives = {}, {}
    for name, dimension in metric.dimensions.items():
        levels = dimension.levels
        definition[name] = choice.choice(levels) if levels else own[name]
        if levels:
            alternatives[name] = tuple(level for level in levels if level != definition[name])
    others = (2017, 2020, 2025)
    alternatives["edition"] = tuple(e for e in others if e != definition["edition"])
    return Claim(
        id=f"random-{number}",
        statement="A statement.",
        source="Nobody",
        locator="nowhere",
        paragraph="Nobody",
        path=Path(f"random-{number}.yaml"),
        stated=Stated(1, "=", 0, metric.unit),
        metric=metric,
        definition=definition,
        alternatives=alternatives,
    )


@pytest.fixture(scope="module")
def users(full_data: BuiltData) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Claim]]]:
    choice = random.Random(2017)
    made = [random_claim(choice, number) for number in range(36)]
    with bench(full_data.snapshot) as connection:
        evaluate(connection, made, MODELS)
        yield connection, made


def test_any_claim_about_spending_is_what_a_user_gets_from_the_metrics(
    users: tuple[duckdb.DuckDBPyConnection, list[Claim]],
) -> None:
    connection, made = users
    compared = left_out = 0
    for claim in made:
        assert claim.metric is not None
        rows = connection.execute(
            "SELECT g.parameters, v.value, v.left_out FROM claims.spending_grid AS g "
            "JOIN claims.spending_values AS v USING (claim_id, specification_id) "
            "WHERE claim_id = ? ORDER BY hash(specification_id) LIMIT 25",
            [claim.id],
        ).fetchall()
        for text, value, rule in rows:
            parameters = {**claim.definition, **json.loads(text)}
            if rule is not None and rule.startswith("coverage is a matter of sums"):
                continue
            found = fetch(connection, claim.metric.call(parameters))
            assert (value is None) == (rule is not None)
            assert same(found, value), (claim.metric.name, parameters, rule, found, value)
            compared += value is not None
            left_out += value is None
    assert compared > 200
    assert left_out > 20


def test_specifications_of_one_sample_rest_on_the_same_countries(
    users: tuple[duckdb.DuckDBPyConnection, list[Claim]],
) -> None:
    """Growth by sums: the sample is known by its edition, prices, years and members' figures."""
    connection, made = users
    groups: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for claim in made:
        if claim.metric is not METRICS["growth"]:
            continue
        rows = connection.execute(
            "SELECT parameters, sample_id FROM main.specifications WHERE claim_id = ?", [claim.id]
        ).fetchall()
        for text, sample in rows:
            p = {**claim.definition, **json.loads(text)}
            if p["basis"] == "published":
                groups[(p["place"], p["edition"], p["prices"], *years(p))].add(sample)
                continue
            members = members_of(connection, p)
            groups[(p["edition"], p["prices"], *years(p), members)].add(sample)
    assert len(groups) > 50
    assert all(len(samples) == 1 for samples in groups.values())
    assert len(set().union(*groups.values())) == len(groups)


def years(p: Mapping[str, Any]) -> tuple[int, int]:
    return p["from_year"] + p["shift"], p["to_year"] + p["shift"]


def members_of(
    connection: duckdb.DuckDBPyConnection, p: Mapping[str, Any]
) -> frozenset[tuple[Any, ...]]:
    """The members of the region that the sum counts, with their two figures."""
    column = f"{p['prices']}_usd_m"
    first, last = years(p)
    rows = connection.execute(
        f"SELECT country, max({column}) FILTER (year = ?), max({column}) FILTER (year = ?) "
        "FROM main.spending WHERE edition = ? AND country IN "
        "(SELECT country FROM main.region_members WHERE region = ?) AND country NOT IN "
        "(SELECT country FROM main.omitted_countries WHERE edition = ? AND region = ?) "
        "GROUP BY country",
        [first, last, p["edition"], p["place"], p["edition"], p["place"]],
    ).fetchall()
    either = (row for row in rows if row[1] is not None or row[2] is not None)
    both = (row for row in rows if row[1] is not None and row[2] is not None)
    return frozenset(map(tuple, both if p["coverage"] == "both years" else either))


# --- alliances: plain pandas, one query per specification ------------------------------------


@pytest.fixture(scope="module")
def units(full_db: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    frame: pd.DataFrame = full_db.execute("FROM alliance_units").df()
    for name in ("begin_date", "end_date", "closing_date"):
        frame[name] = pd.to_datetime(frame[name])
    return frame


def selected(units: pd.DataFrame, p: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The units formed, and those of them that ended, under a specification."""
    dataset, version = p["dataset"].split()
    chosen = units[
        (units["dataset"] == dataset)
        & (units["version"] == version)
        & (units["unit"] == p["unit"])
        & units["begin_date"].dt.year.between(p["formed_from"], 1989)
    ]
    has = {
        kind: chosen[kind].fillna(False).astype(bool)
        for kind in ("defense", "offense", "neutrality", "nonaggression", "consultation")
    }
    keep = {
        "all": has["defense"] | True,
        "defense": has["defense"],
        "defense or offense": has["defense"] | has["offense"],
        "not only nonaggression": ~has["nonaggression"]
        | has["defense"]
        | has["offense"]
        | has["neutrality"]
        | has["consultation"],
        "not only consultation": ~has["consultation"]
        | has["defense"]
        | has["offense"]
        | has["neutrality"]
        | has["nonaggression"],
    }[p["obligation"]]
    chosen = chosen[keep]
    if p["members"] != "all":
        chosen = chosen[chosen["bilateral"].astype(bool) == (p["members"] == "bilateral")]
    if p["ending"] == "fulfilled or violated":
        chosen = chosen[chosen["ending"].isin(["fulfilled", "violated"])]
    elif p["ending"] != "all":
        chosen = chosen[chosen["ending"] != p["ending"].removeprefix("not ")]
    if p["wartime"] == "out":
        chosen = chosen[~chosen["wartime"].astype(bool)]
    ended = chosen[chosen["end_date"].notna()]
    if p["ended_by"] != "closing":
        ended = ended[ended["end_date"].dt.year <= int(p["ended_by"])]
    return chosen, ended


def by_pandas(units: pd.DataFrame, metric: str, p: Mapping[str, Any]) -> float | None:
    formed, ended = selected(units, p)
    if metric == "alliance_count":
        return float(len(formed if p["counted"] == "formed" else ended))
    column = "lifespan_exact_years" if p["convention"] == "exact" else "lifespan_years"
    if ended.empty:
        return None
    value = float(getattr(ended[column], p["statistic"])())
    return value + 1 if p["convention"] == "years plus one" else value


def test_the_alliance_grid_equals_pandas(
    claims: dict[str, Claim], drawn: list[Specification], units: pd.DataFrame
) -> None:
    compared = 0
    for name, number, parameters, value in drawn:
        metric = claims[name].metric
        if metric is None or metric.grid != "alliance_grid":
            continue
        p = {**claims[name].definition, **parameters}
        assert same(by_pandas(units, metric.name, p), value), (name, number)
        compared += 1
    assert compared >= 200


def test_alliance_specifications_share_a_sample_exactly_when_they_select_the_same_rows(
    full_db: duckdb.DuckDBPyConnection, claims: dict[str, Claim], units: pd.DataFrame
) -> None:
    claim = claims["alliance-count"]
    rows = full_db.execute(
        "SELECT parameters, sample_id FROM specifications WHERE claim_id = ? AND carries_verdict "
        'AND parameters LIKE \'%"convention":"years"%\' AND parameters LIKE \'%"mean"%\' '
        "ORDER BY hash(specification_id) LIMIT 600",
        [claim.id],
    ).fetchall()
    sets: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for text, sample in rows:
        p = {**claim.definition, **json.loads(text)}
        formed, ended = selected(units, p)
        counted = formed if p["counted"] == "formed" else ended
        key = (p["dataset"], p["unit"], frozenset(counted["unit_id"]), frozenset(ended["unit_id"]))
        sets[key].add(sample)
    assert len(rows) == 600
    assert 100 < len(sets) < 600
    assert all(len(samples) == 1 for samples in sets.values())
    assert len(set().union(*sets.values())) == len(sets)


def test_left_out_and_kept_add_up_to_the_declared_grid(
    full_db: duckdb.DuckDBPyConnection,
) -> None:
    kept = full_db.execute(
        "SELECT r.claim_id, r.combinations, count(s.claim_id) FROM specification_rules AS r "
        "JOIN specifications AS s ON s.claim_id = r.claim_id WHERE r.rule = 'kept' GROUP BY ALL"
    ).fetchall()
    assert len(kept) > 20
    assert all(combinations == found for _, combinations, found in kept)


def test_every_verdict_is_one_of_five_and_follows_from_its_specifications(
    full_db: duckdb.DuckDBPyConnection,
) -> None:
    rows = full_db.execute(
        "SELECT c.verdict, coalesce(bool_or(s.agrees) FILTER (s.changes = 0), false), "
        "coalesce(bool_or(s.agrees) FILTER (s.changes BETWEEN 1 AND 2), false), "
        "any_value(c.metric IS NOT NULL), any_value(c.recomputed_value IS NOT NULL) "
        "FROM claims AS c LEFT JOIN specifications AS s "
        "ON s.claim_id = c.claim_id AND s.carries_verdict GROUP BY c.claim_id, c.verdict"
    ).fetchall()
    for verdict, own, near, testable, at_hand in rows:
        if not testable:
            assert verdict == "not testable"
        elif not at_hand:
            assert verdict == "data missing"
        elif own:
            assert verdict == "reproduced"
        elif near:
            assert verdict == "reproduced under another specification"
        else:
            assert verdict == "not reproduced"


def test_an_explanation_is_in_sentences_with_no_place_left_to_fill(
    full_db: duckdb.DuckDBPyConnection,
) -> None:
    rows = full_db.execute(
        "SELECT claim_id, explanation, finding, coalesce(today, '') FROM claims"
    ).fetchall()
    for name, explanation, finding, today in rows:
        assert explanation.endswith("."), name
        for text in (explanation, finding, today):
            assert not {"{", "}"} & set(text), name
            assert not {"None", "nan", "inf", "NULL"} & set(text.split()[1:]) or not finding, name
