"""A small warehouse whose two tables always agree, and processes that publish it and are watched."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import duckdb

from pipelines import publish
from pipelines.models import Model, create, read_model
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse
from tests.conftest import ROOT

TABLE = """\
-- One row per thing.
--
-- key: a
-- columns:
--   a BIGINT: its number

SELECT range AS a FROM range({rows})
"""
COUNTED = """\
-- How many things there are.
--
-- returns: one row

CREATE OR REPLACE MACRO counted() AS TABLE SELECT count(*) AS n FROM main.first;
"""
ROWS = 3000

# Children begin in milliseconds: they are forked from a process that has imported everything.
FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["tests.faults.house"])


def settle(folder: Path) -> Settings:
    """A data folder with a warehouse and the models of its two tables and one metric."""
    settings = Settings(home=folder, data=folder / "data", mirror=None)
    for path, text in (
        ("main/first.sql", TABLE.format(rows=ROWS)),
        ("main/second.sql", TABLE.format(rows=ROWS)),
        ("metrics/counted.sql", COUNTED),
    ):
        (settings.sql / path).parent.mkdir(parents=True, exist_ok=True)
        (settings.sql / path).write_text(text, encoding="utf-8")
    with open_warehouse(settings.warehouse) as warehouse:
        for model in (*tables(settings), *metrics(settings)):
            create(warehouse, model)
    return settings


def tables(settings: Settings) -> list[Model]:
    return [read_model(settings.sql / "main" / f"{name}.sql") for name in ("first", "second")]


def metrics(settings: Settings) -> list[Model]:
    return [read_model(settings.sql / "metrics" / "counted.sql")]


def add(warehouse: duckdb.DuckDBPyConnection) -> None:
    """One row more in both tables at once."""
    warehouse.execute("BEGIN")
    for table in ("first", "second"):
        warehouse.execute(f"INSERT INTO main.{table} SELECT max(a) + 1 FROM main.{table}")
    warehouse.execute("COMMIT")


def publish_all(settings: Settings, warehouse: duckdb.DuckDBPyConnection) -> Path:
    """A snapshot that says how many rows it has."""
    (rows,) = warehouse.execute("SELECT count(*) FROM main.first").fetchall()[0]
    return publish.publish(
        settings, warehouse, tables(settings), metrics(settings), {"rows": str(rows)}
    )


def publish_once(settings: Settings) -> Path:
    with open_warehouse(settings.warehouse) as warehouse:
        add(warehouse)
        return publish_all(settings, warehouse)


def publish_for_ever(settings: Settings, begun: Any) -> None:
    """What a child does until it is killed."""
    with open_warehouse(settings.warehouse) as warehouse:
        begun.set()
        while True:
            add(warehouse)
            publish_all(settings, warehouse)


def rows_of(snapshot: Path) -> int:
    """The rows of a snapshot; fails if it is not whole: tables, metric and facts must agree."""
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        found = connection.execute(
            "SELECT (SELECT count(*) FROM first), (SELECT count(*) FROM second), "
            "(SELECT n FROM counted()), (SELECT count(DISTINCT a) FROM second), "
            "(SELECT content::BIGINT FROM snapshot WHERE fact = 'rows')"
        ).fetchall()[0]
    assert len(set(found)) == 1, found
    return int(found[0])


def unfinished(settings: Settings) -> list[str]:
    """Files that no finished build leaves."""
    left = {path for path in settings.processed.rglob("*") if ".tmp" in path.name}
    return sorted(path.name for path in left)


def child(target: Any, *given: Any) -> BaseProcess:
    process = FORK.Process(target=target, args=given, daemon=True)
    process.start()
    return process


def copied(settings: Settings, folder: Path) -> Settings:
    """The same data in a folder of one's own, to be damaged."""
    own = replace(settings, data=folder / "data")
    copytree(
        settings.processed, own.processed, symlinks=True, ignore=ignore_patterns("for-queries-*")
    )
    return own


def environment(settings: Settings) -> dict[str, str]:
    """That of a command on a data folder, without this process's own."""
    left_out = ("MILEX_", "DAGSTER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | {"MILEX_HOME": str(ROOT), "MILEX_DATA": str(settings.data)}


def milex(settings: Settings, *words: str, **also: str) -> subprocess.Popen[str]:
    """The command in a process of its own. also: further settings of its environment."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", *words],
        cwd=ROOT,
        env=environment(settings) | also,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def holder(warehouse: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a warehouse until its input ends."""
    program = (
        "import sys; from pathlib import Path; from pipelines.warehouse import open_warehouse\n"
        "with open_warehouse(Path(sys.argv[1])):\n"
        "    print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield process
