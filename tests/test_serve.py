"""A server that is stopped takes its processes with it, whichever way it is stopped."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.browser.servers import until

# A server with a process of its own, as Dagster has several; it ends it when it is interrupted.
SERVER = """
import signal, subprocess, sys
if "deaf" in sys.argv:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
try:
    print("up", flush=True)
    worker.wait()
finally:
    worker.kill()
"""
SERVE = """
import sys
from pathlib import Path
from pipelines import serve
from pipelines.settings import Settings
serve.PATIENCE_S = 5
home = Path(sys.argv[1])
command = [sys.executable, "-c", *sys.argv[2:]]
sys.exit(serve.run(command, Settings(home=home, data=home, mirror=None)))
"""
# A script's shell lets what it starts in the background ignore the interrupt.
IN_BACKGROUND = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]


@pytest.mark.parametrize(
    ("before", "words", "stop"),
    [
        ([], [], signal.SIGTERM),
        ([], [], signal.SIGINT),
        (IN_BACKGROUND, [], signal.SIGTERM),
        ([], ["deaf"], signal.SIGTERM),
    ],
    ids=["terminated", "interrupted", "in the background of a script", "deaf"],
)
def test_nothing_of_a_server_is_left_behind(
    tmp_path: Path, before: list[str], words: list[str], stop: signal.Signals
) -> None:
    process = subprocess.Popen(
        [*before, sys.executable, "-c", SERVE, str(tmp_path), SERVER, *words],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as said:
        assert said.readline() == "up\n"
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) == 2
    process.send_signal(stop)
    try:
        assert process.wait(30) == 0
        until(
            lambda: None if any(one.is_running() for one in family) else True, 10, "all have ended"
        )
    finally:
        for one in family:
            if one.is_running():
                one.kill()
