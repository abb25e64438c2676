"""A model is a SQL file: its header, its columns and what it depends on; runs nothing by itself.

A table model is a comment header and one SELECT:

    -- One row per edition: the last data year, its base year and where it came from.
    --
    -- key: edition
    -- columns:
    --   edition INTEGER: last data year
    --   base_year INTEGER [year]: year of the constant prices

    SELECT ...

A metric is the same header over `CREATE OR REPLACE MACRO name(...) AS TABLE SELECT ...`.
The folder below `sql/` is the schema; metrics live in `main`, where users call them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import MilexError
from pipelines.warehouse import at_once, first_row, quote

# The section that says why a table's rows are in no order.
UNORDERED = "unordered"
_COLUMN = re.compile(
    r"^(?P<name>\w+)\s+(?P<type>[A-Z][A-Z0-9_]*(?:\([\d, ]+\))?(?:\[\])?)"
    r"(?:\s+\[(?P<unit>[^\]]+)\])?:\s*(?P<meaning>.+)$"
)
_MACRO = re.compile(
    r"CREATE\s+OR\s+REPLACE\s+MACRO\s+(?P<name>\w+)\s*\((?P<arguments>[^)]*)\)\s+AS\s+"
    r"(?P<table>TABLE\s+)?(?P<body>.+?);?\s*$",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Column:
    """A documented column: its DuckDB type, unit and meaning."""

    name: str
    type: str
    unit: str | None
    meaning: str

    @property
    def comment(self) -> str:
        """The meaning with its unit, as it becomes the column's COMMENT."""
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning


@dataclass(frozen=True)
class Model:
    """One SQL file, read: a table, or a macro that is called like one."""

    path: Path
    schema: str
    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    notes: dict[str, str]
    body: str
    arguments: str | None = None
    references: frozenset[str] = field(default=frozenset())

    @classmethod
    def of_table(
        cls,
        table: str,
        description: str,
        key: tuple[str, ...],
        columns: tuple[Column, ...],
        reads: tuple[str, ...] = (),
    ) -> Model:
        """A table that Python writes, documented like one that SQL makes."""
        schema, name = table.split(".")
        return cls(
            Path(name), schema, name, description, key, columns, {}, "", None, frozenset(reads)
        )

    @property
    def ddl(self) -> str:
        """The statement that makes an empty table of the documented columns."""
        columns = ", ".join(f"{column.name} {column.type}" for column in self.columns)
        return f"CREATE OR REPLACE TABLE {self.table} ({columns})"

    @property
    def ordered(self) -> str:
        """The SELECT; a public table's rows in the order of its key, unless its header says why not."""
        if self.schema != "main" or UNORDERED in self.notes:
            return self.body
        return f"FROM (\n{self.body}\n) ORDER BY {', '.join(self.key)}"

    @property
    def documentation(self) -> str:
        """The header in one text, as it becomes the COMMENT: prose, then the key or the notes.

        A macro's columns have no comments of their own and stand here.
        """
        parts = [f"Key: {', '.join(self.key)}"] if self.key else []
        parts += [f"{name.capitalize()}: {text.strip()}" for name, text in self.notes.items()]
        if self.is_macro and self.columns:
            lines = [f"{column.name} {column.type}: {column.comment}" for column in self.columns]
            parts.append("\n".join(["Columns:", *lines]))
        return "\n\n".join([self.description, *parts])

    @property
    def is_macro(self) -> bool:
        """Whether this is a metric."""
        return self.arguments is not None

    @property
    def table(self) -> str:
        """The qualified name in the warehouse."""
        return f"{self.schema}.{self.name}"

    @cached_property
    def code_version(self) -> str:
        """A hash of the SQL text, the order of a table's rows included."""
        text = self.body if self.is_macro else self.ordered
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_models(folder: Path) -> dict[str, Model]:
    """Every model below `sql/`, by qualified name, each after what it depends on.

    Raises MilexError for a file whose header or SQL cannot be understood, and for a cycle.
    """
    models = [
        read_model(path)
        for layer in ("staging", "main", "metrics", "claims")
        for path in sorted((folder / layer).glob("*.sql"))
    ]
    by_table = {model.table: model for model in models}
    graph = {model.table: model.references & by_table.keys() for model in models}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise MilexError(
            f"sql/: models depend on each other in a circle: {error.args[1]}"
        ) from None
    return {table: by_table[table] for table in order}


def read_model(path: Path) -> Model:
    """Read one SQL file."""
    return _model_of(path, path.read_text(encoding="utf-8"))


@lru_cache(maxsize=512)
def _model_of(path: Path, text: str) -> Model:
    lines = text.splitlines()
    header = [line[2:].removeprefix(" ") for line in _header(lines)]
    body = "\n".join(lines[len(header) :]).strip()
    description, sections = _split_header(header, path)
    schema = "main" if path.parent.name == "metrics" else path.parent.name
    macro = _MACRO.match(body)
    if path.parent.name == "metrics" and macro is None:
        raise MilexError(f"{path}: a metric is one CREATE OR REPLACE MACRO … AS …")
    if macro is not None and macro["name"] != path.stem:
        raise MilexError(f"{path}: the file defines {macro['name']}; it should be {path.stem}")
    select = body.rstrip(";")
    if macro is not None:
        select = macro["body"] if macro["table"] else f"SELECT {macro['body']}"
    return Model(
        path=path,
        schema=schema,
        name=path.stem,
        description=description,
        key=tuple(part.strip() for part in sections.pop("key", "").split(",") if part.strip()),
        columns=_columns(sections.pop("columns", ""), path),
        notes=sections,
        body=body.rstrip(";"),
        arguments=" ".join(macro["arguments"].split()) if macro else None,
        references=frozenset(references(select, path)),
    )


