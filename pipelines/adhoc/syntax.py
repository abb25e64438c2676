"""A query as DuckDB's own parser sees it: walks over its tree; knows no table and no rule.

The tree is that of `json_serialize_sql`: nested mappings, in which a query has a `type` that ends
with `_NODE`, a table expression another `type`, and an expression a `class` besides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

Node: TypeAlias = dict[str, Any]


def is_query(node: Node) -> bool:
    """Whether this is a SELECT or what combines several."""
    return str(node.get("type", "")).endswith("_NODE")


def of_this_query(part: Any) -> Iterator[Node]:
    """All mappings of a part of a query, but not those of the queries inside it."""
    if isinstance(part, dict):
        if not is_query(part):
            yield part
            for child in part.values():
                yield from of_this_query(child)
    elif isinstance(part, list):
        for child in part:
            yield from of_this_query(child)


def queries_in(part: Any) -> Iterator[Node]:
    """The outermost queries inside a part of a query."""
    if isinstance(part, dict):
        if is_query(part):
            yield part
        else:
            for child in part.values():
                yield from queries_in(child)
    elif isinstance(part, list):
        for child in part:
            yield from queries_in(child)


def ctes(query: Node) -> list[tuple[str, Node]]:
    """The named queries before a query: name in lower case, and query, in their order."""
    entries = query.get("cte_map", {}).get("map", [])
    found = []
    for entry in entries:
        inner = entry["value"].get("query_node") or entry["value"]["query"]["node"]
        found.append((str(entry["key"]).casefold(), inner))
    return found


def is_column(node: Node) -> bool:
    """Whether this names a column."""
    return node.get("class") == "COLUMN_REF"


def column_name(node: Node) -> str:
    """The last part of a column's name, in lower case."""
    return str(node["column_names"][-1]).casefold()


def qualifier(node: Node) -> str:
    """The table that a column's name begins with, or nothing; in lower case."""
    names = node["column_names"]
    return str(names[-2]).casefold() if len(names) > 1 else ""
