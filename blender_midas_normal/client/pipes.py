"""Reading and writing a child's pipes without ever waiting for it.

POSIX sets the pipe to non-blocking.  On Windows `os.set_blocking` takes pipes only from Python 3.12 on, and Blender 4.2
to 5.0 bring 3.11: there the pipe is asked how much it holds before it is read, and writing waits while it is full.
"""

from __future__ import annotations

import os
import sys

CHUNK = 1 << 16
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
        return os.read(fd, min(waiting.value, CHUNK)) if waiting.value else b""

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
            return os.read(fd, CHUNK) or None
        except BlockingIOError:
            return b""
