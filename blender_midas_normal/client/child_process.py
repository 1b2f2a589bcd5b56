"""Run a child process: pass its output on line by line without waiting, and end it with all that it started."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from ..core.errors import Cancelled

READ_SIZE = 1 << 16
"""Bytes read at most in one call: what a pipe holds on Linux."""


if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _peek = ctypes.WinDLL("kernel32", use_last_error=True).PeekNamedPipe
    _peek.argtypes = [wintypes.HANDLE, wintypes.LPVOID, wintypes.DWORD, wintypes.LPDWORD, wintypes.LPDWORD,
                      wintypes.LPDWORD]
    _peek.restype = wintypes.BOOL

    def make_non_blocking(fd: int) -> None:
        """Nothing to do: `read_available` asks the pipe first."""

    def write_available(fd: int, data: bytes | bytearray) -> int:
        """How many of the bytes the pipe has taken; raises OSError when the other side is closed."""
        return os.write(fd, data)

    def read_available(fd: int) -> bytes | None:
        """What the pipe holds now, at most CHUNK bytes; b"" when that is nothing, None when the other side is closed."""
        waiting = wintypes.DWORD(0)
        if not _peek(msvcrt.get_osfhandle(fd), None, 0, None, ctypes.byref(waiting), None):
            return None
        return os.read(fd, min(waiting.value, READ_SIZE)) if waiting.value else b""

else:
    def make_non_blocking(fd: int) -> None:
        """Call once for each end, before `read_available` and `write_available`."""
        os.set_blocking(fd, False)

    def write_available(fd: int, data: bytes | bytearray) -> int:
        """How many of the bytes the pipe has taken; raises OSError when the other side is closed."""
        try:
            return os.write(fd, data)
        except BlockingIOError:
            return 0

    def read_available(fd: int) -> bytes | None:
        """What the pipe holds now, at most CHUNK bytes; b"" when that is nothing, None when the other side is closed."""
        try:
            return os.read(fd, READ_SIZE) or None
        except BlockingIOError:
            return b""


TAIL_LINES = 40
"""Lines of a child's output that are kept."""

TERMINATE_TIMEOUT_S = 2.0
"""Seconds between asking a child to end and ending it, and for which it is waited for after that: one that waits for a
driver or a drive that does not answer cannot be ended, and nobody must wait with it."""

POLL_INTERVAL_S = 0.05
"""Seconds between two reads while a child prints nothing."""

_PYTHON_VARIABLES = re.compile(
    r"PYTHON.*|__PYVENV_LAUNCHER__|VIRTUAL_ENV|CONDA_PREFIX|PIP_(USER|TARGET|PREFIX|REQUIRE_VIRTUALENV)"
    r"|UV_(TORCH_BACKEND|LINK_MODE|SYSTEM_PYTHON|PYTHON.*)")
"""Variables that would lead a child's Python, pip or uv to another environment than the one it is run for."""


@dataclass(frozen=True)
class CompletedProcess:
    """How a child ended: its exit code and the last lines of its output, stdout and stderr together."""

    code: int
    tail: str

    @property
    def last_line(self) -> str:
        return self.tail.rpartition("\n")[2]


def clean_environment() -> dict[str, str]:
    """This process's environment variables without those that belong to its own Python."""
    return {name: value for name, value in os.environ.items() if not _PYTHON_VARIABLES.fullmatch(name)}


def start_process(command: Sequence[str], stdin: int = subprocess.DEVNULL,
                  stderr: int | IO[bytes] = subprocess.STDOUT, **variables: str) -> subprocess.Popen[bytes]:
    """The child, in a process group of its own, with a pipe as stdout; raises OSError when there is no such program.

    variables: of its environment, in place of this process's own or besides them.
    """
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    child = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, bufsize=0,
                             env={**clean_environment(), **variables}, **apart)
    make_non_blocking(child.stdout.fileno())  # type: ignore[union-attr]
    return child


def run_process(command: Sequence[str], on_line: Callable[[str], None] = lambda line: None,
                cancelled: Callable[[], bool] = lambda: False, seconds: float | None = None) -> CompletedProcess:
    """Run a child to its end, each line of its output going to `on_line` as it comes.

    Raises OSError when there is no such program, TimeoutError after `seconds` and Cancelled when `cancelled()` says so;
    in every case the child and what it started are gone afterwards, as far as they can be ended.
    """
    child = start_process(command)
    try:
        return _stream_output(child, on_line, cancelled, seconds)
    finally:
        if child.poll() is None:
            terminate_process(child)
        child.stdout.close()  # type: ignore[union-attr]


def _stream_output(child: subprocess.Popen[bytes], on_line: Callable[[str], None], cancelled: Callable[[], bool],
                   seconds: float | None) -> CompletedProcess:
    deadline = None if seconds is None else time.monotonic() + seconds
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    lines = LineSplitter()
    while True:
        gone = child.poll() is not None
        data = read_available(child.stdout.fileno())  # type: ignore[union-attr]
        for line in lines.feed(data):
            tail.append(line)
            on_line(line)
        # A grandchild may hold the pipe open after the child's own end: then nothing more is waited for.  A child that
        # has closed its end of it may go on for long.
        if gone and not data:
            break
        if cancelled():
            raise Cancelled("The work was cancelled.")
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError(f"The process did not end within {seconds:g} seconds.")
        if not data:
            time.sleep(POLL_INTERVAL_S)
    for line in lines.feed(None):
        tail.append(line)
        on_line(line)
    return CompletedProcess(child.returncode, "\n".join(tail))


class LineSplitter:
    """Cut bytes into lines as they come; a carriage return ends a line too, and empty lines are left out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes | None) -> list[str]:
        """The lines completed by these bytes; None, the end of the stream, completes the last one."""
        whole = self._rest + (b"\n" if data is None else data)
        *lines, self._rest = re.split(rb"[\r\n]+", whole)
        return [text for line in lines if (text := line.decode("utf-8", "replace").rstrip())]


def terminate_process(child: subprocess.Popen[bytes]) -> None:
    """End the child and everything it started: asked first, ended after PATIENCE seconds, waited for as long again."""
    if sys.platform == "win32":
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(child.pid)], stdin=subprocess.DEVNULL, capture_output=True,
                           creationflags=subprocess.CREATE_NO_WINDOW, check=False, timeout=TERMINATE_TIMEOUT_S)
    else:
        _signal_group(child.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.wait(TERMINATE_TIMEOUT_S)
        _signal_group(child.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        child.wait(TERMINATE_TIMEOUT_S)


def _signal_group(group: int, number: int) -> None:
    if sys.platform == "win32":
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
