"""A program that does not outlive the block that needs it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

END_SECONDS = 20.0
"""How long a program may take to end by itself when it is asked to."""

ENDING = signal.SIGINT, signal.SIGTERM
"""The signals that end this program."""


@contextmanager
def running(command: Sequence[str], **kwargs: Any) -> Iterator[subprocess.Popen]:
    """Run a program that ends with the `with` block: it is asked to, and killed when it does not.

    A signal that comes while it is being started, when nobody could end it yet, is heard as soon as it can be ended.
    kwargs: of Popen.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    hear = partial(signal.pthread_sigmask, signal.SIG_SETMASK, before)
    try:
        with subprocess.Popen(command, preexec_fn=hear, **kwargs) as process:
            try:
                hear()
                yield process
            finally:
                end(process)
    finally:
        hear()


def end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
