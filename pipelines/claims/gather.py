"""The claims of a build: the project's own, which must be right, and a user's, each on its own."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from pipelines.claims import evaluate
from pipelines.claims.files import (
    Claim,
    ClaimError,
    add_claims,
    check_companions,
    load_claims,
    read_claims,
)
from pipelines.settings import Settings
from pipelines.versions import version_of


@dataclass(frozen=True)
class Gathered:
    """Claims to evaluate, in order, and what is wrong with the files that are left out."""

    claims: list[Claim]
    rejected: list[str]

    @property
    def versions(self) -> dict[str, str]:
        """The files that the claims come from, by their content."""
        return {f"claim:{claim.path.name}": version_of([claim.path]) for claim in self.claims}


def gather(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Gathered:
    """Read every claim file and hold it against the data.

    A user's file that cannot be used is left out with its message; everything else goes on.
    Raises ClaimError for a file of the project's own.
    """
    project, *others = settings.claim_folders
    claims = {claim.id: claim for claim in load_claims([project])}
    evaluate.refuse_unknown(connection, claims.values())
    rejected = []
    for folder in others:
        for path in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")]):
            with_file = dict(claims)
            try:
                more = read_claims(path)
                add_claims(with_file, more)
                check_companions(with_file)
                evaluate.refuse_unknown(connection, more)
            except ClaimError as error:
                rejected.append(str(error))
            else:
                claims = with_file
    return Gathered(evaluate.bind(connection, claims.values()), rejected)
