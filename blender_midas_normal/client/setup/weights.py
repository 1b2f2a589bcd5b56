"""The file with MiDaS's weights: finding it, checking it, downloading it when the user asks."""

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
"""The first source; the variable HF_ENDPOINT names a mirror in its place, as for the hub's own programs."""

RELEASE = f"https://github.com/isl-org/DPT/releases/download/1_0/{MIDAS_WEIGHTS.name}"
"""The second source: the same file, published by those who trained the network."""

SERVER_TIMEOUT_S = 30.0
"""Seconds without a byte after which the server counts as gone."""

READ_SIZE = 1 << 20
"""Bytes read from the server at a time."""

REPORT_INTERVAL_S = 0.25
"""Seconds between two reports of progress."""

MAX_CONNECTIONS = 5
"""Connections made in one download, as long as each brings something."""

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")


def source_urls() -> tuple[str, ...]:
    """Addresses of the weights, in the order in which they are tried."""
    hub = os.environ.get("HF_ENDPOINT") or HUB
    return f"{hub.rstrip('/')}/{REPOSITORY}/resolve/main/{MIDAS_WEIGHTS.name}", RELEASE


def host_of(url: str) -> str:
    """Name of the server in an address."""
    url = _split_login(url)[0]
    return url.partition("://")[2].partition("/")[0] or url


def find_weights(folder: Path) -> Path:
    """The weights in a folder, also where ComfyUI's node keeps them under it, or the file itself; raises WeightsError."""
    for path in (folder / MIDAS_WEIGHTS.name, folder / REPOSITORY / MIDAS_WEIGHTS.name, folder):
        if is_file(path):
            return path
    raise WeightsError("MiDaS's weights {file} are not in {folder}; download them, or choose the folder that has them "
                       "({chosen}).", file=_name_and_size(), folder=folder, chosen=WEIGHTS_FOLDER_HINT)


def download(folder: Path, report: Callable[[ProgressEvent], None], cancelled: Callable[[], bool], online: bool,
             urls: Sequence[str] = (), size: int = MIDAS_WEIGHTS.size, sha256: str = MIDAS_WEIGHTS.sha256) -> Path:
    """Download the weights into a folder and return the file; what an earlier, interrupted download left is gone on with.

    online: whether the user allows network access; urls: where the file is, the next one being tried when one does not give
    it, `source_urls()` when there are none; size in bytes.  Raises WeightsError or Cancelled.
    """
    if not online:
        raise WeightsError("MiDaS's weights {file} are not downloaded while Blender is offline; turn on Preferences > "
                           "System > Network > Allow Online Access, or choose a folder that has them ({chosen}).",
                           file=_name_and_size(size), chosen=WEIGHTS_FOLDER_HINT)
    attempt = Download(folder, tuple(urls) or source_urls(), size, sha256, report, cancelled)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file_lock(attempt.lock, WeightsError):
            return attempt.run()
    except OSError as error:
        raise attempt.failure(reason_of(error)) from error


class _SourceFailed(MessageError):
    """One source does not give the file; the message says why, as a clause."""


class _ConnectionFailed(Exception):
    """A connection to a source has failed, whatever the system calls that; the text says why."""


