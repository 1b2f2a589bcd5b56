"""Download the weights of a network, file by file, and check what came."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import http.client
import os
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ...core.errors import Cancelled, Message, MessageError, Phrase, WeightsError, join_messages, reason_of
from ...core.files import atomic_replace
from ...core.weights import WEIGHTS_FOLDER_HINT, Weights, WeightsFile, weights_checksum
from ..locks import file_lock, open_regular
from . import ProgressEvent
from .environment import free_space

HUB = "https://huggingface.co"
"""The first source; the variable HF_ENDPOINT replaces it by a mirror, as in the hub's own programs."""

SERVER_TIMEOUT_S = 30.0
"""Seconds without data after which a connection has failed."""

READ_SIZE = 1 << 20
"""Bytes read from the server at a time."""

REPORT_INTERVAL_S = 0.25
"""Seconds between two reports of progress."""

MAX_CONNECTIONS = 5
"""The most connections to one source, each of which must have brought data."""

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")


def source_urls(weights: Weights, file: WeightsFile) -> tuple[str, ...]:
    """Return the addresses of a file of weights, in the order in which they are tried."""
    hub = os.environ.get("HF_ENDPOINT") or HUB
    url = f"{hub.rstrip('/')}/{weights.repository}/resolve/{weights.revision}/{file.name}"
    return (url, weights.release) if weights.release and file == weights.files[0] else (url,)


def host_of(url: str) -> str:
    """Return the name of the server in an address."""
    url = _split_login(url)[0]
    return url.partition("://")[2].partition("/")[0] or url


def download(folder: Path, weights: Weights, report: Callable[[ProgressEvent], None], cancelled: Callable[[], bool],
             online: bool) -> Path:
    """Download the weights of a network, continuing an interrupted download.

    Args:
        folder: the folder of weights; the files come into the subfolder that the weights name.
        report: called with the progress.
        cancelled: called often; the download stops when it returns true.
        online: whether the user allows network access.

    Returns:
        The path of the first file.

    Raises:
        WeightsError: the weights cannot be downloaded.
        Cancelled: `cancelled()` returned true; another download continues this one.
    """
    if not online:
        raise WeightsError("{network}'s weights {file} are not downloaded while Blender is offline; turn on Preferences > "
                           "System > Network > Allow Online Access, or choose a folder that has them ({chosen}).",
                           network=weights.label, file=weights.description, chosen=WEIGHTS_FOLDER_HINT)
    target = folder / weights.folder
    for file in reversed(weights.files):  # the small ones first: with the first file all are there
        download_file(target, weights, file, source_urls(weights, file), report, cancelled)
    return target / weights.files[0].name


def download_file(folder: Path, weights: Weights, file: WeightsFile, urls: Sequence[str],
                  report: Callable[[ProgressEvent], None], cancelled: Callable[[], bool]) -> Path:
    """Download one file into a folder; raise as `download` does.

    urls: addresses of the file, tried in order.
    """
    job = Download(folder, weights.label, file, tuple(urls), report, cancelled)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file_lock(job.lock, WeightsError):
            return job.run()
    except OSError as error:
        raise job.failure(reason_of(error)) from error


class _SourceFailed(MessageError):
    """One source cannot provide the file; the message is a clause that says why."""


class _ConnectionFailed(Exception):
    """A connection to a source has failed; the text says why."""


