"""The Python environments of the scripts, made by the code that the extension's install button runs.

Standard library only, for Python 3.9 and later: this runs before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Optional, TextIO

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from blender_midas_normal.batch.atomic_files import temporary_folder  # noqa: E402
from blender_midas_normal.client.provision import (  # noqa: E402
    DATA_FOLDER_ADVICE,
    data_folder,
    ensure_environment,
    ensure_weights,
    exclusive_lock,
    print_progress,
)
from blender_midas_normal.client.setup import interpreters  # noqa: E402
from blender_midas_normal.client.setup.environment import PARTS, Environment, EnvironmentState, environment_status  # noqa: E402
from blender_midas_normal.client.setup.install import InstallRecipe, install  # noqa: E402
from blender_midas_normal.core.engines import needed_weights  # noqa: E402
from blender_midas_normal.core.errors import InstallError, Phrase, TargetError  # noqa: E402
from blender_midas_normal.core.files import atomic_replace  # noqa: E402
from blender_midas_normal.core.settings import Settings  # noqa: E402
from blender_midas_normal.core.weights import find_weights  # noqa: E402

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
DATA = data_folder()
MIDAS = Environment(DATA / "environment")
WEIGHTS = DATA / "weights"
TEST_WEIGHTS = DATA / "test_weights"

ANOTHER_CLONE = "this needs a clone that can be"
"""What helps where an environment of the clone's own cannot be made."""

BLENDERS = {11: "Blender 4.5 LTS", 13: "Blender 5.2 LTS"}
"""Minor versions of Python 3 for which requirements/blender.txt has a bpy wheel."""


def ready_environment(folder: Path, names: tuple, check: str, minors: tuple, out: TextIO = sys.stdout) -> Path:
    """Return the Python of the environment in `folder`, which is made or completed when it is not ready.

    names: files in scripts/requirements; check: a program that must end well in it; minors: the minor versions of Python 3
    that will do, of which this process's own is preferred; out: where the progress is printed.  Raises InstallError.
    """
    environment = Environment(folder)
    if found_python(folder, names) is None:
        advice = DATA_FOLDER_ADVICE if folder.parent == DATA else ANOTHER_CLONE
        with exclusive_lock(_beside(folder, ".lock"), out, advice):
            if found_python(folder, names) is None:  # no other process has made it meanwhile
                print(f"Making {folder.name}; this is needed once.", file=out, flush=True)
                recipe = InstallRecipe((_join_requirements(folder, names),), check, 2 * 10**9, Phrase(", ".join(names)))
                install(environment, base_python(minors), "registry",
                        lambda step: print_progress(step.to_dict(), out), recipe)
    return environment.python


def found_python(folder: Path, names: tuple) -> Optional[Path]:
    """Return the Python of the environment in `folder`; None when it is not ready.

    names: files in scripts/requirements.  Raises InstallError where several cannot be joined beside the environment.
    """
    environment = Environment(folder)
    is_ready = environment_status(environment, [_join_requirements(folder, names)]).state is EnvironmentState.READY
    return environment.python if is_ready else None


def base_python(minors: tuple) -> Path:
    """Find a Python 3 of one of the minor versions: this process's own, one on this computer, or one that uv fetches."""
    interpreter = _own_python(minors) or _found_python(minors) or _fetched_python(minors)
    if interpreter is None:
        versions = " or ".join(f"python3.{minor}" for minor in minors)
        raise InstallError(f"No {versions} was found or could be fetched; install one of them from python.org.")
    return interpreter


def _own_python(minors: tuple) -> Optional[Path]:
    if sys.version_info[0] == 3 and sys.version_info[1] in minors:
        return interpreters.probe_interpreter([sys.executable]).path
    return None


def _found_python(minors: tuple) -> Optional[Path]:
    for command in interpreters.candidates():
        try:
            interpreter = interpreters.probe_interpreter(command)
        except InstallError:
            continue
        if interpreter.version[1] in minors:
            return interpreter.path
    return None


def _fetched_python(minors: tuple) -> Optional[Path]:
    """Have uv download a Python; uv itself is installed into a small environment."""
    folder = DATA / "uv"
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
    """Return the Python of `.venv`, which has bpy and what the tests need."""
    return ready_environment(ROOT / ".venv", ("blender.txt", "tests.txt"), "import bpy, numpy", tuple(BLENDERS))


def blender_python() -> Optional[Path]:
    """Return the Python with bpy; None where there is none for bpy, but a Blender."""
    try:
        return bpy_python()
    except InstallError as error:
        if shutil.which("blender"):
            print(f"{error} Going on with the Blender that is installed.", flush=True)
            return None
        raise


def maps_python(out: TextIO = sys.stdout) -> Path:
    """Return the Python of the small environment for built-in engines without Blender; out: where progress is printed."""
    return ready_environment(DATA / "maps", ("maps.txt",), "import OpenImageIO, numpy, PIL", (13, 12, 11, 10), out)


def midas_python() -> Path:
    """Return the Python of the MiDaS environment with all its parts, installed when it is not ready; raise InstallError."""
    ensure_environment(MIDAS, PARTS, sys.stdout)
    return MIDAS.python


def midas_ready(folder: Path) -> None:
    """Check the weights in `folder` and make the MiDaS environment, as `--engine midas` needs them.

    The weights come first: without them there is no use in the environment, which is ten times as large.
    Raises EngineUnavailable when the weights cannot be had, InstallError when the environment cannot be made.
    """
    if folder == WEIGHTS:
        ensure_weights(Settings(engine="MIDAS"), folder, MIDAS, sys.stdout)
    find_weights(folder, needed_weights("MIDAS", ""))
    ensure_environment(MIDAS, ("midas",), sys.stdout)


def _join_requirements(folder: Path, names: tuple) -> Path:
    """Return the requirements file of that name, or write one of several beside the environment.

    Raises InstallError where it cannot be written.
    """
    if len(names) == 1:
        return REQUIREMENTS / names[0]
    text = "\n".join((REQUIREMENTS / name).read_text(encoding="utf-8") for name in names)
    joined = _beside(folder, ".txt")
    if joined.is_file() and joined.read_text(encoding="utf-8") == text:
        return joined
    try:
        with temporary_folder(folder.parent) as whole:  # another process may read it
            (whole / joined.name).write_text(text, encoding="utf-8")
            atomic_replace(whole / joined.name, joined)
    except OSError as error:
        raise InstallError(f"{joined} cannot be written: {error.strerror}; {ANOTHER_CLONE}.") from None
    return joined


def _beside(folder: Path, ending: str) -> Path:
    """Return a path beside an environment's folder, which belongs to that environment alone."""
    return folder.with_name(folder.name + ending)


def writable(folder: Path) -> Path:
    """Return the folder, which is made if needed; raise TargetError where nothing can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise TargetError(f"Nothing can be written into the folder {folder}: {error.strerror}.") from None
    return folder


def run(python: Path, script: str, arguments: list, **variables: str) -> int:
    """Run a script of this folder with another Python and return its exit code."""
    command = [str(python), str(ROOT / "scripts" / script), *arguments]
    return subprocess.run(command, env={**os.environ, **variables}, check=False).returncode
