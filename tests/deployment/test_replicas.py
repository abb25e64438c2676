"""Snapshots on shared storage: a publisher, replicas that follow, and what happens to bad objects."""

import json
import logging
import os
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import duckdb
import fsspec
import pytest

from pipelines import publish, remote, replicas
from pipelines.errors import MilexError
from pipelines.models import Column, Model
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse
from tests.conftest import ROOT, BuiltData
from tests.deployment.conftest import BUCKET, S3, WAIT_SECONDS, wait_until
from tests.faults import house

TABLE = Model.of_table(
    "main.answer", "One row.", ("answer",), (Column("answer", "INTEGER", None, "it"),)
)

# A replica at work: asks on and on, as sessions do, and says which snapshot answered what.
REPLICA = """
import logging, time
logging.disable(logging.INFO)
logging.getLogger("streamlit").setLevel(logging.ERROR)
from dashboard import data
from pipelines import replicas
replicas.POLL_SECONDS = 0.2
while True:
    snapshot = data.current()
    # Asked in pairs: what a page began with, it ends with.
    answers = [snapshot.rows("SELECT answer FROM answer WHERE ? = ?", i, i).rows[0][0]
               for i in (time.monotonic(), 0)]
    print(data.name_of(snapshot), *answers, flush=True)
    time.sleep(0.02)
"""


@pytest.fixture
def publisher(tmp_path: Path) -> Settings:
    """A machine with a pipeline."""
    return Settings(ROOT, tmp_path / "publisher", None)


def published(settings: Settings, answer: int) -> Path:
    """Publish a small snapshot on this machine."""
    with open_warehouse(settings.warehouse) as warehouse:
        warehouse.execute(f"CREATE OR REPLACE TABLE main.answer AS SELECT {answer} AS answer")
        return publish.publish(settings, warehouse, [TABLE], [], {})


def answer_of(settings: Settings) -> int:
    with duckdb.connect(str(settings.pointer.resolve()), read_only=True) as connection:
        return int(connection.execute("FROM answer").fetchall()[0][0])


def at(settings: Settings, url: str, data: Path | None = None) -> Settings:
    """The same, or another machine, with shared storage."""
    return replace(settings, snapshots_url=url, data=data or settings.data)


def test_three_replicas_go_over_to_a_new_snapshot_in_the_middle_of_their_work(
    s3: S3, publisher: Settings, tmp_path: Path
) -> None:
    """Two of them on one machine: one of these fetches for both."""
    shared = at(publisher, f"s3://{BUCKET}/snapshots")
    first = published(shared, 1)
    replicas.share(shared, first)

    at_work = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", REPLICA],
            cwd=ROOT,
            env={
                **os.environ,
                "MILEX_DATA": str(tmp_path / machine),
                "MILEX_SNAPSHOTS_URL": str(shared.snapshots_url),
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        for machine in ("one", "one", "two")
    ]
    try:
        for replica in at_work:
            assert told(replica, lambda line: True) == [f"{first.stem} 1 1"]
        second = published(shared, 2)
        replicas.share(shared, second)
        for replica in at_work:
            said = told(replica, lambda line: line.startswith(second.stem))
            assert set(said) == {f"{first.stem} 1 1", f"{second.stem} 2 2"}
            assert said[-1] == f"{second.stem} 2 2"
    finally:
        for replica in at_work:
            replica.kill()
            replica.communicate()

    assert s3.gets(f"snapshots/{first.name}") == 2
    assert s3.gets(f"snapshots/{second.name}") == 2


