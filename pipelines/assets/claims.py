"""Claims as parts of the run: what is declared, and at last sentences; models lie between."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import duckdb

from pipelines.assets.common import (
    OWNERS,
    Materialized,
    Part,
    column_schema,
    keep_or_make,
    key_of,
    markdown_table,
    result,
)
from pipelines.assets.models import asset_named, data_behind, version_of_metrics
from pipelines.claims import evaluate, sentences
from pipelines.claims.gather import gather
from pipelines.claims.grid import GRIDS
from pipelines.models import Model
from pipelines.settings import Settings
from pipelines.versions import version_of
from pipelines.warehouse import versions_of

DECLARED = ("claims.statements", *GRIDS)
TABLES = (*DECLARED, "main.claims")
# What claims name has to be known before their grids are declared.
KNOWN = ("main.place_names", "main.editions", "main.alliances", "main.countries")
_DESCRIPTIONS = (
    "One row per claim file: the statement, its figure and its metric.",
    "One row per claim about spending and combination of its grid, declared before anything is "
    "evaluated.",
    "One row per claim about alliances and combination of its grid.",
    "One row per claim about the shape of security and combination of its grid.",
)


def code_version() -> str:
    """A hash of the claims' code; the claim files themselves are inputs."""
    return version_of(sorted(Path(evaluate.__file__).parent.glob("*.py")))


def claim_parts(models: dict[str, Model]) -> list[Part]:
    """The declared grids, and the table of claims; what lies between are SQL models."""
    code = code_version()
    return [_declared(code), _claims(code, models)]


def _declared(code: str) -> Part:
    def make(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Materialized]:
        gathered = gather(connection, settings)
        made = keep_or_make(
            connection,
            DECLARED,
            code,
            {**gathered.versions, **versions_of(connection, KNOWN)},
            lambda: evaluate.declare(connection, gathered.claims),
        )
        for table in DECLARED:
            yield result(connection, table, made)

    def check(
        connection: duckdb.DuckDBPyConnection, settings: Settings
    ) -> Iterator[dg.AssetCheckResult]:
        rejected = gather(connection, settings).rejected
        reasons = "\n".join(f"- {reason}" for reason in rejected) or "none"
        yield dg.AssetCheckResult(
            check_name="every_claim_file_is_read",
            asset_key=key_of("claims.statements"),
            passed=not rejected,
            metadata={"rejected": dg.MetadataValue.md(reasons)},
        )

    return Part(
        "claims.statements",
        [
            dg.AssetSpec(
                key_of(table),
                description=description,
                deps=[key_of(name) for name in KNOWN],
                group_name="claims",
                kinds={"yaml", "python", "duckdb"},
                owners=OWNERS,
                code_version=code,
            )
            for table, description in zip(DECLARED, _DESCRIPTIONS, strict=True)
        ],
        make,
        [
            dg.AssetCheckSpec(
                "every_claim_file_is_read",
                asset=key_of("claims.statements"),
                description="Every claim file in data/claims/ can be used; one that cannot is left "
                "out and blocks nothing.",
            )
        ],
        check,
    )


def _claims(code: str, models: dict[str, Model]) -> Part:
    reads = sentences.TABLE.references.union(sentences.LOOKED_UP)
    table = replace(sentences.TABLE, references=reads)
    data = data_behind(table, models, DECLARED)
    code += version_of_metrics(table, models)

    def make(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Materialized]:
        gathered = gather(connection, settings)
        made = keep_or_make(
            connection,
            ["main.claims"],
            code,
            {**gathered.versions, **versions_of(connection, data)},
            lambda: sentences.write_claims(connection, gathered.claims),
        )
        rows = connection.execute(
            "SELECT claim_id, stated, recomputed, verdict, edition_or_version FROM main.claims "
            "ORDER BY position"
        ).fetchall()
        verdicts = markdown_table(["claim", "stated", "recomputed", "verdict", "from"], rows)
        yield result(connection, "main.claims", made, {"verdicts": dg.MetadataValue.md(verdicts)})

    return Part(
        "main.claims",
        [
            dg.AssetSpec(
                key_of("main.claims"),
                deps=[asset_named(name, models) for name in sorted(reads)],
                group_name="claims",
                kinds={"python", "duckdb"},
                owners=OWNERS,
                code_version=code,
                description="One row per statement: stated, recomputed, verdict, and how far it "
                "depends on the specification. Verdicts are computed in claims.verdicts; here they "
                "become sentences.",
                metadata={"dagster/column_schema": column_schema(sentences.TABLE.columns)},
            )
        ],
        make,
    )
