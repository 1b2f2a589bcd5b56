"""Find and download the file with MiDaS's weights."""

from __future__ import annotations

import base64
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

from ...core.engines import MIDAS_WEIGHTS, WEIGHTS_FOLDER_HINT, verify_weights, weights_checksum
from ...core.errors import Cancelled, Message, MessageError, Phrase, WeightsError, join_messages, reason_of
from ...core.files import atomic_replace, is_file
from ..locks import file_lock, open_regular
from . import ProgressEvent
from .environment import free_space

REPOSITORY = "lllyasviel/Annotators"

HUB = "https://huggingface.co"
"""The first source; the variable HF_ENDPOINT replaces it by a mirror, as in the hub's own programs."""

RELEASE = f"https://github.com/isl-org/DPT/releases/download/1_0/{MIDAS_WEIGHTS.name}"
"""The second source: the same file, published by the authors of the network."""

SERVER_TIMEOUT_S = 30.0
"""Seconds without data after which a connection has failed."""

READ_SIZE = 1 << 20
"""Bytes read from the server at a time."""

REPORT_INTERVAL_S = 0.25
"""Seconds between two reports of progress."""

MAX_CONNECTIONS = 5
"""The most connections to one source, each of which must have brought data."""

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")


def source_urls() -> tuple[str, ...]:
    """Return the addresses of the weights, in the order in which they are tried."""
    hub = os.environ.get("HF_ENDPOINT") or HUB
    return f"{hub.rstrip('/')}/{REPOSITORY}/resolve/main/{MIDAS_WEIGHTS.name}", RELEASE


def host_of(url: str) -> str:
    """Return the name of the server in an address."""
    url = _split_login(url)[0]
    return url.partition("://")[2].partition("/")[0] or url


def find_weights(folder: Path) -> Path:
    """Find the weights in a folder, or in the subfolder where ComfyUI's node keeps them; the path of the file will do, too.

    Raises:
        WeightsError: they are not there.
    """
    for path in (folder / MIDAS_WEIGHTS.name, folder / REPOSITORY / MIDAS_WEIGHTS.name, folder):
        if is_file(path):
            return path
    raise WeightsError("MiDaS's weights {file} are not in {folder}; download them, or choose the folder that has them "
                       "({chosen}).", file=_name_and_size(), folder=folder, chosen=WEIGHTS_FOLDER_HINT)


