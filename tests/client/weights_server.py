"""A server of weights that misbehaves as a test asks for."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DATA = bytes(range(256)) * 12_000
SIZE = len(DATA)
SHA256 = hashlib.sha256(DATA).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves DATA, as badly as the test asks for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.data = DATA
        self.ranges = True
        self.cuts: list[int] = []
        """For each connection to come: bytes after which it is cut."""
        self.shift = 0
        """Bytes by which the answered range begins too early."""
        self.status = 0
        self.location = ""
        self.tells_length = True
        self.stalls = False
        """Whether it takes requests and answers none."""
        self.tired = threading.Event()
        self.requested_ranges: list[str | None] = []
        """The Range of each request."""
        self.logins: list[str | None] = []
        """The Authorization of each request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/weights.pt"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, requested_range = self.server, self.headers.get("Range")
        server.requested_ranges.append(requested_range)
        server.logins.append(self.headers.get("Authorization"))
        if server.stalls:
            server.tired.wait(60)
            return
        if server.status:
            self.send_response(server.status)
            if server.location:
                self.send_header("Location", server.location)
            self.end_headers()
            return
        start = int(requested_range[len("bytes="):-1]) - server.shift if requested_range and server.ranges else 0
        if requested_range and server.ranges and start >= len(server.data):
            self.send_error(416)
            return
        rest = server.data[start:]
        self.send_response(206 if requested_range and server.ranges else 200)
        if requested_range and server.ranges:
            self.send_header("Content-Range", f"bytes {start}-{len(server.data) - 1}/{len(server.data)}")
        if server.tells_length:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        cut = server.cuts.pop(0) if server.cuts else len(rest)
        with contextlib.suppress(OSError):
            self.wfile.write(rest[:cut])

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.tired.set()
    server.shutdown()
    thread.join()
    server.server_close()
