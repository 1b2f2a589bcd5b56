"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import platform
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..client.locks import create_locked, open_regular, remove_locked, try_lock
from ..core.errors import TargetError, reason_of
from ..core.files import atomic_replace, exists

COMPUTER = re.sub(r"[^A-Za-z0-9]+", "-", platform.node())[:40] or "computer"
"""The name of this one, as part of the names of files in folders where others may be at work, too."""

TEMPORARY = f".midas_normal_{COMPUTER}_"
"""What the names of temporary folders begin with, for files that are to be put into the folder around them."""

LOCK = ".lock"
"""The file in a temporary folder that is locked for as long as the process that made the folder needs it."""


@contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """A path to write; what is there at the end of the `with` block takes the target's place, else nothing is left of it.

    Makes the folder where there is none.  Raises TargetError for what the system refuses, in the `with` block too.
    """
    with incomplete(target) as partial:
        yield partial
        atomic_replace(partial, target)


@contextmanager
def incomplete(target: Path) -> Iterator[Path]:
    """A path beside the target to write what is to become it; gone after the `with` block.  Otherwise as `atomic_write`."""
    try:
        with temporary_folder(target.parent) as folder:
            yield folder / target.name
    except OSError as error:
        raise TargetError("{target} cannot be written: {reason}.", target=target, reason=reason_of(error)) from None


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder for files that are to be put into the folder around it, which is made where there is none.

    It is removed after the `with` block; what the system does not let one remove then is left to `remove_leftovers`: no
    failure of what the folder was made for.  Raises OSError.
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder, lock = _locked_folder(parent)
    try:
        yield folder
    finally:
        _remove(folder, lock)


def _locked_folder(parent: Path) -> tuple[Path, int]:
    """Make a temporary folder; the folder, and the descriptor of its lock."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=TEMPORARY))
        with suppress(FileNotFoundError):  # another process took the folder, still empty, for one that was left
            lock = create_locked(folder / LOCK)
            if lock is not None:
                return folder, lock


def _remove(folder: Path, lock: int) -> None:
    """Remove a temporary folder that this process has locked: the lock last, for what stays is found again by it."""
    try:
        for file in [file for file in folder.iterdir() if file.name != LOCK]:
            file.unlink()
    except OSError:
        os.close(lock)
        return
    remove_locked(lock, folder / LOCK)
    with suppress(OSError):
        folder.rmdir()


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary folders in a folder that processes of this computer have left, as those do that are killed.

    Those that are in use stay, whoever uses them, and so do those where nothing can be locked.
    """
    for left in _temporary_folders(folder):
        try:
            lock = open_regular(left / LOCK, os.O_RDWR)
        except FileNotFoundError:
            with suppress(OSError):
                left.rmdir()  # nothing is in it yet
            continue
        except OSError:
            continue
        try:
            is_left = try_lock(lock)
        except OSError:
            is_left = False
        if is_left:
            _remove(left, lock)
        else:
            os.close(lock)


def _temporary_folders(folder: Path) -> list[Path]:
    with suppress(OSError), os.scandir(folder) as entries:  # it is not there yet, or is closed
        return [Path(entry.path) for entry in entries
                if entry.name.startswith(TEMPORARY) and entry.is_dir(follow_symlinks=False)]
    return []


def atomic_create(file: Path, target: Path) -> bool:
    """Give a file the target's name if nothing has it; False where something has it.  Raises OSError.

    Of several processes that do so at once, on several computers, one succeeds.
    """
    try:
        os.link(file, target)
    except FileExistsError:
        # A network drive may say so of what it has just done itself, as it was asked twice (open(2)).
        return exists(target) and target.samefile(file)
    except OSError:  # the drive knows no second names of files
        return _create_by_reserving(file, target)
    return True


def _create_by_reserving(file: Path, target: Path) -> bool:
    """The same: an empty file takes the name first, which one process alone can do, and is then replaced."""
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
