"""Claim files for tests: a good one, and the bench that evaluates claims over a snapshot."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.claims.files import Claim, read_claims
from pipelines.claims.show import workbench
from pipelines.models import create, load_models

MODELS = load_models(Path(__file__).resolve().parents[2] / "sql")

GROWTH = """\
id: my-claim
statement: Spending rose by 59 %.
source: A text
locator: p. 1
stated: {value: 59, decimals: 0, unit: "%"}
metric: growth
definition:
  place: Asia & Oceania
  from_year: 2008
  to_year: 2017
  edition: 2017
alternatives:
  edition: every
  prices: [current]
rolled: {from_year: -9, to_year: 0}
found: It rose by {value}.
today: From {from_year} to {to_year} it rose by {value} (edition {edition}).
"""

COUNT = """\
id: my-count
statement: 304 alliances were formed.
source: A text
locator: p. 1
stated: {value: 304, decimals: 0, unit: alliances}
metric: alliance_count
definition:
  dataset: ATOP 3.0
alternatives:
  members: [bilateral, multilateral]
  wartime: [out]
beside:
  unit: [lineage]
"""


def claims_of(folder: Path, text: str, name: str = "mine.yaml") -> list[Claim]:
    """The claims of a file with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_claims(path)


@contextmanager
def bench(snapshot: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A memory database over a snapshot, with the checkout's own metrics, to evaluate claims in."""
    with workbench(snapshot) as connection:
        for model in MODELS.values():
            if model.is_macro:
                create(connection, model)
        yield connection
