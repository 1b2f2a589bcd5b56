"""The folder with the MiDaS Python environment: determine its state, and remove it.

Determining the state takes a few accesses to files and starts no process, since a panel does it each time it is drawn.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ...core.errors import InstallError, Message, Phrase, join_messages, reason_of
from ...core.files import atomic_replace, exists, is_file
from ..locks import file_lock

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"

PARTS = ("midas", "node", "depth-anything", "moge")
"""What the MiDaS environment may hold, by the names of requirements files: the packages that MiDaS needs, and those that the
MiDaS node's own call and other engines need besides."""

MARKER_PARTS = "midas node"
"""Parts of an environment whose marker names none: versions that did not record them installed these."""

ALONE_ENDING = ".alone.txt"
"""Ending of requirements files whose packages are installed without those that they ask for."""

MARKER = ".version"
LOCK = ".install.lock"
CACHE = ".cache"

_REMOVED_FIRST = ("bin", "Scripts", "pyvenv.cfg")
"""Removed before the rest, so that an interrupted removal leaves no Python and nothing that looks like an environment."""

_INSTALLED_NAMES = (*_REMOVED_FIRST, "include", "Include", "lib", "Lib", "lib64", "share", ".gitignore", "CACHEDIR.TAG",
                    ".lock", CACHE)
"""All that venv, pip, uv and this program write into the folder, besides MARKER and LOCK."""


class EnvironmentState(Enum):
    """The state of an environment's folder."""

    ABSENT = "absent"
    """Nothing is installed there."""
    INCOMPLETE = "incomplete"
    """An installation was interrupted; installing again continues it."""
    READY = "ready"
    REPAIR_NEEDED = "repair needed"
    """It was complete but cannot be used any more; installing again repairs it."""


@dataclass(frozen=True)
class EnvironmentStatus:
    """The state of an environment, a sentence about it for the user, and the PARTS that it has, none unless it is ready."""

    state: EnvironmentState
    sentence: Message
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Environment:
    """The environment in a folder, which need not exist."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    @property
    def marker(self) -> Path:
        """The file that records what was installed and whether the installation is complete."""
        return self.folder / MARKER

    @property
    def lock(self) -> Path:
        """The file that is locked while the environment is changed."""
        return self.folder / LOCK

    @property
    def cache(self) -> Path:
        """The folder with uv's downloads during an installation."""
        return self.folder / CACHE


@dataclass(frozen=True)
class Marker:
    """The contents of the marker file.

    Attributes:
        requirements: `fingerprint` of the pinned packages.
        base, version: path and version of the interpreter that the environment was made from.
        backend: the build of PyTorch.
        installed: the message of the checking program, "" before it has run.
        state: "incomplete", "broken" (the packages do not work together) or "complete".
        parts: names of PARTS, with spaces between.
    """

    requirements: str
    base: str
    version: str
    backend: str
    installed: str = ""
    state: str = "incomplete"
    parts: str = MARKER_PARTS


def requirements_of(parts: Sequence[str]) -> tuple[Path, ...]:
    """Return the requirements files of some of PARTS."""
    files = (REQUIREMENTS / f"{part}{ending}" for part in parts for ending in (".txt", ALONE_ENDING))
    return tuple(file for file in files if file.is_file())


def fingerprint(requirements: Sequence[Path]) -> str:
    """Return the SHA-256 of the pinned packages of requirements files, which their order and comments do not change."""
    return hashlib.sha256("\n".join(_pins(requirements)).encode()).hexdigest()


def _pins(requirements: Sequence[Path]) -> list[str]:
    """Return the lines of requirements files that name packages, sorted."""
    lines = [line for file in requirements for line in file.read_text("utf-8").splitlines()]
    return sorted(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))


def missing_packages(requirements: Sequence[Path]) -> list[str]:
    """Return the names of the packages that this Python lacks or has in a version that is not pinned.

    Args:
        requirements: files with lines such as `numpy==2.4.6; python_version >= "3.11"`.  Of a package with several lines,
            the version of any of them will do; a build's own label, as of 2.13.0+cpu, does not count.
    """
    versions: dict[str, set[str]] = {}
    for pin in _pins(requirements):
        name, _, version = pin.partition(";")[0].partition("==")
        versions.setdefault(name.strip(), set()).add(version.strip())
    return [name for name, pinned in versions.items() if _installed_version(name) not in pinned]


def _installed_version(name: str) -> str | None:
    """Return the version of a package without its build's label; None where this Python does not have it."""
    try:
        return importlib.metadata.version(name).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return None


def read_marker(environment: Environment) -> Marker | None:
    """Return the contents of the marker, or None where it is missing or damaged."""
    try:
        fields = json.loads(environment.marker.read_bytes())
        marker = Marker(**fields)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return marker if all(isinstance(value, str) for value in fields.values()) else None


