"""The pipeline's own database: who may hold it, and what it remembers."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines import warehouse as store
from pipelines.errors import MilexError
from pipelines.warehouse import Materialization, content_hash, open_warehouse
from tests.faults import house


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "not" / "yet" / "warehouse.duckdb"


def test_main_has_a_file_of_its_own_and_the_other_schemas_share_one(path: Path) -> None:
    with open_warehouse(path) as connection:
        for schema in ("raw", "staging", "main", "claims", "meta"):
            connection.execute(f"CREATE TABLE {schema}.{schema}_t AS SELECT 1 AS a")
            assert connection.execute(f"FROM {schema}.{schema}_t").fetchall() == [(1,)]
        assert connection.execute("FROM main_t").fetchall() == [(1,)]
    with duckdb.connect(str(store.public_file(path)), read_only=True) as public:
        assert public.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall() == [
            ("main", "main_t")
        ]


def test_a_threads_own_connection_sees_the_same_and_is_closed(path: Path) -> None:
    with open_warehouse(path) as connection:
        with store.cursor(connection) as own:
            own.execute("CREATE TABLE raw.r AS SELECT 1 AS a")
            own.execute("CREATE TABLE main.m AS SELECT 2 AS a")
        with pytest.raises(duckdb.ConnectionException):
            own.execute("SELECT 1")
        assert connection.execute("FROM raw.r UNION ALL FROM main.m").fetchall() == [(1,), (2,)]


def test_the_public_file_is_whole_while_it_is_closed_and_held_before_and_after(
    path: Path, tmp_path: Path
) -> None:
    def held() -> bool:
        reader = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=True)"
        public = str(store.public_file(path))
        return bool(
            subprocess.run(
                [sys.executable, "-c", reader, public], check=False, stderr=subprocess.DEVNULL
            ).returncode
        )

    copy = tmp_path / "copy.duckdb"
    with open_warehouse(path) as connection:
        connection.execute("CREATE TABLE main.t AS SELECT 1 AS a")
        assert held()
        with store.public_closed(connection) as public:
            shutil.copyfile(public, copy)
            with pytest.raises(duckdb.CatalogException):
                connection.execute("FROM main.t")
        assert held()
        connection.execute("INSERT INTO main.t VALUES (2)")
        with pytest.raises(RuntimeError), store.public_closed(connection):
            raise RuntimeError("there is no room for a copy")
        assert connection.execute("SELECT sum(a) FROM main.t").fetchall() == [(3,)]
    with duckdb.connect(str(copy)) as copied:
        assert copied.execute("FROM t").fetchall() == [(1,)]


def test_it_is_closed_when_a_step_fails(path: Path) -> None:
    given = []

    def fail(connection: duckdb.DuckDBPyConnection) -> None:
        given.append(connection)
        connection.execute("CREATE TABLE raw.t AS SELECT 1 AS a")
        raise RuntimeError("the asset failed")

    with pytest.raises(RuntimeError), open_warehouse(path) as connection:
        fail(connection)
    with pytest.raises(duckdb.ConnectionException):
        given[0].execute("SELECT 1")
    reader = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('SELECT a FROM raw.t')"
    subprocess.run([sys.executable, "-c", reader, str(path)], check=True)


@pytest.fixture
def other(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the warehouse."""
    with house.holder(path) as process:
        yield process


def test_a_second_writer_is_told_who_is_in_the_way(
    path: Path, other: subprocess.Popen[str]
) -> None:
    with (
        pytest.raises(
            MilexError,
            match=rf"warehouse\.duckdb is held by another build: process {other.pid} "
            r"\(.*python.*\), running since 2\d\d\d-",
        ),
        open_warehouse(path),
    ):
        pass
    other.communicate("")
    with open_warehouse(path):
        pass


