"""What a query may name: one SELECT, over the snapshot's tables, its metrics and plain functions.

An allow-list over DuckDB's own parse, beside the connection's settings and the process's limits:
each of the three would hold alone against most of what is tried. Knows no table by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from pipelines.adhoc.editions import Editioned, unsettled, warning
from pipelines.adhoc.syntax import Node, column_name, ctes, is_column, is_query
from pipelines.models import walk

MAX_CHARACTERS = 100_000
QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
SOURCES = {
    "BASE_TABLE",
    "EMPTY",
    "EXPRESSION_LIST",
    "JOIN",
    "PIVOT",
    "SHOW_REF",
    "SUBQUERY",
    "TABLE_FUNCTION",
}
SHOWN = {"DESCRIBE", "SUMMARY"}
SHOWN_BY_NAME = {'"tables"', "__show_tables_expanded"}
CATALOGUE_VIEWS = {"tables", "columns"}
TABLE_FUNCTIONS = {
    "duckdb_columns",
    "duckdb_functions",
    "duckdb_tables",
    "generate_series",
    "json_each",
    "json_tree",
    "range",
    "unnest",
}
# Not the same at every call, and still about nothing but the clock and chance.
CLOCK_AND_CHANCE = {
    "current_date",
    "get_current_time",
    "get_current_timestamp",
    "now",
    "random",
    "today",
    "transaction_timestamp",
}
PARSERS = ("json_serialize", "json_deserialize", "json_execute")
# Facts about an edition or a file, one row each: reading all of them adds nothing up.
ONE_ROW_AN_EDITION = {"editions", "sources", "claim_editions"}


class Refused(Exception):
    """A query that may not run."""

    def __init__(self, kind: str, message: str) -> None:
        """Say why. kind: statement, table or function."""
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Query:
    """A query that may run. units: of result columns that are a table's own; warnings: beside it."""

    sql: str
    warnings: tuple[str, ...]
    units: Mapping[str, str]


