"""The Python environments of the scripts, made by the code that the extension's install button runs.

Standard library only, for Python 3.9 and later: this runs before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from blender_midas_normal.client import interpreters, weights  # noqa: E402
from blender_midas_normal.client.batch.placing import temporary_folder  # noqa: E402
from blender_midas_normal.client.environment import Environment, State, status  # noqa: E402
from blender_midas_normal.client.install import Recipe, install  # noqa: E402
from blender_midas_normal.client.locks import held  # noqa: E402
from blender_midas_normal.client.setup_process import SetupProcess  # noqa: E402
from blender_midas_normal.client.steps import Step  # noqa: E402
from blender_midas_normal.core.errors import EngineUnavailable, InstallError, TargetError  # noqa: E402
from blender_midas_normal.core.paths import put_in_place  # noqa: E402
from blender_midas_normal.core.weights_file import FILE, SIZE  # noqa: E402

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
MIDAS = Environment(ROOT / ".midas" / "environment")
WEIGHTS = ROOT / ".midas" / "weights"
TEST_WEIGHTS = ROOT / ".midas" / "test_weights"
DATA = ROOT / ".midas"

BLENDERS = {11: "Blender 4.5 LTS", 13: "Blender 5.2 LTS"}
"""Minor versions of Python 3 for which requirements/blender.txt has a bpy wheel."""


def ready_environment(folder: Path, names: tuple, check: str, minors: tuple) -> Path:
    """The Python of the environment in `folder`, made or completed when it is not ready.

    names: files in scripts/requirements; check: a program that must end well in it; minors: the minor versions of Python 3
    that will do, of which this process's own is preferred.  Raises InstallError.
    """
    environment = Environment(folder)
    if found_python(folder, names) is None:
        with alone(folder.name.strip(".")):
            if found_python(folder, names) is None:  # no other process has made it meanwhile
                print(f"Making {folder.name}; this is needed once.", flush=True)
                recipe = Recipe(title=", ".join(names), requirements=_joined(folder, names), check=check, space=2 * 10**9)
                install(environment, base_python(minors), "registry", shown, recipe=recipe)
    return environment.python


def found_python(folder: Path, names: tuple) -> Optional[Path]:
    """The Python of the environment in `folder`; None when it is not ready.

    names: files in scripts/requirements.  Raises InstallError where nothing can be written into the clone.
    """
    environment = Environment(folder)
    return environment.python if status(environment, _joined(folder, names)).state is State.READY else None


def base_python(minors: tuple) -> Path:
    """A Python 3 with one of the minor versions: this process's own, one on this computer, or one that uv fetches."""
    found = _own_python(minors) or _found_python(minors) or _fetched_python(minors)
    if found is None:
        wanted = " or ".join(f"python3.{minor}" for minor in minors)
        raise InstallError(f"No {wanted} was found or could be fetched; install one of them from python.org.")
    return found


def _own_python(minors: tuple) -> Optional[Path]:
    if sys.version_info[0] == 3 and sys.version_info[1] in minors:
        return interpreters.probe([sys.executable]).path
    return None


def _found_python(minors: tuple) -> Optional[Path]:
    for command in interpreters.candidates():
        try:
            found = interpreters.probe(command)
        except InstallError:
            continue
        if found.version[1] in minors:
            return found.path
    return None


def _fetched_python(minors: tuple) -> Optional[Path]:
    """A Python that uv downloads; uv itself goes into a small environment of its own."""
    folder = ROOT / ".midas" / "uv"
    python = Environment(folder).python
    version = f"3.{minors[0]}"
    commands = ([sys.executable, "-m", "venv", str(folder)], [str(python), "-m", "pip", "install", "-q", "uv"],
                [str(python), "-m", "uv", "python", "install", version])
    for command in commands:
        if subprocess.run(command, check=False).returncode != 0:
            return None
    find = [str(python), "-m", "uv", "python", "find", version]
    answer = subprocess.run(find, capture_output=True, text=True, check=False)
    return Path(answer.stdout.strip()) if answer.returncode == 0 else None


