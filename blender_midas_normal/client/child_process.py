"""Run child processes: read their output line by line without blocking, and end them with all that they started."""

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
"""The most bytes read in one call: the capacity of a pipe on Linux."""


if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _peek = ctypes.WinDLL("kernel32", use_last_error=True).PeekNamedPipe
    _peek.argtypes = [wintypes.HANDLE, wintypes.LPVOID, wintypes.DWORD, wintypes.LPDWORD, wintypes.LPDWORD,
                      wintypes.LPDWORD]
    _peek.restype = wintypes.BOOL

    def make_non_blocking(fd: int) -> None:
        """Do nothing: on Windows `read_available` asks first how many bytes the pipe holds."""

    def write_available(fd: int, data: bytes | bytearray) -> int:
        """Write what the pipe accepts; return the number of bytes written, raise OSError when the other end is closed."""
        return os.write(fd, data)

    def read_available(fd: int) -> bytes | None:
        """Read at most READ_SIZE bytes; return b"" when the pipe is empty, None when the other end is closed."""
        waiting = wintypes.DWORD(0)
        if not _peek(msvcrt.get_osfhandle(fd), None, 0, None, ctypes.byref(waiting), None):
            return None
        return os.read(fd, min(waiting.value, READ_SIZE)) if waiting.value else b""

else:
    def make_non_blocking(fd: int) -> None:
        """Make one end of a pipe non-blocking; call this once before `read_available` or `write_available`."""
        os.set_blocking(fd, False)

    def write_available(fd: int, data: bytes | bytearray) -> int:
        """Write what the pipe accepts; return the number of bytes written, raise OSError when the other end is closed."""
        try:
            return os.write(fd, data)
        except BlockingIOError:
            return 0

    def read_available(fd: int) -> bytes | None:
        """Read at most READ_SIZE bytes; return b"" when the pipe is empty, None when the other end is closed."""
        try:
            return os.read(fd, READ_SIZE) or None
        except BlockingIOError:
            return b""


TAIL_LINES = 40
"""Number of last lines of a child's output that are kept."""

TERMINATE_TIMEOUT_S = 2.0
"""Seconds from SIGTERM to SIGKILL, and then until the child is no longer waited for: the system cannot end a process that
waits for a driver or a drive that does not respond."""

POLL_INTERVAL_S = 0.05
"""Seconds between two reads while a child prints nothing."""

_PYTHON_VARIABLES = re.compile(
    r"PYTHON.*|__PYVENV_LAUNCHER__|VIRTUAL_ENV|CONDA_PREFIX|PIP_(USER|TARGET|PREFIX|REQUIRE_VIRTUALENV)"
    r"|UV_(TORCH_BACKEND|LINK_MODE|SYSTEM_PYTHON|PYTHON.*)")
"""Matches variables that would make a child's Python, pip or uv use another environment than its own."""


@dataclass(frozen=True)
class CompletedProcess:
    """The exit code of a child, and the last TAIL_LINES lines of its output, stdout and stderr together."""

    code: int
    tail: str

    @property
    def last_line(self) -> str:
        return self.tail.rpartition("\n")[2]


def clean_environment() -> dict[str, str]:
    """Return the environment variables of this process without those that configure its own Python."""
    return {name: value for name, value in os.environ.items() if not _PYTHON_VARIABLES.fullmatch(name)}


def start_process(command: Sequence[str], stdin: int = subprocess.DEVNULL,
                  stderr: int | IO[bytes] = subprocess.STDOUT, **variables: str) -> subprocess.Popen[bytes]:
    """Start a child in a process group of its own, with a non-blocking pipe as its standard output.

    Args:
        variables: environment variables that are added to, or replace, those of this process.

    Raises:
        OSError: the program cannot be started.
    """
    group_options: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        group_options = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    child = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, bufsize=0,
                             env={**clean_environment(), **variables}, **group_options)
    make_non_blocking(child.stdout.fileno())  # type: ignore[union-attr]
    return child


def run_process(command: Sequence[str], on_line: Callable[[str], None] = lambda line: None,
                cancelled: Callable[[], bool] = lambda: False, seconds: float | None = None) -> CompletedProcess:
    """Run a child to its end; after an exception it is ended, with all that it started.

    Args:
        on_line: called with each line of its output as soon as it is complete.
        cancelled: called often; the child is ended when it returns true.
        seconds: the most time that the child may take; None for any.

    Raises:
        OSError: the program cannot be started.
        TimeoutError: it took longer.
        Cancelled: `cancelled()` returned true.
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
        has_ended = child.poll() is not None
        data = read_available(child.stdout.fileno())  # type: ignore[union-attr]
        for line in lines.feed(data):
            tail.append(line)
            on_line(line)
        # A grandchild may keep the pipe open after the child has ended, and is not waited for.  A child that has closed
        # its end of the pipe may still run for long.
        if has_ended and not data:
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
    """Split a stream of bytes into lines; a carriage return ends a line too, and empty lines are dropped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes | None) -> list[str]:
        """Return the lines that these bytes complete; None, for the end of the stream, completes the last one."""
        *lines, self._rest = re.split(rb"[\r\n]+", self._rest + (b"\n" if data is None else data))
        return [text for line in lines if (text := line.decode("utf-8", "replace").rstrip())]


def terminate_process(child: subprocess.Popen[bytes]) -> None:
    """End a child and all that it started: ask them with SIGTERM, kill them after TERMINATE_TIMEOUT_S."""
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