def told(replica: subprocess.Popen[str], last: Callable[[str], bool]) -> list[str]:
    """What a replica says, up to and with the line that is waited for."""
    assert replica.stdout is not None
    said = []
    for line in replica.stdout:
        said.append(line.strip())
        if last(said[-1]):
            return said
    raise AssertionError(f"the replica ended: {said[-3:]}")


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:-1000], lambda whole: whole[:-1] + b"?"], ids=["cut", "changed"]
)
def test_a_damaged_object_is_refused_and_the_old_snapshot_stays(
    s3: S3, publisher: Settings, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    shared = at(publisher, f"s3://{BUCKET}")
    replica = at(shared, f"s3://{BUCKET}", tmp_path / "replica")
    replicas.share(shared, published(shared, 1))
    replicas.follow(replica)
    second = published(shared, 2)
    replicas.share(shared, second)
    files, root = remote.storage(f"s3://{BUCKET}")
    whole = files.cat_file(f"{root}/{second.name}")
    files.pipe_file(f"{root}/{second.name}", damage(whole))

    with pytest.raises(MilexError, match=f"{second.name} was refused; the snapshot before stays"):
        replicas.follow(replica)
    assert answer_of(replica) == 1
    assert [path.name for path in replica.snapshots.glob("*2*tmp")] == []

    files.pipe_file(f"{root}/{second.name}", whole)
    replicas.follow(replica)
    assert answer_of(replica) == 2


def test_while_s3_is_away_a_replica_goes_on_and_says_so_once(
    s3: S3, publisher: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shared = at(publisher, f"s3://{BUCKET}")
    replica = at(shared, f"s3://{BUCKET}", tmp_path / "replica")
    replicas.share(shared, published(shared, 1))
    follower = replicas.Follower(replica)
    follower.look()
    assert answer_of(replica) == 1

    s3.go_away()
    with caplog.at_level(logging.WARNING, logger="milex"):
        follower.look()
        follower.look()
    said = [record.getMessage() for record in caplog.records if record.name == "milex"]
    assert len(said) == 1
    assert "cannot be reached" in said[0]
    assert answer_of(replica) == 1
    with pytest.raises(MilexError, match="is published here, but could not be put on"):
        replicas.share(shared, published(shared, 2))


def test_a_build_whose_sharing_fails_says_that_the_snapshot_is_published_here(
    s3: S3, excerpt_data: BuiltData, tmp_path: Path
) -> None:
    here = house.copied(excerpt_data.settings, tmp_path)
    nowhere = "s3://no-such-bucket/snapshots"
    with house.milex(here, "build", "--force", MILEX_SNAPSHOTS_URL=nowhere) as build:
        _, said = build.communicate(timeout=WAIT_SECONDS)
    published_here = publish.current_snapshot(here)
    assert build.returncode == 1
    assert published_here is not None
    assert published_here.name != excerpt_data.snapshot.name
    (message,) = (line for line in said.splitlines() if line.startswith("milex: "))
    assert f"{published_here.name} is published here, but could not be put on" in message
    assert "untouched" not in message


@pytest.mark.parametrize("url", ["memory://shared/snapshots", "file://{}/shared/snapshots"])
def test_any_storage_that_fsspec_knows_will_do(
    publisher: Settings, tmp_path: Path, url: str
) -> None:
    shared = at(publisher, url.format(tmp_path))
    replica = at(shared, str(shared.snapshots_url), tmp_path / "replica")
    with pytest.raises(MilexError, match="Nothing has been published"):
        replicas.follow(replica)
    for answer in range(1, publish.KEPT_SNAPSHOTS + 3):
        replicas.share(shared, published(shared, answer))
        replicas.follow(replica)
        assert answer_of(replica) == answer

    files, root = remote.storage(str(shared.snapshots_url))
    assert len(files.glob(f"{root}/*.duckdb")) == publish.KEPT_SNAPSHOTS
    assert len(publish.snapshots(replica)) == publish.KEPT_SNAPSHOTS
    replicas.share(shared, publish.rollback(shared))
    replicas.follow(replica)
    assert answer_of(replica) == publish.KEPT_SNAPSHOTS + 1
    files.rm(root, recursive=True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"name": "x"}',
        b'{"name": "../x", "sha256": "", "size_bytes": 0, "built_at": ""}',
    ],
)
def test_a_pointer_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(MilexError, match=r"current\.json"):
        replicas.Manifest.read(content, "current.json")


def test_a_manifest_describes_the_snapshot(publisher: Settings) -> None:
    snapshot = published(publisher, 1)
    manifest = replicas.Manifest.of(snapshot)

    assert replicas.Manifest.read(manifest.write(), "manifest") == manifest
    assert json.loads(manifest.write()).keys() == {"name", "sha256", "size_bytes", "built_at"}
    assert (manifest.name, manifest.size_bytes) == (snapshot.name, snapshot.stat().st_size)


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MilexError, match=r"s3://b/p needs the package s3fs.*'\.\[s3\]'"):
        remote.storage("s3://b/p")


def test_a_protocol_that_nobody_knows_is_refused() -> None:
    with pytest.raises(MilexError, match="nowhere://x names no storage"):
        remote.storage("nowhere://x")


FOLLOW = "replicas.follow(load_settings())"
REFRESH = "remote.refresh_mirror(load_settings())"


@pytest.mark.parametrize("transfer", [FOLLOW, REFRESH], ids=["snapshot", "mirror"])
def test_what_a_killed_transfer_left_goes_with_the_next(
    s3: S3, publisher: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transfer: str
) -> None:
    """A process is killed while S3 has sent a part of a file."""
    replicas.share(at(publisher, f"s3://{BUCKET}/snapshots"), published(publisher, 1))
    with fsspec.open(f"s3://{BUCKET}/raw/a.csv", "wb") as there:
        there.write(bytes(2**20))
    data = tmp_path / "here"
    monkeypatch.setenv("MILEX_DATA", str(data))
    monkeypatch.setenv("MILEX_SNAPSHOTS_URL", f"s3://{BUCKET}/snapshots")
    monkeypatch.setenv("MILEX_MIRROR", f"s3://{BUCKET}/raw")
    program = (
        "from pipelines import remote, replicas\n"
        f"from pipelines.settings import load_settings\n{transfer}"
    )

    def begin() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)

    def left() -> list[Path]:
        return list(data.rglob(".*.tmp"))

    with stalling(s3.port, after=100_000) as port:
        s3.reach(port)
        victim = begin()
        wait_until(lambda: left() != [], "the transfer", victim)
        victim.kill()
        victim.wait(WAIT_SECONDS)
    assert len(left()) == 1

    s3.reach(s3.port)
    assert begin().wait(WAIT_SECONDS) == 0
    assert left() == []