@dataclass(frozen=True)
class Download:
    """One download of a file; see `download_file` for the attributes.

    network: whose weights these are, in messages.
    """

    folder: Path
    network: str
    file: WeightsFile
    urls: tuple[str, ...]
    report: Callable[[ProgressEvent], None]
    cancelled: Callable[[], bool]

    @property
    def target(self) -> Path:
        """The complete file."""
        return self.folder / self.file.name

    @property
    def part(self) -> Path:
        """The partial file."""
        return self.folder / f".{self.file.name}.part"

    @property
    def lock(self) -> Path:
        """The file that is locked during the download."""
        return self.folder / f".{self.file.name}.lock"

    def run(self) -> Path:
        """Download from the first source that provides the file; return its path."""
        reasons = []
        for url in self.urls:
            try:
                job = self.with_published_facts(url)
                if job.is_complete():
                    self.report_progress(1, Message("The weights are there already."), 1.0)
                    return self.target
                job.check_space()
                job.fetch(url)
                job.verify()
            except _SourceFailed as failed:
                reasons.append(Phrase("{host}: {reason}", host=host_of(url), reason=failed.message))
                self.report_progress(1, reasons[-1])
                continue
            atomic_replace(self.part, self.target)
            self.report_progress(2, Message("{file} is complete.", file=self.target), 1.0)
            return self.target
        raise self.failure(join_messages(reasons, "; "))

    def with_published_facts(self, url: str) -> Download:
        """Return the download with the file's size and checksum, from the source where they are not known beforehand."""
        if self.file.size and self.file.sha256:
            return self
        size, checksum = published_facts(url)
        if not (self.file.sha256 or checksum):
            raise _SourceFailed(Phrase("the server does not tell the file's checksum"))
        return dataclasses.replace(self, file=WeightsFile(self.file.name, size, self.file.sha256 or checksum))

    def is_complete(self) -> bool:
        """Whether the file is there already."""
        return (self.target.is_file() and self.target.stat().st_size == self.file.size
                and file_checksum(self.target, self.file.sha256) == self.file.sha256)

    def bytes_received(self) -> int:
        """Return the size of the partial file; 0 where it is larger than the weights, and so must be another file."""
        try:
            count = self.part.stat().st_size
        except FileNotFoundError:
            return 0
        return count if count <= self.file.size else 0

    def check_space(self) -> None:
        """Raise WeightsError where the drive has too little free space."""
        needed, free = self.file.size - self.bytes_received(), free_space(self.folder)
        if free < needed:
            raise self.failure(Phrase("{needed:.0f} MB more are needed, but only {free:.0f} MB are free on its drive",
                                      needed=needed / 1e6, free=free / 1e6))

    def fetch(self, url: str) -> None:
        """Complete the partial file from one source; raise _SourceFailed, or OSError where the file cannot be written."""
        with _source_errors(url):
            check_is_secure(url)
            self.fetch_all(url)

    def fetch_all(self, url: str) -> None:
        """Do the same without handling HTTP errors; reconnect after a failure as long as each connection brought data."""
        for _ in range(MAX_CONNECTIONS):
            offset = self.bytes_received()
            if offset == self.file.size:
                return
            try:
                self.fetch_from(url, offset)
            except _ConnectionFailed:
                if self.bytes_received() <= offset:
                    raise
            if self.bytes_received() <= offset:
                break
        if self.bytes_received() != self.file.size:
            raise _SourceFailed("the connection broke after {size:.1f} MB", size=self.bytes_received() / 1e6)

    def fetch_from(self, url: str, offset: int) -> None:
        """Use one connection, from byte `offset` on where the server supports that, else from the start."""
        detail = Phrase("From {host} to {folder}", host=host_of(url), folder=self.folder)
        self.report_progress(1, detail, offset / self.file.size)
        with self.open_response(url, offset) as response:
            if response.status != 206:
                offset = 0
            elif not str(response.headers.get("Content-Range", "")).startswith(f"bytes {offset}-"):
                raise _SourceFailed("the server sent another part of it than it was asked for")
            # The login page of a public network would have another size.
            if response.length is not None and offset + response.length != self.file.size:
                raise _SourceFailed("its file has {size} bytes instead of {expected}", size=offset + response.length,
                                    expected=self.file.size)
            with self.open_part(offset) as file:
                self.copy(response, file, offset)

    def open_response(self, url: str, offset: int) -> Any:
        """Open a connection from byte `offset` on; from the start where the server's file is shorter."""
        try:
            return _open_url(url, offset)
        except urllib.error.HTTPError as error:
            # The server's file is shorter than our partial file, which must be of another file.
            if error.code != 416 or not offset:
                raise
            error.close()
            return _open_url(url, 0)

    def open_part(self, offset: int) -> IO[bytes]:
        """Open the partial file to write from byte `offset` on, and truncate it there."""
        file = os.fdopen(open_regular(self.part, os.O_WRONLY | os.O_CREAT), "wb")
        file.truncate(offset)
        file.seek(offset)
        return file

    def copy(self, response: Any, file: IO[bytes], offset: int) -> None:
        """Copy what the server sends to the file, reporting the progress."""
        started = reported = time.monotonic()
        received = offset
        while block := _read(response):
            if self.cancelled():
                raise Cancelled("The download was cancelled; downloading again goes on from here.")
            received += len(block)
            if received > self.file.size:
                raise self.reject(Phrase("what came is longer than {size} bytes and was removed", size=self.file.size))
            file.write(block)
            now = time.monotonic()
            if now - reported >= REPORT_INTERVAL_S:
                reported = now
                speed = (received - offset) / (now - started) / 1e6
                detail = Phrase("{done:.1f} of {whole:.1f} MB, {speed:.1f} MB/s", done=received / 1e6,
                                whole=self.file.size / 1e6, speed=speed)
                self.report_progress(1, detail, received / self.file.size)

    def verify(self) -> None:
        """Compare the checksum of the partial file; raise _SourceFailed and remove the file where it differs."""
        self.report_progress(2, Phrase("Comparing the checksum"))
        found = file_checksum(self.part, self.file.sha256)
        if found != self.file.sha256:
            raise self.reject(Phrase("what came has another checksum ({found}, not {wanted}) and was removed", found=found,
                                     wanted=self.file.sha256))

    def reject(self, reason: Phrase) -> _SourceFailed:
        """Remove the partial file, which is wrong, so that the next source or download starts anew; return the exception."""
        self.part.unlink(missing_ok=True)
        return _SourceFailed(reason)

    def failure(self, reason: str) -> WeightsError:
        """Return the exception for a failed download; the reason is a clause."""
        size = f" ({self.file.size / 1e6:.0f} MB)" if self.file.size else ""
        return WeightsError("{network}'s weights {file} could not be downloaded to {folder}: {reason}; try again, or choose "
                            "a folder that has them ({chosen}).", network=self.network, file=self.file.name + size,
                            folder=self.folder, reason=reason, chosen=WEIGHTS_FOLDER_HINT)

    def report_progress(self, number: int, detail: str, share: float | None = None) -> None:
        """Report step 1, downloading, or step 2, checking; see `ProgressEvent` for the arguments."""
        template = "Downloading {network}'s weights" if number == 1 else "Checking {network}'s weights"
        self.report(ProgressEvent(number, 2, Phrase(template, network=self.network), detail, share))


