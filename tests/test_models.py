"""A model is a SQL file: what its header says, what it reads, and what is refused."""

import re
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import MilexError
from pipelines.models import (
    Model,
    check_columns,
    comment,
    create,
    duplicate_keys,
    load_models,
    read_model,
)

ROOT = Path(__file__).resolve().parent.parent
REAL = load_models(ROOT / "sql")

HEADER = """\
-- One row per thing.
--
-- Second paragraph.
--
-- key: a, b
-- columns:
--   a INTEGER [year]: the year
--   b VARCHAR: a text that needs
--       a second line
--   c DECIMAL(10,2)[] [US$ millions]: amounts
--

"""
BODY = "SELECT 1::INTEGER AS a, 'x' AS b, [1.5::DECIMAL(10,2)] AS c"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def model(folder: Path, name: str, body: str, header: str = "-- A model.\n\n") -> Model:
    return read_model(write(folder, name, header + body))


@pytest.fixture
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for schema in ("staging", "raw"):
        connection.execute(f"CREATE SCHEMA {schema}")
    return connection


# --- the header ----------------------------------------------------------------------------------


def test_header_gives_description_key_and_columns(tmp_path: Path) -> None:
    thing = model(tmp_path, "main/thing", BODY, HEADER)
    assert thing.table == "main.thing"
    assert thing.description == "One row per thing.\n\nSecond paragraph."
    assert thing.key == ("a", "b")
    assert [(c.name, c.type, c.unit, c.meaning) for c in thing.columns] == [
        ("a", "INTEGER", "year", "the year"),
        ("b", "VARCHAR", None, "a text that needs a second line"),
        ("c", "DECIMAL(10,2)[]", "US$ millions", "amounts"),
    ]
    assert thing.columns[0].comment == "the year [year]"
    assert thing.columns[1].comment == "a text that needs a second line"
    assert thing.body == BODY
    assert not thing.is_macro


def test_header_sections_of_a_metric(tmp_path: Path) -> None:
    text = (
        "-- Twice a number.\n--\n-- arguments:\n--   x: the number\n-- defaults: x := 1\n"
        "-- returns: one row\n-- example: SELECT * FROM twice(2)\n\n"
        "CREATE OR REPLACE MACRO twice(\n    x := 1\n) AS TABLE\nSELECT 2 * x AS y;\n"
    )
    twice = model(tmp_path, "metrics/twice", text, "")
    assert twice.table == "main.twice"
    assert twice.is_macro
    assert twice.arguments == "x := 1"
    assert twice.notes["returns"] == "one row"
    assert twice.notes["example"] == "SELECT * FROM twice(2)"
    assert twice.notes["arguments"].strip() == "x: the number"


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("main/bare", "SELECT 1 AS a", "says what one row is"),
        ("main/odd", "-- A row.\n-- columns:\n--   a: no type\n\nSELECT 1 AS a", "a: no type"),
        ("main/low", "-- A row.\n-- columns:\n--   a integer: x\n\nSELECT 1 AS a", "a integer: x"),
        ("main/broken", "-- A row.\n\nSELEC 1 AS a", "syntax error"),
        ("metrics/plain", "-- A metric.\n\nSELECT 1 AS a", "CREATE OR REPLACE MACRO"),
        (
            "metrics/right",
            "-- A metric.\n\nCREATE OR REPLACE MACRO wrong() AS TABLE SELECT 1 AS a",
            "defines wrong; it should be right",
        ),
    ],
)
def test_what_is_not_understood_is_refused_by_file(
    tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(MilexError) as refused:
        read_model(path)
    assert str(path) in str(refused.value)
    assert complaint in str(refused.value)


def test_code_version_follows_the_sql_and_not_the_comments(tmp_path: Path) -> None:
    first = model(tmp_path, "main/a", "SELECT 1 AS x")
    reworded = model(tmp_path, "main/b", "SELECT 1 AS x", "-- Other words.\n\n")
    changed = model(tmp_path, "main/c", "SELECT 2 AS x")
    assert first.code_version == reworded.code_version
    assert first.code_version != changed.code_version


# --- what a model reads --------------------------------------------------------------------------


def references(tmp_path: Path, body: str) -> set[str]:
    """What a body reads, without operators and DuckDB's own functions."""
    found = model(tmp_path, "main/it", body).references
    known = {"raw.t", "main.t", "main.u", "staging.v", "main.metric", "main.scalar"}
    return set(found & known)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("SELECT * FROM raw.t", {"raw.t"}),
        ("SELECT * FROM t JOIN staging.v USING (a)", {"main.t", "staging.v"}),
        ("WITH u AS (SELECT * FROM raw.t) SELECT * FROM u", {"raw.t"}),
        ("WITH u AS (SELECT * FROM raw.t) SELECT * FROM u, main.u", {"raw.t", "main.u"}),
        (
            "SELECT * FROM (WITH u AS (SELECT 1 AS a) SELECT * FROM u) CROSS JOIN staging.v",
            {"staging.v"},
        ),
        (
            "WITH RECURSIVE u AS (SELECT a FROM raw.t UNION SELECT a FROM u) SELECT * FROM u",
            {"raw.t"},
        ),
        ("SELECT 1 AS a WHERE EXISTS (SELECT * FROM raw.t)", {"raw.t"}),
        ("SELECT (SELECT max(a) FROM main.u) AS a", {"main.u"}),
        ("SELECT * FROM metric('x', y := 1)", {"main.metric"}),
        ("SELECT scalar(a) AS b FROM raw.t", {"raw.t", "main.scalar"}),
        ("FROM raw.t SELECT a UNION ALL FROM staging.v SELECT a", {"raw.t", "staging.v"}),
    ],
)
def test_references_come_from_the_sql(tmp_path: Path, body: str, expected: set[str]) -> None:
    assert references(tmp_path, body) == expected


