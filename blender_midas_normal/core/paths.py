"""Looking whether a file is there where that may not be allowed: in a closed folder, under a name that is too long."""

from __future__ import annotations

import os
from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether there is a file, as far as this process can see; raises nothing, unlike `Path.is_file`."""
    return os.path.isfile(path)  # noqa: PTH113


def exists(path: Path) -> bool:
    """Whether there is anything, as far as this process can see; raises nothing, unlike `Path.exists`."""
    return os.path.exists(path)  # noqa: PTH110
