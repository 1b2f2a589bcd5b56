"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import platform
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...core.errors import TargetError
from ...core.paths import exists, put_in_place

COMPUTER = re.sub(r"[^A-Za-z0-9]+", "-", platform.node())[:40] or "computer"
"""The name of this one, as part of the names of files in folders where others may be at work, too."""

TEMPORARY = f".midas_normal_{COMPUTER}_"
"""What the names of temporary folders begin with, for files that are to be put into the folder around them."""


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
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=TEMPORARY) as folder:
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


def leftovers(folder: Path) -> list[Path]:
    """List the temporary folders in a folder: of processes of this computer, which are at work or were killed."""
    with suppress(OSError), os.scandir(folder) as entries:  # it is not there yet, or is closed
        return [Path(entry.path) for entry in entries
                if entry.name.startswith(TEMPORARY) and entry.is_dir(follow_symlinks=False)]
    return []
