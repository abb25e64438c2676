"""A machine of its own for systemd: the first process of new namespaces, which prints what it sees.

Mounts, processes and network are its own, so that the units of deploy/ run as they are: the checkout
lies in /opt/milex, the settings in /etc/milex.env, there is a user milex, and their ports are free.
systemd runs as a user's manager: it reads the same units, and leaves the real machine alone.
"""

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

PAGES = {
    "milex-webserver.service": "http://127.0.0.1:3000/server_info",
    "milex-dashboard@8501.service": "http://127.0.0.1:8501/_stcore/health",
}
UNITS = (*PAGES, "milex-daemon.service")
FINISHED = ("SUCCESS", "FAILURE", "CANCELED")
RUNS = '{"query": "{runsOrError {... on Runs {results {status}}}}"}'
LAUNCH = "dagster job launch -w deploy/workspace.yaml --location milex -j everything"
WAIT_SECONDS = 300


def main(checkout: Path, folder: Path) -> None:
    """folder: holds milex.env; written to."""
    furnish(checkout, folder)
    (folder / "run").mkdir(mode=0o700)
    os.environ |= {
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "SYSTEMD_UNIT_PATH": f"{checkout / 'deploy' / 'systemd'}:",
    }
    with (folder / "systemd.log").open("wb") as log:
        subprocess.Popen(
            ["/lib/systemd/systemd", "--user", "--log-target=console"], stdout=log, stderr=log
        )
    until(lambda: control("is-system-running").strip() in ("running", "degraded"), "systemd")
    control("start", *UNITS)
    all_answer()
    tell(begun=states(), users={shown(unit, "User") for unit in UNITS})

    settings = dict(line.split("=", 1) for line in (folder / "milex.env").read_text().splitlines())
    subprocess.run(
        f"/opt/milex/.venv/bin/{LAUNCH}".split(),
        cwd="/opt/milex",
        env=os.environ | settings,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    until(lambda: all(status in FINISHED for status in runs()), "the run has ended")
    tell(runs=runs())

    for unit in UNITS:
        os.kill(int(shown(unit, "MainPID")), signal.SIGKILL)
    until(lambda: all(shown(unit, "NRestarts") == "1" for unit in UNITS), "all were restarted")
    all_answer()
    tell(killed=states())

    control("stop", *UNITS)
    tell(stopped=states(), results={shown(unit, "Result") for unit in UNITS})


def furnish(checkout: Path, folder: Path) -> None:
    """Mount what the units expect, open the loopback, and have a group of processes for systemd."""
    for name in ("upper", "work"):
        (folder / name).mkdir()
    for command in (
        "mount -t tmpfs tmpfs /run/systemd",
        "mkdir /run/systemd/system",  # by this folder systemd knows that it is the machine's own
        "mount -t tmpfs tmpfs /opt",
        "mkdir /opt/milex",
        f"mount --bind {checkout} /opt/milex",
        f"mount -t overlay overlay -o lowerdir=/etc,upperdir={folder}/upper,workdir={folder}/work /etc",
        f"cp {folder}/milex.env /etc/milex.env",
    ):
        subprocess.run(command.split(), check=True)
    with Path("/etc/passwd").open("a", encoding="utf-8") as users:
        users.write(f"milex:x:{os.getuid()}:{os.getgid()}::/nonexistent:/bin/sh\n")
    with socket.socket() as any_socket:  # SIOCSIFFLAGS: IFF_UP
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))
    for tree in ("", "unified", "systemd"):
        if (Path("/sys/fs/cgroup") / tree / "cgroup.procs").exists():
            group = Path("/sys/fs/cgroup") / tree / folder.name
            group.mkdir()
            (group / "cgroup.procs").write_text("0")


def until(there: Callable[[], bool], what: str) -> None:
    """Wait; fail after a deadline."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not there():
        if time.monotonic() > deadline:
            sys.exit(f"not within {WAIT_SECONDS} s: {what}\n{control('status', *UNITS)}")
        time.sleep(0.2)


def all_answer() -> None:
    """Every unit is active, and those with a page show it."""
    for unit, page in PAGES.items():
        until(lambda page=page: answers(page), f"{unit} answers")
    until(lambda: set(states()) == {"active"}, "all are active")


def answers(page: str) -> bool:
    """Whether a page is there."""
    try:
        with urllib.request.urlopen(page, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def runs() -> list[str]:
    """How the runs stand, by the webserver."""
    request = urllib.request.Request(
        "http://127.0.0.1:3000/graphql", RUNS.encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        found = json.load(answer)["data"]["runsOrError"]["results"]
    return [run["status"] for run in found]


def control(*words: str) -> str:
    """Ask systemd."""
    asked = subprocess.run(
        ["systemctl", "--user", "--no-pager", *words], capture_output=True, text=True, check=False
    )
    return asked.stdout


def shown(unit: str, name: str) -> str:
    """A property of a unit."""
    return control("show", "-P", name, unit).strip()


def states() -> list[str]:
    """How the units stand."""
    return [shown(unit, "ActiveState") for unit in UNITS]


def tell(**seen: object) -> None:
    """One line for the test."""
    print(json.dumps(seen, default=sorted), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
