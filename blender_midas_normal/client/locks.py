"""Files in folders where others write, too: opened with care, and locked, so that two programs do not write at once."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.errors import Message, MidasNormalError, reason_of

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

SAFE_OPEN_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""A link under a file's name is not followed, and a pipe is not waited for."""

_LOCKED_BYTE = 1 << 20
"""The byte that is locked on Windows: one beyond the text, because a locked byte cannot be read by others."""


RETRY_INTERVAL_S = 0.2
"""Seconds after which a lock that another process has is tried again."""

_LOCKED_ERRNOS = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


def open_regular(path: Path, flags: int, mode: int = 0o666) -> int:
    """Open a file in a folder where others may write, as `os.open` does; raises OSError for all but a regular file."""
    descriptor = os.open(path, flags | SAFE_OPEN_FLAGS, mode)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return descriptor


def create_locked(path: Path) -> int | None:
    """Create a file to append to that stays locked until it is closed, so that others see that it is in use.

    Where files cannot be locked it is not, but there nobody can take it for unused.

    Returns:
        Its descriptor; None where another process has taken the new file for an unused one before it was locked.

    Raises:
        OSError: it cannot be created, or is there already.
    """
    descriptor = open_regular(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND)
    try:
        is_locked = try_lock(descriptor)
    except OSError:
        return descriptor
    if is_locked and _is_at(descriptor, path):
        return descriptor
    os.close(descriptor)
    return None


@contextmanager
def file_lock(path: Path, error: type[MidasNormalError], busy: Callable[[Message], None] | None = None) -> Iterator[None]:
    """Hold the lock file; raises `error` when another process has it, or calls `busy` with that sentence, once, and waits.

    The system keeps the lock and drops it when the process ends, however it ends: a file left by a process that died, even
    one whose number another process has now, is taken over.  The number in the file only serves the message.
    """
    descriptor = _acquire(path, error, busy)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        remove_locked(descriptor, path)


def _acquire(path: Path, error: type[MidasNormalError], busy: Callable[[Message], None] | None) -> int:
    while True:
        descriptor = open_regular(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            is_ours = try_lock(descriptor)
        except OSError as refusal:
            os.close(descriptor)
            raise error("Files in {folder} cannot be locked: {reason}; choose a folder on another drive.",
                        folder=path.parent, reason=reason_of(refusal)) from None
        if not is_ours:
            owner = os.read(descriptor, 20).decode("ascii", "replace").strip() or "?"
            os.close(descriptor)
            sentence = Message("Another process (number {number}) is at work in {folder}; wait until it has ended.",
                               number=owner, folder=path.parent)
            if busy is None:
                raise error(sentence)
            busy(sentence)
            busy = _say_nothing
            time.sleep(RETRY_INTERVAL_S)
            continue
        if _is_at(descriptor, path):
            return descriptor
        # The file was taken away between opening and locking it, by the process that held it before.
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Tell whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


def _say_nothing(sentence: Message) -> None:
    """The user knows already."""


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; False where another process has it.  Raises OSError where none can be."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _LOCKED_ERRNOS:
            return False
        raise
    return True


def remove_locked(descriptor: int, path: Path) -> None:
    """Remove a file and close it: while it is still locked where the system lets one; Windows does so only after closing."""
    if sys.platform == "win32":
        os.close(descriptor)
        _try_unlink(path)
    else:
        _try_unlink(path)
        os.close(descriptor)


def _try_unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
