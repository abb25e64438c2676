"""The committed excerpt: within the terms, equal to the full files, enough for every statement."""

import csv
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from pipelines.excerpt_writer import LARGEST_SHARE, figures_of, frames
from pipelines.settings import Settings
from pipelines.sources.find import excerpt_files

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "data" / "raw" / "excerpt"
SETTINGS = Settings(home=ROOT, data=ROOT / "data", mirror=None)
ATOP_COLUMNS = {
    *("atopid", "member", "phase", "version", "term", "bilat", "wartime", "asymm"),
    *("defense", "offense", "neutral", "nonagg", "consul"),
    *("begyr", "begmo", "begday", "endyr", "endmo", "endday"),
    *("yrent", "moent", "dayent", "yrexit", "moexit", "dayexit"),
}


def editions() -> list[Path]:
    return sorted(FOLDER.glob("sipri_2*.csv"))


def test_it_holds_six_editions_and_two_versions_and_nothing_of_cow() -> None:
    names = {path.name for path in FOLDER.iterdir()}

    assert {path.name for path in editions()} == {
        f"sipri_{edition}.csv" for edition in (2017, 2019, 2020, 2022, 2023, 2025)
    }
    assert not [name for name in names if "cow" in name.lower()]
    assert {file.dataset for file in excerpt_files(SETTINGS)} == {"SIPRI", "ATOP"}


@pytest.mark.parametrize("path", editions(), ids=lambda path: path.stem)
def test_an_edition_holds_names_and_figures_alone(path: Path) -> None:
    rows = pd.read_csv(path)

    assert list(rows.columns) == ["measure", "place", "year", "value", "unit", "status"]
    assert rows["value"].dtype == float
    assert set(rows["status"].dropna()) <= {
        "estimate",
        "uncertain",
        "unavailable",
        "not_independent",
    }
    assert rows["place"].str.len().max() < 40
    assert not rows.duplicated(["measure", "place", "year"]).any()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("atop_*.csv")), ids=lambda path: path.stem)
def test_atop_holds_the_declared_codes_alone(path: Path) -> None:
    with path.open(encoding="utf-8") as stream:
        header, *rows = list(csv.reader(stream))

    assert set(header) <= ATOP_COLUMNS
    assert all(cell == "" or cell.replace(".", "").isdigit() for row in rows for cell in row)


def test_a_readme_gives_attribution_and_terms() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")

    for needed in ("doi.org/10.55163/CQGC9685", "10 %", "Leeds", "COW"):
        assert needed in text


@pytest.mark.mirror
def test_at_most_a_tenth_of_any_edition_is_committed(
    full_warehouse: duckdb.DuckDBPyConnection,
) -> None:
    for path in editions():
        edition = int(path.stem.removeprefix("sipri_"))
        taken = int(pd.read_csv(path)["value"].notna().sum())
        whole = figures_of(full_warehouse, edition)

        assert 0 < taken <= LARGEST_SHARE * whole, f"edition {edition}: {taken} of {whole}"


@pytest.mark.mirror
def test_it_equals_the_full_files(
    full_warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """The command writes what is committed, to the byte."""
    written = set()
    for name, frame in frames(full_warehouse):
        again = tmp_path / name
        frame.to_csv(again, index=False, lineterminator="\n")
        assert again.read_bytes() == (FOLDER / name).read_bytes(), name
        written.add(name)

    assert written == {path.name for path in FOLDER.glob("*.csv")}


@pytest.mark.mirror
def test_every_statement_comes_out_as_on_the_full_files(
    full_db: duckdb.DuckDBPyConnection, excerpt_db: duckdb.DuckDBPyConnection
) -> None:
    """Own definitions of the two texts' statements rest on figures that the excerpt holds."""
    query = (
        "SELECT claim_id, round(recomputed_value, 9), verdict FROM claims "
        "WHERE source IN ('Article', 'Abstract') ORDER BY claim_id"
    )
    full = {row[0]: row[1:] for row in full_db.execute(query).fetchall()}
    small = {row[0]: row[1:] for row in excerpt_db.execute(query).fetchall()}

    assert small == full


def test_what_stands_in_says_so(excerpt_db: duckdb.DuckDBPyConnection) -> None:
    facts = dict(excerpt_db.execute("SELECT fact, content FROM snapshot").fetchall())

    assert "SIPRI 2017" in facts["excerpt"]
    assert excerpt_db.execute("SELECT bool_and(is_excerpt) FROM editions").fetchall() == [(True,)]
    assert excerpt_db.execute("SELECT DISTINCT origin FROM sources").fetchall() == [("excerpt",)]


def test_a_unit_that_the_excerpt_has_in_part_is_left_out(
    excerpt_db: duckdb.DuckDBPyConnection,
) -> None:
    """Phases and members of some alliances would give wrong counts, so they give none."""
    units = excerpt_db.execute(
        "SELECT DISTINCT parameters ->> 'unit' FROM specifications WHERE claim_id = 'alliance-count'"
    ).fetchall()

    assert units == [("alliance",)]
