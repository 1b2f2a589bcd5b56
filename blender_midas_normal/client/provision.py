"""Make MiDaS ready to run without Blender: the data folder, the weights' download and the environment's installation."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from ..core.engines import MIDAS_WEIGHTS
from ..core.errors import EngineUnavailable, InstallError, Phrase, reason_of
from ..core.files import home_folder
from .locks import file_lock
from .setup import weights
from .setup.environment import Environment, EnvironmentState, environment_status
from .setup.process import SetupProcess

DATA_VARIABLE = "MIDAS_NORMAL_DATA"
"""The environment variable that names another folder."""

DATA_FOLDER_NAME = "midas-normal"

CLONE_DATA_FOLDER = Path(__file__).resolve().parents[2] / ".midas"
"""The folder of a clone that was used before there was one for each user."""

DATA_FOLDER_ADVICE = Phrase("the variable {variable} names another folder for environments and weights",
                            variable=DATA_VARIABLE)
"""What helps where nothing can be written into the data folder."""


def data_folder() -> Path:
    """Find the folder for environments and weights, which need not exist.

    Returns:
        The folder that MIDAS_NORMAL_DATA names; without one `.midas` in the clone, where it exists, else the user's own:
        `~/.local/share/midas-normal` on Linux (XDG_DATA_HOME goes before `~/.local/share`),
        `~/Library/Application Support/midas-normal` on macOS, `%LOCALAPPDATA%\\midas-normal` on Windows.
    """
    named = os.environ.get(DATA_VARIABLE)
    if named:
        return Path(named).absolute()
    return CLONE_DATA_FOLDER if CLONE_DATA_FOLDER.is_dir() else _users_folder() / DATA_FOLDER_NAME


def _users_folder() -> Path:
    """The folder that the system reserves for the data of this user's programs."""
    home = home_folder() or Path("/")  # a user without a home, as in a container, is one who can write nothing there
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    named = Path(os.environ.get("XDG_DATA_HOME", ""))
    return named if named.is_absolute() else home / ".local" / "share"


def ensure_weights(folder: Path, environment: Environment, out: TextIO) -> None:
    """Download MiDaS's weights into the folder where they are missing.

    Args:
        environment: of MiDaS, which need not be there.
        out: where progress is printed.

    Raises:
        EngineUnavailable: they cannot be had.
        InstallError: nothing can be written there.
    """
    if not _are_missing(folder):
        return
    with exclusive_lock(folder.parent / f"{folder.name}.lock", out, DATA_FOLDER_ADVICE):
        if _are_missing(folder):
            size = MIDAS_WEIGHTS.size / 1e6
            print(f"Downloading {MIDAS_WEIGHTS.name} ({size:.0f} MB) into {folder}.", file=out, flush=True)
            SetupProcess("download", environment.folder, weights=folder).wait(partial(print_progress, out=out))


def ensure_environment(environment: Environment, out: TextIO) -> None:
    """Install the MiDaS environment where it is not ready.

    Args:
        out: where progress is printed.

    Raises:
        InstallError: it cannot be installed.
    """
    if environment_status(environment).state is EnvironmentState.READY:
        return
    with exclusive_lock(environment.folder.parent / f"{environment.folder.name}.lock", out, DATA_FOLDER_ADVICE):
        if environment_status(environment).state is not EnvironmentState.READY:  # no other process has made it meanwhile
            print("Installing the MiDaS environment; this is needed once.", file=out, flush=True)
            SetupProcess("install", environment.folder).wait(partial(print_progress, out=out))


def _are_missing(folder: Path) -> bool:
    try:
        weights.find_weights(folder)
    except EngineUnavailable:
        return True
    return False


@contextmanager
def exclusive_lock(lock: Path, out: TextIO, advice: str) -> Iterator[None]:
    """Wait until no other process makes the same thing, and keep others waiting during the `with` block.

    Args:
        lock: the file that is locked; its folder is made.
        out: where the sentence is printed that says for whom this waits.
        advice: what helps where the lock file cannot be written.

    Raises:
        InstallError: the lock file cannot be written.
    """
    with ExitStack() as stack:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(file_lock(lock, InstallError, partial(print, file=out, flush=True)))
        except OSError as error:
            raise InstallError("{lock} cannot be written: {reason}; {advice}.", lock=lock, reason=reason_of(error),
                               advice=advice) from None
        yield


def print_progress(event: dict[str, Any], out: TextIO) -> None:
    """Print a step as the setup program words it; on a terminal, details, which change fast, replace each other."""
    if "step" not in event:
        return
    line = f"[{event['step']}/{event['of']}] {event['title']}" + (f": {event['detail']}" if event["detail"] else "")
    if out.isatty():
        print(f"\r\x1b[K{line[:110]}", end="\n" if event.get("share") == 1.0 else "", file=out, flush=True)
    elif event["detail"] or event["share"] is None:
        print(line, file=out, flush=True)
