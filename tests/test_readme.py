"""The documents against what they are written from: a snapshot, the models, the files they name."""

import re
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pytest

from pipelines import public, readme
from pipelines.adhoc.guard import Guard
from pipelines.dictionary import example
from pipelines.errors import MilexError
from pipelines.models import Model
from pipelines.settings import Settings
from tests.conftest import ROOT, BuiltData

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
HERE = Settings(home=ROOT, data=ROOT / "data", mirror=None)
README = (ROOT / "README.md").read_text(encoding="utf-8")
DICTIONARY = readme.dictionary_file(HERE).read_text(encoding="utf-8")
PRINTED_ROWS = {
    name: int(rows.replace(",", ""))
    for name, rows in re.findall(r"^### (\w+)$.*?^Rows: ([\d,]+)$", DICTIONARY, re.M | re.S)
}
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


def queries(text: str) -> list[str]:
    return re.findall(r"```sql\n(.+?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def guard(full_db: duckdb.DuckDBPyConnection) -> Guard:
    return Guard.of(full_db)


@pytest.mark.mirror
def test_the_claims_table_is_current(full_data: BuiltData) -> None:
    """Otherwise: build with MILEX_MIRROR, then `python -m pipelines.readme`."""
    assert readme.with_claims(README, full_data.settings, full_data.snapshot) == README


def test_a_snapshot_of_the_excerpt_is_refused(excerpt_data: BuiltData) -> None:
    with pytest.raises(MilexError, match="excerpts"):
        readme.with_claims(README, excerpt_data.settings, excerpt_data.snapshot)


def test_the_data_dictionary_says_what_the_headers_say() -> None:
    """Otherwise: `python -m pipelines.readme`."""
    assert readme.dictionary(HERE, PRINTED_ROWS) == DICTIONARY


@pytest.mark.mirror
def test_the_data_dictionary_has_the_snapshots_numbers_of_rows(full_data: BuiltData) -> None:
    """Otherwise: build with MILEX_MIRROR, then `python -m pipelines.readme`."""
    assert readme.row_counts(full_data.settings, full_data.snapshot) == PRINTED_ROWS


def test_the_data_dictionary_has_every_public_table(
    excerpt_db: duckdb.DuckDBPyConnection,
) -> None:
    described = set(re.findall(r"^### (\w+)$", DICTIONARY, re.MULTILINE))
    tables = excerpt_db.sql("SELECT table_name FROM duckdb_tables()").fetchall()
    assert {name for (name,) in tables} <= described


@pytest.mark.mirror
@pytest.mark.parametrize("table", public.tables(HERE), ids=lambda model: model.name)
def test_a_tables_example_answers_and_reads_one_edition(
    table: Model, full_db: duckdb.DuckDBPyConnection, guard: Guard
) -> None:
    query = example(table)
    assert guard.check(query).warnings == ()
    assert bool(full_db.sql(query).fetchall()) == (PRINTED_ROWS[table.name] > 0)


@pytest.mark.parametrize("query", queries(README))
def test_the_example_queries_run(query: str, excerpt_db: duckdb.DuckDBPyConnection) -> None:
    assert excerpt_db.sql(query).fetchall()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / unquote(link)).exists()]


def test_the_page_without_markers_is_refused(
    excerpt_data: BuiltData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readme.publish, "snapshot_facts", lambda snapshot: {})
    with pytest.raises(MilexError, match="no lines"):
        readme.with_claims("# Milex", excerpt_data.settings, excerpt_data.snapshot)