def download(folder: Path, report: Callable[[ProgressEvent], None], cancelled: Callable[[], bool], online: bool,
             urls: Sequence[str] = (), size: int = MIDAS_WEIGHTS.size, sha256: str = MIDAS_WEIGHTS.sha256) -> Path:
    """Download the weights into a folder, continuing an interrupted download; return the path of the file.

    Args:
        report: called with the progress.
        cancelled: called often; the download stops when it returns true.
        online: whether the user allows network access.
        urls: addresses of the file, tried in order; `source_urls()` where there are none.
        size: of the file in bytes.
        sha256: of the file, in hexadecimal.

    Raises:
        WeightsError: the weights cannot be downloaded.
        Cancelled: `cancelled()` returned true; another download continues this one.
    """
    if not online:
        raise WeightsError("MiDaS's weights {file} are not downloaded while Blender is offline; turn on Preferences > "
                           "System > Network > Allow Online Access, or choose a folder that has them ({chosen}).",
                           file=_name_and_size(size), chosen=WEIGHTS_FOLDER_HINT)
    job = Download(folder, tuple(urls) or source_urls(), size, sha256, report, cancelled)
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
    """One download; see `download` for the attributes."""

    folder: Path
    urls: tuple[str, ...]
    size: int
    sha256: str
    report: Callable[[ProgressEvent], None]
    cancelled: Callable[[], bool]

    @property
    def target(self) -> Path:
        """The complete file."""
        return self.folder / MIDAS_WEIGHTS.name

    @property
    def part(self) -> Path:
        """The partial file."""
        return self.folder / f".{MIDAS_WEIGHTS.name}.part"

    @property
    def lock(self) -> Path:
        """The file that is locked during the download."""
        return self.folder / f".{MIDAS_WEIGHTS.name}.lock"

    def run(self) -> Path:
        """Download from the first source that provides the file; return its path."""
        has_size = self.target.is_file() and self.target.stat().st_size == self.size
        if has_size and verify_weights(self.target, self.sha256) is None:
            self.report_progress(1, Message("The weights are there already."), 1.0)
            return self.target
        self.check_space()
        reasons = []
        for url in self.urls:
            try:
                self.fetch(url)
                self.verify()
            except _SourceFailed as failed:
                reasons.append(Phrase("{host}: {reason}", host=host_of(url), reason=failed.message))
                self.report_progress(1, reasons[-1])
                continue
            atomic_replace(self.part, self.target)
            self.report_progress(2, Message("{file} is complete.", file=self.target), 1.0)
            return self.target
        raise self.failure(join_messages(reasons, "; "))

    def bytes_received(self) -> int:
        """Return the size of the partial file; 0 where it is larger than the weights, and so must be another file."""
        try:
            count = self.part.stat().st_size
        except FileNotFoundError:
            return 0
        return count if count <= self.size else 0

    def check_space(self) -> None:
        """Raise WeightsError where the drive has too little free space."""
        needed, free = self.size - self.bytes_received(), free_space(self.folder)
        if free < needed:
            raise self.failure(Phrase("{needed:.0f} MB more are needed, but only {free:.0f} MB are free on its drive",
                                      needed=needed / 1e6, free=free / 1e6))

    def fetch(self, url: str) -> None:
        """Complete the partial file from one source; raise _SourceFailed, or OSError where the file cannot be written."""
        try:
            check_is_secure(url)
            self.fetch_all(url)
        except urllib.error.HTTPError as error:
            status = Phrase("the server answered {code} {reason}", code=error.code, reason=error.reason)
            raise _SourceFailed(_add_proxy(status, url)) from error
        except urllib.error.URLError as error:
            reason = getattr(error.reason, "strerror", None) or str(error.reason)
            raise _SourceFailed(_add_proxy(reason, url)) from error
        except (_ConnectionFailed, http.client.HTTPException, ValueError) as error:
            raise _SourceFailed(reason_of(error)) from error

    def fetch_all(self, url: str) -> None:
        """Do the same without handling HTTP errors; reconnect after a failure as long as each connection brought data."""
        for _ in range(MAX_CONNECTIONS):
            offset = self.bytes_received()
            if offset == self.size:
                return
            try:
                self.fetch_from(url, offset)
            except _ConnectionFailed:
                if self.bytes_received() <= offset:
                    raise
            if self.bytes_received() <= offset:
                break
        if self.bytes_received() != self.size:
            raise _SourceFailed("the connection broke after {size:.1f} MB", size=self.bytes_received() / 1e6)

    def fetch_from(self, url: str, offset: int) -> None:
        """Use one connection, from byte `offset` on where the server supports that, else from the start."""
        self.report_progress(1, Phrase("From {host} to {folder}", host=host_of(url), folder=self.folder), offset / self.size)
        with self.open_response(url, offset) as response:
            if response.status != 206:
                offset = 0
            elif not str(response.headers.get("Content-Range", "")).startswith(f"bytes {offset}-"):
                raise _SourceFailed("the server sent another part of it than it was asked for")
            # The login page of a public network would have another size.
            if response.length is not None and offset + response.length != self.size:
                raise _SourceFailed("its file has {size} bytes instead of {expected}", size=offset + response.length,
                                    expected=self.size)
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
            if received > self.size:
                raise self.reject(Phrase("what came is longer than {size} bytes and was removed", size=self.size))
            file.write(block)
            now = time.monotonic()
            if now - reported >= REPORT_INTERVAL_S:
                reported = now
                speed = (received - offset) / (now - started) / 1e6
                detail = Phrase("{done:.1f} of {whole:.1f} MB, {speed:.1f} MB/s", done=received / 1e6,
                                whole=self.size / 1e6, speed=speed)
                self.report_progress(1, detail, received / self.size)

    def verify(self) -> None:
        """Compare the checksum of the partial file; raise _SourceFailed and remove the file where it differs."""
        self.report_progress(2, Phrase("Comparing the checksum"))
        checksum = weights_checksum(self.part)
        if checksum != self.sha256:
            raise self.reject(Phrase("what came has another checksum (its SHA-256 is {found}, not {wanted}) and was "
                                     "removed", found=checksum, wanted=self.sha256))

    def reject(self, reason: Phrase) -> _SourceFailed:
        """Remove the partial file, which is wrong, so that the next source or download starts anew; return the exception."""
        self.part.unlink(missing_ok=True)
        return _SourceFailed(reason)

    def failure(self, reason: str) -> WeightsError:
        """Return the exception for a failed download; the reason is a clause."""
        return WeightsError("MiDaS's weights {file} could not be downloaded to {folder}: {reason}; try again, or choose "
                            "a folder that has them ({chosen}).", file=_name_and_size(self.size), folder=self.folder,
                            reason=reason, chosen=WEIGHTS_FOLDER_HINT)

    def report_progress(self, number: int, detail: str, share: float | None = None) -> None:
        """Report step 1, downloading, or step 2, checking; see `ProgressEvent` for the arguments."""
        title = Phrase("Downloading MiDaS's weights") if number == 1 else Phrase("Checking MiDaS's weights")
        self.report(ProgressEvent(number, 2, title, detail, share))


def _name_and_size(size: int = MIDAS_WEIGHTS.size) -> str:
    return f"{MIDAS_WEIGHTS.name} ({size / 1e6:.0f} MB)"


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


def _open_url(url: str, start: int) -> Any:
    """Return the server's response, from byte `start` on where it supports that."""
    url, login = _split_login(url)
    request = urllib.request.Request(url, headers={"User-Agent": "midas-normal", "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    if login:
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
    opener = urllib.request.build_opener(_RedirectHandler, urllib.request.HTTPSHandler(context=_certificates()))
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
