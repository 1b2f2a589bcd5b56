"""Requests and their answers, three at a time: while the engine works for one, the next one's picture is read and the last
one's map is written.  Where the engine sees several pictures at once, it works for so many, and as many are read."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import Cancelled, MidasNormalError
from ..core.messages import Message, shortened
from ..core.protocol import Error, Progress, Result
from .engines.memory import TOO_LITTLE_MEMORY, is_out_of_memory
from .reading import Given, given
from .writing import written

if TYPE_CHECKING:
    from .channel import Channel
    from .engines import Report
    from .making import Draft, Drawn, Maker
    from .orders import Order
    from .writing import Files

LONGEST_TEXT = 5000
"""Characters of a text in an error: more than the longest path."""

AHEAD = 256 << 20
"""Bytes of pictures that wait for the engine; once there are as many, no further one is read."""


class Reading:
    """Reads pictures in a thread of its own, one ahead of those that have been taken, or a few: pictures can be large."""

    def __init__(self, folder: Path, channel: Channel) -> None:
        self._folder = folder
        self._channel = channel
        self._thread = ThreadPoolExecutor(1, "reading")
        self._ahead = 1
        self._waiting: dict[Order, int] = {}
        self._changed = threading.Condition()

    def read_ahead(self, count: int) -> None:
        """At most so many pictures are read before they are taken; fewer where they take AHEAD bytes."""
        with self._changed:
            self._ahead = count
            self._changed.notify()

    def begin(self, order: Order) -> None:
        """What the order gives will be read; call this for each order, from any thread."""
        order.given = self._thread.submit(self._read, order)

    def take(self, order: Order) -> Given:
        """What the order gives, once it has been read; raises what reading it raised.  Call this once for each order."""
        try:
            return order.given.result()
        finally:
            with self._changed:
                del self._waiting[order]
                self._changed.notify()

    def _read(self, order: Order) -> Given:
        with self._changed:
            self._changed.wait_for(self._has_room)
            self._waiting[order] = 0
        with order.clock.stage("read"):
            found = given(order.request, self._folder, reporter(order, self._channel))
        self._waiting[order] = found.nbytes
        return found

    def _has_room(self) -> bool:
        return not self._waiting or (len(self._waiting) < self._ahead and sum(self._waiting.values()) < AHEAD)


class Answering:
    """Sends exactly one terminal message for each order, whatever happens."""

    def __init__(self, maker: Maker, reading: Reading, folder: Path, channel: Channel) -> None:
        self._maker = maker
        self._reading = reading
        self._folder = folder
        self._channel = channel
        self._thread = ThreadPoolExecutor(1, "writing")
        self._last: Future[None] = Future()
        self._last.set_result(None)

    def answer(self, orders: Sequence[Order]) -> None:
        """Draws the orders' maps, each of which is written and sent while the caller goes on with the next one."""
        drafts: list[tuple[Order, Draft]] = []
        for order in orders:
            with self._errors_sent(order):
                found, report = self._reading.take(order), reporter(order, self._channel)
                draft = self._maker.begun(order.request, found, report, order.clock, len(orders) > 1)
                drafts.append((order, draft))
        self._see([draft for _, draft in drafts])
        for order, draft in drafts:
            with self._errors_sent(order):
                drawn = self._maker.drawn(draft)
                self.finish()
                self._last = self._thread.submit(self._write, order, drawn)

    def finish(self) -> None:
        """Waits until the last order has been answered."""
        self._last.result()

    def _see(self, drafts: Sequence[Draft]) -> None:
        """Has the engine see the drafts' pictures at once; where that fails, each is seen alone and has its own error."""
        try:
            self._maker.see(drafts)
        except Cancelled:
            return  # nobody wants any of them, as each will say
        except Exception:  # noqa: BLE001 - memory ran short, for one; what is wrong with a picture alone is its answer
            with suppress(OSError):  # the log's disk is full
                traceback.print_exc()

    def _write(self, order: Order, drawn: Drawn) -> None:
        with self._errors_sent(order):
            report = reporter(order, self._channel)
            report("write", 0.0)
            with order.clock.stage("encode"), written(drawn.map, order.request, self._folder) as files:
                result = _result(order, drawn, files)
            self._channel.send(result)

    @contextmanager
    def _errors_sent(self, order: Order) -> Iterator[None]:
        """What is raised in the `with` block is the order's answer."""
        request = order.request.id
        try:
            yield
        except MidasNormalError as error:
            self._channel.send(Error(request, type(error).__name__, shortened(error.message, LONGEST_TEXT)))
        except Exception as error:  # noqa: BLE001 - whatever a library raises is logged and answered; the worker lives on
            with suppress(OSError):  # the log's disk is full
                traceback.print_exc()
            self._channel.send(Error(request, "EngineError", _unforeseen(error)))


def _result(order: Order, drawn: Drawn, files: Files) -> Result:
    return Result(order.request.id, files.map, drawn.width, drawn.height, drawn.engine, drawn.device, drawn.why,
                  drawn.surface, order.clock.seconds, list(drawn.notes), files.pixels, files.checksum, drawn.map.scale,
                  drawn.range)


def reporter(order: Order, channel: Channel) -> Report:
    """What tells the client how far an order is; it raises Cancelled when nobody wants the map any more."""
    def report(stage: str, done: float) -> None:
        if order.cancelled:
            raise Cancelled("The request was cancelled.")
        channel.send(Progress(order.request.id, stage, float(done)))

    return report


def _unforeseen(error: Exception) -> Message:
    if is_out_of_memory(error):
        return TOO_LITTLE_MEMORY
    return Message("The engine failed ({error}: {reason}); the log has the details.", error=type(error).__name__,
                   reason=_first_line(error))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no message"])[0][:200]
