"""The entries of the data dictionary: a header, and what follows from the models; knows no database.

What follows: on whose data a table rests, from what the models read, and a first query of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pipelines.models import Model, everything_behind
from pipelines.raw_layer import ALLIANCE_TABLES, SIPRI_TABLES

# Whose data each raw table holds. raw.files lists everybody's files and holds nobody's data.
DATASETS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(SIPRI_TABLES, ("SIPRI",)),
    **dict.fromkeys(ALLIANCE_TABLES, ("ATOP", "COW")),
    "raw.unreadable": ("SIPRI", "ATOP", "COW"),
}
ORDER = ("SIPRI", "ATOP", "COW")
CLAIMS = "claim files"
OWN = "Milex"


def described(
    tables: Sequence[Model], models: Mapping[str, Model], rows: Mapping[str, int]
) -> list[Model]:
    """Each table with its source, number of rows and an example among its notes.

    tables: the public ones; models: all; rows: by a table's name.
    """
    known = {**models, **{table.table: table for table in tables}}
    return [
        replace(
            table,
            notes={
                **table.notes,
                "source": source(table, known),
                "rows": f"{rows[table.name]:,}",
                "example": example(table),
            },
        )
        for table in tables
    ]


def datasets(table: Model, models: Mapping[str, Model]) -> list[str]:
    """The publishers' datasets that a table rests on."""
    behind = everything_behind(table, models)
    found = {dataset for name in behind for dataset in DATASETS.get(name, ())}
    return sorted(found, key=ORDER.index)


def source(table: Model, models: Mapping[str, Model]) -> str:
    """Whose data a table rests on, and by way of which other public tables."""
    rests_on = datasets(table, models)
    if any(name.startswith("claims.") for name in everything_behind(table, models)):
        rests_on.append(CLAIMS)
    nearest = everything_behind(table, models, through=lambda model: not _is_public(model))
    way = sorted(models[name].name for name in nearest & models.keys() if _is_public(models[name]))
    return ", ".join(rests_on or [OWN]) + (f"; by way of {_listed(way)}" if way else "")


def example(table: Model) -> str:
    """A first look at a table: its key, what it measures, and one edition where it has several."""
    names = [column.name for column in table.columns]
    shown = [*table.key, *(name for name in names if name not in table.key)]
    query = f"SELECT {', '.join(shown[: max(len(table.key) + 2, 4)])} FROM {table.name}"
    if len(table.key) > 1 and not table.name.endswith("_latest"):
        if "edition" in table.key:
            query += " WHERE edition = (SELECT max(edition) FROM editions)"
        elif "version" in table.key:
            query += f" WHERE version = (SELECT max(version) FROM {table.name})"
    return f"{query} LIMIT 5"


def _is_public(model: Model) -> bool:
    return model.schema == "main" and not model.is_macro


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