@dataclass(frozen=True)
class Download:
    folder: Path
    urls: tuple[str, ...]
    size: int
    sha256: str
    report: Callable[[ProgressEvent], None]
    cancelled: Callable[[], bool]

    @property
    def target(self) -> Path:
        return self.folder / MIDAS_WEIGHTS.name

    @property
    def part(self) -> Path:
        return self.folder / f".{MIDAS_WEIGHTS.name}.part"

    @property
    def lock(self) -> Path:
        return self.folder / f".{MIDAS_WEIGHTS.name}.lock"

    def run(self) -> Path:
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
        """Count the bytes of the partial file; 0 where it is longer than the weights, and so is another file."""
        try:
            count = self.part.stat().st_size
        except FileNotFoundError:
            return 0
        return count if count <= self.size else 0

    def check_space(self) -> None:
        needed, free = self.size - self.bytes_received(), free_space(self.folder)
        if free < needed:
            raise self.failure(Phrase("{needed:.0f} MB more are needed, but only {free:.0f} MB are free on its drive",
                                      needed=needed / 1e6, free=free / 1e6))

    def fetch(self, url: str) -> None:
        """Fill the partial file from one source; raises _SourceFailed, or OSError when the file cannot be written."""
        try:
            check_is_secure(url)
            self.fetch_all(url)
        except urllib.error.HTTPError as error:
            answer = Phrase("the server answered {code} {reason}", code=error.code, reason=error.reason)
            raise _SourceFailed(_add_proxy(answer, url)) from error
        except urllib.error.URLError as error:
            reason = getattr(error.reason, "strerror", None) or str(error.reason)
            raise _SourceFailed(_add_proxy(reason, url)) from error
        except (_ConnectionFailed, http.client.HTTPException, ValueError) as error:
            raise _SourceFailed(reason_of(error)) from error

    def fetch_all(self, url: str) -> None:
        """The same; a connection that breaks is taken up again as long as it brought something."""
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
        """One connection, from byte `offset` on where the server can do that, else from the beginning."""
        self.report_progress(1, Phrase("From {host} to {folder}", host=host_of(url), folder=self.folder), offset / self.size)
        with self.open_response(url, offset) as response:
            if response.status != 206:
                offset = 0
            elif not str(response.headers.get("Content-Range", "")).startswith(f"bytes {offset}-"):
                raise _SourceFailed("the server sent another part of it than it was asked for")
            # The page of a network that wants a login has another size.
            if response.length is not None and offset + response.length != self.size:
                raise _SourceFailed("its file has {size} bytes instead of {expected}", size=offset + response.length,
                                    expected=self.size)
            with self.open_part(offset) as file:
                self.copy(response, file, offset)

    def open_response(self, url: str, offset: int) -> Any:
        try:
            return _open_url(url, offset)
        except urllib.error.HTTPError as error:
            # The server's file ends before our part does: that part is of another file.
            if error.code != 416 or not offset:
                raise
            error.close()
            return _open_url(url, 0)

    def open_part(self, offset: int) -> IO[bytes]:
        """The partial file, cut after the bytes that count."""
        file = os.fdopen(open_regular(self.part, os.O_WRONLY | os.O_CREAT), "wb")
        file.truncate(offset)
        file.seek(offset)
        return file

    def copy(self, response: Any, file: IO[bytes], offset: int) -> None:
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
        self.report_progress(2, Phrase("Comparing the checksum"))
        found = weights_checksum(self.part)
        if found != self.sha256:
            raise self.reject(Phrase("what came has another checksum (its SHA-256 is {found}, not {wanted}) and was "
                                     "removed", found=found, wanted=self.sha256))

    def reject(self, reason: Phrase) -> _SourceFailed:
        """What came is another file: it is taken away, so that the next source, or download, starts anew."""
        self.part.unlink(missing_ok=True)
        return _SourceFailed(reason)

    def failure(self, reason: str) -> WeightsError:
        return WeightsError("MiDaS's weights {file} could not be downloaded to {folder}: {reason}; try again, or choose "
                            "a folder that has them ({chosen}).", file=_name_and_size(self.size), folder=self.folder,
                            reason=reason, chosen=WEIGHTS_FOLDER_HINT)

    def report_progress(self, number: int, detail: str, share: float | None = None) -> None:
        title = Phrase("Downloading MiDaS's weights") if number == 1 else Phrase("Checking MiDaS's weights")
        self.report(ProgressEvent(number, 2, title, detail, share))


def _name_and_size(size: int = MIDAS_WEIGHTS.size) -> str:
    return f"{MIDAS_WEIGHTS.name} ({size / 1e6:.0f} MB)"


def check_is_secure(url: str, https_only: bool = False) -> None:
    """Raise _SourceFailed unless the address is https, or, where that is enough, http on this computer itself."""
    words = urllib.parse.urlsplit(url)
    local = words.scheme == "http" and words.hostname in LOOPBACK_HOSTS and not https_only
    if words.scheme != "https" and not local:
        raise _SourceFailed("it is not downloaded from {url}, because only https is allowed", url=_split_login(url)[0])


def _add_proxy(reason: str, url: str) -> str:
    """Name the proxy through which the address is asked, if any, without a password."""
    words = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(words.scheme)
    if not proxy or urllib.request.proxy_bypass(words.hostname or ""):
        return reason
    return Phrase("{reason} (through the proxy {proxy})", reason=reason, proxy=proxy.rpartition("//")[2].rpartition("@")[2])


class _RedirectHandler(urllib.request.HTTPRedirectHandler):
    """Follows the server to another address only where that is allowed too, and never from https to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        newurl = _split_login(newurl)[0]
        check_is_secure(newurl, https_only=req.full_url.startswith("https:"))
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _split_login(url: str) -> tuple[str, str]:
    """An address that may be shown, and the name and password that it had, "" without these."""
    login = re.match(r"(?:[^/]+://)?([^/]*@)?", url)
    if login is None or login[1] is None:
        return url, ""
    return url[:login.start(1)] + url[login.end(1):], urllib.parse.unquote(login[1][:-1])


@contextmanager
def _connection_errors() -> Iterator[None]:
    """Raise _ConnectionFailed for what the system says of a connection: of files it may say the same."""
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
    """The server's answer, from byte `start` on if it can do that."""
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
    """The system's certificates; those that come with Blender's Python where the system's are not found."""
    context = ssl.create_default_context()
    places = ssl.get_default_verify_paths()
    if not context.get_ca_certs() and places.cafile is None and places.capath is None:
        try:
            import certifi  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            return context
        context.load_verify_locations(certifi.where())
    return context
