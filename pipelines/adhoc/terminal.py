"""SQL in a terminal: one query as a table or a file, the worked examples, and DuckDB's own shell."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from pipelines.adhoc.examples import load_examples
from pipelines.adhoc.limits import MB, TERMINAL, QueryError
from pipelines.adhoc.pool import Answer, run_once
from pipelines.claims.show import current_or_fail
from pipelines.errors import MilexError
from pipelines.exports import (
    to_bare_csv,
    to_json,
    to_markdown,
    to_parquet,
    to_text,
    write_whole,
)
from pipelines.settings import Settings
from pipelines.table import Table

FORMATS: Mapping[str, Callable[[Table], bytes]] = {
    "table": to_text,
    "csv": to_bare_csv,
    "json": to_json,
    "parquet": partial(to_parquet, notes=()),
    "markdown": to_markdown,
}
ENDINGS = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".md": "markdown"}
ROWS_ON_SCREEN = 200


def ask(
    settings: Settings, query: str, form: str, output: Path | None, say: Callable[[str], None]
) -> None:
    """Run one query and write its answer to a file, or to standard output.

    form: one of FORMATS. say: takes messages. On a terminal a table ends after ROWS_ON_SCREEN rows.
    Raises MilexError.
    """
    answer = run_once(current_or_fail(settings), query, TERMINAL)
    for warning in answer.warnings:
        say(f"Warning: {warning}")
    if answer.cut:
        raise QueryError(
            "size", f"The answer is larger than {TERMINAL.result_mb * MB // 10**9} GB, the limit."
        )
    if output is not None:
        write_whole(output, FORMATS[form](answer.table))
        say(f"Written: {output} ({len(answer.table.rows):,} rows)")
        return
    table = answer.table
    if form == "table" and sys.stdout.isatty():
        table = _beginning(answer, say)
    sys.stdout.buffer.write(FORMATS[form](table))
    sys.stdout.buffer.flush()


def _beginning(answer: Answer, say: Callable[[str], None]) -> Table:
    rows = answer.table.rows
    if len(rows) > ROWS_ON_SCREEN:
        say(f"The first {ROWS_ON_SCREEN} of {len(rows):,} rows; --output FILE writes all of them.")
    return Table(answer.table.columns, rows[:ROWS_ON_SCREEN], answer.table.units)


def list_examples(settings: Settings) -> Iterator[str]:
    """Every worked example: its question, and how to run it."""
    for example in load_examples(settings).values():
        yield f"{example.question}\n    milex sql --example {example.name}"


def shell(settings: Settings) -> int:
    """Open DuckDB's own shell on the snapshot, read-only; returns its exit code.

    Raises MilexError when there is no shell.
    """
    snapshot = current_or_fail(settings)
    command = shutil.which("duckdb", path=str(Path(sys.executable).parent)) or shutil.which(
        "duckdb"
    )
    if command is None:
        raise MilexError(
            'No DuckDB shell is installed. Ask a query: milex sql "SELECT * FROM claims", or '
            f"open {settings.pointer} with any DuckDB client, read-only."
        )
    print(greeting(snapshot), flush=True)
    return subprocess.run([command, "-readonly", str(snapshot)], check=False).returncode


def greeting(snapshot: Path) -> str:
    """What to know before the first query: tables, metrics, an example, the trap of editions."""
    named = {
        kind: [str(name) for (name,) in run_once(snapshot, query, TERMINAL).table.rows]
        for kind, query in _NAMED.items()
    }
    return "\n".join(
        [
            f"Milex, snapshot {snapshot.stem}, read-only.",
            *(_listed(f"{kind}: ", names) for kind, names in named.items()),
            "Example: FROM growth('Asia & Oceania', 2008, 2017, edition := 2017);",
            "Beware: spending holds every edition, alliances every version. Name one (WHERE edition "
            "= 2017),\nor read spending_latest and alliances_latest.",
            "More: DESCRIBE spending; docs/data-dictionary.md; milex sql --examples. "
            ".quit or Ctrl-D leaves.\n",
        ]
    )


_NAMED = {
    "Tables": "SELECT table_name FROM duckdb_tables() ORDER BY table_name",
    "Metrics": "SELECT DISTINCT function_name FROM duckdb_functions() WHERE NOT internal "
    "ORDER BY function_name",
}


def _listed(heading: str, names: list[str], width: int = 96) -> str:
    lines = [heading]
    for name in names:
        if len(lines[-1]) + len(name) > width:
            lines.append(" " * len(heading))
        lines[-1] += f"{name} "
    return "\n".join(line.rstrip() for line in lines)
