"""The worker's end of the pipe: a descriptor of its own, which no library's print can reach."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

from ..core.protocol import Hello, Message, Progress, encode

BEAT = 10.0
"""Seconds after which a message that something is under way is repeated, so that the client can tell a long stage from a
worker that is stuck."""


class Channel:
    """Takes over the process's standard output; whatever prints from now on goes to standard error, which is the log.

    at_end is called, by whoever sends, when the client has gone.
    """

    def __init__(self, at_end: Callable[[], None]) -> None:
        self._at_end = at_end
        sys.stdout.flush()
        self._descriptor = os.dup(1)
        os.dup2(2, 1)
        self._lock = threading.Lock()
        self._last: Message | None = None
        threading.Thread(target=self._beat, name="beat", daemon=True).start()

    def send(self, message: Message) -> None:
        """Writes the whole message; may be called from any thread."""
        with self._lock:
            self._write(message)

    def _write(self, message: Message) -> None:
        self._last = message
        data = memoryview(encode(message))
        try:
            while data:
                data = data[os.write(self._descriptor, data):]
        except OSError:
            self._at_end()

    def _beat(self) -> None:
        while True:
            before = self._last
            time.sleep(BEAT)
            with self._lock:
                if self._last is before and isinstance(before, (Hello, Progress)):
                    self._write(before)
