"""The declared grid of each claim as rows: every combination of its dimensions' levels.

Specification 0 is the claim's own definition; `changes` counts the dimensions that differ from it.
Grids are written before anything is evaluated; nothing here knows a figure.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb

from pipelines.claims.files import Claim, ClaimError
from pipelines.claims.metrics import METRICS
from pipelines.warehouse import quote

_TYPES = {str: "VARCHAR", int: "INTEGER", float: "DOUBLE", dict: "VARCHAR", list: "VARCHAR"}
_COMMON = {
    "claim_id": "VARCHAR",
    "specification_id": "INTEGER",
    "metric": "VARCHAR",
    "changes": "INTEGER",
    "carries_verdict": "BOOLEAN",
    "parameters": "VARCHAR",
}
MAX_COMBINATIONS = 500_000
GRIDS = ("claims.spending_grid", "claims.alliance_grid", "claims.structure_grid")


def grid_columns(grid: str) -> dict[str, str]:
    """Columns of a grid table: one per dimension of any metric that uses it; `year` is to_year."""
    columns = dict(_COMMON)
    for metric in METRICS.values():
        if f"claims.{metric.grid}" == grid:
            for name, dimension in metric.dimensions.items():
                columns["to_year" if name == "year" else name] = _TYPES[dimension.type]
    if "to_year" in columns:
        columns["from_year"] = "INTEGER"
    return columns


def write_grids(connection: duckdb.DuckDBPyConnection, claims: Iterable[Claim]) -> None:
    """Create the grid tables of every testable claim's specifications, each in one statement."""
    selects: dict[str, list[str]] = {grid: [_no_rows(grid)] for grid in GRIDS}
    # Claims that describe one set have the same combinations, which are made once for them all.
    alike: dict[str, tuple[Mapping[str, tuple[Any, ...]], list[Claim]]] = {}
    for claim in claims:
        if claim.metric is not None:
            levels = levels_of(connection, claim)
            same = f"{claim.metric.grid} {json.dumps(levels)}"
            alike.setdefault(same, (levels, []))[1].append(claim)
            selects[f"claims.{claim.metric.grid}"] += _beside(claim)
    for shared, sharing in alike.values():
        assert sharing[0].metric is not None
        selects[f"claims.{sharing[0].metric.grid}"].append(_combinations(sharing, shared))
    for grid, parts in selects.items():
        connection.execute(f"CREATE OR REPLACE TABLE {grid} AS {' UNION ALL BY NAME '.join(parts)}")


def _no_rows(grid: str) -> str:
    """The columns and types of a grid, for the claims that leave some of them out."""
    columns = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in grid_columns(grid).items())
    return f"(SELECT {columns} WHERE false)"


def levels_of(connection: duckdb.DuckDBPyConnection, claim: Claim) -> dict[str, tuple[Any, ...]]:
    """The levels of each dimension of a claim, its own first; `every` asks the data."""
    assert claim.metric is not None
    levels = {}
    for name, own in claim.definition.items():
        others = claim.alternatives.get(name, ())
        if others == "every":
            dimension = claim.metric.dimensions[name]
            known: Iterable[Any] = dimension.levels or ()
            if dimension.values_from:
                known = [row[0] for row in connection.execute(dimension.values_from).fetchall()]
            others = tuple(known)
        levels[name] = (own, *(value for value in others if value != own))
    combinations = math.prod(map(len, levels.values()))
    if combinations > MAX_COMBINATIONS:
        raise ClaimError(
            f"{claim.path.name}: alternatives: {combinations:,} combinations are more than "
            f"{MAX_COMBINATIONS:,}; list fewer levels."
        )
    return levels


def _combinations(claims: Sequence[Claim], levels: Mapping[str, tuple[Any, ...]]) -> str:
    """A SELECT of the cross product of the levels, made by the database, for claims that share it.

    Columns of a single level stand as constants; the own definition sorts first, so it is 0.
    """
    varying = {name: values for name, values in levels.items() if len(values) > 1}
    # Each level with its place and its part of the parameters' JSON: to write JSON once a level and
    # join the parts takes a fraction of writing it once a combination.
    sources = [
        "(VALUES "
        + ", ".join(
            f"({_literal(value)}, {number}, {quote(_json_entry(name, value))})"
            for number, value in enumerate(values)
        )
        + f') AS "{name}"(v, c, entry)'
        for name, values in varying.items()
    ]
    entries = ", ',', ".join(f'"{name}".entry' for name in varying)
    columns = {
        "changes": " + ".join(f'("{name}".c > 0)::INTEGER' for name in varying) or "0::INTEGER",
        "carries_verdict": "true",
        "parameters": f"concat('{{', {entries}, '}}')" if varying else "'{}'",
        **_values(claims[0], {name: f'"{name}".v' for name in varying}),
    }
    named = ", ".join(
        f"({quote(claim.id)}, {quote(claim.metric.name)})" for claim in claims if claim.metric
    )
    names = ", ".join(f'"{name}"' for name in columns)
    selected = ", ".join(f'{value} AS "{name}"' for name, value in columns.items())
    source = f" FROM {' CROSS JOIN '.join(sources)}" if sources else ""
    return (
        "(SELECT * FROM (SELECT (row_number() OVER (ORDER BY changes, position) - 1)::INTEGER AS "
        f"specification_id, {names} FROM (SELECT {_position(varying)} AS position, "
        f"{selected}{source})) CROSS JOIN (VALUES {named}) AS claim(claim_id, metric))"
    )


def _position(varying: Mapping[str, tuple[Any, ...]]) -> str:
    """The place of a combination among all, as one number: the first dimension counts most."""
    text = "0"
    for name, values in varying.items():
        text = f'({text} * {len(values)} + "{name}".c)'
    return text


def _values(claim: Claim, varying: Mapping[str, str]) -> dict[str, str]:
    """SQL for each dimension's column: its level in the cross product, or its one value."""
    values = {name: varying.get(name, _literal(value)) for name, value in claim.definition.items()}
    if "year" in values:
        values["to_year"] = values["from_year"] = values.pop("year")
    return values


def _beside(claim: Claim) -> Iterable[str]:
    """Specifications that are shown and carry no verdict: the definition with one level changed."""
    assert claim.metric is not None
    numbered = itertools.count(-1, -1)
    for name, values in claim.beside.items():
        for value in values:
            columns = {
                "claim_id": quote(claim.id),
                "specification_id": str(next(numbered)),
                "metric": quote(claim.metric.name),
                "changes": "1",
                "carries_verdict": "false",
                "parameters": quote(json.dumps({name: value})),
                **_values(claim, {name: _literal(value)}),
            }
            selected = ", ".join(f'{value} AS "{column}"' for column, value in columns.items())
            yield f"(SELECT {selected})"


def _json_entry(name: str, value: Any) -> str:
    """A dimension and its level as they stand in the parameters' JSON."""
    if isinstance(value, dict | list):
        value = json.dumps(value)
    return json.dumps({name: value}, ensure_ascii=False, separators=(",", ":"))[1:-1]


def _literal(value: Any) -> str:
    if isinstance(value, dict | list):
        return quote(json.dumps(value))
    return str(value) if isinstance(value, int | float) else quote(str(value))
