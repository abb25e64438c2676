"""A server that is stopped takes its process with it, whichever way it is stopped."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.browser.servers import until

SERVE = """
import sys
from pathlib import Path
from pipelines.serve import run
from pipelines.settings import Settings
home = Path(sys.argv[1])
code = "import time; print('up', flush=True); time.sleep(600)"
sys.exit(run([sys.executable, "-c", code], Settings(home=home, data=home, mirror=None)))
"""


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_no_server_is_left_behind(tmp_path: Path, stop: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as said:
        assert said.readline() == "up\n"
    (server,) = psutil.Process(process.pid).children()
    process.send_signal(stop)
    assert process.wait(30) == 0
    until(lambda: None if server.is_running() else True, 30, "the end of the server")
