"""Files made to exhaust the memory or the time are refused, or read, within little of both."""

import json
import subprocess
import sys
from pathlib import Path

from tests.fuzz.bombs import bombs

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300


def test_no_file_exhausts_memory_or_time(tmp_path: Path) -> None:
    """In one process, as an application reads them: a file that ended it would end the rest."""
    expected = {}
    for name, content, says in bombs():
        (tmp_path / name).write_bytes(content)
        expected[name] = says
    reading = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.bombs", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    said = dict(json.loads(line) for line in reading.stdout.splitlines())
    unread = [name for name in sorted(expected) if name not in said]
    assert not unread, f"the process ended at {unread[0]}: {reading.stderr[-2000:]}"
    for name, says in expected.items():
        assert says in said[name], name
