"""Two at a time: each after what it needs, nothing twice, and nothing that rests on a failure."""

import threading
from collections.abc import Callable, Mapping

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.making import AT_ONCE, two_at_a_time

CHAIN = {"a": set[str](), "b": {"a"}, "c": {"b"}, "apart": set[str]()}


@st.composite
def needs(draw: st.DrawFn) -> dict[str, set[str]]:
    """Names of which each may need any of those before it."""
    names = [f"n{number}" for number in range(draw(st.integers(0, 12)))]
    return {
        name: draw(st.sets(st.sampled_from(names[:number]))) if number else set()
        for number, name in enumerate(names)
    }


def behind(name: str, needs: Mapping[str, set[str]]) -> set[str]:
    return needs[name].union(*(behind(other, needs) for other in needs[name]))


def run(
    needs: Mapping[str, set[str]],
    make: Callable[[str], str] = str,
    alone: Callable[[str, Exception], str] = lambda name, error: pytest.fail(f"{name}: {error}"),
    holds: Callable[[str], bool] = lambda result: True,
) -> list[str]:
    return [name for name, _ in two_at_a_time(needs, make, alone, holds)]


@given(needs(), st.data())
def test_each_is_made_once_after_what_it_needs_and_never_on_what_does_not_hold(
    needs: dict[str, set[str]], data: st.DataObject
) -> None:
    bad = data.draw(st.sets(st.sampled_from(sorted(needs)))) if needs else set()
    begun: list[str] = []
    finished: set[str] = set()

    def make(name: str) -> str:
        assert needs[name] <= finished
        begun.append(name)
        finished.add(name)
        return name

    made = run(needs, make, holds=lambda name: name not in bad)
    assert sorted(begun) == sorted(made)
    assert set(made) == {name for name in needs if not behind(name, needs) & bad}
    assert len(set(made)) == len(made)


def test_two_are_made_at_once_and_no_more() -> None:
    together = threading.Barrier(AT_ONCE, timeout=30)
    busy: list[int] = []

    def make(name: str) -> str:
        busy.append(1)
        together.wait()  # for the other thread
        assert len(busy) <= AT_ONCE
        together.wait()
        busy.pop()
        return name

    assert sorted(run({name: set() for name in "abcd"}, make)) == list("abcd")


def test_what_most_rests_on_comes_first() -> None:
    order = run({"last": set(), "x": {"first"}, "y": {"x"}, "first": set()}, str)
    assert order.index("first") <= 1
    begun: list[str] = []
    run({"alone": set(), "b": {"a"}, "a": set(), "other": set()}, lambda n: begun.append(n) or n)
    assert "a" in begun[:AT_ONCE]


def test_an_error_is_raised_when_the_other_thread_is_idle_and_its_result_is_not_lost() -> None:
    failing = threading.Event()

    def make(name: str) -> str:
        if name == "a":
            failing.set()
            raise ValueError("a cannot be made")
        failing.wait(30)
        return name

    told: list[str] = []

    def tell() -> None:
        for name, _ in two_at_a_time(CHAIN, make, lambda name, error: name, lambda result: True):
            told.append(name)

    with pytest.raises(ValueError, match="a cannot"):
        tell()
    assert told == ["apart"]


@pytest.mark.parametrize(
    "error", [duckdb.OutOfMemoryException, duckdb.InternalException, duckdb.FatalException]
)
def test_what_fails_through_nobodys_fault_is_made_alone_and_what_rests_on_it_after(
    error: type[Exception],
) -> None:
    at_work: set[str] = set()
    tried: list[str] = []

    def make(name: str) -> str:
        at_work.add(name)
        try:
            if name in ("a", "apart") and name not in tried:
                tried.append(name)
                raise error("both at once were too much")
            return name
        finally:
            at_work.discard(name)

    def alone(name: str, why: Exception) -> str:
        assert isinstance(why, error)
        assert at_work == set()
        return make(name)

    assert sorted(run(CHAIN, make, alone)) == sorted(CHAIN)
    assert sorted(tried) == ["a", "apart"]


def test_what_fails_alone_too_is_an_error() -> None:
    def make(name: str) -> str:
        raise duckdb.InternalException(name)

    def alone(name: str, why: Exception) -> str:
        raise why

    with pytest.raises(duckdb.InternalException):
        run(CHAIN, make, alone)
