"""The trap of editions: which tables of a query are read over all editions at once.

A figure stands in every edition (or version) that has it, so a sum over such a table counts it
several times. A SELECT settles the edition of a table that it reads where a condition, a join, a
grouping or an expression names its column; where it merely hands the column on, whoever reads it
has to settle it, and the person who sees it in the result can. Knows the tree of a query, not SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipelines.adhoc.syntax import (
    Node,
    column_name,
    ctes,
    is_column,
    of_this_query,
    qualifier,
    queries_in,
)
from pipelines.models import walk

CONDITIONS = ("where_clause", "group_expressions", "having", "qualify")


@dataclass(frozen=True)
class Open:
    """A table whose edition is not settled yet. column: under which name it goes on."""

    table: str
    column: str


@dataclass(frozen=True)
class _Source:
    """What a FROM reads under one name."""

    alias: str
    opens: frozenset[Open]


def unsettled(query: Node, editioned: Mapping[str, str]) -> list[str]:
    """The tables that are read over all their editions without saying so, by name.

    editioned: each such table, and its column that names the edition.
    """
    lost: set[str] = set()
    _read(query, {}, editioned, lost)
    return sorted(lost)


def warning(table: str, column: str, tables: Iterable[str]) -> str:
    """What to tell whoever asked."""
    if f"{table}_latest" in tables:
        instead = f"Read {table}_latest for the newest, or name one: WHERE {column} = …"
    elif column == "edition":
        instead = "Name one: WHERE edition = (SELECT max(edition) FROM editions)."
    else:
        instead = f"Name one: WHERE {column} = …; alliances_latest has the newest."
    return f"{table} holds every {column}, and this query does not choose one. {instead}"


def _read(
    query: Node,
    named: Mapping[str, frozenset[Open]],
    editioned: Mapping[str, str],
    lost: set[str],
) -> frozenset[Open]:
    """What a query hands on; adds to `lost` what it drops."""
    here = dict(named)
    for name, inner in ctes(query):
        here[name] = frozenset()  # a recursive one reads itself
        here[name] = _read(inner, here, editioned, lost)
    if query["type"] != "SELECT_NODE":
        sides = query.get("children") or [query["left"], query["right"]]
        return frozenset().union(*(_read(side, here, editioned, lost) for side in sides))
    sources = list(_sources(query.get("from_table"), here, editioned, lost))
    parts = (query["select_list"], query.get("modifiers"), *map(query.get, CONDITIONS))
    for part in parts:
        for inner in queries_in(part):
            _read(inner, here, editioned, lost)
    return frozenset().union(*(_handed_on(query, source, lost) for source in sources))


def _sources(
    ref: Node | None,
    named: Mapping[str, frozenset[Open]],
    editioned: Mapping[str, str],
    lost: set[str],
) -> Iterator[_Source]:
    kind = (ref or {}).get("type")
    if ref is None or kind == "SHOW_REF":
        return
    if kind == "JOIN":
        yield from _sources(ref["left"], named, editioned, lost)
        yield from _sources(ref["right"], named, editioned, lost)
        for inner in queries_in(ref.get("condition")):
            _read(inner, named, editioned, lost)
    elif kind == "BASE_TABLE":
        table = str(ref["table_name"]).casefold()
        opens: frozenset[Open] = frozenset()
        if table in named and not ref.get("schema_name"):
            opens = named[table]
        elif table in editioned:
            opens = frozenset({Open(table, editioned[table])})
        yield _Source(str(ref.get("alias") or table).casefold(), opens)
    elif kind == "SUBQUERY":
        inner = ref["subquery"].get("node", ref["subquery"])
        yield _Source(str(ref.get("alias", "")).casefold(), _read(inner, named, editioned, lost))
    elif kind == "PIVOT":
        for source in _sources(ref["source"], named, editioned, lost):
            yield _Source(source.alias, frozenset(_pivoted(ref, source.opens, lost)))
    else:  # VALUES and table functions: what stands in them is read, and not handed on
        for inner in queries_in(ref):
            for one in _read(inner, named, editioned, lost):
                lost.add(one.table)


def _pivoted(ref: Node, opens: frozenset[Open], lost: set[str]) -> Iterator[Open]:
    """What goes through a PIVOT: it groups by the columns named, or by all that are left over."""
    groups = {str(name).casefold() for name in ref.get("groups") or []}
    named = {
        column_name(node) for node in walk([ref["aggregates"], ref["pivots"]]) if is_column(node)
    }
    for one in opens:
        if one.column in named:
            continue
        if groups and one.column not in groups:
            lost.add(one.table)
        else:
            yield one


def _handed_on(query: Node, source: _Source, lost: set[str]) -> frozenset[Open]:
    """What of a source a SELECT hands on to its reader; adds what it drops to `lost`."""
    handed = set()
    for one in source.opens:
        names = {_visible(item, source.alias, one.column) for item in query["select_list"]} - {""}
        if _settled(query, source.alias, one.column):
            continue
        if names:
            handed |= {Open(one.table, name) for name in names}
        else:
            lost.add(one.table)
    return frozenset(handed)


def _visible(item: Node, alias: str, column: str) -> str:
    """The name under which an entry of a SELECT list shows a column, or nothing."""
    if item.get("class") == "STAR":
        whose = str(item.get("relation_name", "")).casefold()
        left_out = {str(name).casefold() for name in item.get("exclude_list", [])}
        return column if whose in ("", alias) and column not in left_out else ""
    if is_column(item) and _names(item, alias, column):
        return str(item.get("alias") or column).casefold()
    return ""


def _settled(query: Node, alias: str, column: str) -> bool:
    """Whether a condition, a grouping, a join or an expression names a source's column."""
    parts = [query.get(name) for name in CONDITIONS]
    parts += [item for item in query["select_list"] if not is_column(item)]
    for ref in of_this_query(query.get("from_table")):
        if ref.get("type") == "JOIN":
            parts.append(ref.get("condition"))
            if column in (str(name).casefold() for name in ref.get("using_columns", [])):
                return True
            if ref.get("ref_type") == "NATURAL":
                return True
    if any(
        is_column(node) and _names(node, alias, column)
        for part in parts
        for node in of_this_query(part)
    ):
        return True
    # A query inside a condition may speak of this one's table by its name.
    return any(
        is_column(node) and qualifier(node) == alias and column_name(node) == column
        for part in parts
        for inner in queries_in(part)
        for node in walk(inner)
    )


def _names(node: Node, alias: str, column: str) -> bool:
    return column_name(node) == column and qualifier(node) in ("", alias)
