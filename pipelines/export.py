"""The public tables as files with a Frictionless Data Package: units, keys, sources, licences.

Within the terms: figures of SIPRI are whole only where the user has the files; the alliances of COW,
whose maintainers ask software not to repackage them, are left out unless they are asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from pipelines import public, publish
from pipelines.claims.show import current_or_fail
from pipelines.dictionary import datasets
from pipelines.errors import MilexError
from pipelines.exports import FORMATS, to_csv, to_parquet, to_xlsx
from pipelines.models import Model, load_models
from pipelines.settings import Settings
from pipelines.sources.catalogue import load_catalogue
from pipelines.table import Table

# Tables that others refer to by their whole key.
REFERRED_TO = ("alliances", "claims", "countries", "editions")
TYPES = {
    "BIGINT": "integer",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "number",
    "INTEGER": "integer",
    "TIMESTAMP": "datetime",
    "VARCHAR": "string",
}
Fields = dict[str, Any]


def export(settings: Settings, folder: Path, form: str, *, with_cow: bool) -> Iterator[str]:
    """Write every public table and datapackage.json into a new folder; says what it does.

    form: csv, parquet or xlsx. The folder appears when it is complete.
    Raises MilexError when there is no snapshot, or when the folder is there and not empty.
    """
    snapshot = current_or_fail(settings)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise MilexError(f"{folder} is there and not empty. Name a new folder.")
    unfinished = folder.absolute().with_name(f".{folder.absolute().name}.{os.getpid()}.tmp")
    try:
        unfinished.mkdir(parents=True)
        with duckdb.connect(str(snapshot), read_only=True) as connection:
            models = {model.name: model for model in public.tables(settings)}
            graph = load_models(settings.sql) | {model.table: model for model in models.values()}
            resources = []
            for model in models.values():
                table = _read(connection, model, with_cow)
                keys = _keys_that_hold(connection, model, models)
                resources.append(
                    {
                        **_write(unfinished, model, table, form, keys),
                        **_rests_on(model, graph, with_cow),
                    }
                )
                yield f"{model.name}: {len(table.rows):,} rows"
            sources = _sources(connection)
        package = _package(snapshot, resources, sources, with_cow)
        (unfinished / "datapackage.json").write_text(
            json.dumps(package, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
        (unfinished / "README.md").write_text(_readme(package), encoding="utf-8")
        os.replace(unfinished, folder)
    except OSError as error:
        raise MilexError(f"{folder} cannot be written: {error.strerror}.") from None
    except duckdb.CatalogException as error:
        raise MilexError(
            f"The snapshot is older than the code; run `make build`. DuckDB says: {error}"
        ) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    yield f"Written: {folder} ({len(resources)} tables, datapackage.json, README.md)"


def _read(connection: duckdb.DuckDBPyConnection, model: Model, with_cow: bool) -> Table:
    """A table's rows in the order of its key; those of COW only if they are asked for."""
    columns = tuple(column.name for column in model.columns)
    condition = " WHERE dataset <> 'COW'" if _by_dataset(model) and not with_cow else ""
    named = ", ".join(f'"{column}"' for column in columns)
    rows = connection.execute(f"SELECT {named} FROM {model.name}{condition}").fetchall()
    units = {column.name: column.unit for column in model.columns if column.unit}
    return Table(columns, rows, units)


def _by_dataset(model: Model) -> bool:
    """Whether each row is of one dataset, and so can be left out with it."""
    return model.name != "sources" and "dataset" in (column.name for column in model.columns)


def _write(folder: Path, model: Model, table: Table, form: str, keys: list[Fields]) -> Fields:
    """One table as a file; returns its entry in the package."""
    notes = [model.description, "Terms and citations: datapackage.json."]
    if form == "csv":
        content = to_csv(table, [], plain_names=True)
    elif form == "xlsx":
        content = to_xlsx(table, notes, plain_names=True)
    else:
        content = to_parquet(table, notes)
    kind = FORMATS[form]
    path = folder / f"{model.name}.{kind.ending}"
    path.write_bytes(content)
    schema: Fields = {"fields": [_field(column) for column in model.columns]}
    if model.key:
        schema["primaryKey"] = list(model.key)
    if keys:
        schema["foreignKeys"] = keys
    return {
        "name": model.name,
        "path": path.name,
        "title": model.description.split("\n\n")[0].replace("\n", " "),
        "description": model.description,
        "format": kind.ending,
        "mediatype": kind.mime,
        **({"encoding": "utf-8", "profile": "tabular-data-resource"} if form == "csv" else {}),
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "rows": len(table.rows),
        "schema": schema,
    }


