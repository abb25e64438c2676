"""Replicas of the dashboard behind a real nginx, by deploy/nginx.conf with other ports."""

import os
import pwd
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bench.browser import wait_until_drawn
from pipelines import replicas
from pipelines.serve import dashboard_command
from tests.browser.servers import free_port, served, until
from tests.browser.test_pages import saved
from tests.conftest import ROOT, BuiltData, absent

pytestmark = pytest.mark.browser

AROUND = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    log_format browsers '$milex_browser $upstream_addr';
    access_log {folder}/access.log browsers;
    proxy_temp_path {folder}/proxy;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""
# A browser that stays away from its replica is seen at once; that two share one replica is chance.
BROWSERS = 16


@dataclass(frozen=True)
class Proxy:
    """nginx, the replicas behind it by their ports, and its log."""

    url: str
    replicas: dict[int, ExitStack]
    log: Path

    def replicas_of(self, context) -> set[int]:
        """Which replicas answered a browser."""
        (cookie,) = (one for one in context.cookies(self.url) if one["name"] == "milex")
        asked = (line.split(" ", 1) for line in self.log.read_text(encoding="utf-8").splitlines())
        return {
            int(tried.rpartition(":")[2]) for browser, tried in asked if browser == cookie["value"]
        }


@pytest.fixture
def proxy(excerpt_data: BuiltData, tmp_path: Path) -> Iterator[Proxy]:
    """Two replicas, and a third that is down."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        absent("there is no nginx (Debian: nginx-light)")
    url = (tmp_path / "shared").as_uri()
    replicas.share(replace(excerpt_data.settings, snapshots_url=url), excerpt_data.snapshot)
    site = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    port, *ports = (free_port() for _ in range(4))
    for written, given in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        *((f":{8501 + number};", f":{ports[number]};") for number in range(3)),
    ):
        assert site.count(written) == 1
        site = site.replace(written, given)
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(AROUND.format(user=user, folder=tmp_path, site=site), encoding="utf-8")
    up = {}
    with ExitStack() as everything:
        for one in ports[:2]:
            folder = tmp_path / str(one)
            folder.mkdir()
            up[one] = everything.enter_context(ExitStack())
            up[one].enter_context(
                served(
                    dashboard_command(excerpt_data.settings, one),
                    {
                        "MILEX_DATA": str(folder),
                        "MILEX_SNAPSHOTS_URL": url,
                        "PYTHONPATH": str(ROOT),
                    },
                    f"http://127.0.0.1:{one}/_stcore/health",
                    folder,
                )
            )
        server = subprocess.Popen([nginx, "-c", configuration])
        everything.callback(server.wait)
        everything.callback(server.terminate)

        def listens() -> bool | None:
            assert server.poll() is None, (tmp_path / "error.log").read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0 or None

        until(listens, 30, "nginx listens")
        yield Proxy(f"http://127.0.0.1:{port}", up, tmp_path / "access.log")


def test_a_browser_stays_on_its_replica_until_that_is_gone(browser, proxy: Proxy, tmp_path: Path):
    from playwright.sync_api import expect

    met: dict[int, tuple] = {}
    with ExitStack() as opened:
        for _ in range(BROWSERS):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            opened.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(60_000)
            # Pages come over a websocket; what is saved, by a request of its own.
            page.goto(f"{proxy.url}/?claim=asia-growth")
            page.get_by_role("link", name="Run this SQL").click()
            expect(page.get_by_text(re.compile("^1 row in"))).to_be_visible()
            page.get_by_role("button", name="Download rows").click()
            assert "growth" in saved(page, "CSV", tmp_path).read_text(encoding="utf-8")
            (replica,) = proxy.replicas_of(context)
            met.setdefault(replica, (context, page))
            if len(met) == len(proxy.replicas):
                break
        assert met.keys() == proxy.replicas.keys()

        gone, (context, page) = met.popitem()
        (stays,) = met
        proxy.replicas[gone].close()
        page.reload()
        wait_until_drawn(page)
        assert proxy.replicas_of(context) == {gone, stays}
