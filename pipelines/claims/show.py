"""Claims as text for a terminal: the table of a snapshot, and a claim file checked against it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import duckdb

from pipelines import publish
from pipelines.claims import evaluate
from pipelines.claims.files import Claim, add_claims, check_companions, load_claims, read_claims
from pipelines.claims.numbers import figure
from pipelines.claims.sentences import changes_text
from pipelines.errors import MilexError
from pipelines.models import create, load_models
from pipelines.settings import Settings
from pipelines.sources.catalogue import load_catalogue
from pipelines.warehouse import first_row, quote

Line: TypeAlias = tuple[str, ...]


def current_or_fail(settings: Settings) -> Path:
    """The published snapshot.

    Raises MilexError when there is none, and when it cannot be read.
    """
    snapshot = publish.current_snapshot(settings)
    if snapshot is None and settings.pointer.is_symlink():
        raise MilexError(
            f"{settings.pointer} leads to no snapshot. `make build` makes a new one; `make "
            "rollback` goes to the newest that is kept."
        )
    if snapshot is None:
        raise MilexError("There is no snapshot yet. Run `make build` (or `milex build`) first.")
    if (reason := publish.unreadable(snapshot)) is not None:
        raise MilexError(
            f"The published snapshot cannot be read. `make build` makes a new one; `make rollback` "
            f"goes to the one before. DuckDB says: {reason}"
        )
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
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {quote(str(snapshot))} AS snapshot (READ_ONLY)")
        with in_front_of(connection, "snapshot") as bench:
            yield bench


@contextmanager
def in_front_of(
    connection: duckdb.DuckDBPyConnection, snapshot: str
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A memory database in front of an open snapshot: what is made lands in it and hides the
    snapshot's own of that name; everything else is found in the snapshot.

    snapshot: its name on the connection. The memory database is gone afterwards.
    """
    bench = f"workbench_{uuid4().hex}"
    connection.execute(f"ATTACH ':memory:' AS {bench} (READ_WRITE)")
    try:
        connection.execute(f"CREATE SCHEMA {bench}.claims")
        connection.execute(f"""SET search_path = '{bench}.main,"{snapshot}".main'""")
        yield connection
    finally:
        connection.execute(f"""SET search_path = '"{snapshot}".main'""")
        connection.execute(f"DETACH {bench}")


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
