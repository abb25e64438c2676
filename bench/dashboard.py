"""The dashboard under a reader and under twenty: what a real browser waits, what a server bears."""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.builds import LEFT_OUT, ROOT

BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A page is there when its last line is, the script has ended, and every chart is drawn.
SHOWN = """() => {
    const app = document.querySelector('[data-testid=stApp]');
    return app && app.dataset.testScriptState === 'notRunning'
        && document.body.innerText.includes('Snapshot milex')
        && !document.querySelector('[data-stale=true]')
        && [...document.querySelectorAll('.stPlotlyChart')].every(c => c.querySelector('.main-svg'));
}"""
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
# A filter of a page: where, the role and name of what is clicked.
FILTERS = (
    ("", "button", "not reproduced"),
    ("region", "radio", "sum of its countries"),
    ("alliances", "option", "phase"),
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
    """What one reader waits, in a real browser: the best of `runs` for each page and filter."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("bench: there is no Chromium on the PATH")
    with server(data, port), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(BROWSER_FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        address = f"http://127.0.0.1:{port}/"
        first = _timed(page, lambda: page.goto(address))
        pages = {
            name or "claims": min(_timed(page, _follow(page, name)) for _ in range(runs))
            for name in PAGES[1:] + PAGES[:1]
        }
        filters = {}
        for where, role, name in FILTERS:
            _timed(page, _follow(page, where))
            waits = []
            for _ in range(runs):
                _timed(page, lambda where=where: page.goto(address + where))
                waits.append(_timed(page, _choose(page, role, name)))
            filters[f"{where or 'claims'}: {name}"] = min(waits)
        browser.close()
    return Waits(first, pages, filters)


def _timed(page: Any, act: Any) -> float:
    """Seconds from an action to the page that shows what it asked for."""
    start = time.perf_counter()
    act()
    page.wait_for_function(SHOWN, polling="raf", timeout=60_000)
    return time.perf_counter() - start


def _follow(page: Any, name: str) -> Any:
    """Go to a page by the menu, as its link does, without loading the app anew."""

    def act() -> None:
        path = f"/{name}"
        link = page.locator(f'a[href="{path}"], a[href$="{path}"]').first
        link.click()
        page.wait_for_function("path => location.pathname === path", arg=path)

    return act


def _choose(page: Any, role: str, name: str) -> Any:
    """Click a filter; an option stands in the list of the second select box."""

    def act() -> None:
        before = page.evaluate("document.body.innerText")
        if role == "option":
            page.get_by_role("combobox").nth(1).click()
            page.get_by_role("option", name=name, exact=True).click()
        else:
            page.get_by_role(role, name=name).first.click()
        page.wait_for_function("b => document.body.innerText !== b", arg=before, polling="raf")

    return act


def many_readers(data: Path, port: int, sessions: int = SESSIONS) -> Crowd:
    """Sessions that go through all pages at once, over the browser's own protocol."""
    with server(data, port) as pid:
        peak = _Peak(pid)
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
                if kind == "delta" and message.delta.new_element.HasField("exception"):
                    errors += 1
                if kind == "script_finished":
                    break
            times.append(time.perf_counter() - start)
            await asyncio.sleep(pause)
    return times, errors


class _Peak:
    """The largest resident size of a process and its children while it is watched, in MB."""

    def __init__(self, pid: int) -> None:
        import psutil

        self._process = psutil.Process(pid)
        self._most = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        import psutil

        while not self._done.wait(0.1):
            with suppress(psutil.Error):
                whole = [self._process, *self._process.children(recursive=True)]
                self._most = max(self._most, sum(p.memory_info().rss for p in whole) / 1e6)

    def stop(self) -> float:
        self._done.set()
        self._thread.join()
        return self._most
