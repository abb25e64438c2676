"""Real servers on loopback for the journeys: started, waited for, stopped, with nothing left over."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
STARTS_WITHIN = 90
STOPS_WITHIN = 20


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(look: Callable[[], T | None], within: float, what: str) -> T:
    """Look until there is something to see; fail after a deadline."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        seen = look()
        if seen is not None:
            return seen
        time.sleep(0.2)
    raise AssertionError(f"not within {within:.0f} s: {what}")


@contextmanager
def served(
    command: list[str], environment: dict[str, str], ready: str, folder: Path
) -> Iterator[None]:
    """Run a server until the block ends; ready: an address that answers when it is up."""
    log = folder / f"{Path(command[2]).name}.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until(lambda: _answers(server, ready, log), STARTS_WITHIN, f"{ready}\n{_end(log)}")
        yield
    finally:
        _stop(server)


def ask(url: str, query: str) -> dict:
    """A GraphQL query's data."""
    request = urllib.request.Request(
        f"{url}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        data: dict = json.load(answer)["data"]
    return data


def _answers(server: subprocess.Popen, url: str, log: Path) -> bool | None:
    if server.poll() is not None:
        raise AssertionError(f"the server ended with {server.returncode}:\n{_end(log)}")
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return True if answer.status == 200 else None
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return None


def _end(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-3000:]


def _stop(server: subprocess.Popen) -> None:
    """As Ctrl-C does; whatever of its session is left after that is killed."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    for process in _session(server.pid):
        os.kill(process, signal.SIGKILL)


def _session(leader: int) -> list[int]:
    """The processes of a session, from /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[3]) == leader and after_name[0] != "Z":
            found.append(int(stat.parent.name))
    return found
