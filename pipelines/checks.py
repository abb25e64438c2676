"""Checks as queries that return failing rows, with a reasoned list of known exceptions.

A check is a file `sql/checks/<name>.sql`: a comment header (first line what must hold, then
`asset:` and `severity: blocking | error | warning`) and one SELECT of edition, subject, year,
detail. Knows the tables only through those queries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from pipelines.errors import MilexError

SEVERITIES = ("blocking", "error", "warning")
SHOWN = 20

_EXCEPTIONS = """
CREATE OR REPLACE TABLE meta.known_exceptions (
    check_name VARCHAR, edition INTEGER, subject VARCHAR, from_year INTEGER, to_year INTEGER,
    reason VARCHAR
)
"""
_RESULTS = """
CREATE TABLE IF NOT EXISTS meta.check_results (
    check_name VARCHAR PRIMARY KEY, asset VARCHAR, severity VARCHAR, description VARCHAR,
    passed BOOLEAN, failing BIGINT, excepted BIGINT, sample VARCHAR[]
)
"""


@dataclass(frozen=True)
class Check:
    """One check, read from its file."""

    name: str
    asset: str
    severity: str
    description: str
    sql: str


@dataclass(frozen=True)
class Outcome:
    """What a check found: failing rows, and rows that a known exception explains."""

    check: Check
    failing: list[tuple[Any, ...]]
    excepted: list[tuple[Any, ...]]

    @property
    def passed(self) -> bool:
        """No row fails that no exception explains."""
        return not self.failing


def load_checks(folder: Path) -> list[Check]:
    """Every check of `sql/checks/`; raises MilexError for a header that is not understood."""
    return [_read(path) for path in sorted(folder.glob("*.sql"))]


def _read(path: Path) -> Check:
    lines = path.read_text(encoding="utf-8").splitlines()
    header = [line[2:].strip() for line in lines if line.startswith("--")]
    fields = dict(re.findall(r"^(asset|severity):\s*(.+)$", "\n".join(header), re.MULTILINE))
    prose = " ".join(line for line in header if line and not line.startswith(tuple(fields)))
    if fields.keys() != {"asset", "severity"} or fields["severity"] not in SEVERITIES:
        raise MilexError(
            f"{path}: the header needs `-- asset: main.table` and `-- severity: "
            f"{' | '.join(SEVERITIES)}`"
        )
    body = "\n".join(line for line in lines if not line.startswith("--")).strip().rstrip(";")
    return Check(path.stem, fields["asset"], fields["severity"], prose, body)


def load_exceptions(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Put the known exceptions where the checks are run."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    connection.execute(_EXCEPTIONS)
    for entry in entries:
        connection.execute(
            "INSERT INTO meta.known_exceptions VALUES (?, ?, ?, ?, ?, ?)",
            [
                entry["check"],
                entry.get("edition"),
                entry.get("subject"),
                entry.get("from_year"),
                entry.get("to_year"),
                entry["reason"],
            ],
        )


def run_check(connection: duckdb.DuckDBPyConnection, check: Check) -> Outcome:
    """Run one check and remember its outcome."""
    rows = connection.execute(
        f"SELECT f.edition, f.subject, f.year, f.detail, x.reason FROM ({check.sql}) AS f "
        "LEFT JOIN meta.known_exceptions AS x ON x.check_name = ? "
        "AND (x.edition IS NULL OR x.edition = f.edition) "
        "AND (x.subject IS NULL OR x.subject = f.subject) "
        "AND (x.from_year IS NULL OR f.year BETWEEN x.from_year AND coalesce(x.to_year, 9999)) "
        "QUALIFY row_number() OVER (PARTITION BY f.edition, f.subject, f.year, f.detail) = 1 "
        "ORDER BY ALL",
        [check.name],
    ).fetchall()
    outcome = Outcome(
        check,
        failing=[row[:4] for row in rows if row[4] is None],
        excepted=[row for row in rows if row[4] is not None],
    )
    connection.execute(_RESULTS)
    connection.execute(
        "INSERT OR REPLACE INTO meta.check_results VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            check.name,
            check.asset,
            check.severity,
            check.description,
            outcome.passed,
            len(outcome.failing),
            len(outcome.excepted),
            [" · ".join(str(part) for part in row if part is not None) for row in outcome.failing][
                :SHOWN
            ],
        ],
    )
    return outcome
