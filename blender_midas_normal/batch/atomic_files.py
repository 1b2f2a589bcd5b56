"""Write files atomically: a file gets its name when it is complete, also where several processes write one folder."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..client.locks import create_locked, open_regular, remove_locked, try_lock
from ..core.errors import TargetError, reason_of
from ..core.files import atomic_replace, exists

COMPUTER = re.sub(r"[^A-Za-z0-9]+", "-", platform.node())[:40] or "computer"
"""This computer's name, as part of the names of files in folders that several computers may use."""

TEMPORARY_PREFIX = f".midas_normal_{COMPUTER}_"
"""Prefix of the names of temporary folders in output folders."""

TEMPORARY_MAX_AGE_S = 86400.0
"""Seconds without a change after which a temporary folder counts as left behind whose lock tells nothing: that of another
computer, or on a drive where files cannot be locked."""

TEMPORARY_NAME = re.compile(r"\.midas_normal_[A-Za-z0-9-]+_\w+")
"""Names of temporary folders of all computers."""

LOCK_NAME = ".lock"
"""The file in a temporary folder that is locked as long as the process that created the folder uses it."""


@contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """Yield a path to write, which replaces the target at the end of the `with` block.

    After an exception nothing is left of it.  The target's folder is created where it does not exist.

    Raises:
        TargetError: the system refuses to write, also inside the `with` block.
    """
    with partial_file(target) as partial:
        yield partial
        atomic_replace(partial, target)


@contextmanager
def partial_file(target: Path) -> Iterator[Path]:
    """Yield a path on the target's drive, with its name, which is removed after the `with` block unless it was moved.

    Raises:
        TargetError: the system refuses to write, also inside the `with` block.
    """
    try:
        with temporary_folder(target.parent) as folder:
            yield folder / target.name
    except OSError as error:
        raise TargetError("{target} cannot be written: {reason}.", target=target, reason=reason_of(error)) from None


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """Yield a new folder inside `parent`, which is created where it does not exist; remove it after the `with` block.

    What cannot be removed then is left to `remove_leftovers`, and is no error.

    Raises:
        OSError: the folder cannot be created.
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder, lock = _create_locked_folder(parent)
    try:
        yield folder
    finally:
        _remove(folder, lock)


def _create_locked_folder(parent: Path) -> tuple[Path, int]:
    """Create a temporary folder; return it and the descriptor of its locked file."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=TEMPORARY_PREFIX))
        with suppress(FileNotFoundError):  # another process removed the folder, still empty, as a leftover
            lock = create_locked(folder / LOCK_NAME)
            if lock is not None:
                return folder, lock


def _remove(folder: Path, lock: int) -> None:
    """Remove a temporary folder that this process has locked; its lock goes last, since a folder without one stays."""
    try:
        for file in [file for file in folder.iterdir() if file.name != LOCK_NAME]:
            file.unlink()
    except OSError:
        os.close(lock)
        return
    remove_locked(lock, folder / LOCK_NAME)
    with suppress(OSError):
        folder.rmdir()


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary folders that killed processes have left in a folder.

    Those of this computer are removed unless they are in use; those of other computers, and all on a drive where files
    cannot be locked, once they have not changed for TEMPORARY_MAX_AGE_S.
    """
    for leftover in _temporary_folders(folder):
        if not leftover.name.startswith(TEMPORARY_PREFIX):
            _remove_if_old(leftover)
            continue
        try:
            lock = open_regular(leftover / LOCK_NAME, os.O_RDWR)
        except FileNotFoundError:
            with suppress(OSError):
                leftover.rmdir()  # its process was killed before it created the lock
            continue
        except OSError:
            continue
        try:
            is_unused = try_lock(lock)
        except OSError:
            os.close(lock)
            _remove_if_old(leftover)
            continue
        if is_unused:
            _remove(leftover, lock)
        else:
            os.close(lock)


def _remove_if_old(leftover: Path) -> None:
    """Remove a temporary folder that has not changed for long, by the clock of its drive."""
    with suppress(OSError):
        with tempfile.TemporaryFile(dir=leftover.parent) as new:
            age = os.fstat(new.fileno()).st_mtime - leftover.stat().st_mtime
        if age > TEMPORARY_MAX_AGE_S:
            shutil.rmtree(leftover)


def _temporary_folders(folder: Path) -> list[Path]:
    with suppress(OSError), os.scandir(folder) as entries:  # it does not exist yet, or may not be read
        return [Path(entry.path) for entry in entries
                if TEMPORARY_NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)]
    return []


def atomic_create(file: Path, target: Path) -> bool:
    """Move a file to the target unless that exists; tell whether it was moved.

    Of several processes that do so at the same time, also on several computers, one succeeds.

    Raises:
        OSError: the system refuses to write.
    """
    try:
        os.link(file, target)
    except FileExistsError:
        # A network drive may report this of a link that it has just created, when the request was repeated (open(2)).
        return exists(target) and target.samefile(file)
    except OSError:  # the drive does not support hard links
        return _create_by_reserving(file, target)
    return True


def _create_by_reserving(file: Path, target: Path) -> bool:
    """Do the same without hard links: create an empty file, which one process alone can do, then replace it."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    try:
        atomic_replace(file, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return True
