"""The worker's end of the pipe: a descriptor of its own, which no library's print can reach."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

from ..core.protocol import Error, Hello, PipeMessage, Progress, Ready, Result, encode

BEAT = 10.0
"""Seconds of silence after which the messages of what is under way are repeated, so that the client can tell a long stage
from a worker that is stuck."""

STUCK_SECONDS = {"start": 600.0, "read": 600.0, "load": 600.0, "network": 600.0}
"""By stage, the time after its last news for which a message is repeated: a call of a graphics driver that never comes
back looks like a long stage from here.  It leaves time for a first pass on a card whose kernels are compiled as it goes."""

LONG_STAGE_SECONDS = 1800.0
"""The same for all other stages, in which the CPU works on pictures of any size without a word."""

STARTING = 0
"""Stands for the worker's own start among the requests that are under way."""


class Channel:
    """Takes over the process's standard output; whatever prints from now on goes to standard error, which is the log.

    at_end is called, by whoever sends, when the client has gone.
    """

    def __init__(self, at_end: Callable[[], None]) -> None:
        self._at_end = at_end
        sys.stdout.flush()
        self._descriptor = os.dup(1)
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        self._lock = threading.Lock()
        self._sent = 0
        self._under_way: dict[int, tuple[PipeMessage, float]] = {}
        threading.Thread(target=self._beat, name="beat", daemon=True).start()

    def send(self, message: PipeMessage) -> None:
        """Writes the whole message; may be called from any thread."""
        with self._lock:
            self._note(message)
            self._write(message)

    def _note(self, message: PipeMessage) -> None:
        if isinstance(message, (Hello, Progress)):
            under_way = STARTING if isinstance(message, Hello) else message.id
            self._under_way[under_way] = message, time.monotonic()
        elif isinstance(message, (Ready, Result, Error)):
            self._under_way.pop(STARTING if isinstance(message, Ready) else message.id, None)

    def _write(self, message: PipeMessage) -> None:
        self._sent += 1
        data = memoryview(encode(message))
        try:
            while data:
                data = data[os.write(self._descriptor, data):]
        except OSError:
            self._at_end()

    def _beat(self) -> None:
        while True:
            before = self._sent
            time.sleep(BEAT)
            with self._lock:
                if self._sent == before:
                    for message, since in self._under_way.values():
                        if time.monotonic() - since < _patience(message):
                            self._write(message)


def _patience(message: PipeMessage) -> float:
    """Seconds for which a message is repeated."""
    return STUCK_SECONDS.get(message.stage if isinstance(message, Progress) else "start", LONG_STAGE_SECONDS)
