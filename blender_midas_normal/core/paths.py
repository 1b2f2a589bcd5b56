"""Files where things may not be allowed, or not yet: looking whether one is there, and putting one in its place."""

from __future__ import annotations

import os
import time
from pathlib import Path

from .errors import SourceError
from .protocol import LARGEST_FILE

LOCKED = (5, 32)
"""Windows' errors for a file that another program has open: a virus scanner looks at each new one for a moment."""

PATIENCE = 1.0
"""Seconds for which a locked file is tried again."""


def is_file(path: Path) -> bool:
    """Whether there is a file, as far as this process can see; raises nothing, unlike `Path.is_file`."""
    return os.path.isfile(path)  # noqa: PTH113


def exists(path: Path) -> bool:
    """Whether there is anything, as far as this process can see; raises nothing, unlike `Path.exists`."""
    return os.path.exists(path)  # noqa: PTH110


def check_picture(path: Path) -> None:
    """Raises SourceError where there is no such file, or one larger than any picture; OSError where that cannot be told."""
    if is_file(path):
        if path.stat().st_size > LARGEST_FILE:
            raise SourceError("{path} is larger than any picture may be.", path=path)
        return
    if os.path.islink(path):  # noqa: PTH114 - Path.is_symlink raises where a folder is closed
        raise SourceError("{path} is a link to a file that is not there.", path=path)
    raise SourceError("There is no picture {path}.", path=path)


def resolved(path: Path) -> Path:
    """The absolute path without links; raises nothing, unlike `Path.resolve`, where a link leads to itself."""
    return Path(os.path.realpath(path))


def put_in_place(file: Path, target: Path) -> None:
    """Moves a file into the target's place, whole or not at all, once neither is locked; raises OSError."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            file.replace(target)
            return
        except OSError as error:
            if getattr(error, "winerror", None) not in LOCKED or time.monotonic() > end:
                raise
        time.sleep(0.05)
