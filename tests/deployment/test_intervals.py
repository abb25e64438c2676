"""Bootstrapped intervals: against other computations, and the same wherever they are computed."""

import json
import random
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipelines import bootstrap
from pipelines import warehouse as store
from pipelines.bootstrap import DAYS_A_YEAR, Interval, Sample
from pipelines.errors import MilexError
from tests.conftest import BuiltData
from tests.faults import house


def a_sample(number: int, size: int) -> Sample:
    """Lifespans that look like alliances': many short ones, a few long."""
    days = np.sort(np.random.default_rng(number).exponential(3650, size).astype(int))
    return Sample(f"{number:016x}", tuple(map(int, days // 365)), tuple(map(int, days)))


SAMPLES = [a_sample(number, size) for number, size in enumerate((1, 2, 3, 20, 151, 400, 2446))]


def by_figure(found: list[Interval]) -> dict[tuple[str, str], Interval]:
    return {(one.statistic, one.convention): one for one in found}


def test_against_scipys_percentile_bootstrap() -> None:
    """Another generator and another seed: the ends agree within their own error of some per cent."""
    sample = a_sample(7, 120)
    found = by_figure(bootstrap.intervals_of(sample))
    for statistic, function in (("mean", np.mean), ("median", np.median)):
        theirs = stats.bootstrap(
            (np.array(sample.days) / DAYS_A_YEAR,), function, method="percentile", rng=1
        ).confidence_interval
        ours = found[statistic, "exact"]
        assert ours.lifespan_years == pytest.approx(function(sample.days) / DAYS_A_YEAR)
        width = theirs.high - theirs.low
        assert ours.lower_years == pytest.approx(theirs.low, abs=0.08 * width)
        assert ours.upper_years == pytest.approx(theirs.high, abs=0.08 * width)


def test_against_every_resample_of_a_sample_of_two() -> None:
    """Of two lifespans, a mean is either one with a chance of a quarter: both ends are known."""
    found = by_figure(bootstrap.intervals_of(Sample("00", (1, 8), (400, 3000))))
    for statistic in ("mean", "median"):
        years = found[statistic, "years"]
        assert (years.lifespan_years, years.lower_years, years.upper_years) == (4.5, 1.0, 8.0)


def test_against_the_binomial_limits_of_a_median() -> None:
    """The resampled median is an order statistic whose rank has a known distribution."""
    sample = Sample("a", tuple(range(101)), tuple(range(101)))
    found = by_figure(bootstrap.intervals_of(sample))["median", "years"]
    ranks = np.arange(101)
    # The median is at most the k-th value if at least 51 of 101 draws are.
    chance = stats.binom.sf(50, 101, (ranks + 1) / 101)
    lower, upper = np.searchsorted(chance, [0.025, 0.975])
    assert abs(found.lower_years - lower) <= 1
    assert abs(found.upper_years - upper) <= 1


@given(
    st.lists(st.integers(0, 40_000), min_size=1, max_size=60),
    st.integers(0, 2**64 - 1),
)
@settings(max_examples=15, deadline=None)
def test_an_interval_lies_within_the_data_and_depends_on_the_sample_alone(
    days: list[int], number: int
) -> None:
    days = sorted(days)
    sample = Sample(f"{number:016x}", tuple(day // 365 for day in days), tuple(days))
    found = bootstrap.intervals_of(sample)
    assert found == bootstrap.intervals_of(sample)
    assert len(by_figure(found)) == 4
    for one in found:
        values = sample.years if one.convention == "years" else sample.days
        unit = 1 if one.convention == "years" else DAYS_A_YEAR
        assert min(values) / unit <= one.lower_years <= one.upper_years <= max(values) / unit


def test_large_lifespans_do_not_overflow() -> None:
    days = (2**30,) * 5
    assert {one.upper_years for one in bootstrap.intervals_of(Sample("1", days, days))} == {
        float(2**30),
        2**30 / DAYS_A_YEAR,
    }


def test_the_order_of_samples_changes_nothing() -> None:
    mixed = random.Random(1).sample(SAMPLES, len(SAMPLES))
    in_order = {one.sample_id: one for one in bootstrap.intervals(SAMPLES)}
    assert {one.sample_id: one for one in bootstrap.intervals(mixed)} == in_order


def test_these_are_the_figures() -> None:
    """Written down once: another machine, or another numpy, must come to the same bits."""
    found = by_figure(bootstrap.intervals_of(a_fixed_sample()))
    assert {
        figure: (one.lower_years.hex(), one.upper_years.hex()) for figure, one in found.items()
    } == FIXED


def a_fixed_sample() -> Sample:
    days = tuple(number * number for number in range(1, 101))
    return Sample("0123456789abcdef", tuple(day // 365 for day in days), days)


FIXED = {
    ("mean", "years"): ("0x1.cd70a3d70a3d7p+2", "0x1.4e147ae147ae1p+3"),
    ("median", "years"): ("0x1.0000000000000p+2", "0x1.3000000000000p+3"),
    ("mean", "exact"): ("0x1.ebe502180d30ep+2", "0x1.5d27907546796p+3"),
    ("median", "exact"): ("0x1.268e13a827da7p+2", "0x1.3b7e979128b4fp+3"),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A Dask cluster of two processes; the address of its scheduler."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as local:
        yield local.scheduler_address


def test_a_cluster_of_processes_gives_the_same_bits(
    cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "TASK", 1)  # a task for each sample: spread over the workers
    assert bootstrap.intervals(SAMPLES, cluster) == bootstrap.intervals(SAMPLES)


@pytest.mark.mirror
@pytest.mark.filterwarnings("ignore:The `__fields__` attribute:DeprecationWarning")  # Dagster's
def test_the_asset_of_a_partition_on_a_cluster_and_the_next_snapshot(
    cluster: str, full_data: BuiltData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dagster as dg

    from pipelines import publish, replicas
    from pipelines.assets.bootstrap import alliance_intervals
    from pipelines.assets.published import published_assets
    from pipelines.assets.resources import Warehouse
    from pipelines.models import load_models
    from pipelines.settings import load_settings

    monkeypatch.setenv("MILEX_DATA", str(tmp_path / "here"))
    monkeypatch.setenv("MILEX_DASK", cluster)
    monkeypatch.setenv("MILEX_SNAPSHOTS_URL", (tmp_path / "shared").as_uri())
    here = load_settings()
    here.snapshots.mkdir(parents=True)
    snapshot = Path(shutil.copy(full_data.snapshot, here.snapshots))
    publish.point_to(here, snapshot)
    for file in store.files(full_data.settings.warehouse):
        shutil.copy(file, here.processed)

    with dg.DagsterInstance.ephemeral() as instance:
        with house.holder(here.warehouse) as build:  # it ends once it is waited for
            clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: build.communicate(""))
            monkeypatch.setattr(store, "time", clock)
            for partition in ("COW 4.1 lineage", "ATOP 3.0 lineage"):  # the first has no samples
                assert dg.materialize(
                    [alliance_intervals], partition_key=partition, instance=instance
                ).success
            assert build.returncode == 0
        publishing, _ = published_assets(load_models(here.sql))
        assert isinstance(publishing, dg.AssetsDefinition)
        assert dg.materialize(
            [publishing], resources={"warehouse": Warehouse()}, instance=instance
        ).success

    replica = replace(here, data=tmp_path / "replica")
    with duckdb.connect(str(replicas.follow(replica)), read_only=True) as published:
        rows = published.sql(
            "SELECT sample_id, statistic, convention, n, lifespan_years, lower_years, upper_years "
            "FROM alliance_intervals ORDER BY ALL"
        ).fetchall()
        samples = bootstrap.samples(published, "ATOP", "3.0", "lineage")
    assert rows == sorted(tuple(vars(one).values()) for one in bootstrap.intervals(samples))
    assert len(rows) == 4


def test_intervals_of_samples_that_are_gone_go_and_others_stay(tmp_path: Path) -> None:
    with store.open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        warehouse.execute(
            "CREATE TABLE main.specifications AS SELECT unnest(['1', '2']) AS sample_id"
        )
        found = [Interval(name, "mean", "years", 1, 1.0, 1.0, 1.0) for name in ("1", "2")]
        bootstrap.write(warehouse, "ATOP", "3.0", "phase", found)
        bootstrap.write(warehouse, "ATOP", "5.1", "phase", found[:1])
        warehouse.execute("DELETE FROM main.specifications WHERE sample_id = '2'")
        bootstrap.prepare(warehouse)
        kept = "SELECT version, sample_id FROM main.alliance_intervals ORDER BY ALL"
        assert warehouse.sql(kept).fetchall() == [("3.0", "1"), ("5.1", "1")]

        made = store.recorded(warehouse, bootstrap.TABLE.table)
        assert made is not None
        store.record(warehouse, replace(made, code_version="another"))
        bootstrap.prepare(warehouse)
        assert warehouse.sql(kept).fetchall() == []


@pytest.mark.mirror
def test_every_sample_has_the_grids_own_figures(full_db: duckdb.DuckDBPyConnection) -> None:
    parts = full_db.sql(
        "SELECT DISTINCT dataset, version, unit FROM alliance_units ORDER BY ALL"
    ).fetchall()
    samples = {one.sample_id: one for part in parts for one in bootstrap.samples(full_db, *part)}
    definition = json.loads(
        full_db.sql(
            "SELECT definition FROM claims WHERE claim_id = 'alliance-lifespan'"
        ).fetchall()[0][0]
    )
    figures: dict[tuple[str, bool, str], float] = {}
    compared = full_db.sql(
        "SELECT sample_id, parameters, value FROM specifications "
        "WHERE claim_id = 'alliance-lifespan' AND n > 0"
    ).fetchall()
    for sample_id, parameters, value in compared:
        levels = {**definition, **json.loads(parameters)}
        exact = levels["convention"] == "exact"
        asked = (sample_id, exact, levels["statistic"])
        if asked not in figures:
            function = np.mean if levels["statistic"] == "mean" else np.median
            lived = samples[sample_id].days if exact else samples[sample_id].years
            figures[asked] = float(function(lived)) / (DAYS_A_YEAR if exact else 1)
        figure = figures[asked] + (levels["convention"] == "years plus one")
        assert abs(figure - value) < 1e-9, (sample_id, levels)
    assert len(compared) > 40_000
    asked = full_db.sql(
        "SELECT DISTINCT sample_id FROM specifications JOIN claims USING (claim_id) "
        "WHERE metric LIKE 'alliance%' AND n > 0"
    ).fetchall()
    assert {sample_id for (sample_id,) in asked} == samples.keys()
    assert len(samples) > 3_000


def test_a_cluster_that_is_not_there_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "WAIT_SECONDS", 1)
    with pytest.raises(MilexError, match=r"MILEX_DASK: tcp://127\.0\.0\.1:9 has no scheduler"):
        bootstrap.intervals(SAMPLES[:1], "tcp://127.0.0.1:9")


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MilexError, match=r"needs the package distributed.*'\.\[dask\]'"):
        bootstrap.intervals(SAMPLES[:1], "tcp://127.0.0.1:9")
