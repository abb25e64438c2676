"""`milex sql`: the answer's forms, exit codes, the examples, and DuckDB's own shell on a terminal."""

import csv
import io
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.adhoc.examples import load_examples
from pipelines.adhoc.pool import Pool
from pipelines.models import load_models
from pipelines.settings import Settings
from tests.conftest import ROOT, BuiltData

HERE = Settings(home=ROOT, data=ROOT / "data", mirror=None)
EXAMPLES = load_examples(HERE)
QUERY = "SELECT 1 AS a, NULL AS b, 'x|y' AS c UNION ALL SELECT -2, 0.5, '=1+1' ORDER BY a DESC"


@pytest.fixture
def milex(excerpt_data: BuiltData):
    """Run `milex sql` as a process of its own."""

    def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "pipelines.cli", "sql", *arguments],
            cwd=ROOT,
            env={**os.environ, "MILEX_DATA": str(excerpt_data.settings.data)},
            input=text.encode(),
            capture_output=True,
            check=False,
        )

    return run


def test_a_table_is_aligned_text(milex) -> None:
    done = milex(QUERY)
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == [" a    b  c", " 1       x|y", "-2  0.5  =1+1"]
    assert done.stderr == b""


def test_csv_json_and_markdown_go_to_standard_output(milex) -> None:
    rows = list(csv.reader(io.StringIO(milex(QUERY, "--format", "csv").stdout.decode())))
    assert rows == [["a", "b", "c"], ["1", "", "x|y"], ["-2", "0.5", "'=1+1"]]
    assert json.loads(milex(QUERY, "--format", "json").stdout) == [
        {"a": 1, "b": None, "c": "x|y"},
        {"a": -2, "b": 0.5, "c": "=1+1"},
    ]
    lines = milex(QUERY, "--format", "markdown").stdout.decode().splitlines()
    assert lines[0] == "| a | b | c |"
    assert lines[2] == "| 1 |  | x\\|y |"


def test_a_file_holds_all_rows_in_the_form_of_its_ending(milex, tmp_path: Path) -> None:
    file = tmp_path / "numbers.parquet"
    done = milex("SELECT * FROM range(50000)", "--output", str(file))
    assert done.returncode == 0
    assert b"50,000 rows" in done.stderr
    assert done.stdout == b""
    assert pq.read_table(file).column("range").to_pylist() == list(range(50000))
    assert list(tmp_path.iterdir()) == [file]


def test_a_query_comes_from_standard_input_or_a_file(milex, tmp_path: Path) -> None:
    file = tmp_path / "query.sql"
    file.write_text("-- a question\nSELECT 3 AS n;\n", encoding="utf-8-sig")
    assert milex("-", text="SELECT 1 AS n").stdout.split() == [b"n", b"1"]
    assert milex(text="SELECT 2 AS n").stdout.split() == [b"n", b"2"]
    assert milex("--file", str(file)).stdout.split() == [b"n", b"3"]


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (1, ("SELECT nothing FROM nowhere",)),
        (1, ("DROP TABLE claims",)),
        (1, ("SELECT * FROM read_text('/etc/hostname')",)),
        (1, ("--example", "none-of-these")),
        (1, ("SELECT 1", "--output", "/proc/milex.csv")),
        (2, ("SELECT 1", "--format", "poem")),
        (2, ("SELECT 1", "--example", "left_the_top_15")),
        (2, ("--file", "/no/such/file.sql")),
    ],
)
def test_exit_codes_tell_a_failure_from_a_wrong_command(
    milex, code: int, arguments: Sequence[str]
) -> None:
    done = milex(*arguments)
    assert done.returncode == code
    assert done.stdout == b""
    assert done.stderr
    assert b"Traceback" not in done.stderr


def test_the_warning_stands_beside_the_answer(milex) -> None:
    done = milex(
        "SELECT sum(current_usd_m) AS x FROM spending WHERE year = 2017", "--format", "csv"
    )
    assert done.returncode == 0
    assert done.stdout.startswith(b"x\n")
    assert b"spending_latest" in done.stderr