def test_who_is_patient_gets_it_when_the_other_has_ended(
    path: Path, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RETRY_SECONDS", 0.05)
    said = []

    def end(why: str) -> None:
        said.append(why)
        other.communicate("")

    with open_warehouse(path, patience=60, say=end) as connection:
        connection.execute("CREATE TABLE main.written AS SELECT 1")
    (why,) = said
    assert f"warehouse.duckdb is held by process {other.pid}" in why
    assert "Waiting for it, 60 seconds at most." in why


def test_patience_has_an_end(
    path: Path, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RETRY_SECONDS", 0.05)
    with (
        pytest.raises(MilexError, match=rf"process {other.pid} .*waited for, 1 seconds\. Wait"),
        open_warehouse(path, patience=1),
    ):
        pass
    assert other.poll() is None


def test_materializations_are_remembered(path: Path) -> None:
    made = Materialization("main.t", "code", {"raw.b": "2", "raw.a": "1"}, "data", 3)
    with open_warehouse(path) as connection:
        assert store.recorded(connection, "main.t") is None
        store.record(connection, Materialization("main.t", "old", {}, "data", 1))
        store.record(connection, made)
    with open_warehouse(path) as connection:
        assert store.recorded(connection, "main.t") == made


def test_rows_go_into_a_table_in_their_order_with_its_types(path: Path) -> None:
    rows = [("a", None, [1, 2]), (None, 2.5, []), ("c'", 3.0, None)]
    with open_warehouse(path) as connection:
        connection.execute("CREATE TABLE raw.t (a VARCHAR, b DOUBLE, c INTEGER[])")
        store.insert_rows(connection, "raw.t", rows)
        store.insert_rows(connection, "raw.t", [])
        assert connection.execute("FROM raw.t").fetchall() == rows
        with pytest.raises(duckdb.CatalogException):
            store.insert_rows(connection, "raw.nothing", rows)
        with pytest.raises(duckdb.ConversionException):
            store.insert_rows(connection, "raw.t", [("a", "no number", None)])


def test_tables_and_views_exist(path: Path) -> None:
    with open_warehouse(path) as connection:
        connection.execute("CREATE TABLE raw.t (a INTEGER)")
        connection.execute("CREATE VIEW main.v AS SELECT 1 AS a")
        assert store.table_exists(connection, "raw.t")
        assert store.table_exists(connection, "main.v")
        assert not store.table_exists(connection, "main.t")


def hashed(rows: str) -> str:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS FROM (VALUES {rows}) AS v(a, b)")
        return content_hash(connection, "t")[0]


def test_the_hash_of_a_content_does_not_know_the_order() -> None:
    assert hashed("(1, 'x'), (2, 'y'), (3, NULL)") == hashed("(3, NULL), (1, 'x'), (2, 'y')")


@pytest.mark.parametrize(
    "other",
    [
        "(1, 'x'), (2, 'y')",
        "(1, 'x'), (2, 'y'), (3, 'z')",
        "(1, 'x'), (2, 'y'), (3, NULL), (3, NULL)",
        "(1, 'y'), (2, 'x'), (3, NULL)",
        "(1, 'x'), (1, 'x'), (3, NULL)",
    ],
)
def test_the_hash_of_another_content_is_another(other: str) -> None:
    assert hashed("(1, 'x'), (2, 'y'), (3, NULL)") != hashed(other)


def test_pairs_of_equal_rows_do_not_cancel_out() -> None:
    assert hashed("(1, 'x'), (1, 'x')") != hashed("(2, 'x'), (2, 'x')")


def test_an_empty_table_has_a_hash() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")
        assert content_hash(connection, "t")[1] == 0


def test_quote_escapes() -> None:
    selected = duckdb.connect().execute("SELECT " + store.quote("it's 'a'")).fetchone()
    assert selected == ("it's 'a'",)


def test_who_is_killed_while_making_leaves_no_word_of_what_was_there_before(path: Path) -> None:
    """Else the former inputs, come back, would be taken for what the half-made table is of."""
    with open_warehouse(path) as connection:

        def make(content: int, inputs: dict[str, str], killed: bool = False) -> bool:
            def create() -> None:
                connection.execute(f"CREATE OR REPLACE TABLE main.t AS SELECT {content} AS a")
                if killed:
                    raise KeyboardInterrupt

            return store.keep_or_make(connection, ["main.t"], "code", inputs, create)

        assert make(1, {"raw.a": "old"})
        with pytest.raises(KeyboardInterrupt):
            make(2, {"raw.a": "new"}, killed=True)
        assert store.recorded(connection, "main.t") is None
        assert make(1, {"raw.a": "old"})
        assert connection.execute("FROM main.t").fetchall() == [(1,)]
