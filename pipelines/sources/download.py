"""Bytes from a publisher's address to a file: patient, polite, bounded; knows no data format."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.util import Retry

from pipelines.errors import MilexError

USER_AGENT = f"milex/{version('milex')} (research software; asks once and keeps what it gets)"
BUSY = (429, 500, 502, 503, 504)
CHUNK_BYTES = 64 * 1024
PAGE_BYTES = 4 * 2**20

Advance = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Limits:
    """How long to wait, how often to try, how much to accept; times in seconds.

    attempts: of a request that is refused for now, and of a transfer that is cut. retry_after_s:
    the longest wait that a publisher may ask for. total_s: for one file.
    """

    connect_s: float = 10
    read_s: float = 30
    total_s: float = 1800
    attempts: int = 4
    backoff_s: float = 1
    retry_after_s: int = 60
    bytes: int = 256 * 2**20


@dataclass(frozen=True)
class Received:
    """What a publisher says of the bytes that it sent."""

    etag: str | None
    last_modified: str | None


class NotThere(MilexError):
    """The publisher answers, and has nothing at this address."""


class Client:
    """One guest at the publishers' servers."""

    def __init__(self, limits: Limits) -> None:
        """Retries, and the waits that a server asks for, are urllib3's."""
        self._limits = limits
        self._session = requests.Session()
        self._session.max_redirects = 10
        # Bytes as they are: lengths mean something, and a cut transfer can go on.
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        patience = Retry(
            total=limits.attempts - 1,
            connect=1,  # no network stays none for a while
            backoff_factor=limits.backoff_s,
            status_forcelist=BUSY,
            raise_on_status=False,
            retry_after_max=limits.retry_after_s,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=patience))

    def page(self, url: str) -> str:
        """The text of a web page; raises MilexError where there is none."""
        with self._ask("GET", url) as response:
            try:
                content: bytes = response.raw.read(PAGE_BYTES, decode_content=True)
            except HTTPError as error:
                raise MilexError(f"{url} was cut off ({error}). Try again later.") from error
        return content.decode("utf-8", "replace")

    def version(self, url: str) -> str:
        """What tells this version of a file from the next: its ETag or date, '' if neither."""
        with self._ask("HEAD", url) as response:
            return response.headers.get("ETag") or response.headers.get("Last-Modified") or ""

    def download(
        self,
        url: str,
        target: Path,
        advance: Advance,
        conditions: Mapping[str, str] | None = None,
    ) -> Received | None:
        """Write what is at `url` to `target`; None if the publisher says that it is unchanged.

        A transfer that is cut goes on where it stopped if the publisher can, and begins again if
        not. advance: called with the bytes so far and those expected.
        Raises MilexError when it does not arrive whole within the limits, or cannot be written.
        """
        transfer = _Transfer(url, self._limits, advance)
        try:
            with target.open("wb") as out:
                for attempt in range(self._limits.attempts):
                    time.sleep(self._limits.backoff_s * (2**attempt - 1))
                    headers = transfer.headers(out) or conditions or {}
                    with self._ask("GET", url, headers) as response:
                        if response.status_code == requests.codes.not_modified:
                            return None
                        if transfer.receive(response, out):
                            return transfer.received
        except OSError as error:
            raise MilexError(
                f"{target.parent} cannot take {_name(url)}: {error.strerror or error}. Free some "
                "space or change the folder's permissions, then fetch again."
            ) from error
        reason = _reason(transfer.fault) if transfer.fault else "no reason given"
        raise MilexError(
            f"{url} was cut off {self._limits.attempts} times ({reason}). Try again later."
        )

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        try:
            response = self._session.request(
                method,
                url,
                headers=headers,
                stream=True,
                allow_redirects=True,
                timeout=(self._limits.connect_s, self._limits.read_s),
            )
        except requests.exceptions.InvalidSchema as error:
            raise MilexError(
                f"{url} leads to an address that is neither http nor https ({error}). Nothing was "
                "taken from there."
            ) from error
        except requests.RequestException as error:
            raise MilexError(
                f"{urlsplit(url).netloc} cannot be reached ({_reason(error)}). Check the network, "
                "or try again later."
            ) from error
        if response.status_code in (404, 410):
            raise NotThere(f"{response.url} is not there ({response.status_code}).")
        if not response.ok:
            busy = response.status_code in BUSY
            raise MilexError(
                f"{response.url} answers {response.status_code} {response.reason}"
                f"{f' in {self._limits.attempts} attempts' if busy else ''}. Try "
                f"{'again later' if busy else 'a browser; a file from there goes into data/raw/'}."
            )
        return response


class _Transfer:
    """One file on its way, over as many connections as it takes."""

    def __init__(self, url: str, limits: Limits, advance: Advance) -> None:
        self.received = Received(None, None)
        self.fault: Exception | None = None
        self._url = url
        self._limits = limits
        self._advance = advance
        self._deadline = time.monotonic() + limits.total_s

    def headers(self, out: BinaryIO) -> dict[str, str]:
        """What asks for the rest of the same bytes; empty where that cannot be asked for."""
        etag = self.received.etag
        strong = None if etag is None or etag.startswith("W/") else etag
        same = strong or self.received.last_modified
        return {"Range": f"bytes={out.tell()}-", "If-Range": same} if out.tell() and same else {}

    def receive(self, response: requests.Response, out: BinaryIO) -> bool:
        """Write what comes; False if it was cut off."""
        goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {out.tell()}-")
        if not goes_on:
            out.seek(0)
            out.truncate()
        start = out.tell()
        length = response.headers.get("Content-Length", "")
        expected = start + int(length) if length.isdigit() else None
        if not start:
            self.received = Received(
                response.headers.get("ETag"), response.headers.get("Last-Modified")
            )
        try:
            if response.status_code == requests.codes.partial_content and not goes_on:
                raise ProtocolError("another part was sent than was asked for")
            while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
                out.write(chunk)
                self._refuse_excess(max(out.tell(), expected or 0))
                self._advance(out.tell(), expected)
        except HTTPError as error:
            self.fault = error
            return False
        return True

    def _refuse_excess(self, size: int) -> None:
        if size > self._limits.bytes:
            raise MilexError(
                f"{self._url} is larger than the {self._limits.bytes:,} bytes that any of these "
                "files needs: refused. Look at the address in a browser."
            )
        if time.monotonic() > self._deadline:
            raise MilexError(
                f"{self._url} did not arrive within {self._limits.total_s:,.0f} s. Try again later."
            )


def _name(url: str) -> str:
    return urlsplit(url).path.rsplit("/", 1)[-1]


def _reason(error: Exception) -> str:
    """The innermost cause: requests and urllib3 wrap it in several layers."""
    inner = getattr(error, "reason", None) or next(
        (argument for argument in error.args if isinstance(argument, Exception)), None
    )
    if isinstance(inner, Exception):
        return _reason(inner)
    return str(error).rpartition("): ")[2] or type(error).__name__
