"""The trap of editions: which tables of a query are read over all editions at once.

A figure stands in every edition (or version) that has it, so a sum over such a table counts it
several times. A query has to choose one by a condition, or to keep editions apart in its rows, by
showing the column, or by grouping or partitioning by it. What only hands the column on leaves the
choice to its reader. Knows the tree of a query, not SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

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


@dataclass(frozen=True)
class Editioned:
    """What the rule has to know of a snapshot; names in lower case.

    columns: of each table that holds every edition, the column that names it. lists: tables of one
    row an edition, with the columns that tell editions apart: reading all of them adds nothing up,
    but joining them does. aggregates: functions that make one value of many rows.
    """

    columns: Mapping[str, str]
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    aggregates: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Open:
    """A table that is not settled yet. names: columns that tell its editions apart, here."""

    table: str
    names: frozenset[str]


@dataclass(frozen=True)
class _Source:
    """A table that is not settled yet, as a FROM reads it under one name."""

    alias: str
    open: Open

    def named_by(self, node: Node) -> bool:
        """Whether a node names a column that tells the editions apart."""
        return (
            is_column(node)
            and column_name(node) in self.open.names
            and qualifier(node) in ("", self.alias)
        )


def unsettled(query: Node, editioned: Editioned) -> list[str]:
    """The tables that are read over all their editions without saying so, by name."""
    lost: set[str] = set()
    _read(query, {}, editioned, lost, inner=False)
    return sorted(lost - editioned.lists.keys())


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
    editioned: Editioned,
    lost: set[str],
    *,
    inner: bool = True,
) -> frozenset[Open]:
    """What a query hands on; adds to `lost` what it drops.

    inner: it stands inside another, to which (SELECT max(edition) FROM spending) names an edition.
    """
    here = dict(named)
    for name, before in ctes(query):
        here[name] = frozenset()  # a recursive one reads itself
        here[name] = _read(before, here, editioned, lost)
    if query["type"] != "SELECT_NODE":
        sides = query.get("children") or [query["left"], query["right"]]
        return frozenset().union(*(_read(side, here, editioned, lost) for side in sides))
    sources = list(_sources(query.get("from_table"), here, editioned, lost))
    for part in map(
        query.get,
        ("select_list", "modifiers", "where_clause", "group_expressions", "having", "qualify"),
    ):
        for within in queries_in(part):
            _read(within, here, editioned, lost)
    if inner and all(_is_of_one_column(item, editioned) for item in query["select_list"]):
        return frozenset()
    return frozenset(_handed_on(query, sources, editioned.aggregates, lost))


def _is_of_one_column(item: Node, editioned: Editioned) -> bool:
    """Whether this is an aggregate of an edition and of nothing else."""
    return (
        _is_aggregate(item, editioned.aggregates)
        and {column_name(node) for node in of_this_query(item) if is_column(node)}
        <= set(editioned.columns.values())
        and bool(item["arguments"])
    )


def _sources(
    ref: Node | None,
    named: Mapping[str, frozenset[Open]],
    editioned: Editioned,
    lost: set[str],
) -> Iterator[_Source]:
    kind = (ref or {}).get("type")
    if ref is None:
        return
    if kind == "SHOW_REF":
        if ref["show_type"] == "SUMMARY":  # DESCRIBE reads no rows
            lost.update(one.table for one in _read(ref["query"], named, editioned, lost))
    elif kind == "JOIN":
        yield from _sources(ref["left"], named, editioned, lost)
        yield from _sources(ref["right"], named, editioned, lost)
        for inner in queries_in(ref.get("condition")):
            _read(inner, named, editioned, lost)
    elif kind == "BASE_TABLE":
        alias = str(ref.get("alias") or ref["table_name"]).casefold()
        yield from (_Source(alias, one) for one in _of_table(ref, named, editioned))
    elif kind == "SUBQUERY":
        found = _read(ref["subquery"].get("node", ref["subquery"]), named, editioned, lost)
        yield from (_Source(str(ref.get("alias", "")).casefold(), one) for one in found)
    elif kind == "PIVOT":
        for source in _sources(ref["source"], named, editioned, lost):
            if not _names(ref["pivots"], source) and not _chosen_within(
                ref["aggregates"], source, editioned.aggregates
            ):
                yield from _pivoted(ref, source, lost)
    else:  # VALUES and table functions: what stands in them is read, and not handed on
        for inner in queries_in(ref):
            lost.update(one.table for one in _read(inner, named, editioned, lost))


def _of_table(
    ref: Node, named: Mapping[str, frozenset[Open]], editioned: Editioned
) -> frozenset[Open]:
    table = str(ref["table_name"]).casefold()
    if table in named and not ref.get("schema_name"):
        return named[table]
    if table in editioned.columns:
        return frozenset({Open(table, frozenset({editioned.columns[table]}))})
    if table in editioned.lists:
        return frozenset({Open(table, editioned.lists[table])})
    return frozenset()


def _pivoted(ref: Node, source: _Source, lost: set[str]) -> Iterator[_Source]:
    """What goes through a PIVOT: it groups by the columns named, or by all that are left over."""
    groups = {str(name).casefold() for name in ref.get("groups") or []}
    if groups and not groups & source.open.names:
        lost.add(source.open.table)
    else:
        yield source


def _handed_on(
    query: Node, sources: list[_Source], aggregates: frozenset[str], lost: set[str]
) -> Iterator[Open]:
    """What a SELECT hands on to its reader; adds what it drops to `lost`."""
    links = _links(query, sources)
    settled = {source for source in sources if _chosen(query, source, aggregates)}
    settled |= {one for one, other in links if other is None}
    for source in sources:
        group = _linked(source, links)
        if group & settled:
            continue
        names = {
            name
            for item in query["select_list"]
            for member in group
            for name in _visible(item, member, aggregates)
        }
        grouped = [any(_names(by, member) for member in group) for by in _groupings(query)]
        if len(grouped) > 1 and not all(grouped):  # a total over all editions stands among the rows
            lost.add(source.open.table)
            continue
        unnamed = not source.open.names and not _aggregating(query, aggregates)
        if names or any(grouped) or unnamed:
            yield Open(source.open.table, frozenset(names - {""}))
        else:
            lost.add(source.open.table)


def _groupings(query: Node) -> Iterator[list[Node]]:
    """What each grouping of a SELECT groups by: ROLLUP, CUBE and GROUPING SETS have several."""
    by = query.get("group_expressions") or []
    for chosen in query.get("group_sets") or []:
        yield [by[number] for number in chosen]


def _links(query: Node, sources: list[_Source]) -> list[tuple[_Source, _Source | None]]:
    """Which sources a SELECT joins on their editions; None for a table whose edition is settled.

    A join with such a table chooses, and one with another goes as far as the other is chosen.
    """
    found: list[tuple[_Source, _Source | None]] = []
    for ref in of_this_query(query.get("from_table")):
        if ref.get("type") == "JOIN":
            left, right = (_below(ref[side], sources) for side in ("left", "right"))
            shared = {str(name).casefold() for name in ref.get("using_columns", [])}
            if ref.get("ref_type") == "NATURAL":
                shared = set().union(*(one.open.names for one in (*left, *right)))
            for one, others in [(one, right) for one in left] + [(one, left) for one in right]:
                if names := shared & one.open.names:
                    found += [(one, other) for other in others if names & other.open.names]
                    found += [] if others else [(one, None)]
    aliases = {source.alias for source in sources}
    for part in _conditions(query):
        for node in filter(_is_equality, of_this_query(part)):
            for here, there in ((node["left"], node["right"]), (node["right"], node["left"])):
                for one in (source for source in sources if source.named_by(here)):
                    others = [other for other in sources if other.named_by(there)]
                    found += [(one, other) for other in others if other != one]
                    found += [] if others or qualifier(there) in aliases else [(one, None)]
    return found


def _is_equality(node: Node) -> bool:
    return (
        node.get("type") == "COMPARE_EQUAL" and is_column(node["left"]) and is_column(node["right"])
    )


def _below(ref: Node, sources: list[_Source]) -> list[_Source]:
    """The sources that a side of a join reads."""
    aliases = {
        str(node.get("alias") or node.get("table_name", "")).casefold()
        for node in of_this_query(ref)
        if node.get("type") in ("BASE_TABLE", "SUBQUERY", "PIVOT")
    }
    return [source for source in sources if source.alias in aliases]


def _linked(source: _Source, links: list[tuple[_Source, _Source | None]]) -> set[_Source]:
    """A source with all that it is joined with on their editions, directly or through others."""
    group = {source}
    while True:
        more = {b for a, b in links if b and a in group} | {a for a, b in links if b in group}
        if more <= group:
            return group
        group |= more


def _conditions(query: Node) -> list[Any]:
    joins = [
        ref.get("condition")
        for ref in of_this_query(query.get("from_table"))
        if ref.get("type") == "JOIN"
    ]
    return [query.get("where_clause"), *joins]


def _chosen(query: Node, source: _Source, aggregates: frozenset[str]) -> bool:
    """Whether a SELECT chooses among the editions of a source by itself."""
    conditions = [*_conditions(query), query.get("qualify")]
    if any(_names(part, source, aggregates, but_joins=True) for part in conditions):
        return True
    order = [part for part in query.get("modifiers") or [] if _orders(part)]
    if len(query.get("modifiers") or []) > len(order) and _names(order, source):
        return True  # the first, or the first of each, in the order of editions
    # A query inside a condition may speak of this one's table by its name.
    return any(
        is_column(node) and qualifier(node) == source.alias and source.named_by(node)
        for part in (*conditions, query["select_list"])
        for inner in queries_in(part)
        for node in walk(inner)
    ) or _chosen_within(query["select_list"], source, aggregates)


def _orders(modifier: Node) -> bool:
    return modifier.get("type") == "ORDER_MODIFIER"


def _chosen_within(items: list[Node], source: _Source, aggregates: frozenset[str]) -> bool:
    """Whether the values themselves choose: each aggregate, or where there is none a window.

    An aggregate chooses by FILTER, by CASE, by order or by arg_max; one that is of the edition and
    nothing else, such as count(DISTINCT edition), does not.
    """
    of_many = [node for node in of_this_query(items) if _is_aggregate(node, aggregates)]
    if of_many:
        return all(_names(node, source, aggregates) for node in of_many)
    windows = [node for node in of_this_query(items) if node.get("class") == "WINDOW"]
    return any(_names(node, source, aggregates) for node in windows)


def _aggregating(query: Node, aggregates: frozenset[str]) -> bool:
    return bool(query.get("group_expressions")) or any(
        _is_aggregate(node, aggregates) for node in of_this_query(query["select_list"])
    )


def _is_aggregate(node: Node, aggregates: frozenset[str]) -> bool:
    return node.get("class") == "FUNCTION" and str(node["function_name"]).casefold() in aggregates


def _names(
    part: Any,
    source: _Source,
    aggregates: frozenset[str] = frozenset(),
    *,
    but_joins: bool = False,
) -> bool:
    """Whether a part of a query names a source's edition, other than as all that is aggregated.

    but_joins: nor as what it is joined on.
    """
    if isinstance(part, list):
        return any(_names(one, source, aggregates, but_joins=but_joins) for one in part)
    if not isinstance(part, dict) or str(part.get("type", "")).endswith("_NODE"):
        return False
    if but_joins and _is_equality(part):
        return False
    if source.named_by(part):
        return True
    children = dict(part)
    if str(part.get("function_name", "")).casefold() in aggregates:
        arguments = [argument["expression"] for argument in part["arguments"]]
        if len(arguments) == 1 and is_column(arguments[0]):
            del children["arguments"]
    return any(
        _names(child, source, aggregates, but_joins=but_joins) for child in children.values()
    )


def _is_asked_for(name: str, star: Node) -> bool:
    """Whether a star has a column: COLUMNS('…') has those that the expression fits.

    What another condition of COLUMNS picks out is not known here, and taken to be all.
    """
    asked = star.get("expr") or {}
    pattern = asked.get("literal", {}).get("text") if star.get("columns") else None
    try:
        return not isinstance(pattern, str) or re.search(pattern, name) is not None
    except re.error:  # DuckDB's expressions are not quite Python's
        return True


def _visible(item: Node, source: _Source, aggregates: frozenset[str]) -> set[str]:
    """The names under which an entry of a SELECT list shows what tells the editions apart."""
    if item.get("class") == "STAR":
        whose = str(item.get("relation_name", "")).casefold()
        left_out = {str(name).casefold() for name in item.get("exclude_list", [])}
        asked = {name for name in source.open.names - left_out if _is_asked_for(name, item)}
        return asked if whose in ("", source.alias) else set()
    if any(_is_aggregate(node, aggregates) for node in of_this_query(item)):
        return set()
    if is_column(item):
        shown = source.named_by(item)
        return {str(item.get("alias") or column_name(item)).casefold()} if shown else set()
    return {str(item.get("alias", "")).casefold()} if _names(item, source, aggregates) else set()