def _field(column: Any) -> Fields:
    kind = "array" if column.type.endswith("[]") else TYPES.get(column.type, "any")
    field = {"name": column.name, "type": kind, "description": column.meaning}
    if kind == "datetime":
        field["format"] = "any"
    if column.unit:
        field["unit"] = column.unit
    return field


def _keys_that_hold(
    connection: duckdb.DuckDBPyConnection, model: Model, models: Mapping[str, Model]
) -> list[Fields]:
    """References to another table's whole key, where every row that has one finds its row."""
    own = {column.name for column in model.columns}
    keys = []
    for name in REFERRED_TO:
        key = models[name].key
        if name == model.name or not set(key) <= own:
            continue
        known = " AND ".join(f"{part} IS NOT NULL" for part in key)
        parts = ", ".join(key)
        lost = connection.execute(
            f"SELECT 1 FROM {model.name} WHERE {known} AND ({parts}) NOT IN "
            f"(SELECT ({parts}) FROM {name}) LIMIT 1"
        ).fetchall()
        if not lost:
            keys.append({"fields": list(key), "reference": {"resource": name, "fields": list(key)}})
    return keys


def _rests_on(model: Model, models: Mapping[str, Model], with_cow: bool) -> Fields:
    """The datasets that a table's rows rest on; one that rests on nobody's names none."""
    known = load_catalogue().datasets
    left_out = {"COW"} if _by_dataset(model) and not with_cow else set()
    listed = [
        {"title": known[name].title, "path": known[name].page}
        for name in datasets(model, models)
        if name not in left_out
    ]
    return {"sources": listed} if listed else {}


def _sources(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str, str]]:
    """The files in use: dataset, version, origin, citation."""
    return connection.execute(
        "SELECT dataset, coalesce(version, ''), origin, citation FROM sources "
        "WHERE NOT superseded AND error IS NULL ORDER BY ALL"
    ).fetchall()


def _package(
    snapshot: Path,
    resources: Sequence[Fields],
    sources: Sequence[tuple[str, str, str, str]],
    with_cow: bool,
) -> Fields:
    datasets = load_catalogue().datasets
    facts = publish.snapshot_facts(snapshot)
    return {
        "profile": "data-package",
        "name": "milex",
        "title": "Milex: military expenditure and alliances by edition, and claims recomputed",
        "description": " ".join(_terms(sources, with_cow)),
        "version": facts["milex"],
        "created": facts["built_at"],
        "snapshot": snapshot.stem,
        "licenses": [
            {"title": f"{dataset.title}: {dataset.licence}", "path": dataset.page}
            for name, dataset in datasets.items()
            if name != "COW" or with_cow
        ],
        "sources": [
            {
                "title": citation,
                "path": datasets[dataset].page,
                "version": version,
                "origin": origin,
            }
            for dataset, version, origin, citation in dict.fromkeys(sources)
        ],
        "resources": list(resources),
    }


def _terms(sources: Sequence[tuple[str, str, str, str]], with_cow: bool) -> list[str]:
    """What may be done with these files, in sentences."""
    sipri = {version: origin for dataset, version, origin, _ in sources if dataset == "SIPRI"}
    whole = sorted(version for version, origin in sipri.items() if origin != "excerpt")
    excerpts = sorted(version for version, origin in sipri.items() if origin == "excerpt")
    said = []
    if whole:
        said.append(
            f"SIPRI's editions {', '.join(whole)} are whole, because their files were at hand when "
            "this was built. They are for whoever obtained those files: SIPRI does not allow the "
            "whole database to be passed on."
        )
    if excerpts:
        said.append(
            f"SIPRI's editions {', '.join(excerpts)} are excerpts of less than 10 %, with "
            "attribution."
        )
    said.append("ATOP states no licence to redistribute; cite it, and pass on its address.")
    if with_cow:
        said.append(
            "COW's alliances are in here because they were asked for; its maintainers ask software "
            "not to repackage them, so keep these files to yourself."
        )
    else:
        said.append(
            "COW's alliances are left out: its maintainers ask software not to repackage them."
        )
    said.append("In CSV, text that a spreadsheet would run as a formula begins with an apostrophe.")
    return said


def _readme(package: Fields) -> str:
    terms = "\n".join(f"- {line}." for line in str(package["description"]).rstrip(".").split(". "))
    cited = "\n".join(f"- {entry['title']}" for entry in package["sources"])
    tables = "\n".join(
        f"- `{entry['path']}`: {entry['title']} {entry['rows']:,} rows."
        for entry in package["resources"]
    )
    return (
        f"# {package['title']}\n\nSnapshot {package['snapshot']}. Columns, units and keys are in "
        f"`datapackage.json` (Frictionless Data Package).\n\n## Terms\n\n{terms}\n\n## To cite\n\n"
        f"{cited}\n\n## Files\n\n{tables}\n"
    )