def published_facts(url: str) -> tuple[int, str]:
    """Ask the hub for the size and the checksum of a file.

    The hub answers a HEAD request with both: of a large file, which lies elsewhere, in X-Linked-Size and X-Linked-ETag
    (SHA-256), of a small one in Content-Length and ETag (the SHA-1 of its Git object).

    Returns:
        (size in bytes, checksum in hexadecimal, see `file_checksum`; "" where it tells none, as plain servers do).

    Raises:
        _SourceFailed: it cannot be reached, or does not tell the size.
    """
    with _source_errors(url):
        check_is_secure(url)
        headers = _published_headers(url)
    size = headers.get("X-Linked-Size") or headers.get("Content-Length") or ""
    checksum = (headers.get("X-Linked-ETag") or headers.get("ETag") or "").removeprefix("W/").strip('"').lower()
    if not size.isdecimal():
        raise _SourceFailed(Phrase("the server does not tell the file's size"))
    return int(size), checksum if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", checksum) else ""


def file_checksum(path: Path, like: str) -> str:
    """Return a file's checksum of the same kind as another one: 64 digits are a SHA-256, 40 a Git object's SHA-1."""
    if len(like) == 64:
        return weights_checksum(path)
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def check_is_secure(url: str, https_only: bool = False) -> None:
    """Raise _SourceFailed unless the address is https, or http on this computer and `https_only` is not set."""
    parts = urllib.parse.urlsplit(url)
    is_local = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS and not https_only
    if parts.scheme != "https" and not is_local:
        raise _SourceFailed("it is not downloaded from {url}, because only https is allowed", url=_split_login(url)[0])


