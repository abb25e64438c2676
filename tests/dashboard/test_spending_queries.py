"""Spending by place and by region as the pages ask for it: against the metrics, and small tables."""

import duckdb
import pytest

from dashboard import data, queries, region_charts
from dashboard import spending_queries as asked

ASIA = "Asia & Oceania"
YEARS = (2008, 2017)


@pytest.fixture
def small():
    """Two regions' worth of nothing but what the queries read."""
    connection = duckdb.connect()
    connection.execute(
        """
        CREATE TABLE editions AS SELECT 2025 AS edition, 2024 AS base_year, 1949 AS first_year,
            2025 AS last_year;
        CREATE TABLE observations AS SELECT * FROM (VALUES
            (2025, 'B', 2001, 'constant_usd', 5.0, 'estimate', 'a note'),
            (2025, 'B', 2000, 'constant_usd', NULL, 'not_independent', NULL),
            (2025, 'A', 2000, 'constant_usd', 7.0, 'reported', NULL),
            (2017, 'A', 2000, 'constant_usd', 9.0, 'reported', NULL),
            (2025, 'A', 2000, 'per_capita_usd', 1.0, 'reported', NULL)
        ) AS t(edition, country, year, measure, value, status, notes);
        CREATE TABLE regional_spending AS SELECT * FROM (VALUES
            (2025, 'R', 2000, 'published', 0.02, NULL::DOUBLE, 'reported', ['C', 'D']),
            (2025, 'R', 2001, 'published', NULL, NULL, 'reported', []::VARCHAR[]),
            (2025, 'R', 2000, 'summed', 0.01, 0.01, 'estimate', ['C', 'D'])
        ) AS t(edition, region, year, basis, constant_usd_bn, current_usd_bn, status,
               omitted_countries);
        """
    )
    yield data.Connected(connection)
    connection.close()


def test_places_come_in_the_order_asked_for_and_years_ascend(small):
    found = asked.series(small, ["R", "B", "A"], 2025, "constant_usd", "published", (2000, 2001))
    assert found.rows == [
        ("R", 2000, 20.0, "reported", "Without C, D."),
        ("R", 2001, None, "unavailable", None),
        ("B", 2000, None, "not_independent", None),
        ("B", 2001, 5.0, "estimate", "a note"),
        ("A", 2000, 7.0, "reported", None),
    ]
    assert found.units == {"value": "US$ millions, prices of 2024"}


def test_a_region_has_the_basis_asked_for_and_no_figure_per_head(small):
    summed = asked.series(small, ["R"], 2025, "constant_usd", "summed", (2000, 2001))
    assert summed.rows == [("R", 2000, 10.0, "estimate", "Without C, D.")]
    heads = asked.series(small, ["R", "A"], 2025, "per_capita_usd", "published", (2000, 2001))
    assert heads.rows == [("A", 2000, 1.0, "reported", None)]


def test_a_measure_spans_its_rows_and_at_least_two_years(small):
    assert asked.span(small, "constant_usd", 2025) == (2000, 2025)
    assert asked.span(small, "share_of_gdp", 2025) == (1949, 2025)


@pytest.mark.mirror
def test_every_place_can_be_asked_for_in_every_measure(snapshot):
    places = asked.places(snapshot)
    assert places[0] == "World"
    assert {"China", ASIA, "USSR"} <= set(places)
    assert len(places) == len(set(places))
    for measure in asked.UNITS:
        found = asked.series(snapshot, ["China", ASIA], 2025, measure, "published", (2024, 2025))
        assert [row[:2] for row in found.rows[:2]] == [("China", 2024), ("China", 2025)]
        assert set(found.units) == {"value"}


@pytest.mark.mirror
def test_a_region_s_share_of_gdp_is_its_burden(snapshot):
    found = asked.series(snapshot, [ASIA], 2017, "share_of_gdp", "published", YEARS)
    burden = queries.burden(snapshot, ASIA, *YEARS, 2017)
    assert found.column("value") == pytest.approx(burden.column("share_of_gdp"))
    assert set(found.column("status")) == {"implied"}