@dataclass(frozen=True)
class Guard:
    """What one snapshot offers; all names in lower case. units: by table and column."""

    connection: duckdb.DuckDBPyConnection
    tables: frozenset[str]
    system_views: frozenset[str]
    functions: frozenset[str]
    table_functions: frozenset[str]
    by_name: Mapping[str, frozenset[str | int]]
    editioned: Editioned
    units: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection) -> Guard:
        """Read what the snapshot behind a connection offers."""
        metrics = _names(
            connection, "SELECT function_name FROM duckdb_functions() WHERE NOT internal"
        )
        tables = _names(connection, "SELECT table_name FROM duckdb_tables() WHERE NOT internal")
        views = _names(connection, "SELECT view_name FROM duckdb_views() WHERE internal")
        columns: dict[str, dict[str, str]] = {}
        for table, column, comment in _rows(
            connection,
            "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal",
        ):
            described = columns.setdefault(table.casefold(), {})
            described[column.casefold()] = _unit(comment or "")
        editioned = {
            table: "edition" if "edition" in described else "version"
            for table, described in columns.items()
            if described.keys() & {"edition", "version"}
            and table not in ONE_ROW_AN_EDITION
            and not table.endswith("_latest")
        }
        # What both have, such as the dataset, tells no editions apart.
        shared = {column for table in editioned for column in columns[table]}
        telling = {
            table: frozenset(columns[table].keys() - shared | set(editioned.values()))
            for table in columns.keys() & ONE_ROW_AN_EDITION
        }
        aggregates = _names(
            connection,
            "SELECT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'",
        )
        return cls(
            connection,
            tables,
            views,
            _plain_functions(connection) | metrics,
            frozenset(TABLE_FUNCTIONS) | metrics,
            _metrics_by_name(connection),
            Editioned(editioned, telling, aggregates),
            columns,
        )

    def check(self, sql: str) -> Query:
        """The query, if it may run.

        Raises Refused if not, and duckdb.Error if it is no SQL.
        """
        if len(sql) > MAX_CHARACTERS:
            raise Refused("statement", f"A query has {MAX_CHARACTERS:,} characters at most.")
        try:
            return self._checked(sql)
        except RecursionError:
            raise Refused("statement", "This query is nested too deeply.") from None

    def _checked(self, sql: str) -> Query:
        tree = self._parse(sql)
        names = {name for node in walk(tree) if "cte_map" in node for name, _ in ctes(node)}
        if hidden := names & self.system_views:
            raise Refused("table", f"A query's own table cannot be called {min(hidden)}.")
        for node in walk(tree):
            self._check_node(node, names)
        warnings = tuple(
            warning(table, self.editioned.columns[table], self.tables)
            for table in unsettled(tree, self.editioned)
        )
        return Query(sql, warnings, self._units_of(tree))

    def _parse(self, sql: str) -> Node:
        with self.connection.cursor() as cursor:
            statements = cursor.extract_statements(sql)
            if len(statements) != 1:
                raise Refused(
                    "statement",
                    "There is no query."
                    if not statements
                    else f"One query at a time: these are {len(statements)} statements.",
                )
            try:
                kind = statements[0].type
            except ValueError:  # a kind that DuckDB's bindings have no name for, and no SELECT
                raise Refused("statement", "Only a SELECT can run here.") from None
            if kind == duckdb.StatementType.MULTI:
                raise Refused(
                    "statement", "PIVOT has to name its values: PIVOT … ON column IN (…)."
                )
            if kind != duckdb.StatementType.SELECT:
                raise Refused(
                    "statement",
                    f"Only a SELECT can run here, and this is {kind.name.replace('_', ' ')}: the "
                    "snapshot is read and never changed.",
                )
            text = cursor.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0]
        answer = json.loads(text)
        if answer["error"] or len(answer["statements"]) != 1:
            raise Refused("statement", f"Only a SELECT can run here: {answer.get('error_message')}")
        tree: Node = answer["statements"][0]["node"]
        return tree

    def _check_node(self, node: Node, names: set[str]) -> None:
        kind = str(node.get("type", ""))
        if is_query(node) and kind not in QUERIES:
            raise Refused("statement", "Only SELECT can stand inside a query.")
        if "sample" in node and "class" not in node and not is_query(node):
            self._check_source(node, kind, names)
        elif node.get("class") == "PARAMETER":
            raise Refused("statement", "Write the value itself: parameters have none here.")
        elif "function_name" in node:
            _check_function(node, self.functions | self.table_functions)
            if str(node["function_name"]).casefold() in self.by_name:
                self._check_named_tables(node, names)

    def _check_named_tables(self, node: Node, names: set[str]) -> None:
        """A metric reads the table that it is given the name of, past every other check here."""
        metric = str(node["function_name"]).casefold()
        known = self.tables | names
        for position, argument in enumerate(node["arguments"]):
            parameter = str(argument["name"]).casefold() or position
            literal = argument["expression"].get("literal") or {}
            is_known = literal.get("kind") == "STRING" and literal["text"].casefold() in known
            if parameter in self.by_name[metric] and not is_known:
                raise Refused(
                    "table",
                    f"{metric} takes the name of a table of the snapshot or of a WITH, in quotes.",
                )

    def _check_source(self, node: Node, kind: str, names: set[str]) -> None:
        if kind not in SOURCES:
            raise Refused("table", f"A query cannot read from {kind.replace('_', ' ').lower()}.")
        if kind == "TABLE_FUNCTION":
            _check_function(node["function"], self.table_functions)
        if kind == "SHOW_REF" and not (
            node["show_type"] in SHOWN or node["table_name"] in SHOWN_BY_NAME
        ):
            raise Refused("table", "SHOW knows TABLES here; DESCRIBE and SUMMARIZE know a table.")
        if kind == "BASE_TABLE":
            name = str(node["table_name"]).casefold()
            schema = str(node.get("schema_name", "")).casefold()
            own = schema in ("", "main") and (name in self.tables or (not schema and name in names))
            catalogue = schema == "information_schema" and name in CATALOGUE_VIEWS
            if node.get("catalog_name") or not (own or catalogue):
                raise Refused(
                    "table", f"There is no table {name}. SHOW TABLES lists what there is."
                )

    def _units_of(self, tree: Node) -> dict[str, str]:
        """The units of result columns that are columns of the snapshot's tables as they are."""
        if tree["type"] != "SELECT_NODE":
            return {}
        read = list(_joined(tree.get("from_table")))
        own = [self.units.get(str(node.get("table_name", "")).casefold()) for node in read]
        named = {name for name, _ in ctes(tree)}
        if not own or any(
            columns is None or str(node.get("table_name", "")).casefold() in named
            for columns, node in zip(own, read, strict=True)
        ):
            return {}
        candidates: dict[str, set[str]] = {}
        for columns in own:
            for column, unit in (columns or {}).items():
                candidates.setdefault(column, set()).add(unit)
        items = tree["select_list"]
        starred = any(item.get("class") == "STAR" for item in items)
        plain = {
            column_name(item)
            for item in items
            if is_column(item)
            and str(item.get("alias") or column_name(item)).casefold() == column_name(item)
        }
        made = {str(item.get("alias", "")).casefold() for item in items} - plain
        return {
            column: unit
            for column, units in candidates.items()
            if (column in plain or (starred and column not in made))
            and len(units) == 1
            and (unit := next(iter(units)))
        }


