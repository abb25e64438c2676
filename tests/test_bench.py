"""The benchmark's own arithmetic; it is not run here."""

from bench.adhoc import AdHoc
from bench.builds import Run
from bench.dashboard import Crowd, Waits
from bench.grid import Grid
from bench.growth import Grown
from bench.readers import Reading, best
from bench.report import BEGIN, END, Results, in_readme, page

RESULTS = Results(
    runs=3,
    load=(0.1, 0.2),
    full=Run(8.0, 9.0, 450.0),
    full_peak_mb=480.0,
    unchanged=Run(1.0, 0.9, 170.0),
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
    assert "| 2017 | 0.20 | 2.00 | 10.0 |" in page(RESULTS)


def test_the_readme_keeps_the_rest() -> None:
    text = in_readme(f"before\n{BEGIN}\nold\n{END}\nafter\n", RESULTS)
    assert text.startswith(f"before\n{BEGIN}\n\n| what |")
    assert text.endswith(f"|\n\n{END}\nafter\n")


def test_the_shortest_run_counts() -> None:
    calls: list[int] = []
    seconds, returned = best(3, lambda: calls.append(1) or len(calls))
    assert (len(calls), returned) == (3, 3)
    assert seconds >= 0
