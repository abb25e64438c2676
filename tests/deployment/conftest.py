"""Servers that a larger installation has, real ones, on loopback."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import s3fs

from bench import storage
from tests.conftest import absent

WAIT_SECONDS = 120
BUCKET = "milex"


def wait_until(there: Callable[[], bool], what: str, process: subprocess.Popen[bytes]) -> None:
    """Wait for a server; fail when it ends or takes too long."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not there():
        assert process.poll() is None, f"{what} ended with {process.returncode}"
        assert time.monotonic() < deadline, f"{what} did not start"
        time.sleep(0.05)


@dataclass(frozen=True)
class S3:
    """A local S3 server with an empty bucket, and the requests that it answered."""

    port: int
    log: Path
    monkeypatch: pytest.MonkeyPatch

    def reach(self, port: int) -> None:
        """Have this process, and those it starts, look for S3 at a port."""
        self.monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        s3fs.S3FileSystem.clear_instance_cache()

    def go_away(self) -> None:
        """Nothing listens where S3 was."""
        self.reach(storage.free_port())

    def gets(self, key: str) -> int:
        """How often an object was asked for."""
        return self.log.read_text(encoding="utf-8").count(f"GET /{BUCKET}/{key} HTTP")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """moto's server: its port and its log."""
    log = tmp_path_factory.mktemp("s3") / "s3.log"
    with storage.s3_server(log) as port:
        yield port, log


@pytest.fixture
def s3(s3_server: tuple[int, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """A local S3 server that this process and those it starts use."""
    for name, value in storage.AWS.items():
        monkeypatch.setenv(name, value)
    # What is away is away at once: a real installation asks several times.
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    port, log = s3_server
    server = S3(port, log, monkeypatch)
    server.reach(port)
    s3fs.S3FileSystem().mkdir(BUCKET)
    yield server
    server.reach(port)
    s3fs.S3FileSystem().rm(BUCKET, recursive=True)


def _binaries() -> Path:
    """Debian keeps PostgreSQL's programs off the PATH, a folder for each version."""
    found = shutil.which("initdb")
    folders = (
        [Path(found).resolve().parent]
        if found
        else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    )
    if not folders:
        absent("there is no PostgreSQL (Debian: postgresql)")
    return folders[-1]


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server: its URL, and the one by which it is reached without a network."""

    url: str
    by_socket: str


@pytest.fixture
def postgresql() -> Iterator[Postgres]:
    """A new PostgreSQL server. It refuses root, so root starts it as somebody else."""
    binaries = _binaries()
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    as_user = {"user": user.pw_uid, "group": user.pw_gid} if user else {}
    # pytest's own folders are closed to other users.
    with tempfile.TemporaryDirectory(prefix="milex-postgresql-") as name:
        folder = Path(name)
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        data, port = folder / "data", storage.free_port()
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "milex", "-A", "trust", "--no-sync"],
            cwd=folder,
            check=True,
            capture_output=True,
            **as_user,
        )
        server = subprocess.Popen(
            [
                binaries / "postgres",
                "-D",
                data,
                "-k",
                folder,
                "-h",
                "127.0.0.1",
                "-p",
                str(port),
                "-F",
            ],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **as_user,
        )
        try:
            ready = [binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            wait_until(
                lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL", server
            )
            user_at = "postgresql+psycopg2://milex@"
            yield Postgres(
                f"{user_at}127.0.0.1:{port}/postgres",
                f"{user_at}/postgres?host={folder}&port={port}",
            )
        finally:
            server.terminate()
            server.wait(WAIT_SECONDS)