def write_marker(environment: Environment, marker: Marker) -> None:
    """Replace the marker atomically."""
    temporary = environment.folder / f"{MARKER}.{os.getpid()}"
    temporary.write_text(json.dumps(dataclasses.asdict(marker), indent=1), "utf-8")
    atomic_replace(temporary, environment.marker)


def environment_status(environment: Environment, requirements: Sequence[Path] | None = None) -> EnvironmentStatus:
    """Determine the state of the folder; fast, and raises nothing.

    requirements: the files of an environment of another kind; None for the MiDaS environment, whose marker names its parts.
    """
    folder = environment.folder
    if not is_file(environment.marker):
        if is_vacant(environment):
            return EnvironmentStatus(EnvironmentState.ABSENT, Message("MiDaS is not installed."))
        return EnvironmentStatus(EnvironmentState.ABSENT, Message(
            "{folder} holds something else; choose an empty or new folder for MiDaS.", folder=folder))
    marker = read_marker(environment)
    if marker is None:
        return _repair_needed(Phrase("its record cannot be read"))
    if marker.state == "incomplete":
        return EnvironmentStatus(EnvironmentState.INCOMPLETE, Message(
            "The installation in {folder} was interrupted; installing again goes on from it.", folder=folder))
    if marker.state != "complete":
        return _repair_needed(Phrase("its packages do not work together"))
    if not exists(Path(marker.base)):
        return _repair_needed(Phrase("the Python it was made from, {python}, is gone", python=marker.base))
    if not exists(environment.python):
        return _repair_needed(Phrase("its own Python is gone"))
    if _has_other_minor_version(marker):
        return _repair_needed(Phrase("{python} is another version now than Python {version}, which it was made from",
                              python=marker.base, version=marker.version))
    if requirements is None and set(marker.parts.split()) <= set(PARTS):
        requirements = requirements_of(marker.parts.split())
    if requirements is None or marker.requirements != fingerprint(requirements):
        return _repair_needed(Phrase("this version of the extension needs other packages"))
    ready = Message("MiDaS is installed in {folder} (Python {version}).", folder=folder, version=marker.version)
    sentence = join_messages((ready, marker.installed)) if marker.installed else ready
    return EnvironmentStatus(EnvironmentState.READY, sentence, tuple(marker.parts.split()))


def _has_other_minor_version(marker: Marker) -> bool:
    """Tell whether a system upgrade has replaced the base interpreter by another minor version, which lacks the packages."""
    name = re.fullmatch(r"python(3\.\d+)", os.path.basename(os.path.realpath(marker.base)))  # noqa: PTH119
    return name is not None and not marker.version.startswith(f"{name[1]}.")


def _repair_needed(reason: Phrase) -> EnvironmentStatus:
    return EnvironmentStatus(EnvironmentState.REPAIR_NEEDED,
                             Message("The MiDaS environment must be installed again: {reason}.", reason=reason))


def is_vacant(environment: Environment) -> bool:
    """Tell whether the folder is missing, or empty except for a lock file, so that an environment can be made there."""
    try:
        return {entry.name for entry in os.scandir(environment.folder)} <= {LOCK}
    except FileNotFoundError:
        return True
    except OSError:
        return False


def check_is_ours(environment: Environment) -> None:
    """Raise InstallError when the folder has content but no marker, so that somebody else made it."""
    if not is_file(environment.marker) and not is_vacant(environment):
        raise InstallError("{folder} holds something that is not a MiDaS environment, and is left as it is; choose an "
                           "empty or new folder.", folder=environment.folder)


def remove_environment(environment: Environment) -> None:
    """Remove the environment; other files in its folder stay.

    Raises:
        InstallError: the folder is not an environment, is in use or cannot be changed.
    """
    check_is_ours(environment)
    if not environment.folder.is_dir():
        return
    try:
        with file_lock(environment.lock, InstallError):
            remove_contents(environment)
            for path in environment.folder.glob(f"{MARKER}*"):
                path.unlink()
        if not any(environment.folder.iterdir()):
            environment.folder.rmdir()
    except OSError as error:
        raise InstallError("{folder} cannot be removed ({reason}); end every Blender that uses MiDaS and try again.",
                           folder=environment.folder, reason=reason_of(error)) from error


def remove_contents(environment: Environment) -> None:
    """Remove all that was installed except the marker; raise OSError."""
    for name in _INSTALLED_NAMES:
        path = environment.folder / name
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)


def size_on_disk(folder: Path) -> int:
    """Return the bytes of all files in a folder; a file with several hard links counts once."""
    sizes: dict[tuple[int, int], int] = {}
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                status = (Path(root) / name).lstat()
            except OSError:
                continue
            # On a drive without inodes each file counts.
            key = (status.st_dev, status.st_ino) if status.st_ino else (-1, len(sizes))
            sizes[key] = status.st_size
    return sum(sizes.values())


def free_space(folder: Path) -> int:
    """Return the free bytes on the drive of a folder, which need not exist; raise OSError."""
    existing = folder.absolute()
    while not existing.exists() and existing.parent != existing:
        existing = existing.parent
    return shutil.disk_usage(existing).free
