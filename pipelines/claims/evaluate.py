"""Claims against the data: statements and grids into tables, models over them, sentences last.

Works on any connection whose `main` schema has the public tables: the pipeline's warehouse, or a
memory database over a published snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import duckdb

from pipelines.claims import sentences
from pipelines.claims.dimensions import NEWEST
from pipelines.claims.files import Claim, ClaimError
from pipelines.claims.grid import write_grids
from pipelines.models import Model, create
from pipelines.warehouse import first_row, insert_rows

# The model that evaluates each grid.
VALUES = {
    "claims.spending_values": "spending_grid",
    "claims.alliance_values": "alliance_grid",
    "claims.structure_values": "structure_grid",
}
# What is made from the grids, in this order; each is a SQL model.
EVALUATION = (
    *VALUES,
    "main.specifications",
    "main.specification_rules",
    "claims.verdicts",
)

_STATEMENTS = """
CREATE OR REPLACE TABLE claims.statements (
    claim_id VARCHAR, statement VARCHAR, source VARCHAR, locator VARCHAR, paragraph VARCHAR,
    testable BOOLEAN, metric VARCHAR, stated_value DOUBLE, stated_upper DOUBLE, comparison VARCHAR,
    unit VARCHAR, decimals INTEGER, threshold_is_ours BOOLEAN, attribution VARCHAR,
    together_with VARCHAR, edition_or_version VARCHAR, sql VARCHAR, not_testable VARCHAR,
    would_test VARCHAR, position INTEGER
)
"""


def bind(connection: duckdb.DuckDBPyConnection, claims: Iterable[Claim]) -> list[Claim]:
    """Claims with `edition: newest` replaced by the newest edition at hand."""
    row = first_row(connection, "SELECT max(edition) FROM main.editions")
    newest = row[0] if row and row[0] is not None else NEWEST
    return [
        replace(claim, definition={**claim.definition, "edition": newest})
        if claim.definition.get("edition") == NEWEST
        else claim
        for claim in claims
    ]


def declare(connection: duckdb.DuckDBPyConnection, claims: Sequence[Claim]) -> None:
    """Write the statements and the grids, before anything is evaluated."""
    write_statements(connection, claims)
    write_grids(connection, claims)


def write_statements(connection: duckdb.DuckDBPyConnection, claims: Sequence[Claim]) -> None:
    """One row per claim, as its file states it."""
    connection.execute(_STATEMENTS)
    insert_rows(
        connection,
        "claims.statements",
        [_stated(position, claim) for position, claim in enumerate(claims)],
    )


def _stated(position: int, claim: Claim) -> list[object]:
    """A claim as a row of the statements."""
    stated = claim.stated
    return [
        claim.id,
        claim.statement,
        claim.source,
        claim.locator,
        claim.paragraph,
        claim.testable,
        claim.metric.name if claim.metric else None,
        stated.value if stated else None,
        stated.upper if stated else None,
        stated.comparison if stated else None,
        stated.unit if stated else None,
        stated.decimals if stated else None,
        claim.threshold_is_ours,
        claim.attribution,
        claim.together_with,
        edition_or_version(claim),
        claim.metric.call(claim.definition) if claim.metric else None,
        claim.not_testable,
        claim.would_test,
        position,
    ]


def edition_or_version(claim: Claim) -> str | None:
    """The edition or dataset version of a claim's own definition, as people name it."""
    if "edition" in claim.definition:
        return f"SIPRI {claim.definition['edition']}"
    dataset = claim.definition.get("dataset")
    return str(dataset) if dataset else None


def evaluate(
    connection: duckdb.DuckDBPyConnection, claims: Sequence[Claim], models: dict[str, Model]
) -> None:
    """Evaluate claims on a connection that has the public tables and metrics.

    Afterwards it has claims.statements, the grids, main.specifications, claims.verdicts and
    main.claims. Raises ClaimError where a claim asks for what the data do not know.
    """
    refuse_unknown(connection, claims)
    claims = bind(connection, claims)
    declare(connection, claims)
    asked = {claim.metric.grid for claim in claims if claim.metric}
    for table in EVALUATION:
        if VALUES.get(table) in asked | {None}:
            create(connection, models[table])
        else:  # of a grid without rows: to run it would take longer than all the rest
            connection.execute(models[table].ddl)
    sentences.write_claims(connection, claims)


def refuse_unknown(connection: duckdb.DuckDBPyConnection, claims: Iterable[Claim]) -> None:
    """A country, region, edition or dataset that no table knows is a mistake in the claim file.

    An edition or dataset that exists but is not at hand is no mistake: the verdict is data missing.
    """
    for claim in claims:
        if claim.metric is None:
            continue
        for name, dimension in claim.metric.dimensions.items():
            if dimension.values_from is None or name in ("edition", "dataset"):
                continue
            known = {row[0] for row in connection.execute(dimension.values_from).fetchall()}
            listed = claim.alternatives.get(name, ())
            own = claim.definition[name]
            asked = [*(own if isinstance(own, dict) else (own,))]
            for value in [*asked, *(() if isinstance(listed, str) else listed)]:
                if value not in known:
                    close = _alias(connection, str(value)) or _closest(str(value), known)
                    raise ClaimError(
                        f"{claim.path.name}: {name}: the data know no '{value}'."
                        f"{f' Did you mean {close}?' if close else ''} "
                        "Names: SELECT DISTINCT place FROM place_names."
                    )


def _alias(connection: duckdb.DuckDBPyConnection, value: str) -> str | None:
    """The canonical name behind another spelling or an ISO code."""
    row = first_row(
        connection, "SELECT place FROM main.place_names WHERE alias = lower(trim(?))", [value]
    )
    return row[0] if row else None


def _closest(value: str, known: set[str]) -> str:
    from difflib import get_close_matches

    return ", ".join(get_close_matches(value, known, n=3, cutoff=0.5))
