"""A lock file, so that two programs do not write into one folder at once."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
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


WAIT = 0.2
"""Seconds after which a lock that another process has is tried again."""

_HELD_BY_ANOTHER = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


@contextmanager
def held(path: Path, error: type[MidasNormalError], busy: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock file; raises `error` when another process has it, or calls `busy` with that sentence, once, and waits.

    The system keeps the lock and drops it when the process ends, however it ends: a file left by a process that died, even
    one whose number another process has now, is taken over.  The number in the file only serves the message.
    """
    descriptor = _locked(path, error, busy)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        _given_up(descriptor, path)


def _locked(path: Path, error: type[MidasNormalError], busy: Callable[[str], None] | None) -> int:
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | UNFOOLED, 0o600)
        try:
            is_ours = try_lock(descriptor)
        except OSError as refusal:
            os.close(descriptor)
            raise error(f"Files in {path.parent} cannot be locked: {refusal.strerror}; choose a folder on another "
                        "drive.") from None
        if not is_ours:
            owner = os.read(descriptor, 20).decode("ascii", "replace").strip() or "?"
            os.close(descriptor)
            sentence = f"Another process (number {owner}) is at work in {path.parent}; wait until it has ended."
            if busy is None:
                raise error(sentence)
            busy(sentence)
            busy = _say_nothing
            time.sleep(WAIT)
            continue
        try:
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except OSError:
            pass
        # The file was taken away between opening and locking it, by the process that held it before.
        os.close(descriptor)


def _say_nothing(sentence: str) -> None:
    """The user knows already."""


def try_lock(descriptor: int) -> bool:
    """Locks an open file until it is closed; False where another process has it.  Raises OSError where none can be."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _FAR, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD_BY_ANOTHER:
            return False
        raise
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