def test_the_examples_are_listed_with_how_to_run_them(milex) -> None:
    text = milex("--examples").stdout.decode()
    for example in EXAMPLES.values():
        assert f"{example.question}\n    milex sql --example {example.name}\n" in text
    assert milex("--example", "same_year_in_every_edition").returncode == 0


def test_there_are_examples_with_a_question_and_a_meaning() -> None:
    assert 8 <= len(EXAMPLES) <= 12
    assert {"most_revised_countries", "left_the_top_15", "growth_without_south_asia"} <= set(
        EXAMPLES
    )
    for example in EXAMPLES.values():
        assert example.question.endswith("?")
        assert len(example.meaning) > 40


@pytest.mark.mirror
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_answers_on_the_full_editions(
    name: str, pool: Pool, full_data: BuiltData
) -> None:
    answer = pool.run(full_data.snapshot, EXAMPLES[name].sql)
    assert answer.table.rows
    assert answer.warnings == ()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_on_the_excerpt(name: str, pool: Pool, excerpt_data: BuiltData) -> None:
    assert pool.run(excerpt_data.snapshot, EXAMPLES[name].sql).table.columns


METRICS = {
    model.name: model.notes.get("example", "")
    for model in load_models(HERE.sql).values()
    if model.is_macro and model.schema == "main"
}


@pytest.mark.mirror
@pytest.mark.parametrize("name", METRICS)
def test_a_metrics_example_answers(name: str, pool: Pool, full_data: BuiltData) -> None:
    assert pool.run(full_data.snapshot, METRICS[name]).table.rows


def test_a_notebooks_connection_reads_and_does_not_write(
    excerpt_data: BuiltData, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.notebook import connect

    monkeypatch.setenv("MILEX_DATA", str(excerpt_data.settings.data))
    with connect() as connection:
        assert connection.sql("SELECT count(*) FROM claims").fetchall()[0][0] > 10
        assert len(connection.sql("SELECT * FROM claims").df()) > 10
        with pytest.raises(duckdb.Error, match="read-only"):
            connection.execute("DROP TABLE claims")


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self.text = ""

    def type(self, line: str) -> None:
        os.write(self._ours, line.encode() + b"\r")

    def until(self, expected: str, within: float = 60) -> str:
        """What is written from here on, up to a text; fails after a deadline."""
        start, deadline = len(self.text), time.monotonic() + within
        while expected not in self.text[start:]:
            assert time.monotonic() < deadline, self.text[start:]
            if select.select([self._ours], [], [], 0.5)[0]:
                self.text += os.read(self._ours, 65536).decode(errors="replace")
        return self.text[start:]

    def close(self) -> int:
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self._ours)


def test_without_a_query_a_terminal_gets_duckdbs_shell(excerpt_data: BuiltData) -> None:
    terminal = Terminal(
        [sys.executable, "-m", "pipelines.cli", "sql"],
        {**os.environ, "MILEX_DATA": str(excerpt_data.settings.data), "TERM": "dumb"},
    )
    try:
        greeting = terminal.until("Ctrl-D leaves")
        for expected in ("spending_latest", "growth", "alliances_latest", "edition := 2017"):
            assert expected in greeting
        terminal.until(" D ")
        terminal.type("SELECT 40 + 2 AS answer;")
        terminal.until("42")
        terminal.type("CREATE TABLE written AS SELECT 1;")
        terminal.until("read-only")
        terminal.type(".quit")
    finally:
        assert terminal.close() >= 0  # it ended by itself


def test_parquet_is_not_written_to_a_terminal(excerpt_data: BuiltData) -> None:
    terminal = Terminal(
        [sys.executable, "-m", "pipelines.cli", "sql", "SELECT 1", "--format", "parquet"],
        {**os.environ, "MILEX_DATA": str(excerpt_data.settings.data), "TERM": "dumb"},
    )
    try:
        terminal.until("Parquet is no text")
    finally:
        assert terminal.close() == 2
