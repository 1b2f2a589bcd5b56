"""A lock file, so that two programs do not write into one folder at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.errors import MidasNormalError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

UNFOOLED = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""For `os.open` in a folder where others may write: a link under the file's name is not followed, a pipe not waited for."""

_FAR = 1 << 20
"""The byte that is locked on Windows: one beyond the text, because a locked byte cannot be read by others."""


@contextmanager
def held(path: Path, error: type[MidasNormalError]) -> Iterator[None]:
    """Hold the lock file; raises `error` when another process has it.

    The system keeps the lock and drops it when the process ends, however it ends: a file left by a process that died, even
    one whose number another process has now, is taken over.  The number in the file only serves the message.
    """
    descriptor = _locked(path, error)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        _given_up(descriptor, path)


def _locked(path: Path, error: type[MidasNormalError]) -> int:
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | UNFOOLED, 0o600)
        if not _try_lock(descriptor):
            owner = os.read(descriptor, 20).decode("ascii", "replace").strip() or "?"
            os.close(descriptor)
            raise error(f"Another process (number {owner}) is at work in {path.parent}; wait until it has ended.")
        try:
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except OSError:
            pass
        # The file was taken away between opening and locking it, by the process that held it before.
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _FAR, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _given_up(descriptor: int, path: Path) -> None:
    """Take the file away while it is still locked where the system lets one; Windows does so only after closing."""
    if sys.platform == "win32":
        os.close(descriptor)
        _without_file(path)
    else:
        _without_file(path)
        os.close(descriptor)


def _without_file(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
