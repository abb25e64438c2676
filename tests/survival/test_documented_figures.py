"""The figures that docs/survival.md gives, from the versions that it names."""

from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.mirror
PAGE = Path(__file__).resolve().parents[2] / "docs" / "survival.md"
UNITS = {"alliance": "alliances", "phase": "phases", "lineage": "lineages"}


@pytest.mark.parametrize(
    ("dataset", "version", "unit"),
    [
        ("ATOP", "3.0", "alliance"),
        ("ATOP", "5.1", "alliance"),
        ("ATOP", "5.1", "phase"),
        ("ATOP", "5.1", "lineage"),
        ("COW", "4.1", "alliance"),
    ],
)
def test_lifespans(
    full_db: duckdb.DuckDBPyConnection, dataset: str, version: str, unit: str
) -> None:
    (row,) = full_db.execute(
        "SELECT format('{} of {} | {:.1f} | {:.1f} ({:.1f}–{:.1f}) | {:.1f} |', in_force, units, "
        "mean_years, survival_median_years, survival_median_lower, survival_median_upper, "
        "restricted_mean_50_years) FROM alliance_lifespans WHERE dataset = ? AND version = ? "
        "AND unit = ? AND grouping = 'all'",
        [dataset, version, unit],
    ).fetchall()
    assert f"| {dataset} {version}, {UNITS[unit]} | {row[0]}" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("dataset", "version", "unit", "age"),
    [
        ("ATOP", "3.0", "alliance", 60),
        ("ATOP", "3.0", "alliance", 68),
        ("ATOP", "5.1", "alliance", 60),
        ("ATOP", "5.1", "alliance", 68),
        ("ATOP", "5.1", "lineage", 68),
        ("COW", "4.1", "alliance", 60),
    ],
)
def test_who_grows_old(
    full_db: duckdb.DuckDBPyConnection, dataset: str, version: str, unit: str, age: int
) -> None:
    (row,) = full_db.execute(
        "SELECT format('{} | {} | {} | {} | {:.1f} % ({:.1f}–{:.1f}) |', formed, old_enough, reached, "
        "at_risk, 100 * survival, 100 * lower, 100 * upper) FROM survival_at($age, $dataset, "
        "$version, $unit, formed_from := 1815, formed_to := 1989)",
        {"age": age, "dataset": dataset, "version": version, "unit": unit},
    ).fetchall()
    line = f"| {dataset} {version}, {UNITS[unit]} | {age} | {row[0]}"
    assert line in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("version", "median"), [("3.0", "9.9 years (8.0–10.9)"), ("5.1", "10.5 (9.3–12.6)")]
)
def test_medians_of_those_formed_to_1989(
    full_db: duckdb.DuckDBPyConnection, version: str, median: str
) -> None:
    (row,) = full_db.execute(
        "SELECT format('{:.1f}{} ({:.1f}–{:.1f})', median_years, ?, median_lower, median_upper) "
        "FROM survival_summary(version := ?, formed_to := 1989)",
        [" years" if version == "3.0" else "", version],
    ).fetchall()
    assert row[0] == median
    assert f"{median} in {version}" in PAGE.read_text(encoding="utf-8")