@pytest.mark.mirror
@pytest.mark.parametrize("basis", ["published", "summed"])
def test_members_have_the_contributions_and_shares_of_the_metrics(snapshot, basis):
    found = {
        row["country"]: row for row in asked.members(snapshot, ASIA, 2017, YEARS, basis).records()
    }
    for country in ("China", "Japan", "Indonesia"):
        increase, contribution = snapshot.rows(
            "SELECT increase, contribution FROM "
            "contribution(?, ?, ?, ?, edition := 2017, basis := ?)",
            country,
            ASIA,
            *YEARS,
            basis,
        ).rows[0]
        share = snapshot.rows(
            "SELECT share FROM share(?, ?, ?, edition := 2017, basis := ?)",
            country,
            ASIA,
            YEARS[1],
            basis,
        ).rows[0][0]
        assert found[country]["increase"] == pytest.approx(increase)
        assert found[country]["contribution"] == pytest.approx(contribution)
        assert found[country]["share"] == pytest.approx(share)


@pytest.mark.mirror
def test_contributions_of_the_sum_add_up_to_it_but_for_who_has_one_figure(snapshot):
    rows = asked.members(snapshot, ASIA, 2017, YEARS, "summed").records()
    both = sum(row["contribution"] for row in rows if row["contribution"] is not None)
    one = sum(
        (row["to_value"] or 0) - (row["from_value"] or 0)
        for row in rows
        if row["increase"] is None and not row["omitted"]
    )
    increase = queries.total_increase(snapshot, "China", ASIA, YEARS, edition=2017, basis="summed")
    assert both + one / increase == pytest.approx(1)


@pytest.mark.mirror
def test_who_is_left_out_is_named_and_has_no_share(snapshot):
    rows = asked.members(snapshot, ASIA, 2025, (2008, 2025), "published").records()
    omitted = {row["country"] for row in rows if row["omitted"]}
    assert "Korea, North" in omitted
    assert all(row["share"] is None and row["points"] is None for row in rows if row["omitted"])
    (last,) = [
        r for r in asked.regional_totals(snapshot, ASIA, 2025).records() if r["year"] == 2025
    ]
    assert set(omitted) == {"Korea, North", "Laos", "Turkmenistan", "Uzbekistan"}
    assert all(name in last["omitted_countries"] for name in omitted)
    assert last["published_bn"] - last["summed_bn"] == pytest.approx(last["residual_bn"])


@pytest.mark.mirror
def test_the_parts_of_a_region_add_up_to_its_sum_in_every_year(snapshot):
    totals = {
        row["year"]: row["summed_bn"]
        for row in asked.regional_totals(snapshot, "World", 2025).records()
    }
    sums: dict[int, float] = {}
    found = asked.composition(snapshot, "World", 2025, (1990, 2025), 6)
    for row in found.records():
        sums[row["year"]] = sums.get(row["year"], 0) + row["constant_usd_m"] / 1e3
        assert 0 <= row["estimated_usd_m"] <= row["constant_usd_m"] * (1 + 1e-9)
    assert set(sums) == set(range(1990, 2026))
    for year, value in sums.items():
        assert value == pytest.approx(totals[year])
    order = list(dict.fromkeys(found.column("member")))
    assert order[0] == "United States of America"
    assert order[-1] is None
    assert len(order) == 7


@pytest.mark.mirror
def test_every_country_with_a_code_has_one_tile_on_the_map(snapshot):
    codes = snapshot.rows("SELECT DISTINCT iso3 FROM main.spending WHERE iso3 IS NOT NULL").column(
        "iso3"
    )
    assert set(codes) == set(region_charts.places())
    words = region_charts.TILES.read_text(encoding="utf-8").split()
    assert len([word for word in words if word != region_charts.EMPTY]) == len(set(codes))
