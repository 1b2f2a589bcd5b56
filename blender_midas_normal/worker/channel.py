"""The worker's end of the pipes: sends messages on a descriptor that no library prints to, and receives requests."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..core.errors import ProtocolError
from ..core.protocol import Cancel, Decoder, Error, Hello, PipeMessage, Progress, Ready, Request, Result, Shutdown, encode
from .inputs import LoadedInputs

HEARTBEAT_S = 10.0
"""Seconds of silence after which the last message of each running request is repeated, so that the client can tell a long
stage from a worker that hangs.
"""

STAGE_TIMEOUT_S = {"start": 600.0, "read": 600.0, "load": 600.0, "network": 600.0}
"""By stage, the seconds after its last progress for which a message is repeated: a call of a graphics driver that never
returns looks like a long stage.  It allows for a first pass on a card whose kernels have to be compiled.
"""

LONG_STAGE_TIMEOUT_S = 1800.0
"""The same for all other stages, in which the CPU works on pictures of any size without reporting progress."""

START_ID = 0
"""Key of the worker's own start beside the ids of requests."""


class Clock:
    """Measures the seconds that each stage of a request takes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the seconds of the `with` block to a stage."""
        with shared_stage([self], name):
            yield


@contextmanager
def shared_stage(clocks: Sequence[Clock], name: str) -> Iterator[None]:
    """Add the seconds of the `with` block to a stage of several requests, in equal shares."""
    start = time.perf_counter()
    try:
        yield
    finally:
        share = (time.perf_counter() - start) / len(clocks)
        for clock in clocks:
            clock.seconds[name] = clock.seconds.get(name, 0.0) + share


@dataclass(eq=False)
class Job:
    """A request being processed.

    Attributes:
        request: as the client sent it.
        clock: the time that its stages took.
        cancelled: whether the client has cancelled it.
        inputs: its picture and mask, once they are read.
    """

    request: Request
    clock: Clock = field(default_factory=Clock)
    cancelled: bool = False
    inputs: Future[LoadedInputs] = field(default_factory=Future)


class Channel:
    """Sends messages on standard output, and redirects all that is printed to standard error, the log.

    on_close: called, in the thread that sends, when the client has closed the pipe.

    Attributes:
        sent_count: messages sent so far, repeated ones included.
    """

    def __init__(self, on_close: Callable[[], None]) -> None:
        self._on_close = on_close
        sys.stdout.flush()
        self._descriptor = os.dup(1)
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        self._lock = threading.Lock()
        self.sent_count = 0
        self._active: dict[int, tuple[PipeMessage, float]] = {}
        threading.Thread(target=self._send_heartbeats, name="beat", daemon=True).start()

    def send(self, message: PipeMessage) -> None:
        """Write the whole message; may be called from any thread."""
        with self._lock:
            self._track(message)
            self._write(message)

    def _track(self, message: PipeMessage) -> None:
        """Remember the last message of each active request, for heartbeats."""
        if isinstance(message, (Hello, Progress)):
            request_id = START_ID if isinstance(message, Hello) else message.id
            self._active[request_id] = message, time.monotonic()
        elif isinstance(message, (Ready, Result, Error)):
            self._active.pop(START_ID if isinstance(message, Ready) else message.id, None)

    def _write(self, message: PipeMessage) -> None:
        self.sent_count += 1
        data = memoryview(encode(message))
        try:
            while data:
                data = data[os.write(self._descriptor, data):]
        except OSError:
            self._on_close()

    def _send_heartbeats(self) -> None:
        """Repeat the last messages of active requests whenever nothing was sent for HEARTBEAT_S; never return."""
        while True:
            before = self.sent_count
            time.sleep(HEARTBEAT_S)
            with self._lock:
                if self.sent_count == before:
                    for message, since in self._active.values():
                        if time.monotonic() - since < _repeat_timeout(message):
                            self._write(message)


def _repeat_timeout(message: PipeMessage) -> float:
    """Return the seconds for which a message may be repeated."""
    return STAGE_TIMEOUT_S.get(message.stage if isinstance(message, Progress) else "start", LONG_STAGE_TIMEOUT_S)


class Inbox:
    """Reads standard input in a thread, so that a cancellation or the client's end is noticed while the network runs.

    Args:
        on_close: called in that thread when the client has closed the pipe, sent Shutdown or an invalid message.
        begin: called in that thread with each new job.
    """

    def __init__(self, on_close: Callable[[], None], begin: Callable[[Job], None]) -> None:
        self._waiting: deque[Job] = deque()
        self._arrived = threading.Condition()
        self._unanswered: weakref.WeakValueDictionary[int, Job] = weakref.WeakValueDictionary()
        self._on_close = on_close
        self._begin = begin
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def next_jobs(self, timeout: float | None, max_count: int = 1) -> list[Job]:
        """Wait for the next job, and return it with up to `max_count - 1` further ones whose inputs are read already.

        Returns an empty list when no request came within `timeout` seconds; None waits forever.
        """
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting, timeout)
            jobs: list[Job] = []
            while self._waiting and len(jobs) < max_count and (not jobs or self._waiting[0].inputs.done()):
                jobs.append(self._waiting.popleft())
            return jobs

    def _read(self) -> None:
        decoder = Decoder()
        try:
            while data := os.read(0, 65536):
                for message in decoder.feed(data):
                    if isinstance(message, Shutdown):
                        return
                    self._handle(message)
        except ProtocolError as error:
            print(error, file=sys.stderr)
        finally:
            self._on_close()

    def _handle(self, message: PipeMessage) -> None:
        if isinstance(message, Request):
            job = Job(message)
            self._unanswered[message.id] = job
            self._begin(job)
            with self._arrived:
                self._waiting.append(job)
                self._arrived.notify()
        elif isinstance(message, Cancel):
            unanswered = self._unanswered.get(message.id)
            if unanswered is not None:
                unanswered.cancelled = True
        else:
            raise ProtocolError("A client does not send {kind}.", kind=type(message).__name__)