def _header(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if not line.startswith("--"):
            return
        yield line


def _split_header(header: list[str], path: Path) -> tuple[str, dict[str, str]]:
    """The prose, then the sections `word: text`, whose further lines are indented."""
    prose: list[str] = []
    sections: dict[str, str] = {}
    current: str | None = None
    for line in header:
        opening = re.match(
            r"^(key|columns|example|returns|defaults|arguments|unordered):(.*)$", line
        )
        if opening:
            current = opening[1]
            sections[current] = opening[2].strip()
        elif current is not None and line.startswith("  "):
            sections[current] += "\n" + line
        elif line.strip() or current is None:
            current = None
            prose.append(line)
    description = "\n".join(prose).strip()
    if not description:
        raise MilexError(f"{path}: the file opens with a comment that says what one row is")
    return description, sections


def entries(section: str) -> list[str]:
    """The entries of a section, a line each; a line that is indented further goes on."""
    found: list[str] = []
    for line in section.splitlines():
        if line.startswith("    ") and found:
            found[-1] += " " + line.strip()
        elif line.strip():
            found.append(line.strip())
    return found


def _columns(text: str, path: Path) -> tuple[Column, ...]:
    """Lines `name TYPE [unit]: meaning`."""
    columns = []
    for entry in entries(text):
        match = _COLUMN.match(entry)
        if match is None:
            raise MilexError(f"{path}: expected `name TYPE [unit]: meaning`, found: {entry}")
        columns.append(Column(match["name"], match["type"], match["unit"], match["meaning"]))
    return tuple(columns)


def references(select: str, path: Path) -> set[str]:
    """The tables and macros that a SELECT reads, from DuckDB's own parser, less its CTE names."""
    row = first_row(_parser(), "SELECT json_serialize_sql(?)", [select])
    assert row is not None
    tree = json.loads(row[0])
    if tree.get("error"):
        raise MilexError(f"{path}: {tree.get('error_message')}")
    nodes = list(walk(tree["statements"]))
    ctes = {entry["key"] for node in nodes for entry in node.get("cte_map", {}).get("map", [])}
    tables = {
        f"{node.get('schema_name') or 'main'}.{node['table_name']}"
        for node in nodes
        if node.get("type") == "BASE_TABLE"
        and not (node["table_name"] in ctes and not node.get("schema_name"))
    }
    functions = {
        f"{node.get('schema') or 'main'}.{node['function_name']}"
        for node in nodes
        if "function_name" in node
    }
    return tables | functions


@lru_cache(maxsize=1)
def _parser() -> duckdb.DuckDBPyConnection:
    """An empty database: DuckDB's parser needs no tables."""
    return duckdb.connect()


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """All mappings of a tree of DuckDB's parser, the tree itself first."""
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from walk(child)
    elif isinstance(node, list):
        for child in node:
            yield from walk(child)


def everything_behind(
    model: Model, models: Mapping[str, Model], through: Callable[[Model], bool] = lambda _: True
) -> set[str]:
    """Every table and metric that a model rests on, directly or `through` other models."""
    found: set[str] = set()
    waiting = [model]
    while waiting:
        for name in waiting.pop().references - found:
            found.add(name)
            if name in models and through(models[name]):
                waiting.append(models[name])
    return found


def create(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Build a model's table, or its macro with its comment.

    Raises MilexError when the table's columns are not exactly the documented ones.
    """
    if model.is_macro:
        connection.execute(model.body)
        connection.execute(
            f"COMMENT ON MACRO {'TABLE ' if _is_table_macro(model) else ''}{model.name} IS "
            f"{quote(model.documentation)}"
        )
        return
    connection.execute(f"CREATE OR REPLACE TABLE {model.table} AS {model.ordered}")
    check_columns(connection, model)


def _is_table_macro(model: Model) -> bool:
    match = _MACRO.match(model.body)
    return match is not None and match["table"] is not None


def check_columns(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Documented columns and the table's own are the same, in order and type."""
    found = [row[:2] for row in connection.execute(f"DESCRIBE {model.table}").fetchall()]
    documented = [(column.name, column.type) for column in model.columns]
    if found != documented:
        surplus = [f"{name} {kind}" for name, kind in found if (name, kind) not in documented]
        lacking = [f"{name} {kind}" for name, kind in documented if (name, kind) not in found]
        raise MilexError(
            f"{model.path}: the header and the table differ. In the table only: "
            f"{', '.join(surplus) or 'nothing'}; in the header only: "
            f"{', '.join(lacking) or 'nothing'}"
            + ("" if surplus or lacking else "; the order differs")
        )


def comment(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Put the header into the database, where `DESCRIBE`-like tools show it."""
    with at_once(connection):
        connection.execute(f"COMMENT ON TABLE {model.table} IS {quote(model.documentation)}")
        for column in model.columns:
            connection.execute(
                f"COMMENT ON COLUMN {model.table}.{column.name} IS {quote(column.comment)}"
            )


def duplicate_keys(connection: duckdb.DuckDBPyConnection, model: Model) -> int:
    """How many rows share their key with another, or lack a part of it."""
    if not model.key:
        return 0
    keys = ", ".join(model.key)
    blank = " OR ".join(f"{part} IS NULL" for part in model.key)
    row = first_row(
        connection,
        f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM {model.table} GROUP BY {keys} "
        f"HAVING count(*) > 1 UNION ALL SELECT count(*) FROM {model.table} WHERE {blank})",
    )
    assert row is not None
    return int(row[0])
