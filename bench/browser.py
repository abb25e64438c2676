"""A real Chromium to look at the dashboard with, and when a page of it is wholly drawn.

For benchmarks and for the browser tests. Knows how Streamlit and Plotly draw, and no page.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 380, "height": 800}

# Counts the reruns of the app's script that have ended, by the server's own messages (a short one may
# end before the page shows that it runs). A message is a sequence of numbered fields, of which the one
# called script_finished says it.
COUNT_RERUNS = """finished => {
    window.milexReruns = 0;
    const says = bytes => {
        let at = 0;
        const number = () => {
            let value = 0, shift = 0, byte;
            do {
                byte = bytes[at++];
                value += (byte & 127) * 2 ** shift;
                shift += 7;
            } while (byte & 128);
            return value;
        };
        while (at < bytes.length) {
            const tag = number(), kind = tag % 8;
            if ((tag - kind) / 8 === finished) return true;
            const value = kind === 0 || kind === 2 ? number() : 0;
            at += [0, 8, value, 0, 0, 4][kind];
        }
        return false;
    };
    window.WebSocket = class extends window.WebSocket {
        constructor(...given) {
            super(...given);
            this.addEventListener('message', ({data}) => {
                if (data instanceof ArrayBuffer && says(new Uint8Array(data)))
                    window.milexReruns += 1;
            });
        }
    };
}"""
# When all of a page was there: the script has ended, its last line is there, nothing is left of the
# run before and nothing stands for what is still to be loaded, every chart has its drawing, the
# browser has nothing left to do; and no other rerun follows, as some do when a page is opened.
DRAWN_AT = """async ({reruns, quiet, deadline}) => {
    const drawn = () => {
        const app = document.querySelector('[data-testid=stApp]');
        return app && app.dataset.testScriptState === 'notRunning'
            && (window.milexReruns || 0) >= reruns
            && document.body.innerText.includes('Snapshot milex')
            && !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')
            && [...document.querySelectorAll('.stPlotlyChart')].every(
                chart => chart.querySelector('.main-svg'));
    };
    const started = Date.now();
    let since = null, known = -1;
    while (Date.now() - started < deadline) {
        await new Promise(next => requestAnimationFrame(next));
        if (!drawn()) { since = null; continue; }
        if (since === null || window.milexReruns !== known) {
            await new Promise(idle => requestIdleCallback(idle, {timeout: 300}));
            since = Date.now();
            known = window.milexReruns;
        } else if (Date.now() - since > quiet) return since;
    }
    return null;
}"""
QUIET_MS = 300
DEADLINE_MS = 60_000


def program() -> Path | None:
    """The Chromium of this machine, None if there is none on the PATH."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return Path(found) if found else None


def launch(playwright: Any, chromium: Path) -> Any:
    """Open it without a window."""
    return playwright.chromium.launch(
        executable_path=str(chromium), args=list(FLAGS), headless=True
    )


def open_page(browser: Any, size: dict[str, int] | None = None, **more: Any) -> Any:
    """A page that counts the reruns of the app in it. more: what Playwright's pages take."""
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    page = browser.new_page(viewport=size or WIDE, **more)
    finished = ForwardMsg.DESCRIPTOR.fields_by_name["script_finished"].number
    page.add_init_script(f"({COUNT_RERUNS})({finished})")
    return page


def reruns(page: Any) -> int:
    """How many reruns have ended since the page's address was loaded."""
    return int(page.evaluate("() => window.milexReruns || 0"))


def wait_until_drawn(page: Any, after: int = -1) -> float:
    """Wait until all of a page is there, and more reruns than `after` have ended.

    Returns when it was there, in seconds since 1970. Raises AssertionError after a deadline.
    """
    asked = {"reruns": after + 1, "quiet": QUIET_MS, "deadline": DEADLINE_MS}
    at = page.evaluate(DRAWN_AT, asked)
    assert at is not None, f"not drawn within {DEADLINE_MS / 1000:.0f} s: {page.url}"
    return float(at) / 1000
