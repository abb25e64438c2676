"""The metrics' calls read what is declared, so that a run has made it before claims are told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.claims.files import Claim, load_claims
from pipelines.claims.metrics import READ
from pipelines.models import load_models, references

ROOT = Path(__file__).resolve().parents[2]


def definitions(claim: Claim) -> Iterator[dict[str, Any]]:
    """A claim's own definition, and those that differ from it in one dimension."""
    yield claim.definition
    for levels in (claim.alternatives, claim.beside):
        for name, values in levels.items():
            assert claim.metric is not None
            known = claim.metric.dimensions[name].levels or ()
            for value in known if isinstance(values, str) else values:
                yield {**claim.definition, name: value}


def test_calls_read_what_is_declared_and_nothing_else_is() -> None:
    models = load_models(ROOT / "sql")
    found: set[str] = set()
    for claim in load_claims([ROOT / "claims"]):
        if claim.metric is not None:
            for definition in definitions(claim):
                found |= references(claim.metric.call(definition), claim.path) & models.keys()
    assert found == set(READ)