def bpy_python() -> Path:
    """The Python of `.venv`, which has bpy and what the tests need."""
    return ready_environment(ROOT / ".venv", ("blender.txt", "tests.txt"), "import bpy, numpy", tuple(BLENDERS))


def blender_python() -> Optional[Path]:
    """The same; None where no Python for bpy can be had, but there is a Blender."""
    try:
        return bpy_python()
    except InstallError as error:
        if shutil.which("blender"):
            print(f"{error} Going on with the Blender that is installed.", flush=True)
            return None
        raise


def maps_python() -> Path:
    """The Python of the small environment for the built-in engines without Blender."""
    return ready_environment(ROOT / ".venv-maps", ("maps.txt",), "import OpenImageIO, numpy, PIL", (13, 12, 11, 10))


def midas_python() -> Path:
    """The Python of the MiDaS environment, installed when it is not ready; raises InstallError."""
    if status(MIDAS).state is not State.READY:
        with alone("midas"):
            if status(MIDAS).state is not State.READY:
                print("Installing the MiDaS environment; this is needed once.", flush=True)
                SetupProcess("install", MIDAS.folder).wait(shown_words)
    return MIDAS.python


def midas_ready(folder: Path) -> None:
    """Sees that the weights are in `folder` and makes the MiDaS environment, which is what `--engine midas` asks for.

    The weights come first: without them there is no use in the environment, which is ten times as large.
    Raises EngineUnavailable when the weights cannot be had, InstallError when the environment cannot be made.
    """
    try:
        weights.find(folder)
    except EngineUnavailable:
        if folder != WEIGHTS:
            raise
        with alone("weights"):
            print(f"Downloading {FILE} ({SIZE / 1e6:.0f} MB) into {folder}.", flush=True)
            SetupProcess("download", MIDAS.folder, weights=folder).wait(shown_words)
    midas_python()


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Waits until no other process makes the same thing; raises InstallError where nothing can be written into the clone."""
    lock = DATA / f"{name}.lock"
    with ExitStack() as stack:
        try:
            DATA.mkdir(exist_ok=True)
            stack.enter_context(held(lock, InstallError, partial(print, flush=True)))
        except OSError as error:
            raise _not_written(lock, error) from None
        yield


def shown(step: Step) -> None:
    """Prints a step of an installation."""
    shown_words(step.as_words())


def shown_words(words: dict) -> None:
    """Prints a step as setup.py words it; details that change many times a second replace each other on a terminal."""
    if "step" not in words:
        return
    line = f"[{words['step']}/{words['of']}] {words['title']}" + (f": {words['detail']}" if words["detail"] else "")
    if sys.stdout.isatty():
        print(f"\r\x1b[K{line[:110]}", end="\n" if words.get("done") == 1.0 else "", flush=True)
    elif words["detail"] or words["done"] is None:
        print(line, flush=True)


def _joined(folder: Path, names: tuple) -> Path:
    """One requirements file from several, beside the environment; raises InstallError where it cannot be written."""
    text = "\n".join((REQUIREMENTS / name).read_text(encoding="utf-8") for name in names)
    joined = DATA / f"{folder.name.strip('.')}.txt"
    if joined.is_file() and joined.read_text(encoding="utf-8") == text:
        return joined
    try:
        with temporary_folder(DATA) as whole:  # another process may read it
            (whole / joined.name).write_text(text, encoding="utf-8")
            put_in_place(whole / joined.name, joined)
    except OSError as error:
        raise _not_written(joined, error) from None
    return joined


def _not_written(file: Path, error: OSError) -> InstallError:
    return InstallError(f"{file} cannot be written: {error.strerror}; this needs a clone that can be.")


def writable(folder: Path) -> Path:
    """The folder, made where there is none; raises TargetError where nothing can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise TargetError(f"Nothing can be written into the folder {folder}: {error.strerror}.") from None
    return folder


def run(python: Path, script: str, arguments: list, **variables: str) -> int:
    """Runs a script of this folder with another Python; its exit code."""
    command = [str(python), str(ROOT / "scripts" / script), *arguments]
    return subprocess.run(command, env={**os.environ, **variables}, check=False).returncode
