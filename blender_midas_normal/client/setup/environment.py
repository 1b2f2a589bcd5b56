"""The folder with the MiDaS Python environment: what state it is in, and taking it away.

Looking costs a few file accesses and starts no process, because a panel asks each time it is drawn.
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
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ...core.errors import InstallError, Message, Phrase, join_messages, reason_of
from ...core.files import atomic_replace, exists, is_file
from ..locks import file_lock

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
MIDAS_REQUIREMENTS = REQUIREMENTS / "midas.txt"

MARKER = ".version"
LOCK = ".install.lock"
CACHE = ".cache"

_PYTHON_FIRST = ("bin", "Scripts", "pyvenv.cfg")
"""Taken away before the rest: what is left after an interruption has no Python and is not taken for an environment."""

_INSTALLED_NAMES = (*_PYTHON_FIRST, "include", "Include", "lib", "Lib", "lib64", "share", ".gitignore", "CACHEDIR.TAG",
                    ".lock", CACHE)
"""What venv, pip, uv and this program write into the folder, besides MARKER and LOCK."""


class EnvironmentState(Enum):
    """What can be done with an environment's folder."""

    ABSENT = "absent"
    """Nothing is installed there."""
    INCOMPLETE = "incomplete"
    """An installation was interrupted; installing again goes on from there."""
    READY = "ready"
    REPAIR_NEEDED = "repair needed"
    """It was complete but cannot be used now; installing again repairs it."""


@dataclass(frozen=True)
class EnvironmentStatus:
    """The state and a sentence about it for the user."""

    state: EnvironmentState
    sentence: Message


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
        """The file that says what was installed, and whether all of it was."""
        return self.folder / MARKER

    @property
    def lock(self) -> Path:
        return self.folder / LOCK

    @property
    def cache(self) -> Path:
        """uv's downloads while an installation is under way."""
        return self.folder / CACHE


@dataclass(frozen=True)
class Marker:
    """What the marker file says.

    requirements: `fingerprint` of the pins; base, version: the interpreter it was made from; backend: the choice of
    PyTorch's build; installed: what the check found ("" until then); state: incomplete, broken (the packages do not work
    together) or complete.
    """

    requirements: str
    base: str
    version: str
    backend: str
    installed: str = ""
    state: str = "incomplete"


def fingerprint(requirements: Path = MIDAS_REQUIREMENTS) -> str:
    """SHA-256 of the pins, whatever their order and comments."""
    return hashlib.sha256("\n".join(_pins(requirements)).encode()).hexdigest()


def _pins(requirements: Path) -> list[str]:
    """The lines of a requirements file that name packages, sorted."""
    lines = requirements.read_text("utf-8").splitlines()
    return sorted(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))


def missing_packages(requirements: Path = MIDAS_REQUIREMENTS) -> list[str]:
    """Name the packages that the Python of this process lacks, or has in a version that is not pinned.

    Args:
        requirements: lines such as `numpy==2.4.6; python_version >= "3.11"`.  Of a package with several lines, the version
            of any of them will do; a build's own label, as of 2.13.0+cpu, does not count.
    """
    versions: dict[str, set[str]] = {}
    for pin in _pins(requirements):
        name, _, version = pin.partition(";")[0].partition("==")
        versions.setdefault(name.strip(), set()).add(version.strip())
    return [name for name, known in versions.items() if _installed_version(name) not in known]


def _installed_version(name: str) -> str | None:
    """The version of a package without its build's label; None where it is not installed for this Python."""
    try:
        return importlib.metadata.version(name).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return None


def read_marker(environment: Environment) -> Marker | None:
    """What the marker says, or None when there is none that can be understood."""
    try:
        words = json.loads(environment.marker.read_bytes())
        marker = Marker(**words)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return marker if all(isinstance(value, str) for value in words.values()) else None


def write_marker(environment: Environment, marker: Marker) -> None:
    """Replace the marker as a whole, never in part."""
    temporary = environment.folder / f"{MARKER}.{os.getpid()}"
    temporary.write_text(json.dumps(dataclasses.asdict(marker), indent=1), "utf-8")
    atomic_replace(temporary, environment.marker)


def environment_status(environment: Environment, requirements: Path = MIDAS_REQUIREMENTS) -> EnvironmentStatus:
    """What state the folder is in; cheap, and raises nothing."""
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
    if marker.requirements != fingerprint(requirements):
        return _repair_needed(Phrase("this version of the extension needs other packages"))
    ready = Message("MiDaS is installed in {folder} (Python {version}).", folder=folder, version=marker.version)
    return EnvironmentStatus(EnvironmentState.READY, join_messages((ready, marker.installed)) if marker.installed else ready)


def _has_other_minor_version(marker: Marker) -> bool:
    """Whether the base's name says that a system's upgrade has put another minor version there: packages are of one."""
    name = re.fullmatch(r"python(3\.\d+)", os.path.basename(os.path.realpath(marker.base)))  # noqa: PTH119
    return name is not None and not marker.version.startswith(f"{name[1]}.")


def _repair_needed(reason: Phrase) -> EnvironmentStatus:
    return EnvironmentStatus(EnvironmentState.REPAIR_NEEDED,
                             Message("The MiDaS environment must be installed again: {reason}.", reason=reason))


def is_vacant(environment: Environment) -> bool:
    """Whether the folder is missing or empty, a lock file apart, so that an environment may be made there."""
    try:
        return {entry.name for entry in os.scandir(environment.folder)} <= {LOCK}
    except FileNotFoundError:
        return True
    except OSError:
        return False


def check_is_ours(environment: Environment) -> None:
    """Raise InstallError when the folder has content that no installation of ours put there."""
    if not is_file(environment.marker) and not is_vacant(environment):
        raise InstallError("{folder} holds something that is not a MiDaS environment, and is left as it is; choose an "
                           "empty or new folder.", folder=environment.folder)


def remove_environment(environment: Environment) -> None:
    """Take the environment away; what else lies in its folder stays.

    Raises InstallError when the folder is not ours, is in use or cannot be changed.
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
    """Take away all that was installed, the marker apart; raises OSError."""
    for name in _INSTALLED_NAMES:
        path = environment.folder / name
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)


def size_on_disk(folder: Path) -> int:
    """Bytes of the files in a folder; a file with several names there counts once."""
    sizes: dict[tuple[int, int], int] = {}
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                found = (Path(root) / name).lstat()
            except OSError:
                continue
            # Where files have no numbers each counts for itself.
            key = (found.st_dev, found.st_ino) if found.st_ino else (-1, len(sizes))
            sizes[key] = found.st_size
    return sum(sizes.values())


def free_space(folder: Path) -> int:
    """Bytes free on the drive that the folder lies on, or would lie on; raises OSError."""
    place = folder.absolute()
    while not place.exists() and place.parent != place:
        place = place.parent
    return shutil.disk_usage(place).free
