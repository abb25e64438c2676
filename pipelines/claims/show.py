"""Claims as text for a terminal: the table of a snapshot, and a claim file checked against it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import duckdb

from pipelines import publish
from pipelines.claims import evaluate
from pipelines.claims.files import Claim, add_claims, check_companions, load_claims, read_claims
from pipelines.claims.numbers import figure
from pipelines.claims.sentences import changes_text
from pipelines.errors import MilexError
from pipelines.models import create, load_models, quote
from pipelines.settings import Settings
from pipelines.sources.catalogue import load_catalogue
from pipelines.warehouse import first_row

Line: TypeAlias = tuple[str, ...]


def current_or_fail(settings: Settings) -> Path:
    """The published snapshot.

    Raises MilexError when there is none.
    """
    snapshot = publish.current_snapshot(settings)
    if snapshot is None:
        raise MilexError("There is no snapshot yet. Run `make build` (or `milex build`) first.")
    return snapshot


def claim_lines(settings: Settings) -> tuple[list[Line], str]:
    """The claims of the current snapshot with a heading line, and which excerpts stand in."""
    snapshot = current_or_fail(settings)
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        rows = connection.execute(
            "SELECT claim_id, coalesce(nullif(stated, ''), '–'), coalesce(nullif(recomputed, ''), '–'),"
            " verdict, coalesce(edition_or_version, '–') FROM claims ORDER BY position"
        ).fetchall()
    heading = ("claim", "stated", "recomputed", "verdict", "edition or version")
    return [heading, *rows], publish.snapshot_facts(snapshot).get("excerpt", "")


@contextmanager
def workbench(snapshot: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A memory database in which the snapshot's tables and metrics stand under their own names."""
    connection = duckdb.connect()
    try:
        connection.execute(f"ATTACH {quote(str(snapshot))} AS snapshot (READ_ONLY)")
        connection.execute("CREATE SCHEMA claims")
        tables = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'snapshot'"
        ).fetchall()
        for (table,) in tables:
            if table not in ("claims", "specifications", "specification_rules"):
                connection.execute(f"CREATE VIEW main.{table} AS FROM snapshot.main.{table}")
        yield connection
    finally:
        connection.close()


def _companions(settings: Settings, claims: list[Claim]) -> list[Claim]:
    """The claims that these name in together_with, where another of the project's files has them."""
    here: dict[str, Claim] = {}
    add_claims(here, claims)
    wanted = {claim.together_with for claim in claims if claim.together_with} - here.keys()
    found = [c for c in load_claims(settings.claim_folders) if c.id in wanted] if wanted else []
    add_claims(here, found)
    check_companions(here)
    return found


def check_file(settings: Settings, file: Path, top: int) -> Iterator[str]:
    """What a user's claim file comes to, line by line."""
    claims = read_claims(file)
    companions = _companions(settings, claims)
    models = load_models(settings.sql)
    with workbench(current_or_fail(settings)) as connection:
        for model in models.values():
            if model.is_macro:
                create(connection, model)
        evaluate.evaluate(connection, [*claims, *companions], models)
        for claim in evaluate.bind(connection, claims):
            row = first_row(
                connection,
                "SELECT verdict, explanation, sql, today, unit, decimals, stated_value "
                "FROM main.claims WHERE claim_id = ?",
                [claim.id],
            )
            assert row is not None
            verdict, explanation, sql, today, unit, decimals, stated = row
            yield f"{claim.id}: {verdict}"
            yield f"  {claim.statement} ({claim.source}, {claim.locator})"
            yield f"  {explanation}{' ' + today if today else ''}"
            if claim.metric is None:
                continue
            yield f"\n  SQL: {sql}\n"
            listed = connection.execute(
                "SELECT value, agrees, parameters FROM main.specifications WHERE claim_id = ? "
                "ORDER BY carries_verdict DESC, changes, abs(value - ?), specification_id LIMIT ?",
                [claim.id, stated, top],
            ).fetchall()
            for value, agrees, parameters in listed:
                changed = changes_text(json.loads(parameters), claim.definition)
                mark = "agrees" if agrees else "      "
                yield f"  {mark}  {figure(value, unit, decimals + 1):>24}  {changed or 'own definition'}"
            dataset = "SIPRI" if "edition" in claim.definition else claim.definition["dataset"]
            about = load_catalogue().datasets[str(dataset).split()[0]]
            edition = evaluate.edition_or_version(claim)
            yield f"\n  Cite: {about.citation} {edition}. Recomputed with Milex.\n"
