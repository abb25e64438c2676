"""The snapshot in clients of DuckDB's own past: real releases, installed for the test alone."""

import json
import math
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import public
from pipelines.models import everything_behind, load_models
from pipelines.settings import Settings
from tests.conftest import ROOT, BuiltData, absent

HERE = Settings(home=ROOT, data=ROOT / "data", mirror=None)
METRICS = {metric.name: metric.notes["example"].strip() for metric in public.metrics(HERE)}
# The last of each line, as docs/sql.md lists them; none has wheels for a Python much younger than it.
CLIENTS = ["1.1.3", "1.2.2", "1.3.2", "1.4.4", "1.5.6"]
if sys.version_info < (3, 13):
    CLIENTS.insert(0, "1.0.0")

ASK = """
import json, sys
import duckdb
asked = json.load(sys.stdin)
connection = duckdb.connect(asked["snapshot"], read_only=True)
answers = {"version": duckdb.__version__}
for query in asked["queries"]:
    try:
        answers[query] = connection.execute(query).fetchall()
    except duckdb.Error as error:
        answers[query] = str(error)
json.dump(answers, sys.stdout, default=str)
"""
COMMENTS = [
    "SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal ORDER BY ALL",
    "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal ORDER BY ALL",
    "SELECT function_name, comment FROM duckdb_functions() WHERE NOT internal ORDER BY ALL",
]


def answers(snapshot: Path, queries: list[str], folder: Path | None = None) -> dict[str, Any]:
    """What a client says to each query: rows, or its complaint. folder: of the client."""
    run = subprocess.run(
        [sys.executable, "-c", ASK],
        env={"PYTHONPATH": str(folder)} if folder else {},
        cwd="/",
        input=json.dumps({"snapshot": str(snapshot), "queries": queries}),
        capture_output=True,
        text=True,
        check=True,
    )
    said: dict[str, Any] = json.loads(run.stdout)
    return said


@cache
def contents(snapshot: Path) -> dict[str, str]:
    """For each table a query that reads every column to its end."""
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        found = connection.execute(
            "SELECT table_name, string_agg('max(\"' || column_name || '\")', ', ') "
            "FROM duckdb_columns() WHERE NOT internal GROUP BY table_name ORDER BY table_name"
        ).fetchall()
    return {table: f"SELECT count(*), {columns} FROM {table}" for table, columns in found}


@pytest.fixture(scope="module", params=CLIENTS)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one release of DuckDB, from the package index as it is configured."""
    folder = tmp_path_factory.mktemp(f"duckdb-{request.param}")
    uv = shutil.which("uv")
    command = [uv, "pip", "--quiet"] if uv else [sys.executable, "-m", "pip", "--quiet"]
    done = subprocess.run(
        [
            *command,
            "install",
            *(["--python", sys.executable] if uv else []),
            "--target",
            str(folder),
            "--no-deps",
            "--only-binary=:all:",
            f"duckdb=={request.param}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        absent(f"DuckDB {request.param} cannot be had from a package index: {done.stderr[-300:]}")
    return folder


def same(old: Any, new: Any) -> bool:
    """Equal, but for the last digits of a sum and the order of rows that were not ordered."""
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(same, old, new))
    if isinstance(old, float) and isinstance(new, float):
        return math.isclose(old, new, rel_tol=1e-9) or (math.isnan(old) and math.isnan(new))
    return bool(old == new)


def in_order(rows: Any) -> Any:
    return sorted(rows, key=repr) if isinstance(rows, list) else rows


def test_an_old_client_answers_as_the_new_one_does(client: Path, excerpt_data: BuiltData) -> None:
    snapshot = excerpt_data.snapshot
    queries = [*contents(snapshot).values(), *COMMENTS, *METRICS.values()]
    old, new = answers(snapshot, queries, client), answers(snapshot, queries)
    version = old.pop("version")
    assert client.name.startswith(f"duckdb-{version}")
    assert new.pop("version") == duckdb.__version__ != version
    different = {
        query: (old[query], new[query])
        for query in queries
        if not same(in_order(old[query]), in_order(new[query]))
    }
    assert set(different) == (beyond_the_first(snapshot) if version == "1.0.0" else set()), (
        different
    )


def beyond_the_first(snapshot: Path) -> set[str]:
    """What 1.0 cannot answer, as docs/sql.md says.

    It has no way to read a table by its name, and cannot read a column of lists that are all empty,
    as that of the failing rows is when no check fails.
    """
    models = load_models(HERE.sql)
    return {contents(snapshot)["checks"]} | {
        example
        for metric, example in METRICS.items()
        if "main.query_table" in everything_behind(models[f"main.{metric}"], models)
    }
