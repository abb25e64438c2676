"""A publisher's server on this machine, with faults, and catalogues that point to it."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pipelines.sources.catalogue import Catalogue, CatalogueFile, Dataset
from pipelines.sources.download import Limits

QUICK = Limits(
    connect_s=5, read_s=0.3, total_s=30, attempts=3, backoff_s=0, retry_after_s=1, bytes=4 * 2**20
)


@dataclass
class Answer:
    """One answer. cut_after: bytes sent before the connection is dropped. silent: none at all.

    ranges: the rest is sent to whoever asks for it.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    silent: bool = False
    chunked: bool = False
    ranges: bool = False


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]


class Publisher:
    """Answers by path; a list is used up from the front, its last answer stays."""

    def __init__(self, url: str, done: threading.Event) -> None:
        self.url = url
        self.done = done
        self.asked: list[Asked] = []
        self._answers: dict[str, list[Answer]] = {}

    def on(self, path: str, *answers: Answer | bytes) -> str:
        """Answer at a path; returns its address."""
        self._answers[path] = [a if isinstance(a, Answer) else Answer(a) for a in answers]
        return self.url + path

    def answer(self, path: str) -> Answer:
        """The next answer at a path."""
        answers = self._answers.get(path, [Answer(b"<html>gone</html>", 404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def serving() -> Iterator[Publisher]:
    """A server on a free port of the loopback interface, stopped in any case."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.publisher = Publisher(  # type: ignore[attr-defined]
        f"http://127.0.0.1:{server.server_address[1]}", threading.Event()
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.publisher  # type: ignore[attr-defined]
    finally:
        server.publisher.done.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A guest that leaves early is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        publisher: Publisher = self.server.publisher  # type: ignore[attr-defined]
        publisher.asked.append(Asked(self.command, self.path, dict(self.headers)))
        answer = publisher.answer(self.path)
        if answer.silent:
            publisher.done.wait(20)
            self.close_connection = True
            return
        etag = answer.headers.get("ETag")
        if etag and self.headers.get("If-None-Match") == etag:
            self._head(304, {"ETag": etag}, None)
            return
        body, status, headers = answer.body, answer.status, dict(answer.headers)
        asked = self.headers.get("Range")
        if answer.ranges and asked and self.headers.get("If-Range") == etag:
            start = int(asked.removeprefix("bytes=").split("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body, status = body[start:], 206
        if answer.chunked:
            self._head(status, {**headers, "Transfer-Encoding": "chunked"}, None)
            self.wfile.write(f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")
            return
        self._head(status, headers, len(body))
        if self.command == "GET":
            self.wfile.write(body[: answer.cut_after])
        if answer.cut_after is not None:
            self.close_connection = True

    do_HEAD = do_GET

    def _head(self, status: int, headers: dict[str, str], length: int | None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def zipped(members: dict[str, bytes]) -> bytes:
    """An archive of these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def catalogue_of(publisher: Publisher, *files: CatalogueFile) -> Catalogue:
    """The three datasets, with their pages at the local server and these files alone."""
    about = {"citation": "Cite it.", "licence": "Its terms.", "ask": "Ask them."}
    datasets = {
        "SIPRI": Dataset(
            "SIPRI",
            "Military expenditure",
            page=f"{publisher.url}/databases/milex",
            links=r"SIPRI-Milex-data-\d{4}-(?P<version>20\d\d)[\w.-]*\.xlsx",
            **about,
        ),
        "ATOP": Dataset(
            "ATOP",
            "Alliances",
            page=f"{publisher.url}/data.html",
            links=r"atop_(?P<version>\d+\.\d+)[_.-]*csv_*\.zip",
            members=("atop{version}a.csv", "atop{version}ap.csv", "atop{version}m.csv"),
            **about,
        ),
        "COW": Dataset("COW", "Formal alliances", page=f"{publisher.url}/cow/", **about),
    }
    return Catalogue(datasets, files)


def everything_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
