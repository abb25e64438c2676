"""The snapshot's documentation as the page Data shows it: checks, problems, dictionary, downloads."""

import shutil
from dataclasses import replace

import duckdb
import pytest

from dashboard import data_queries as asked
from dashboard import queries
from dashboard.database import Connected
from pipelines.publish import point_to
from tests.dashboard.pages import opened


def written(test) -> str:
    parts = [*test.title, *test.subheader, *test.markdown, *test.caption, *test.code, *test.error]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def test_the_dictionary_has_every_column_with_its_unit_apart_from_its_meaning(snapshot):
    found = asked.dictionary(snapshot)
    by_name = {(row["table"], row["column"]): row for row in found.records()}
    assert by_name["spending", "share_of_gdp"]["unit"] == "fraction"
    assert "[" not in by_name["spending", "share_of_gdp"]["meaning"]
    assert by_name["spending", "country"]["unit"] is None
    count = snapshot.rows(
        "SELECT count(*) FROM duckdb_columns() WHERE NOT internal AND schema_name = 'main'"
    )
    assert len(found.rows) == count.rows[0][0]


def test_every_metric_is_shown_as_it_is_called(snapshot):
    calls = {row["metric"]: row["call"] for row in asked.metrics(snapshot).records()}
    assert calls["top"] == "SELECT * FROM top(year, edition, n)"
    assert calls["agrees"].startswith("SELECT agrees(")
    assert all(row["meaning"] for row in asked.metrics(snapshot).records())


def test_failed_checks_come_first():
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE TABLE checks AS
            FROM (VALUES ('a', 'main.x', 'error', 'd', true, 0, 2, [], ['why']),
                         ('b', 'main.x', 'warning', 'd', false, 3, 0, ['row'], []),
                         ('c', 'main.x', 'blocking', 'd', false, 1, 0, ['row'], []))
                AS t(check_name, asset, severity, description, passed, failing, excepted, sample,
                     known_exceptions)
            """
        )
        found = asked.checks(Connected(connection))
    assert found.column("check_name") == ["c", "b", "a"]
    assert found.column("outcome") == ["failed", "failed", "passed"]


def test_no_download_of_the_page_holds_publishers_figures(snapshot):
    tables = set(queries.tables(snapshot).column("table"))
    assert set(asked.OWN_TABLES) <= tables
    for figures in ("spending", "observations", "spending_series", "alliances", "revisions"):
        assert figures in tables
        assert figures not in asked.OWN_TABLES


def test_a_table_is_taken_along_with_units_and_every_citation(snapshot):
    table = asked.whole(snapshot, "claim_revisions")
    assert table.units["change"] == "the claim's unit"
    notes = asked.provenance(snapshot)
    assert [line.split(" ")[1] for line in notes[:3]] == ["ATOP", "COW", "SIPRI"]
    assert "Edition" not in notes[2]
    assert "snapshot built" in notes[-1]


@pytest.mark.parametrize(
    "query",
    [
        {},
        *({"table": name, "metric": "top"} for name in ("editions", "claims", "checks", "sources")),
        {"table": "observations"},
        {"table": "no_such_table", "metric": "x'; DROP TABLE claims --"},
        {"table": "<script>alert(1)</script>", "metric": ""},
        {"table": "", "year": "3000"},
    ],
)
def test_the_page_opens_at_any_address(app, full_data, tmp_path, query):
    test = opened(app, full_data.settings, tmp_path, "data", **query)
    assert not test.exception
    assert not test.error
    assert "What is this made from" in written(test)
    assert "<script" not in written(test)


def test_each_own_table_can_be_chosen_and_taken(app, full_data, tmp_path):
    test = opened(app, full_data.settings, tmp_path, "data", table=asked.OWN_TABLES[0])
    for table in asked.OWN_TABLES[1:]:
        test.selectbox(key="table").set_value(table).run()
        assert not test.exception, table
        keys = [button.proto.id for button in test.get("download_button")]
        assert sum(f"milex-table-{table.replace('_', '-')} " in key for key in keys) == 3, table


def test_a_table_of_figures_names_the_command_instead_of_a_download(app, full_data, tmp_path):
    test = opened(app, full_data.settings, tmp_path, "data", table="spending")
    assert "milex export my-copy" in [code.value for code in test.code]
    assert "US$ millions, current prices" in test.dataframe[-1].value["unit"].tolist()


def test_known_problems_are_told_with_their_reasons(app, full_data, tmp_path):
    test = opened(app, full_data.settings, tmp_path, "data")
    assert "printed one year early" in written(test)
    assert "False zeros" in written(test)
    assert test.metric[1].value == "0"


def test_a_failed_check_is_an_error_with_its_rows(app, full_data, tmp_path):
    settings = replace(full_data.settings, data=tmp_path / "changed")
    settings.snapshots.mkdir(parents=True)
    path = settings.snapshots / "milex-000001-a.duckdb"
    shutil.copy(full_data.snapshot, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "UPDATE checks SET passed = false, failing = 30, sample = ['2017 · Atlantis <b>'] "
            "WHERE check_name = 'shares_are_plausible'"
        )
        connection.execute("UPDATE sources SET error = 'torn' WHERE version = '2019'")
        (checks,) = connection.execute("SELECT count(*) FROM checks").fetchall()[0]
    point_to(settings, path)
    test = opened(app, settings, tmp_path / "opened", "data")
    assert not test.exception
    assert "shares_are_plausible" in test.error[0].value.replace("\\", "")
    assert "2017 · Atlantis <b>" in [code.value for code in test.code]
    assert "torn" in test.warning[0].value
    assert test.metric[0].value == f"{checks - 1} of {checks}"


def test_on_the_excerpt_the_page_works(app, excerpt_data, tmp_path):
    test = opened(app, excerpt_data.settings, tmp_path, "data")
    assert not test.exception
    assert not test.error
    assert "excerpt" in test.dataframe[1].value["origin"].tolist()


def test_a_tables_entry_has_its_key_source_rows_and_an_example(app, full_data, tmp_path):
    test = opened(app, full_data.settings, tmp_path, "data", table="spending", metric="growth")
    text = written(test)
    assert "Key: edition, country, year" in text
    assert "Source: SIPRI; by way of countries and observations" in text
    assert "Rows: " in text
    examples = [code.value for code in test.code]
    assert any(code.startswith("SELECT edition, country, year") for code in examples)
    assert any(code.startswith("SELECT growth FROM growth('Asia") for code in examples)
    assert "Defaults: edition" in text
    assert "- from_year: first year\n" in text
    assert "- growth DOUBLE: to_value over from_value, less 1 [fraction]" in text
    known = next(frame.value for frame in test.dataframe if "source" in frame.value.columns)
    assert dict(zip(known["table"], known["source"], strict=True))["countries"] == "Milex"
