"""The dashboard under a reader and under twenty: what a real browser waits, what a server bears."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import browser
from bench.builds import LEFT_OUT, ROOT
from bench.memory import Peak

SESSIONS = 20
# Seconds that a reader of the crowd looks at a page.
PAUSE = 2.0
# Pages by the path of their address, in the order of the menu.
PAGES = (
    "",
    "check",
    "spending",
    "region",
    "ranking",
    "revisions",
    "alliances",
    "security",
    "sql",
    "data",
)
# A filter of each page that has some: what is clicked, by role and name; before a colon what has to
# be opened first.
FILTERS = (
    ("", "button", "not reproduced"),
    ("check", "option", "Figure: Share of a region"),
    ("spending", "option", "Measure: Current US$"),
    ("region", "radio", "sum of its countries"),
    ("ranking", "option", "Edition: 2022"),
    ("revisions", "option", "Measure: Share of GDP"),
    ("alliances", "option", "Unit: phase"),
    ("security", "option", "Dataset and version: COW 4.1"),
)


@dataclass(frozen=True)
class Waits:
    """Seconds: of the first page, the median and slowest of later pages and of changed filters."""

    first: float
    pages: dict[str, float]
    filters: dict[str, float]

    @property
    def page(self) -> float:
        """The median over pages."""
        return statistics.median(self.pages.values())

    @property
    def changed(self) -> float:
        """The median over filters."""
        return statistics.median(self.filters.values())


@dataclass(frozen=True)
class Crowd:
    """Sessions at once: seconds between their clicks, reruns, errors, seconds, the server's MB."""

    sessions: int
    pause: float
    reruns: int
    errors: int
    median: float
    p95: float
    peak_mb: float


@contextmanager
def server(data: Path, port: int, **settings: str) -> Iterator[int]:
    """A dashboard server on a data folder; gives its process number. settings: of the environment."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(LEFT_OUT)}
    environment |= {"MILEX_HOME": str(ROOT), "MILEX_DATA": str(data), "PYTHONPATH": str(ROOT)}
    environment |= settings
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "dashboard", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(url, timeout=2).close()
            return
        time.sleep(0.05)
    raise SystemExit("bench: the dashboard did not start")


def one_reader(data: Path, port: int, runs: int) -> Waits:
    """What one reader waits, in a real browser: the median of `runs` for each page and filter."""
    from playwright.sync_api import sync_playwright

    chromium = browser.program()
    if chromium is None:
        raise SystemExit("bench: there is no Chromium on the PATH")
    address = f"http://127.0.0.1:{port}/"
    with sync_playwright() as playwright:
        opened = browser.launch(playwright, chromium)
        with server(data, port):
            page = browser.open_page(opened)
            first = _timed(page, lambda: page.goto(address), after=-1)
            pages: dict[str, list[float]] = {name: [] for name in PAGES}
            for _ in range(runs):
                for name in PAGES[1:] + PAGES[:1]:
                    pages[name].append(_timed(page, _follow(page, name)))
            filters = {}
            for where, role, name in FILTERS:
                waits = []
                for _ in range(runs):
                    _timed(page, lambda where=where: page.goto(address + where), after=-1)
                    waits.append(_timed(page, _choose(page, role, name)))
                filters[f"{where or 'claims'}: {name}"] = statistics.median(waits)
        opened.close()
    waits_of_pages = {name or "claims": statistics.median(waits) for name, waits in pages.items()}
    return Waits(first, waits_of_pages, filters)


def _timed(page: Any, act: Callable[[], object], after: int | None = None) -> float:
    """Seconds from an action to all of what it asked for; after: reruns that are no answer to it."""
    if after is None:
        after = browser.reruns(page)
    start = time.time()
    act()
    return browser.wait_until_drawn(page, after) - start


def _follow(page: Any, name: str) -> Callable[[], object]:
    """Go to a page by the menu, as its link does, without loading the app anew."""
    path = f"/{name}"
    return page.locator(f'a[href="{path}"], a[href$="{path}"]').first.click


def _choose(page: Any, role: str, name: str) -> Callable[[], object]:
    """Click a filter; an option's list is open before the clock starts."""
    if role == "option":
        box, _, name = name.partition(": ")
        page.get_by_role("combobox", name=box, exact=True).click()
        chosen = page.get_by_role("option", name=name, exact=True)
    else:
        chosen = page.get_by_role(role, name=name).first
    chosen.wait_for()
    return chosen.click


def many_readers(data: Path, port: int, sessions: int = SESSIONS) -> Crowd:
    """Sessions that go through all pages at once, over the browser's own protocol."""
    with server(data, port) as pid:
        peak = Peak(pid)
        asyncio.run(_crowd(port, 1, 0.0))
        times, errors = asyncio.run(_crowd(port, sessions, PAUSE))
        peak_mb = peak.stop()
    times.sort()
    p95 = times[int(0.95 * (len(times) - 1))]
    return Crowd(sessions, PAUSE, len(times), errors, statistics.median(times), p95, peak_mb)


async def _crowd(port: int, sessions: int, pause: float) -> tuple[list[float], int]:
    found = await asyncio.gather(*(session(port, pause) for _ in range(sessions)))
    return [t for times, _ in found for t in times], sum(errors for _, errors in found)


async def session(port: int, pause: float = 0.0) -> tuple[list[float], int]:
    """One session: every page once, `pause` seconds after the one before.

    Returns the seconds of each rerun and the number of errors shown.
    """
    import websockets
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    times, errors = [], 0
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/_stcore/stream",
        max_size=None,
        subprotocols=["streamlit"],  # type: ignore[list-item]
    ) as socket:
        for name in PAGES:
            ask = BackMsg()
            ask.rerun_script.page_name = name
            start = time.perf_counter()
            await socket.send(ask.SerializeToString())
            while True:
                message = ForwardMsg.FromString(await socket.recv())  # type: ignore[arg-type]
                kind = message.WhichOneof("type")
                if kind == "delta":
                    errors += _is_error(message.delta.new_element)
                if kind == "script_finished":
                    break
            times.append(time.perf_counter() - start)
            await asyncio.sleep(pause)
    return times, errors


def _is_error(element: Any) -> bool:
    """Whether what a page shows is an exception, or a message in red."""
    return element.HasField("exception") or (
        element.HasField("alert") and element.alert.format == element.alert.ERROR
    )
