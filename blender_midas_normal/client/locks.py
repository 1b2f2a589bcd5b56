"""Open and lock files in folders that other programs write too."""

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
"""Flags of `os.open` with which a link is not followed and a pipe does not block."""

_LOCKED_BYTE = 1 << 20
"""Offset of the byte that is locked on Windows: beyond the text, since others cannot read a locked byte."""


RETRY_INTERVAL_S = 0.2
"""Seconds between two attempts to get a lock that another process has."""

_LOCKED_ERRNOS = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


def open_regular(path: Path, flags: int, mode: int = 0o666) -> int:
    """Open a file like `os.open`, but raise OSError for a link, a pipe or anything else that is not a regular file."""
    descriptor = os.open(path, flags | SAFE_OPEN_FLAGS, mode)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return descriptor


def create_locked(path: Path) -> int | None:
    """Create a file to append to, and lock it until it is closed, so that others see that it is in use.

    On a drive where files cannot be locked the file is created without a lock; no process can take it for unused there.

    Returns:
        The descriptor; None where another process removed the file as unused before it was locked.

    Raises:
        OSError: the file cannot be created, or exists already.
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
def file_lock(path: Path, error: type[MidasNormalError], on_busy: Callable[[Message], None] | None = None) -> Iterator[None]:
    """Hold a lock file during the `with` block.

    The lock belongs to the open file, so the system releases it when the process ends, however it ends, and the lock file
    of a process that was killed does not block.  The process id in the file is only for the message.

    Args:
        error: raised when another process has the lock, or files cannot be locked.
        on_busy: called, once, with the message when another process has the lock, which is then waited for.
    """
    descriptor = _acquire(path, error, on_busy)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        remove_locked(descriptor, path)


def _acquire(path: Path, error: type[MidasNormalError],
             on_busy: Callable[[Message], None] | None) -> int:
    while True:
        descriptor = open_regular(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            has_lock = try_lock(descriptor)
        except OSError as refusal:
            os.close(descriptor)
            raise error("Files in {folder} cannot be locked: {reason}; choose a folder on another drive.",
                        folder=path.parent, reason=reason_of(refusal)) from None
        if not has_lock:
            owner = os.read(descriptor, 20).decode("ascii", "replace").strip() or "?"
            os.close(descriptor)
            sentence = Message("Another process (number {number}) is at work in {folder}; wait until it has ended.",
                               number=owner, folder=path.parent)
            if on_busy is None:
                raise error(sentence)
            on_busy(sentence)
            on_busy = _ignore
            time.sleep(RETRY_INTERVAL_S)
            continue
        if _is_at(descriptor, path):
            return descriptor
        # The process that had the lock removed the file between its opening and its locking here.
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Tell whether an open file still has this path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


def _ignore(sentence: Message) -> None:
    """Do nothing: the user has had the message."""


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; return False where another process has it, raise OSError if unsupported."""
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
    """Remove and close a locked file; it is removed before it is unlocked, except on Windows, where that is impossible."""
    if sys.platform == "win32":
        os.close(descriptor)
        _try_unlink(path)
    else:
        _try_unlink(path)
        os.close(descriptor)


def _try_unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
