"""The worker's life: it greets, says what it can do, answers requests one after the other, and ends."""

from __future__ import annotations

import os
import platform
import shutil
import time
import traceback
from contextlib import suppress
from pathlib import Path

from ..core.errors import Cancelled, MidasNormalError
from ..core.protocol import VERSION, Error, Hello, Progress, Ready, Request, Result
from .channel import Channel
from .devices import auto_device, described_device, torch_version
from .engines import Engines
from .engines.memory import available_bytes
from .inbox import Inbox
from .making import Maker

ATTEMPTS = 20
"""How often the exchange folder is taken away, should it fill up again."""

LONGEST_SENTENCE = 5000
"""Characters of an error: more than the longest path."""


def serve(folder: Path, weights: Path, without_midas: str, idle_seconds: float) -> None:
    """Answers requests until the client goes, or none has come for `idle_seconds` and again as long.

    folder: the exchange folder, which belongs to this worker and its client and goes with the worker.
    without_midas: "" or the sentence that says why MiDaS cannot run in this process.
    """
    channel = Channel(at_end=lambda: _end(folder))
    inbox = Inbox(at_end=lambda: _end(folder))
    channel.send(Hello(VERSION, os.getpid(), platform.python_version()))
    engines = Engines(weights, without_midas)
    torch = torch_version()
    device = auto_device() if torch else "cpu"
    channel.send(Ready(engines.unavailable(), described_device(device), torch, available_bytes(device)))
    maker = Maker(engines, folder)
    idle_once = False
    while True:
        request = inbox.next_request(idle_seconds)
        if request is not None:
            idle_once = False
            _answer(request, maker, channel, inbox)
            inbox.forget(request.id)
        elif idle_once:
            _end(folder)
        else:
            idle_once = True
            maker.forget()


def _answer(request: Request, maker: Maker, channel: Channel, inbox: Inbox) -> None:
    """Sends exactly one terminal message for the request, whatever happens."""
    def report(stage: str, done: float) -> None:
        if inbox.is_cancelled(request.id):
            raise Cancelled("The request was cancelled.")
        channel.send(Progress(request.id, stage, float(done)))

    answer: Result | Error
    try:
        answer = maker.make(request, report)
    except MidasNormalError as error:
        answer = Error(request.id, type(error).__name__, _sentence(error))
    except MemoryError:
        answer = Error(request.id, "EngineError", "There is not enough memory for this picture; use a smaller one.")
    except Exception as error:  # noqa: BLE001 - whatever a library raises is logged and answered; the worker lives on
        with suppress(OSError):  # the log's disk is full
            traceback.print_exc()
        answer = Error(request.id, "EngineError", f"The engine failed ({type(error).__name__}: {_first_line(error)}); "
                                                  "the log has the details.")
    channel.send(answer)


def _sentence(error: Exception) -> str:
    """What the error says, as text that can be shown: names of files may hold bytes that are none."""
    return str(error)[:LONGEST_SENTENCE].encode("utf-8", "backslashreplace").decode()


def _first_line(error: Exception) -> str:
    return (_sentence(error).splitlines() or ["no message"])[0][:200]


def _end(folder: Path) -> None:
    """Ends the process at once, from any thread; the exchange folder is nobody's any more."""
    for _ in range(ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(0.01)  # the other thread was just writing a file there
    os._exit(0)
