"""The worker's end of the pipe: messages out on a descriptor that no library prints to, requests and cancellations in."""

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


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        with stage_of_all([self], name):
            yield


@contextmanager
def stage_of_all(clocks: Sequence[Clock], name: str) -> Iterator[None]:
    """A stage of several requests at once, who share its time."""
    start = time.perf_counter()
    try:
        yield
    finally:
        share = (time.perf_counter() - start) / len(clocks)
        for clock in clocks:
            clock.seconds[name] = clock.seconds.get(name, 0.0) + share


@dataclass(eq=False)
class Job:
    """A request, the time that its stages took, and whether it is not wanted any more.

    given: what it gives to look at, read or about to be.
    """

    request: Request
    clock: Clock = field(default_factory=Clock)
    cancelled: bool = False
    given: Future[LoadedInputs] = field(default_factory=Future)


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


class Inbox:
    """Reads standard input in a thread of its own, so that a cancellation or the client's death is seen while the network
    runs.

    at_end is called in that thread when the client has gone, or asked the worker to end, or sends what is no message;
    begin with each new order.
    """

    def __init__(self, at_end: Callable[[], None], begin: Callable[[Job], None]) -> None:
        self._waiting: deque[Job] = deque()
        self._arrived = threading.Condition()
        self._unanswered: weakref.WeakValueDictionary[int, Job] = weakref.WeakValueDictionary()
        self._at_end = at_end
        self._begin = begin
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def next_orders(self, timeout: float | None, most: int = 1) -> list[Job]:
        """The next request, and of those after it at most so many that there are `most` in all, as far as they are read.

        Empty when no request came within `timeout` seconds (None waits for ever).
        """
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting, timeout)
            orders: list[Job] = []
            while self._waiting and len(orders) < most and (not orders or self._waiting[0].given.done()):
                orders.append(self._waiting.popleft())
            return orders

    def _read(self) -> None:
        decoder = Decoder()
        try:
            while data := os.read(0, 65536):
                for message in decoder.feed(data):
                    if isinstance(message, Shutdown):
                        return
                    self._take(message)
        except ProtocolError as error:
            print(error, file=sys.stderr)
        finally:
            self._at_end()

    def _take(self, message: PipeMessage) -> None:
        if isinstance(message, Request):
            order = Job(message)
            self._unanswered[message.id] = order
            self._begin(order)
            with self._arrived:
                self._waiting.append(order)
                self._arrived.notify()
        elif isinstance(message, Cancel):
            given_up = self._unanswered.get(message.id)
            if given_up is not None:
                given_up.cancelled = True
        else:
            raise ProtocolError("A client does not send {kind}.", kind=type(message).__name__)
