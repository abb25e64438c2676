"""Who can reach the servers: this machine alone, unless somebody says otherwise."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from pipelines import serve
from pipelines.cli import app
from pipelines.serve import dagster_command, dashboard_command
from pipelines.settings import Settings, load_settings
from tests.browser.servers import free_port, served


def listening() -> set[str]:
    """Addresses of all listening sockets of this process's descendants."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        try:
            connections = process.net_connections(kind="inet")
        except psutil.Error:  # it ended meanwhile
            continue
        found |= {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
    return found


@pytest.mark.parametrize(
    ("command", "ready"), [(dashboard_command, "_stcore/health"), (dagster_command, "server_info")]
)
def test_a_server_listens_on_loopback_and_nowhere_else(
    command: Callable[[Settings, int], list[str]],
    ready: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    settings = replace(load_settings(), data=tmp_path)
    port = free_port()
    environment = {"MILEX_DATA": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "1"}
    address = f"http://127.0.0.1:{port}/{ready}"
    with served(command(settings, port), environment, address, tmp_path):
        assert listening() == {"127.0.0.1"}


@pytest.mark.parametrize("word", ["dashboard", "dagster"])
@pytest.mark.parametrize(
    ("host", "warned"),
    [(None, False), ("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)],
)
def test_an_address_beyond_loopback_is_warned_of(
    word: str, host: str | None, warned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setenv("MILEX_DATA", str(tmp_path))
    commands: list[list[str]] = []
    monkeypatch.setattr(serve, "run", lambda command, settings: commands.append(command) or 0)
    given = ["--host", host] if host else []
    shown = CliRunner().invoke(app, [word, "--port", str(free_port()), *given])
    assert shown.exit_code == 0, shown.output
    assert any((host or "127.0.0.1") in part for part in commands[0])
    lines = [line for line in shown.stderr.splitlines() if line.startswith("Warning: ")]
    assert len(lines) == warned
    if warned:
        assert "no login" in lines[0]
        assert "docs/operations.md" in lines[0]


@pytest.mark.parametrize("host", ["::1", "127.8.0.1"])
def test_every_loopback_address_counts_as_one(host: str) -> None:
    assert serve.exposure(host, 8501) is None


@pytest.mark.parametrize("host", ["::", "0.0.0.0", "192.168.1.7", "milex.example", ""])
def test_every_other_address_is_open_to_the_network(host: str) -> None:
    assert serve.exposure(host, 8501) is not None


def test_the_dashboard_keeps_its_guards_against_other_sites() -> None:
    command = dashboard_command(load_settings(), 8501)
    assert not [part for part in command if "XsrfProtection" in part or "CORS" in part]
