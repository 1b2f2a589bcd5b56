"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...core.errors import TargetError
from ...core.paths import exists, put_in_place

LEFTOVER = re.compile(r"\.midas_normal_([a-z0-9_]{8}|[0-9a-f]{32})")
"""Names of the folders that `incomplete` makes, and of those in which the maps of frames wait."""

LEFT_FOR = 24 * 60 * 60.0
"""Seconds after which such a folder is of a process that was killed."""


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path to write; what is there at the end of the `with` block takes the target's place, else nothing is left of it.

    Makes the folder where there is none.  Raises TargetError for what the system refuses, in the `with` block too.
    """
    with incomplete(target) as partial:
        yield partial
        put_in_place(partial, target)


@contextmanager
def incomplete(target: Path) -> Iterator[Path]:
    """A path beside the target to write what is to become it; gone after the `with` block.  Otherwise as `replacing`."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".midas_normal_") as folder:
            yield Path(folder) / target.name
    except OSError as error:
        raise TargetError(f"{target} cannot be written: {error.strerror}.") from None


def create(file: Path, target: Path) -> bool:
    """Gives a file the target's name, too, if nothing has it; False where something has it.  Raises OSError.

    Of several processes that do so at once, on several computers, one succeeds.
    """
    try:
        os.link(file, target)
    except FileExistsError:
        # A network drive may say so of what it has just done itself, as it was asked twice (open(2)).
        return exists(target) and target.samefile(file)
    except OSError:  # the drive knows no second names of files
        if os.path.lexists(target):
            return False
        put_in_place(file, target)
    return True


def remove_leftovers(folder: Path) -> None:
    """Removes the folders that processes have left in this one which were killed long ago."""
    with suppress(OSError), os.scandir(folder) as entries:  # it is not there yet, or nothing can be removed
        for entry in entries:
            if (LEFTOVER.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
                    and time.time() - entry.stat().st_mtime > LEFT_FOR):
                shutil.rmtree(entry.path, ignore_errors=True)
