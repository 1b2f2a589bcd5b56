"""The folder in which the program without Blender keeps environments, weights and the worker's log.

Inside Blender they lie in the folder that Blender gives the extension.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..core.files import home_folder

VARIABLE = "MIDAS_NORMAL_DATA"
"""The environment variable that names another folder."""

NAME = "midas-normal"

IN_CLONE = Path(__file__).resolve().parents[2] / ".midas"
"""The folder of a clone that was used before there was one for each user."""


def data_folder() -> Path:
    """Find the folder for environments and weights, which need not exist.

    Returns:
        The folder that MIDAS_NORMAL_DATA names; without one `.midas` in the clone, where it exists, else the user's own:
        `~/.local/share/midas-normal` on Linux (XDG_DATA_HOME goes before `~/.local/share`),
        `~/Library/Application Support/midas-normal` on macOS, `%LOCALAPPDATA%\\midas-normal` on Windows.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).absolute()
    return IN_CLONE if IN_CLONE.is_dir() else _users_folder() / NAME


def _users_folder() -> Path:
    """The folder that the system reserves for the data of this user's programs."""
    home = home_folder() or Path("/")  # a user without a home, as in a container, is one who can write nothing there
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    named = Path(os.environ.get("XDG_DATA_HOME", ""))
    return named if named.is_absolute() else home / ".local" / "share"
