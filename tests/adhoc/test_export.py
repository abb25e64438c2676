"""`milex export`: every public table as a file, and a package that says what they are."""

import csv
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow.parquet as pq
import pytest

from pipelines import public
from pipelines.errors import MilexError
from pipelines.export import REFERRED_TO, export
from tests.conftest import BuiltData

# Frictionless Data Package v1.
FIELD_TYPES = {
    "any",
    "array",
    "boolean",
    "date",
    "datetime",
    "integer",
    "number",
    "string",
}
NAME = re.compile(r"^[-a-z0-9._/]+$")


def exported(data: BuiltData, folder: Path, form: str, with_cow: bool = False) -> dict[str, Any]:
    list(export(data.settings, folder, form, with_cow=with_cow))
    package: dict[str, Any] = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    return package


@pytest.fixture(scope="module")
def folder(excerpt_data: BuiltData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("exported") / "csv"
    exported(excerpt_data, target, "csv")
    return target


@pytest.fixture(scope="module")
def package(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    return read


def test_the_package_has_what_the_specification_requires(package: dict[str, Any]) -> None:
    assert package["profile"] == "data-package"
    assert NAME.match(package["name"])
    assert re.match(r"^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$", package["created"])
    assert package["licenses"]
    assert all("path" in licence or "name" in licence for licence in package["licenses"])
    assert package["sources"]
    assert all(source["title"] for source in package["sources"])
    names = [resource["name"] for resource in package["resources"]]
    assert len(set(names)) == len(names)
    for resource in package["resources"]:
        assert NAME.match(resource["name"])
        assert not resource["path"].startswith(("/", ".."))
        fields = resource["schema"]["fields"]
        assert len({field["name"] for field in fields}) == len(fields)
        assert {field["type"] for field in fields} <= FIELD_TYPES
        known = {field["name"] for field in fields}
        assert set(resource["schema"].get("primaryKey", [])) <= known
        for key in resource["schema"].get("foreignKeys", []):
            assert set(key["fields"]) <= known
            assert key["reference"]["resource"] in names


def test_every_public_table_is_there_as_it_is_described(
    package: dict[str, Any], folder: Path, excerpt_data: BuiltData
) -> None:
    tables = {model.name for model in public.tables(excerpt_data.settings)}
    assert {resource["name"] for resource in package["resources"]} == tables
    files = {path.name for path in folder.iterdir()}
    assert files == {f"{name}.csv" for name in tables} | {"datapackage.json", "README.md"}
    for resource in package["resources"]:
        content = (folder / resource["path"]).read_bytes()
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        rows = list(csv.reader(content.decode().splitlines(keepends=True)))
        assert rows[0] == [field["name"] for field in resource["schema"]["fields"]]
        assert len(rows) - 1 == resource["rows"]


def test_a_table_names_the_publishers_whose_data_it_holds(package: dict[str, Any]) -> None:
    named = {
        resource["name"]: [source["title"] for source in resource.get("sources", [])]
        for resource in package["resources"]
    }
    assert named["spending"] == ["SIPRI Military Expenditure Database"]
    assert named["alliances"] == ["Alliance Treaty Obligations and Provisions"]
    assert named["countries"] == []


def test_units_and_keys_are_those_of_the_headers(package: dict[str, Any]) -> None:
    spending = next(entry for entry in package["resources"] if entry["name"] == "spending")
    units = {field["name"]: field.get("unit") for field in spending["schema"]["fields"]}
    assert units["current_usd_m"] == "US$ millions, current prices"
    assert units["share_of_gdp"] == "fraction"
    assert spending["schema"]["primaryKey"] == ["edition", "country", "year"]
    targets = [key["reference"]["resource"] for key in spending["schema"]["foreignKeys"]]
    assert targets == ["countries", "editions"]


def test_a_foreign_key_finds_its_row(package: dict[str, Any], folder: Path) -> None:
    def column(resource: str, names: list[str]) -> set[tuple[str, ...]]:
        with (folder / f"{resource}.csv").open(encoding="utf-8", newline="") as file:
            return {tuple(row[name] for name in names) for row in csv.DictReader(file)}

    keys = 0
    for resource in package["resources"]:
        for key in resource["schema"].get("foreignKeys", []):
            target = column(key["reference"]["resource"], key["reference"]["fields"])
            own = {row for row in column(resource["name"], key["fields"]) if all(row)}
            assert own <= target, resource["name"]
            keys += 1
    assert keys > 10


def test_cow_stays_out_unless_it_is_asked_for(
    package: dict[str, Any], folder: Path, excerpt_data: BuiltData, tmp_path: Path
) -> None:
    assert ",COW," not in (folder / "alliances.csv").read_text(encoding="utf-8")
    assert "COW's alliances are left out" in package["description"]
    with_it = exported(excerpt_data, tmp_path / "all", "csv", with_cow=True)
    assert "COW's alliances are in here" in with_it["description"]
    assert len(with_it["licenses"]) == len(package["licenses"]) + 1


def test_an_excerpt_says_that_it_is_one(package: dict[str, Any], folder: Path) -> None:
    assert "are excerpts of less than 10 %" in package["description"]
    assert "are whole" not in package["description"]
    assert "## Terms" in (folder / "README.md").read_text(encoding="utf-8")
    origins = {source["origin"] for source in package["sources"]}
    assert origins == {"excerpt"}


@pytest.mark.mirror
def test_whole_editions_say_whose_they_are(full_data: BuiltData, tmp_path: Path) -> None:
    package = exported(full_data, tmp_path / "full", "parquet")
    assert "SIPRI does not allow the whole database to be passed on" in package["description"]
    rows = {entry["name"]: entry["rows"] for entry in package["resources"]}
    table = pq.read_table(tmp_path / "full" / "spending.parquet")
    assert table.num_rows == rows["spending"] > 10_000
    field = table.schema.field("current_usd_m")
    assert field.metadata == {b"unit": b"US$ millions, current prices"}
    with duckdb.connect() as connection:
        datasets = connection.execute(
            "SELECT DISTINCT dataset FROM read_parquet(?)",
            [str(tmp_path / "full" / "alliances.parquet")],
        ).fetchall()
    assert datasets == [("ATOP",)]


def test_a_workbook_has_its_rows_and_its_terms(
    excerpt_data: BuiltData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = [model for model in public.tables(excerpt_data.settings) if model.name in REFERRED_TO]
    monkeypatch.setattr(public, "tables", lambda settings: small)
    exported(excerpt_data, tmp_path / "xlsx", "xlsx")
    book = openpyxl.load_workbook(tmp_path / "xlsx" / "editions.xlsx", read_only=True)
    assert book.sheetnames == ["Data", "About"]
    assert next(book["Data"].values)[0] == "edition"


def test_a_folder_that_is_not_empty_is_left_alone(excerpt_data: BuiltData, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(MilexError, match="not empty"):
        list(export(excerpt_data.settings, tmp_path, "csv", with_cow=False))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_export_that_fails_leaves_nothing(
    excerpt_data: BuiltData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipelines.export._readme", fail)
    with pytest.raises(MilexError, match="No space left"):
        list(export(excerpt_data.settings, tmp_path / "out", "csv", with_cow=False))
    assert not list(tmp_path.iterdir())
