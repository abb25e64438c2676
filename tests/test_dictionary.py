"""On whose data each table rests, held against the data; and what the database says of itself."""

import duckdb
import pytest

from pipelines import public, raw_layer
from pipelines.checks import TABLE as CHECKS
from pipelines.checks import load_checks
from pipelines.dictionary import DATASETS, ORDER, described
from pipelines.models import load_models
from pipelines.settings import Settings
from pipelines.sources.catalogue import load_catalogue
from tests.conftest import ROOT

HERE = Settings(home=ROOT, data=ROOT / "data", mirror=None)
TABLES = public.tables(HERE)
SOURCES = {
    table.name: table.notes["source"]
    for table in described(TABLES, load_models(HERE.sql), {table.name: 0 for table in TABLES})
}


@pytest.mark.parametrize(
    ("table", "source"),
    [
        ("editions", "SIPRI"),
        ("observations", "SIPRI"),
        ("spending", "SIPRI; by way of countries and observations"),
        ("alliance_members", "ATOP, COW"),
        ("allies_burden", "SIPRI, ATOP, COW; by way of alliance_ties and spending"),
        ("claims", "SIPRI, ATOP, COW, claim files; by way of editions and specifications"),
        ("sources", "SIPRI, ATOP, COW"),
        ("countries", "Milex"),
        ("snapshot", "Milex"),
    ],
)
def test_a_table_names_whose_data_it_rests_on(table: str, source: str) -> None:
    assert SOURCES[table] == source


def test_every_dataset_of_the_catalogue_is_one_that_a_table_can_name() -> None:
    assert set(ORDER) == set(load_catalogue().datasets)
    named = {dataset for datasets in DATASETS.values() for dataset in datasets}
    assert named == set(ORDER)


def test_the_table_of_checks_rests_on_the_tables_that_are_checked() -> None:
    assert CHECKS.references == {check.asset for check in load_checks(HERE.sql / "checks")}


@pytest.mark.mirror
def test_the_raw_tables_hold_the_datasets_that_are_named_for_them(
    full_warehouse: duckdb.DuckDBPyConnection,
) -> None:
    for table in raw_layer.SIPRI_TABLES:
        found = full_warehouse.execute(
            f"SELECT DISTINCT dataset FROM raw.files JOIN {table} USING (source_id)"
        ).fetchall()
        assert {dataset for (dataset,) in found} == set(DATASETS[table]), table
    for table in raw_layer.ALLIANCE_TABLES:
        found = full_warehouse.execute(f"SELECT DISTINCT dataset FROM {table}").fetchall()
        assert {dataset for (dataset,) in found} == set(DATASETS[table]), table


def test_the_database_says_the_same_of_every_table(excerpt_db: duckdb.DuckDBPyConnection) -> None:
    comments = dict(
        excerpt_db.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall()
    )
    assert comments.keys() == SOURCES.keys()
    for table in TABLES:
        (rows,) = excerpt_db.execute(f"SELECT count(*) FROM {table.name}").fetchall()[0]
        said = comments[table.name].split("\n\n")
        parts = [part for part in said if not part.startswith("Unordered: ")]
        assert parts[-4:-1] == [
            f"Key: {', '.join(table.key)}",
            f"Source: {SOURCES[table.name]}",
            f"Rows: {rows:,}",
        ]
        assert excerpt_db.execute(parts[-1].removeprefix("Example: ")).description


def test_nothing_in_the_database_lacks_a_comment(excerpt_db: duckdb.DuckDBPyConnection) -> None:
    for kind in ("tables", "columns", "functions"):
        bare = excerpt_db.execute(
            f"SELECT * FROM duckdb_{kind}() WHERE NOT internal AND coalesce(comment, '') = ''"
        ).fetchall()
        assert not bare


@pytest.mark.parametrize("metric", public.metrics(HERE), ids=lambda metric: metric.name)
def test_the_database_says_how_a_metric_is_called_and_what_it_gives(
    metric, excerpt_db: duckdb.DuckDBPyConnection
) -> None:
    ((comment,),) = set(
        excerpt_db.execute(
            "SELECT comment FROM duckdb_functions() WHERE function_name = ? AND NOT internal",
            [metric.name],
        ).fetchall()
    )
    for note, text in metric.notes.items():
        assert f"{note.capitalize()}: {text.strip()}" in comment
    for column in metric.columns:
        assert f"{column.name} {column.type}: {column.comment}" in comment
