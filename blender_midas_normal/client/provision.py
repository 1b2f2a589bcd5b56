"""Prepare an engine outside Blender: find the data folder, download the weights and install the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from ..core.engines import EngineSettings, find_engine_weights, needed_weights
from ..core.errors import EngineUnavailable, InstallError, Phrase, reason_of
from ..core.files import home_folder
from .locks import file_lock
from .setup.environment import Environment, environment_status
from .setup.process import SetupProcess

DATA_VARIABLE = "MIDAS_NORMAL_DATA"
"""The environment variable that names another data folder."""

DATA_FOLDER_NAME = "midas-normal"

CLONE_DATA_FOLDER = Path(__file__).resolve().parents[2] / ".midas"
"""The data folder inside a clone, which earlier versions used; it is still used where it exists."""

DATA_FOLDER_ADVICE = Phrase("the variable {variable} names another folder for environments and weights",
                            variable=DATA_VARIABLE)
"""What the user can do where the data folder cannot be written."""


def data_folder() -> Path:
    """Find the folder for environments and weights, which need not exist.

    Returns:
        The folder that MIDAS_NORMAL_DATA names; without one `.midas` in the clone, where it exists, else the user's own:
        `~/.local/share/midas-normal` on Linux (XDG_DATA_HOME goes before `~/.local/share`),
        `~/Library/Application Support/midas-normal` on macOS, `%LOCALAPPDATA%\\midas-normal` on Windows.
    """
    chosen = os.environ.get(DATA_VARIABLE)
    if chosen:
        return Path(chosen).absolute()
    return CLONE_DATA_FOLDER if CLONE_DATA_FOLDER.is_dir() else _user_data_folder() / DATA_FOLDER_NAME


def _user_data_folder() -> Path:
    """Return the folder in which the system keeps the data of this user's programs."""
    home = home_folder() or Path("/")  # a user without a home, as in a container, can usually not write there either
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    xdg_folder = Path(os.environ.get("XDG_DATA_HOME", ""))
    return xdg_folder if xdg_folder.is_absolute() else home / ".local" / "share"


def ensure_weights(settings: EngineSettings, folder: Path, environment: Environment, out: TextIO) -> None:
    """Download the weights of the settings' engine into the folder of weights unless they are there.

    Those in a folder of the user's own are never downloaded.

    Args:
        environment: that of MiDaS, which need not exist.
        out: where progress is printed.

    Raises:
        EngineUnavailable: they cannot be downloaded.
        InstallError: the folder cannot be written.
    """
    weights = needed_weights(settings.engine, settings.model)
    if not weights.repository or _has_weights(settings, folder):
        return
    with exclusive_lock(folder.parent / f"{folder.name}.lock", out, DATA_FOLDER_ADVICE):
        if not _has_weights(settings, folder):  # no other process has downloaded them meanwhile
            print(f"Downloading {weights.description} into {folder}; licence: {weights.licence}.", file=out, flush=True)
            SetupProcess("download", environment.folder, weights=folder, engine=settings.engine,
                         model=settings.model).wait(partial(print_progress, out=out))


def ensure_environment(environment: Environment, parts: Sequence[str], out: TextIO) -> None:
    """Install the MiDaS environment unless it is ready and has the parts.

    Args:
        parts: see `environment.PARTS`.
        out: where progress is printed.

    Raises:
        InstallError: it cannot be installed.
    """
    if set(parts) <= set(environment_status(environment).parts):
        return
    with exclusive_lock(environment.folder.parent / f"{environment.folder.name}.lock", out, DATA_FOLDER_ADVICE):
        if not set(parts) <= set(environment_status(environment).parts):  # nobody else has installed them
            print("Installing the MiDaS environment; this is needed once.", file=out, flush=True)
            SetupProcess("install", environment.folder, parts=parts).wait(partial(print_progress, out=out))


def _has_weights(settings: EngineSettings, folder: Path) -> bool:
    try:
        find_engine_weights(settings.engine, settings, folder)
    except EngineUnavailable:
        return False
    return True


@contextmanager
def exclusive_lock(lock: Path, out: TextIO, advice: str) -> Iterator[None]:
    """Wait for a lock between processes and hold it during the `with` block.

    Args:
        lock: the lock file; its folder is created.
        out: where a message is printed when another process has the lock.
        advice: what the user can do where the lock file cannot be written, as a clause.

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
    """Print a progress event of the setup program; on a terminal each replaces the one before, since they change fast."""
    if "step" not in event:
        return
    line = f"[{event['step']}/{event['of']}] {event['title']}" + (f": {event['detail']}" if event["detail"] else "")
    if out.isatty():
        print(f"\r\x1b[K{line[:110]}", end="\n" if event.get("share") == 1.0 else "", file=out, flush=True)
    elif event["detail"] or event["share"] is None:
        print(line, file=out, flush=True)
