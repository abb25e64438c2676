"""Checks as queries that return failing rows, with a reasoned list of known exceptions.

A check is a file `sql/checks/<name>.sql`: a comment header (first line what must hold, then
`asset:` and `severity: blocking | error | warning`) and one SELECT of edition, subject, year,
detail. Knows the tables only through those queries.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from pipelines.errors import MilexError
from pipelines.models import Column, Model
from pipelines.warehouse import insert_rows

SEVERITIES = ("blocking", "error", "warning")
SHOWN = 20
EXCEPTIONS = "known_exceptions.yaml"

# Checks run in several threads; each writes its outcome when no other does.
_one_at_the_results = threading.Lock()

_EXCEPTIONS = """
CREATE OR REPLACE TEMP TABLE known_exceptions (
    check_name VARCHAR, edition INTEGER, subject VARCHAR, from_year INTEGER, to_year INTEGER,
    reason VARCHAR
)
"""
TABLE = Model.of_table(
    "main.checks",
    "One row per check of the last build: what must hold, and whether it does.",
    ("check_name",),
    (
        Column("check_name", "VARCHAR", None, "name of the check"),
        Column("asset", "VARCHAR", None, "table that it looks at"),
        Column("severity", "VARCHAR", None, "blocking, error or warning"),
        Column("description", "VARCHAR", None, "what must hold"),
        Column("passed", "BOOLEAN", None, "no row fails that no known exception explains"),
        Column("failing", "BIGINT", "rows", "rows that fail"),
        Column("excepted", "BIGINT", "rows", "rows that fail for a known and listed reason"),
        Column("sample", "VARCHAR[]", None, "the first failing rows"),
        Column(
            "known_exceptions", "VARCHAR[]", None, "exceptions that applied: where, and the reason"
        ),
    ),
    reads=(
        "main.alliance_members",
        "main.alliance_units",
        "main.alliances",
        "main.editions",
        "main.observations",
        "main.regional_spending",
        "main.spending",
    ),
)


@dataclass(frozen=True)
class Check:
    """One check, read from its file."""

    name: str
    asset: str
    severity: str
    description: str
    sql: str


@dataclass(frozen=True)
class KnownException:
    """Failing rows that are explained; a part that is None matches every row."""

    check: str
    edition: int | None
    subject: str | None
    from_year: int | None
    to_year: int | None
    reason: str


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


def read_exceptions(path: Path) -> list[KnownException]:
    """The known exceptions, one per edition and subject of an entry that lists several.

    Raises MilexError for an entry that names no check or gives no reason.
    """
    names = {check.stem for check in path.parent.glob("*.sql")}
    exceptions = []
    for entry in yaml.safe_load(path.read_text(encoding="utf-8")) or []:
        strange = entry.keys() - {"check", "edition", "subject", "from_year", "to_year", "reason"}
        if strange or entry.get("check") not in names or not entry.get("reason"):
            raise MilexError(
                f"{path}: an exception names a check of this folder and a reason, and may name "
                f"edition, subject, from_year and to_year; found: {entry}"
            )
        exceptions += [
            KnownException(
                entry["check"],
                edition,
                subject,
                entry.get("from_year"),
                entry.get("to_year"),
                " ".join(entry["reason"].split()),
            )
            for edition in _listed(entry.get("edition"))
            for subject in _listed(entry.get("subject"))
        ]
    return exceptions


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def load_exceptions(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Put the known exceptions where this connection's checks find them."""
    rows = _exception_rows(path, path.read_bytes())
    connection.execute(_EXCEPTIONS)
    insert_rows(connection, "known_exceptions", rows)


@lru_cache(maxsize=4)
def _exception_rows(path: Path, content: bytes) -> list[list[Any]]:
    """Parsed once for the many assets of a run; `content` is what makes it new."""
    assert content is not None
    return [list(astuple(exception)) for exception in read_exceptions(path)]


def run_check(connection: duckdb.DuckDBPyConnection, check: Check) -> Outcome:
    """Run one check and remember its outcome."""
    # In two steps: in one, DuckDB 2.0 fails now and then with an internal error of its dictionaries.
    connection.execute(f"CREATE OR REPLACE TEMP TABLE failing AS {check.sql}")
    rows = connection.execute(
        "SELECT f.edition, f.subject, f.year, f.detail, x.reason FROM failing AS f "
        "LEFT JOIN known_exceptions AS x ON x.check_name = ? "
        "AND (x.edition IS NULL OR x.edition = f.edition) "
        "AND (x.subject IS NULL OR x.subject = f.subject) "
        "AND (x.from_year IS NULL OR f.year >= x.from_year) "
        "AND (x.to_year IS NULL OR f.year <= x.to_year) "
        "QUALIFY row_number() OVER (PARTITION BY f.edition, f.subject, f.year, f.detail) = 1 "
        "ORDER BY ALL",
        [check.name],
    ).fetchall()
    outcome = Outcome(
        check,
        failing=[row[:4] for row in rows if row[4] is None],
        excepted=[row for row in rows if row[4] is not None],
    )
    with _one_at_the_results:
        _remember(connection, outcome)
    return outcome


def _remember(connection: duckdb.DuckDBPyConnection, outcome: Outcome) -> None:
    """Put an outcome in the place of the one before."""
    check = outcome.check
    prepare_results(connection)
    connection.execute("DELETE FROM main.checks WHERE check_name = ?", [check.name])
    sample = [" · ".join(str(part) for part in row if part is not None) for row in outcome.failing]
    insert_rows(
        connection,
        TABLE.table,
        [
            [
                check.name,
                check.asset,
                check.severity,
                check.description,
                outcome.passed,
                len(outcome.failing),
                len(outcome.excepted),
                sample[:SHOWN],
                _explained(outcome.excepted),
            ]
        ],
    )


def _explained(excepted: list[tuple[Any, ...]]) -> list[str]:
    """Each reason once, after the editions, subjects and years that it explains."""
    places: dict[str, list[tuple[Any, ...]]] = {}
    for edition, subject, year, _detail, reason in excepted:
        places.setdefault(reason, []).append((edition, subject, year))
    return sorted(
        " · ".join(
            [*(_among([row[n] for row in rows], word) for n, word in enumerate(_WORDS)), reason]
        )
        for reason, rows in places.items()
    )


_WORDS = ("editions", "subjects", "years")


def _among(values: list[Any], word: str) -> str:
    """Values in words: all of them if they are few, else the first and how many more."""
    known = sorted({value for value in values if value is not None})
    more = f" and {len(known) - 3} more {word}" if len(known) > 4 else ""
    return f"{', '.join(map(str, known[:3] if more else known))}{more}" or f"all {word}"


def tidy_results(connection: duckdb.DuckDBPyConnection, checks: Iterable[Check]) -> None:
    """Leave the outcomes of these checks alone, in the order of their names."""
    prepare_results(connection)
    connection.execute(
        f"CREATE OR REPLACE TABLE {TABLE.table} AS FROM {TABLE.table} "
        "WHERE check_name IN (SELECT unnest(?)) ORDER BY check_name",
        [[check.name for check in checks]],
    )


def prepare_results(connection: duckdb.DuckDBPyConnection) -> None:
    """The table of outcomes exists, even before any check ran."""
    connection.execute(TABLE.ddl.replace("CREATE OR REPLACE TABLE", "CREATE TABLE IF NOT EXISTS"))