def _check_function(node: Node, allowed: Iterable[str]) -> None:
    name = str(node["function_name"]).casefold()
    if name not in allowed or node.get("catalog") or node.get("schema") not in (None, "", "main"):
        raise Refused("function", f"The function {name} cannot be used here.")


def _joined(ref: Node | None) -> Iterable[Node]:
    if ref is None or ref.get("type") != "JOIN":
        return [ref] if ref else []
    return [*_joined(ref["left"]), *_joined(ref["right"])]


def _plain_functions(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """DuckDB's own functions that say the same at every call, and the macros made of these alone."""
    plain = _names(
        connection,
        "SELECT function_name FROM duckdb_functions() WHERE internal "
        "AND function_type IN ('scalar', 'aggregate', 'window') GROUP BY function_name "
        "HAVING bool_and(stability = 'CONSISTENT')",
    )
    allowed = {name for name in plain if not name.startswith(PARSERS)} | CLOCK_AND_CHANCE
    allowed |= {"unnest"}
    macros = _rows(
        connection,
        "SELECT function_name, list(json_serialize_sql('SELECT ' || macro_definition)) "
        "FROM duckdb_functions() WHERE internal AND function_type = 'macro' GROUP BY function_name",
    )
    bodies = {name: [json.loads(body) for body in found] for name, found in macros}
    grown = True
    while grown:  # a macro may stand on another
        more = {
            name
            for name, found in bodies.items()
            if name not in allowed and all(_is_plain(body, allowed) for body in found)
        }
        allowed |= more
        grown = bool(more)
    return frozenset(allowed)


def _is_plain(body: Any, allowed: set[str]) -> bool:
    if body["error"]:
        return False
    return all(
        node.get("type") != "BASE_TABLE"
        and ("function_name" not in node or str(node["function_name"]).casefold() in allowed)
        for node in walk(body)
    )


def _metrics_by_name(
    connection: duckdb.DuckDBPyConnection,
) -> dict[str, frozenset[str | int]]:
    """The metrics that read tables by name, with the parameters that take one: name and place."""
    found: dict[str, frozenset[str | int]] = {}
    for name, parameters, body in _rows(
        connection,
        "SELECT function_name, parameters, macro_definition FROM duckdb_functions() "
        "WHERE NOT internal AND macro_definition ILIKE '%query_table(%'",
    ):
        known = [str(parameter).casefold() for parameter in parameters]
        named = {one.casefold() for one in re.findall(r"query_table\(\"?(\w+)\"?\)", body)}
        taken = named & set(known) or set(known)  # where it cannot be told, none is let through
        places = [place for place, parameter in enumerate(known) if parameter in taken]
        found[str(name).casefold()] = frozenset([*taken, *places])
    return found


def _unit(comment: str) -> str:
    """The unit at the end of a column's comment: 'military expenditure [US$ millions]'."""
    before, bracket, unit = comment.rpartition(" [")
    known = before and bracket and unit.endswith("]")
    return unit[:-1] if known and unit != "year]" else ""  # a column of years says so itself


def _names(connection: duckdb.DuckDBPyConnection, query: str) -> frozenset[str]:
    return frozenset(str(name).casefold() for (name,) in _rows(connection, query))


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        return cursor.execute(query).fetchall()
