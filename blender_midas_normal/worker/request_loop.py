"""Greet the client, then answer requests, three at a time: one is read and one written while an engine works for a third."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import Cancelled, Message, MidasNormalError, shorten_message
from ..core.protocol import VERSION, Error, Hello, Progress, Ready, Result
from . import memory
from .channel import Channel, Inbox
from .devices import auto_device, batch_of, described_device, device_problem, torch_version, usable_gpus
from .engines import EngineRegistry
from .inputs import LoadedInputs, load_inputs
from .log import mask_standard_error
from .memory import TOO_LITTLE_MEMORY, available_bytes, is_out_of_memory
from .outputs import write_map
from .pipeline import MapPipeline

if TYPE_CHECKING:
    from .channel import Job
    from .engines import Report
    from .outputs import Files
    from .pipeline import PendingMap, RenderedMap

LONGEST_TEXT = 5000
"""Characters of a text in an error: more than the longest path."""

AHEAD = 256 << 20
"""Bytes of pictures that wait for the engine; once there are as many, no further one is read."""


class InputReader:
    """Reads pictures in a thread of its own, one ahead of those that have been taken, or a few: pictures can be large."""

    def __init__(self, folder: Path, channel: Channel) -> None:
        self._folder = folder
        self._channel = channel
        self._thread = ThreadPoolExecutor(1, "reading")
        self._ahead = 1
        self._waiting: dict[Job, int] = {}
        self._changed = threading.Condition()

    def read_ahead(self, count: int) -> None:
        """At most so many pictures are read before they are taken; fewer where they take AHEAD bytes."""
        with self._changed:
            self._ahead = count
            self._changed.notify()

    def begin(self, order: Job) -> None:
        """What the order gives will be read; call this for each order, from any thread."""
        order.given = self._thread.submit(self._read, order)

    def take(self, order: Job) -> LoadedInputs:
        """What the order gives, once it has been read; raises what reading it raised.  Call this once for each order."""
        try:
            return order.given.result()
        finally:
            with self._changed:
                del self._waiting[order]
                self._changed.notify()

    def _read(self, order: Job) -> LoadedInputs:
        with self._changed:
            self._changed.wait_for(self._has_room)
            self._waiting[order] = 0
        with order.clock.stage("read"):
            found = load_inputs(order.request, self._folder, reporter(order, self._channel))
        self._waiting[order] = found.nbytes
        return found

    def _has_room(self) -> bool:
        return not self._waiting or (len(self._waiting) < self._ahead and sum(self._waiting.values()) < AHEAD)


class RequestLoop:
    """Sends exactly one terminal message for each order, whatever happens."""

    def __init__(self, maker: MapPipeline, reading: InputReader, folder: Path, channel: Channel) -> None:
        self._maker = maker
        self._reading = reading
        self._folder = folder
        self._channel = channel
        self._thread = ThreadPoolExecutor(1, "writing")
        self._last: Future[None] = Future()
        self._last.set_result(None)

    def answer(self, orders: Sequence[Job]) -> None:
        """Draws the orders' maps, each of which is written and sent while the caller goes on with the next one."""
        drafts: list[tuple[Job, PendingMap]] = []
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

    def _see(self, drafts: Sequence[PendingMap]) -> None:
        """Has the engine see the drafts' pictures at once; where that fails, each is seen alone and has its own error."""
        try:
            self._maker.see(drafts)
        except Cancelled:
            return  # nobody wants any of them, as each will say
        except Exception:  # noqa: BLE001 - memory ran short, for one; what is wrong with a picture alone is its answer
            with suppress(OSError):  # the log's disk is full
                traceback.print_exc()

    def _write(self, order: Job, drawn: RenderedMap) -> None:
        with self._errors_sent(order):
            report = reporter(order, self._channel)
            report("write", 0.0)
            with order.clock.stage("encode"), write_map(drawn.map, order.request, self._folder) as files:
                result = _result(order, drawn, files)
            self._channel.send(result)

    @contextmanager
    def _errors_sent(self, order: Job) -> Iterator[None]:
        """What is raised in the `with` block is the order's answer."""
        request = order.request.id
        try:
            yield
        except MidasNormalError as error:
            self._channel.send(Error(request, type(error).__name__, shorten_message(error.message, LONGEST_TEXT)))
        except Exception as error:  # noqa: BLE001 - whatever a library raises is logged and answered; the worker lives on
            with suppress(OSError):  # the log's disk is full
                traceback.print_exc()
            self._channel.send(Error(request, "EngineError", _unforeseen(error)))


def _result(order: Job, drawn: RenderedMap, files: Files) -> Result:
    return Result(order.request.id, files.map, drawn.width, drawn.height, drawn.engine, drawn.device, drawn.why,
                  drawn.surface, order.clock.seconds, list(drawn.notes), files.pixels, files.checksum, drawn.map.scale,
                  drawn.range)


def reporter(order: Job, channel: Channel) -> Report:
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


ATTEMPTS = 20
"""How often the exchange folder is taken away, should it fill up again."""


def serve(folder: Path, weights: Path, without_midas: Message, idle_seconds: float, batch: int = 0) -> None:
    """Answers requests until the client goes, or none has come for `idle_seconds` and again as long.

    folder: the exchange folder, which belongs to this worker and its client and goes with the worker.
    without_midas: "" or the message that says why MiDaS cannot run in this process.
    batch: pictures that the MiDaS network may see at once; 0 for as many as are worth it on the device.
    """
    mask_standard_error()
    memory.preallocate_blas()
    channel = Channel(at_end=lambda: _end(folder))
    channel.send(Hello(VERSION, os.getpid(), platform.python_version()))
    reading = InputReader(folder, channel)
    inbox = Inbox(at_end=lambda: _end(folder), begin=reading.begin)
    engines = EngineRegistry(weights, without_midas, batch)
    torch = torch_version()
    device = auto_device() if torch else "cpu"
    most = batch or batch_of(device)
    reading.read_ahead(most)
    problem = device_problem()
    if problem:
        print(problem, file=sys.stderr)
    channel.send(Ready(engines.unavailable(), described_device(device), torch, available_bytes(device), usable_gpus(),
                       most, problem))
    maker = MapPipeline(engines)
    answering = RequestLoop(maker, reading, folder, channel)
    idle_once = False
    while True:
        orders = inbox.next_orders(idle_seconds, most)
        if orders:
            idle_once = False
            answering.answer(orders)
        elif idle_once:
            answering.finish()
            _end(folder)
        else:
            idle_once = True
            maker.forget()


def _end(folder: Path) -> None:
    """Ends the process at once, from any thread; the exchange folder is nobody's any more."""
    for _ in range(ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(0.01)  # another thread was just writing a file there
    os._exit(0)
