"""Find a Python to make the MiDaS environment from: one that PyTorch has builds for, and that runs."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import InstallError, Phrase, reason_of
from ...core.files import exists, home_folder, is_file
from ..child_process import run_process

MINOR_VERSIONS = (13, 12, 11, 10)
"""Minor versions of Python 3 that have builds of all packages in requirements/midas.txt, best first."""

PROBE_TIMEOUT_S = 20.0
"""Seconds that an interpreter may take to report its version; the first start from a slow disk takes several."""

SEARCH_FOLDERS = ("/usr/local/bin", "/opt/homebrew/bin", "/usr/bin")
"""Searched besides PATH, which is often short for a program that was started from a desktop."""

_PROBE_PROGRAM = """
import json, sys
try:
    import ensurepip, venv
    can_make_venv = True
except ImportError:
    can_make_venv = False
path = getattr(sys, "_base_executable", None) or sys.executable
print(json.dumps([path, list(sys.version_info[:3]), sys.maxsize > 2 ** 32, can_make_venv]))
"""


@dataclass(frozen=True)
class Interpreter:
    """An interpreter that an environment can be made from.

    Attributes:
        path: its own path, not that of a shim or of an environment that was made from it.
        version: (major, minor, micro).
    """

    path: Path
    version: tuple[int, int, int]

    @property
    def label(self) -> str:
        """The version as text."""
        return ".".join(map(str, self.version))


def find_interpreter(chosen: Path | None = None, cancelled: Callable[[], bool] = lambda: False) -> Interpreter:
    """Return the user's choice, or else the first usable one of `candidates`.

    Raises:
        InstallError: there is none.
        Cancelled: `cancelled()` returned true.
    """
    if chosen is not None:
        return probe_interpreter([str(chosen)], cancelled)
    for command in candidates():
        try:
            return probe_interpreter(command, cancelled)
        except InstallError:
            continue
    raise InstallError("No usable Python {versions} was found on this computer; install one from python.org (on Debian and "
                       "Ubuntu with python3-venv), or choose one (in the preferences, or with --python).",
                       versions=_version_range())


def candidates() -> Iterator[list[str]]:
    """Iterate over commands that may start a suitable Python: the newest version first, that of this process last."""
    seen: set[str] = set()
    for minor in MINOR_VERSIONS:
        if sys.platform == "win32":
            yield ["py", f"-3.{minor}"]
        for path in _possible_paths(minor):
            if str(path) not in seen and is_file(path):
                seen.add(str(path))
                yield [str(path)]
    if sys.executable and sys.executable not in seen:
        yield [sys.executable]


def probe_interpreter(command: Sequence[str], cancelled: Callable[[], bool] = lambda: False) -> Interpreter:
    """Run a command as a Python and query its version and abilities.

    Raises:
        InstallError: no environment can be made from it.
        Cancelled: `cancelled()` returned true.
    """
    name = " ".join(command)
    try:
        ended = run_process([*command, "-I", "-c", _PROBE_PROGRAM], cancelled=cancelled, seconds=PROBE_TIMEOUT_S)
    except (OSError, TimeoutError) as error:
        raise InstallError("{name} is not a Python that runs: {reason}.", name=name, reason=reason_of(error)) from None
    try:
        path, version, is_64_bit, can_make_venv = json.loads(ended.last_line if ended.code == 0 else "")
        interpreter = Interpreter(Path(path), (int(version[0]), int(version[1]), int(version[2])))
    except (ValueError, TypeError):
        raise InstallError("{name} is not a Python that runs (exit code {code}).", name=name, code=ended.code) from None
    if interpreter.version[0] != 3 or interpreter.version[1] not in MINOR_VERSIONS or not is_64_bit:
        if is_64_bit:
            raise InstallError("{name} is Python {version}, but PyTorch has builds for 64-bit Python {versions}.", name=name,
                               version=interpreter.label, versions=_version_range())
        raise InstallError("{name} is Python {version} with 32 bits, but PyTorch has builds for 64-bit Python {versions}.",
                           name=name, version=interpreter.label, versions=_version_range())
    if not can_make_venv:
        raise InstallError("{name} cannot make environments because venv or ensurepip is missing; install python3-venv, or "
                           "choose another Python.", name=name)
    return interpreter


def _possible_paths(minor: int) -> Iterator[Path]:
    """Iterate over paths where python3.<minor> may be: all those on PATH, since the first may be a shim without a Python."""
    name = f"python3.{minor}"
    if sys.platform == "win32":
        return
    for folder in filter(None, os.environ.get("PATH", "").split(os.pathsep)):
        yield Path(folder, name)
    for version_folder in _pyenv_versions(minor):
        yield version_folder / "bin" / name
    for folder in SEARCH_FOLDERS:
        yield Path(folder, name)


def _pyenv_versions(minor: int) -> list[Path]:
    """Return pyenv's folders of this minor version, the newest first, without pre-releases and other builds."""
    chosen, home = os.environ.get("PYENV_ROOT"), home_folder()
    root = Path(chosen) if chosen else home and home / ".pyenv"
    if root is None or not exists(root):
        return []
    versions = [(int(match[1]), folder) for folder in root.glob(f"versions/3.{minor}.*")
                if (match := re.fullmatch(rf"3\.{minor}\.(\d+)", folder.name))]
    return [folder for _, folder in sorted(versions, reverse=True)]


def _version_range() -> Phrase:
    return Phrase("3.{first} to 3.{last}", first=min(MINOR_VERSIONS), last=max(MINOR_VERSIONS))
