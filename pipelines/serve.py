"""The commands that open the dashboard and the Dagster UI, on loopback, and write the report."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from pipelines.build import dagster_home
from pipelines.errors import MilexError
from pipelines.settings import Settings

HOST = "127.0.0.1"
# glibc keeps what each of a server's threads has freed: 20 sessions left 40 MB so.
ALLOCATOR = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072"}
# How long a server may take to stop by itself.
PATIENCE_S = 20


def dashboard_command(settings: Settings, port: int, host: str = HOST) -> list[str]:
    """The command line of the dashboard's server."""
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(settings.home / "dashboard" / "app.py"),
        f"--server.port={port}",
        f"--server.address={host}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
        # Reloading modules under open sessions breaks what they hold; a restart takes a second.
        "--server.fileWatcherType=none",
    ]


def dagster_command(settings: Settings, port: int, host: str = HOST) -> list[str]:
    """The command line of the Dagster UI and its daemon; prepares the persistent instance."""
    dagster_home(settings)
    return [
        sys.executable,
        "-m",
        "dagster",
        "dev",
        "--module-name",
        "pipelines.definitions",
        "--working-directory",
        str(settings.home),
        "--host",
        host,
        "--port",
        str(port),
    ]


def report_command(files: list[Path]) -> list[str]:
    """The command line that writes the report, which knows the dashboard's charts."""
    return [sys.executable, "-m", "dashboard.report", *(str(file.absolute()) for file in files)]


def refuse_busy_port(port: int, host: str = HOST) -> None:
    """Say so before a server does it in many lines.

    Raises MilexError when something listens on the port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise MilexError(
                f"Port {port} on {host} is busy ({error.strerror}): is it open already? Close it, "
                f"or choose another: --port {port + 1}"
            ) from error


def exposure(host: str, port: int) -> str | None:
    """A warning if a server listens where others can reach it; None on loopback."""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if loopback:
        return None
    return (
        f"Warning: {host}:{port} is open to the network, and there is no login: whoever reaches it "
        "can use it. docs/operations.md says how to put a login in front."
    )


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def run(command: list[str], settings: Settings) -> int:
    """Run a server until it is stopped; Ctrl-C and SIGTERM reach it as SIGINT and are no error.

    What does not heed that is ended, with every process that it began.
    """
    # SIGINT too: what a script starts in the background would ignore it, and so would the server.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, _interrupt)
    environment = {
        **ALLOCATOR,
        **os.environ,
        "DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "PYTHONUNBUFFERED": "1",
    }
    server = subprocess.Popen(command, cwd=settings.home, env=environment)
    try:
        return server.wait()
    except KeyboardInterrupt:
        family = _family(server.pid)
        server.send_signal(signal.SIGINT)
        try:
            server.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        return 0


def _family(pid: int) -> list[psutil.Process]:
    """A process and all that came from it; none if it has ended."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
