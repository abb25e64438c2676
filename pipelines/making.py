"""Tables made two at a time, each after those that it reads; knows neither tables nor Dagster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from itertools import chain
from typing import TypeVar

import duckdb

R = TypeVar("R")

# One thread waits for DuckDB while the other is in Python; more would share the same memory limit.
AT_ONCE = 2
# Two at once can need more memory than one; and after an error within DuckDB its file answers
# nobody. Neither says anything against the table.
NOBODYS_FAULT = (duckdb.OutOfMemoryException, duckdb.InternalException, duckdb.FatalException)


def two_at_a_time(
    needs: Mapping[str, Collection[str]],
    make: Callable[[str], R],
    alone: Callable[[str, Exception], R],
    holds: Callable[[R], bool],
) -> Iterator[tuple[str, R]]:
    """Make every name after what it needs, and yield each with its result once it is made.

    needs: for each name the names that come before it.
    make: called in one of two threads. What it raises is raised here, once the other thread is idle.
    alone: called while no thread is busy, for what failed through nobody's fault, with the error.
    holds: whether what rests on a result may be made; if not, it is left out.
    """
    rest = Counter(chain.from_iterable(everything_before(needs).values()))
    order = TopologicalSorter({name: set(before) & needs.keys() for name, before in needs.items()})
    order.prepare()
    ready: list[str] = []
    put_off: list[tuple[str, Exception]] = []
    failed: list[BaseException] = []
    running: dict[Future[R], str] = {}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        while True:
            # What most others wait for comes first.
            ready = sorted([*ready, *order.get_ready()], key=lambda name: (-rest[name], name))
            while ready and len(running) < AT_ONCE and not (put_off or failed):
                name = ready.pop(0)
                running[threads.submit(make, name)] = name
            made: list[tuple[str, R]] = []
            if running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name, error = running.pop(future), future.exception()
                    if error is None:
                        made.append((name, future.result()))
                    elif isinstance(error, NOBODYS_FAULT):
                        put_off.append((name, error))
                    else:
                        failed.append(error)
            elif failed:
                raise failed[0]
            elif put_off:
                name, reason = put_off.pop(0)
                made.append((name, alone(name, reason)))
            else:
                return
            for name, result in made:
                yield name, result
                if holds(result):
                    order.done(name)


def everything_before(needs: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """For each name all those that it needs, directly or through others."""
    before: dict[str, set[str]] = {}
    for name in TopologicalSorter(needs).static_order():
        direct = set(needs.get(name, ()))
        before[name] = direct.union(*(before[other] for other in direct))
    return before
