"""The benchmark's own arithmetic; it is not run here."""

from dataclasses import replace

from bench.adhoc import AdHoc
from bench.builds import Run, median
from bench.dashboard import Crowd, Waits
from bench.grid import Grid
from bench.growth import Grown
from bench.parts import DECLARED, TOLD, _in_order
from bench.readers import Reading, timed
from bench.report import BEGIN, END, Results, goals, in_readme, page
from pipelines.models import load_models
from tests.conftest import ROOT

RESULTS = Results(
    runs=3,
    load=(0.1, 0.2),
    full=Run(8.0, 9.0, 450.0),
    full_peak_mb=480.0,
    unchanged=Run(1.0, 0.9, 170.0),
    parts={"workbooks read": 3.0, "publishing": 1.0},
    unchanged_parts={"fingerprint": 0.5},
    readings=[Reading(2017, 0.2, 2.0, 0.3, 0.1), Reading(2019, 0.7, 2.1, 0.3, 0.1)],
    grid=Grid(100_000, 80_000, 0.5, 500, 0.003, 1e-15),
    adhoc=AdHoc(0.3, 0.004, 0.02, 100),
    waits=Waits(2.0, {"spending": 0.5, "region": 0.9}, {"claims: reproduced": 0.6}),
    crowd=Crowd(20, 2.0, 200, 0, 0.4, 1.5, 550.0),
    editions=[Grown(1, Run(5.0, 5.0, 400.0)), Grown(4, Run(10.0, 9.0, 450.0))],
    alliances=[],
)


def test_a_goal_is_met_or_missed() -> None:
    text = page(RESULTS)
    assert (
        "| full build, every edition of the mirror | ≤ 10 s | 8.0 s (9.0 s of processor) | met"
        in text
    )
    assert "the slowest | ≤ 0.6 s | 0.70 s | **missed** |" in text
    assert "≥ 50 times faster | 480 times | met |" in text


def test_the_dashboards_goals_are_medians() -> None:
    text = page(RESULTS)
    assert "| a later page, median | ≤ 1 s | 0.70 s | met |" in text
    assert "| a changed filter, median | ≤ 0.5 s | 0.60 s | **missed** |" in text
    assert "| 4 editions | 10.0 | 2.0 | 450 |" in text


def test_the_ratio_of_a_reader() -> None:
    assert "| 2017 | 0.20 | 2.00 | 10.0 | 0.30 | 0.10 | 2.0 |" in page(RESULTS)


def test_the_readme_keeps_the_rest() -> None:
    text = in_readme(f"before\n{BEGIN}\nold\n{END}\nafter\n", RESULTS)
    assert text.startswith(f"before\n{BEGIN}\n\n| what |")
    assert text.endswith(f"|\n\n{END}\nafter\n")


def test_a_build_stands_beside_the_sum_of_its_parts() -> None:
    text = page(RESULTS)
    assert "| workbooks read | 3.00 | 75% |" in text
    assert "| **sum of the parts** | 4.00 |  |" in text
    assert "| **the build** | 8.00 | 2.00 times the sum |" in text
    assert "| **the build** | 1.00 | 2.00 times the sum |" in text


def test_a_limit_that_is_reached_is_kept_and_memory_stays_below_it() -> None:
    missed = {goal.what for goal in goals(replace(RESULTS, full_peak_mb=500.0)) if not goal.met}
    assert "peak memory of the full build" in missed
    at_the_limit = goals(replace(RESULTS, full=Run(10.0, 9.0, 450.0)))
    assert at_the_limit[0].met


def test_the_run_in_the_middle_counts() -> None:
    calls: list[int] = []
    seconds, returned = timed(3, lambda: calls.append(1) or len(calls))
    assert (len(calls), returned) == (3, 3)
    assert seconds >= 0
    runs = [Run(seconds, 1.0, 1.0) for seconds in (9.0, 2.0, 3.0)]
    assert median(runs).seconds == 3.0


def test_the_parts_of_a_build_come_after_what_they_read() -> None:
    sql = load_models(ROOT / "sql")
    order = {name: place for place, name in enumerate(_in_order(sql))}
    assert order.keys() == sql.keys() | {DECLARED, TOLD}
    for name, model in sql.items():
        assert all(order[other] < order[name] for other in model.references & sql.keys() - {name})
    assert order["main.editions"] < order[DECLARED] < order["claims.structure_values"]
    assert order["claims.verdicts"] < order[TOLD]