def test_models_come_after_what_they_read(tmp_path: Path) -> None:
    write(tmp_path, "main/a", "-- Reads z.\n\nSELECT * FROM main.z")
    write(
        tmp_path, "main/z", "-- Reads staging.\n\nSELECT * FROM staging.m CROSS JOIN raw.elsewhere"
    )
    write(tmp_path, "staging/m", "-- Reads nothing.\n\nSELECT 1 AS x")
    assert list(load_models(tmp_path)) == ["staging.m", "main.z", "main.a"]


def test_a_circle_is_refused_with_its_members(tmp_path: Path) -> None:
    write(tmp_path, "main/a", "-- Reads b.\n\nSELECT * FROM main.b")
    write(tmp_path, "main/b", "-- Reads a.\n\nSELECT * FROM main.a")
    with pytest.raises(MilexError, match=r"circle.*main\.[ab].*main\.[ab]"):
        load_models(tmp_path)


# --- building ------------------------------------------------------------------------------------


def test_a_table_is_built_and_can_be_given_its_comments(
    tmp_path: Path, database: duckdb.DuckDBPyConnection
) -> None:
    thing = model(tmp_path, "main/thing", BODY, HEADER)
    create(database, thing)
    comment(database, thing)
    assert database.execute("SELECT a, b FROM main.thing").fetchall() == [(1, "x")]
    assert database.execute(
        "SELECT comment FROM duckdb_tables() WHERE table_name = 'thing'"
    ).fetchone() == ("One row per thing.\n\nSecond paragraph.\n\nKey: a, b",)
    assert database.execute(
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'thing' AND column_name = 'a'"
    ).fetchone() == ("the year [year]",)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (BODY + ", 1 AS d", "In the table only: d INTEGER; in the header only: nothing"),
        (
            "SELECT 1::INTEGER AS a, 'x' AS b",
            "In the table only: nothing; in the header only: c DECIMAL(10,2)[]",
        ),
        (
            BODY.replace("1::INTEGER", "1::BIGINT"),
            "In the table only: a BIGINT; in the header only: a INTEGER",
        ),
        ("SELECT b, a, c FROM (" + BODY + ")", "the order differs"),
    ],
)
def test_header_and_table_hold_the_same_columns(
    tmp_path: Path, database: duckdb.DuckDBPyConnection, body: str, complaint: str
) -> None:
    thing = model(tmp_path, "main/thing", body, HEADER)
    with pytest.raises(MilexError) as refused:
        create(database, thing)
    assert complaint in str(refused.value)
    assert str(thing.path) in str(refused.value)


def test_columns_of_an_attached_database_do_not_count(
    tmp_path: Path, database: duckdb.DuckDBPyConnection
) -> None:
    thing = model(tmp_path, "main/thing", BODY, HEADER)
    create(database, thing)
    database.execute("ATTACH ':memory:' AS other")
    database.execute("CREATE TABLE other.main.thing (surplus INTEGER)")
    check_columns(database, thing)


