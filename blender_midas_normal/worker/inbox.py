"""What the client sends: requests in their order, cancellations at once, and the end of the worker when the pipe ends."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable

from ..core.errors import ProtocolError
from ..core.protocol import Cancel, Decoder, Request, Shutdown


class Inbox:
    """Reads standard input in a thread of its own, so that a cancellation or the client's death is seen while the network
    runs.

    at_end is called in that thread when the client has gone, or asked the worker to end, or sends what is no message.
    """

    def __init__(self, at_end: Callable[[], None]) -> None:
        self._requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._at_end = at_end
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def next_request(self, timeout: float | None) -> Request | None:
        """The next request, or None when none came within `timeout` seconds (None waits for ever)."""
        try:
            return self._requests.get(timeout=timeout)
        except queue.Empty:
            return None

    def is_cancelled(self, request: int) -> bool:
        return request in self._cancelled

    def forget(self, request: int) -> None:
        """The request has been answered."""
        self._cancelled.discard(request)

    def _read(self) -> None:
        decoder = Decoder()
        try:
            while data := os.read(0, 65536):
                for message in decoder.feed(data):
                    if isinstance(message, Request):
                        self._requests.put(message)
                    elif isinstance(message, Cancel):
                        self._cancelled.add(message.id)
                    elif isinstance(message, Shutdown):
                        return
                    else:
                        raise ProtocolError(f"A client does not send {type(message).__name__}.")
        except ProtocolError as error:
            print(error, file=sys.stderr)
        finally:
            self._at_end()
