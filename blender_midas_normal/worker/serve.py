"""The worker's life: it greets, says what it can do, answers requests, and ends."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from pathlib import Path

from ..core.messages import Message
from ..core.protocol import VERSION, Hello, Ready
from . import blas
from .answering import Answering, Reading
from .channel import Channel
from .devices import auto_device, batch_of, described_device, device_problem, torch_version, usable_gpus
from .engines import Engines
from .engines.memory import available_bytes
from .inbox import Inbox
from .log import mask_standard_error
from .making import Maker

ATTEMPTS = 20
"""How often the exchange folder is taken away, should it fill up again."""


def serve(folder: Path, weights: Path, without_midas: Message, idle_seconds: float, batch: int = 0) -> None:
    """Answers requests until the client goes, or none has come for `idle_seconds` and again as long.

    folder: the exchange folder, which belongs to this worker and its client and goes with the worker.
    without_midas: "" or the message that says why MiDaS cannot run in this process.
    batch: pictures that the MiDaS network may see at once; 0 for as many as are worth it on the device.
    """
    mask_standard_error()
    blas.take_memory()
    channel = Channel(at_end=lambda: _end(folder))
    channel.send(Hello(VERSION, os.getpid(), platform.python_version()))
    reading = Reading(folder, channel)
    inbox = Inbox(at_end=lambda: _end(folder), begin=reading.begin)
    engines = Engines(weights, without_midas, batch)
    torch = torch_version()
    device = auto_device() if torch else "cpu"
    most = batch or batch_of(device)
    reading.read_ahead(most)
    problem = device_problem()
    if problem:
        print(problem, file=sys.stderr)
    channel.send(Ready(engines.unavailable(), described_device(device), torch, available_bytes(device), usable_gpus(),
                       most, problem))
    maker = Maker(engines)
    answering = Answering(maker, reading, folder, channel)
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