def _add_proxy(reason: str, url: str) -> str:
    """Add the proxy that is used for an address, if any, without its password, to the reason of a failure."""
    parts = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return reason
    return Phrase("{reason} (through the proxy {proxy})", reason=reason, proxy=proxy.rpartition("//")[2].rpartition("@")[2])


class _RedirectHandler(urllib.request.HTTPRedirectHandler):
    """Follow redirections only to addresses that are allowed, and never from https to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        newurl = _split_login(newurl)[0]
        check_is_secure(newurl, https_only=req.full_url.startswith("https:"))
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _split_login(url: str) -> tuple[str, str]:
    """Return an address without its name and password, and these, "" where it has none."""
    login = re.match(r"(?:[^/]+://)?([^/]*@)?", url)
    if login is None or login[1] is None:
        return url, ""
    return url[:login.start(1)] + url[login.end(1):], urllib.parse.unquote(login[1][:-1])


@contextmanager
def _source_errors(url: str) -> Iterator[None]:
    """Turn what a source can fail with into _SourceFailed."""
    try:
        yield
    except urllib.error.HTTPError as error:
        status = Phrase("the server answered {code} {reason}", code=error.code, reason=error.reason)
        raise _SourceFailed(_add_proxy(status, url)) from error
    except urllib.error.URLError as error:
        reason = getattr(error.reason, "strerror", None) or str(error.reason)
        raise _SourceFailed(_add_proxy(reason, url)) from error
    except (_ConnectionFailed, http.client.HTTPException, ValueError) as error:
        raise _SourceFailed(reason_of(error)) from error


@contextmanager
def _connection_errors() -> Iterator[None]:
    """Turn an OSError of a connection into _ConnectionFailed, to distinguish it from one of a file."""
    try:
        yield
    except urllib.error.URLError:
        raise
    except OSError as error:
        raise _ConnectionFailed(error.strerror or str(error) or type(error).__name__) from error


def _read(response: Any) -> bytes:
    with _connection_errors():
        return response.read1(READ_SIZE)


class _HeadRedirectHandler(_RedirectHandler):
    """Follow redirections until an answer tells a file's facts: the hub does so before it sends elsewhere for the file."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if headers.get("X-Linked-Size"):
            return None  # the answer becomes an HTTPError, with its headers
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        following.method = req.get_method()  # urllib goes on with GET
        return following


def _published_headers(url: str) -> Any:
    """Return the headers of the hub's answer to a HEAD request."""
    try:
        with _open_url(url, method="HEAD", handler=_HeadRedirectHandler) as response:
            return response.headers
    except urllib.error.HTTPError as error:
        if error.code // 100 != 3:
            raise
        with error:
            return error.headers


def _open_url(url: str, start: int = 0, method: str = "GET", handler: type[_RedirectHandler] = _RedirectHandler) -> Any:
    """Return the server's response, from byte `start` on where it supports that."""
    url, login = _split_login(url)
    request = urllib.request.Request(url, method=method,
                                     headers={"User-Agent": "midas-normal", "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    if login:
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
    opener = urllib.request.build_opener(handler, urllib.request.HTTPSHandler(context=_certificates()))
    with _connection_errors():
        return opener.open(request, timeout=SERVER_TIMEOUT_S)


def _certificates() -> ssl.SSLContext:
    """Return a context with the system's certificates, or those of certifi, which Blender has, where there are none."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not context.get_ca_certs() and paths.cafile is None and paths.capath is None:
        try:
            import certifi  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            return context
        context.load_verify_locations(certifi.where())
    return context