@pytest.mark.parametrize(
    "body", ["AS TABLE\nSELECT 2 * x AS y", "AS (\n    2 * x\n)"], ids=["table", "scalar"]
)
def test_a_metric_is_made_with_its_comment(
    tmp_path: Path, database: duckdb.DuckDBPyConnection, body: str
) -> None:
    text = f"-- Twice 'a' number.\n\nCREATE OR REPLACE MACRO twice(x) {body};"
    create(database, model(tmp_path, "metrics/twice", text, ""))
    call = "SELECT y FROM twice(4)" if "TABLE" in body else "SELECT twice(4)"
    assert database.execute(call).fetchone() == (8,)
    assert database.execute(
        "SELECT comment FROM duckdb_functions() WHERE function_name = 'twice'"
    ).fetchone() == ("Twice 'a' number.",)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("(1, 'x'), (1, 'y'), (2, 'x')", 0),
        ("(1, 'x'), (1, 'x'), (2, 'x')", 2),
        ("(1, 'x'), (1, NULL), (NULL, 'x')", 2),
    ],
)
def test_duplicate_keys_are_counted(
    tmp_path: Path, database: duckdb.DuckDBPyConnection, rows: str, expected: int
) -> None:
    thing = model(tmp_path, "main/thing", "SELECT 1 AS a", "-- A row.\n--\n-- key: a, b\n\n")
    database.execute(f"CREATE TABLE main.thing AS FROM (VALUES {rows}) AS v(a, b)")
    assert duplicate_keys(database, thing) == expected


# --- the project's own models --------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(REAL))
def test_every_header_is_complete(name: str) -> None:
    real = REAL[name]
    first = real.description.split("\n\n")[0]
    assert first.endswith((".", ":")), "the first paragraph is a sentence"
    if real.is_macro:
        assert {"returns", "example"} <= real.notes.keys()
        assert (":=" in (real.arguments or "")) == ("defaults" in real.notes)
        arguments = re.findall(r"(?:^|,\s*)(\w+)(?:\s*:=|\s*,|\s*$)", real.arguments or "")
        for argument in arguments:
            assert f"  {argument}: " in real.notes.get("arguments", ""), argument
    else:
        assert first.startswith("One row per ")
        assert real.key
        assert set(real.key) <= {column.name for column in real.columns}
        assert all(len(column.meaning) > 3 for column in real.columns)


def test_the_path_is_the_schema() -> None:
    for real in REAL.values():
        layer = real.path.parent.name
        assert real.schema == ("main" if layer == "metrics" else layer)
        assert real.name == real.path.stem


def test_staging_reads_nothing_to_its_right() -> None:
    for real in REAL.values():
        if real.schema == "staging":
            read = {name.split(".")[0] for name in real.references & REAL.keys()}
            assert read <= {"staging"}, real.table


def test_models_name_no_file_and_use_no_template() -> None:
    for path in (ROOT / "sql").rglob("*.sql"):
        text = path.read_text(encoding="utf-8")
        assert "{{" not in text, path
        assert "read_csv" not in text, path
        assert "read_parquet" not in text, path


@pytest.mark.parametrize(("section", "ordered"), [("", True), ("-- unordered: too many\n", False)])
def test_public_rows_are_in_the_order_of_the_key_unless_the_header_says_why_not(
    tmp_path: Path, section: str, ordered: bool
) -> None:
    path = tmp_path / "main" / "thing.sql"
    path.parent.mkdir()
    path.write_text(
        f"-- One row.\n--\n-- key: a\n{section}-- columns:\n--   a BIGINT: it\n\n"
        "SELECT 9 - range AS a FROM range(9) -- in no order",
        encoding="utf-8",
    )
    model = read_model(path)
    with duckdb.connect() as connection:
        create(connection, model)
        found = [a for (a,) in connection.execute("FROM main.thing").fetchall()]
    assert (found == sorted(found)) is ordered
    assert ("Unordered: too many" in model.documentation) is not ordered


@pytest.mark.parametrize("then", ["-- key: b\n", "-- key: a\n-- unordered: many\n"])
def test_another_order_of_rows_is_another_version(tmp_path: Path, then: str) -> None:
    path = tmp_path / "main" / "thing.sql"
    path.parent.mkdir()
    key = "-- key: a\n"
    text = (
        f"-- One row.\n--\n{key}-- columns:\n--   a BIGINT: it\n--   b BIGINT: it\n\n"
        "SELECT 1 AS a, 2 AS b"
    )
    path.write_text(text, encoding="utf-8")
    before = read_model(path).code_version
    path.write_text(text.replace(key, then), encoding="utf-8")
    assert read_model(path).code_version != before