@contextmanager
def stalling(server: int, after: int) -> Iterator[int]:
    """A way to a server that lets so many bytes of answers through and then no more; its port."""
    gone, left = threading.Event(), [after]

    class Way(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", server)) as upstream:
                asking = threading.Thread(target=self.ask, args=(upstream,))
                asking.start()
                with suppress(OSError):  # the one who asked was killed
                    while (part := upstream.recv(4096)) and left[0] > 0:
                        self.request.sendall(part)
                        left[0] -= len(part)
                    if part:
                        gone.wait(WAIT_SECONDS)
                    self.request.shutdown(socket.SHUT_RDWR)
                asking.join()

        def ask(self, upstream: socket.socket) -> None:
            with suppress(OSError):
                while part := self.request.recv(4096):
                    upstream.sendall(part)
                upstream.shutdown(socket.SHUT_WR)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Way) as listening:
        listening.daemon_threads = False  # all of them have ended with it
        threading.Thread(target=listening.serve_forever).start()
        try:
            yield int(listening.server_address[1])
        finally:
            gone.set()
            listening.shutdown()


class TestMirror:
    """Publishers' files on shared storage."""

    @pytest.fixture
    def here(self, s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
        """A machine whose mirror is on S3, with two files there."""
        from pipelines.settings import load_settings

        monkeypatch.setenv("MILEX_MIRROR", f"s3://{BUCKET}/raw")
        monkeypatch.setenv("MILEX_DATA", str(tmp_path / "here"))
        with fsspec.open(f"s3://{BUCKET}/raw/atop/a.csv", "wb") as there:
            there.write(b"one")
        with fsspec.open(f"s3://{BUCKET}/raw/b.csv", "wb") as there:
            there.write(b"two")
        remote._say_once.cache_clear()
        return load_settings()

    def contents(self, settings: Settings) -> dict[str, bytes]:
        assert settings.mirror is not None
        return {
            path.relative_to(settings.mirror).as_posix(): path.read_bytes()
            for path in settings.mirror.rglob("*")
            if path.is_file() and path.name not in (remote.FETCHED, remote.LOCK)
        }

    def test_a_file_is_fetched_once_and_again_when_it_changes(self, here: Settings, s3: S3) -> None:
        # Two at once, as a first build and its reader are.
        with ThreadPoolExecutor(2) as both:
            list(both.map(remote.refresh_mirror, [here, here]))
        for _ in range(2):
            remote.refresh_mirror(here)
            assert self.contents(here) == {"atop/a.csv": b"one", "b.csv": b"two"}
        assert s3.gets("raw/b.csv") == 1

        with fsspec.open(f"s3://{BUCKET}/raw/b.csv", "wb") as there:
            there.write(b"new")
        files, _ = remote.storage(f"s3://{BUCKET}")
        files.rm(f"{BUCKET}/raw/atop/a.csv")
        remote.refresh_mirror(here)
        assert self.contents(here) == {"b.csv": b"new"}

    def test_while_it_is_away_what_was_fetched_counts(
        self, here: Settings, s3: S3, caplog: pytest.LogCaptureFixture
    ) -> None:
        remote.refresh_mirror(here)
        s3.go_away()
        with caplog.at_level(logging.WARNING, logger="milex"):
            remote.refresh_mirror(here)
            remote.refresh_mirror(here)
        assert [record.name for record in caplog.records].count("milex") == 1
        assert self.contents(here) == {"atop/a.csv": b"one", "b.csv": b"two"}

        (here.mirror / remote.FETCHED).unlink()
        with pytest.raises(MilexError, match="cannot be listed"):
            remote.refresh_mirror(here)

    def test_an_empty_one_is_a_mistake(self, here: Settings) -> None:
        with pytest.raises(MilexError, match="there are no files below"):
            remote.refresh_mirror(replace(here, mirror_url=f"s3://{BUCKET}/elsewhere"))

    def test_the_pipeline_finds_its_files(self, here: Settings) -> None:
        from pipelines.sources.find import possible_files

        found = [(origin, path.name) for origin, path in possible_files(here)]
        assert found == [("mirror", "a.csv"), ("mirror", "b.csv")]


def test_what_comes_short_is_not_kept(tmp_path: Path) -> None:
    files, _ = remote.storage("memory://short")
    files.pipe_file("/short/a", b"12345")
    with pytest.raises(MilexError, match="5 bytes came, 6 were expected"):
        remote.fetch(files, "/short/a", tmp_path / "a", 6)
    assert list(tmp_path.iterdir()) == []
