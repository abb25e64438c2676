"""Claims as assets: what is declared, then what is evaluated, then sentences."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.assets.common import (
    OWNERS,
    column_schema,
    keep_or_make,
    key_of,
    markdown_table,
    result,
)
from pipelines.assets.models import asset_key
from pipelines.assets.resources import Warehouse
from pipelines.claims import evaluate, sentences
from pipelines.claims.gather import gather
from pipelines.claims.grid import GRIDS
from pipelines.models import Model
from pipelines.versions import version_of
from pipelines.warehouse import versions_of

DECLARED = ("claims.statements", *GRIDS)
TABLES = (*DECLARED, "main.claims")


def code_version() -> str:
    """A hash of the claims' code; the claim files themselves are inputs."""
    return version_of(sorted(Path(evaluate.__file__).parent.glob("*.py")))


def claim_assets(models: dict[str, Model]) -> list[dg.AssetsDefinition]:
    """The declared grids, and the table of claims; what lies between are SQL models."""
    known_places = ["main.place_names", "main.editions", "main.alliances", "main.countries"]

    @dg.multi_asset(
        name="claims_declared",
        specs=[
            dg.AssetSpec(
                key_of(table),
                description=description,
                deps=[key_of(name) for name in known_places],
                group_name="claims",
                kinds={"yaml", "python", "duckdb"},
                owners=OWNERS,
                code_version=code_version(),
            )
            for table, description in zip(
                DECLARED,
                (
                    "One row per claim file: the statement, its figure and its metric.",
                    "One row per claim about spending and combination of its grid, declared before "
                    "anything is evaluated.",
                    "One row per claim about alliances and combination of its grid.",
                    "One row per claim about the shape of security and combination of its grid.",
                ),
                strict=True,
            )
        ],
        check_specs=[
            dg.AssetCheckSpec(
                "every_claim_file_is_read",
                asset=key_of("claims.statements"),
                description="Every claim file in data/claims/ can be used; one that cannot is left "
                "out and blocks nothing.",
            )
        ],
    )
    def declared(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        connection = warehouse.connection
        gathered = gather(connection, warehouse.settings)
        changed = keep_or_make(
            context,
            connection,
            DECLARED,
            code_version(),
            {**gathered.versions, **versions_of(connection, known_places)},
            lambda: evaluate.declare(connection, gathered.claims),
        )
        for table in DECLARED:
            yield result(connection, table, changed)
        yield dg.AssetCheckResult(
            check_name="every_claim_file_is_read",
            asset_key=key_of("claims.statements"),
            passed=not gathered.rejected,
            metadata={
                "rejected": dg.MetadataValue.md(
                    "\n".join(f"- {reason}" for reason in gathered.rejected) or "none"
                )
            },
        )

    inputs = sorted(sentences.TABLE.references)
    metrics = sorted(
        {"main.growth", "main.share", "main.contribution", "main.top", "main.burden"}
        & models.keys()
    )

    @dg.asset(
        key=key_of("main.claims"),
        deps=[*map(key_of, inputs), *(asset_key(models[name]) for name in metrics)],
        group_name="claims",
        kinds={"python", "duckdb"},
        owners=OWNERS,
        code_version=code_version(),
        description="One row per statement: stated, recomputed, verdict, and how far it depends on "
        "the specification. Verdicts are computed in claims.verdicts; here they become sentences.",
        metadata={"dagster/column_schema": column_schema(sentences.TABLE.columns)},
    )
    def claims_table(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[dg.MaterializeResult[Any]]:
        connection = warehouse.connection
        gathered = gather(connection, warehouse.settings)
        changed = keep_or_make(
            context,
            connection,
            ["main.claims"],
            code_version(),
            {
                **gathered.versions,
                **versions_of(connection, [*inputs, "main.spending_series", "main.spending"]),
            },
            lambda: sentences.write_claims(connection, gathered.claims),
        )
        rows = connection.execute(
            "SELECT claim_id, stated, recomputed, verdict, edition_or_version FROM main.claims "
            "ORDER BY position"
        ).fetchall()
        yield result(
            connection,
            "main.claims",
            changed,
            {
                "verdicts": dg.MetadataValue.md(
                    markdown_table(["claim", "stated", "recomputed", "verdict", "from"], rows)
                )
            },
        )

    return [declared, claims_table]
