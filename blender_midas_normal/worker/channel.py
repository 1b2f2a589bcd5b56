"""The worker's end of the pipe: a descriptor of its own, which no library's print can reach."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from ..core.protocol import Message, encode


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

    def send(self, message: Message) -> None:
        """Writes the whole message; may be called from any thread."""
        data = memoryview(encode(message))
        try:
            with self._lock:
                while data:
                    data = data[os.write(self._descriptor, data):]
        except OSError:
            self._at_end()
