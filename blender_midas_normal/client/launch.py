"""Choose which Python runs the worker, the graphics card that it can use, and its command line."""

from __future__ import annotations

import json
import os
import site
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.engines import (
    ENGINES,
    NO_MODEL_FOLDER,
    EngineSettings,
    find_engine_weights,
    needed_parts,
    needed_weights,
    usable_engines,
)
from ..core.errors import NO_MESSAGE, EngineUnavailable, Message, Phrase, join_messages, to_json
from ..core.files import resolve_path
from .provision import data_folder
from .setup.environment import PARTS, Environment, EnvironmentState, environment_status, missing_packages, requirements_of

CUDA_VARIABLE, HIP_VARIABLE = "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"
"""Environment variables of CUDA and ROCm with the graphics cards that a program may use: numbers or names and commas."""

MIDAS_NOT_NEEDED = Message("This worker was started for the built-in engines.")

ENVIRONMENT_ADVICE = Message("Press Install MiDaS Environment in the extension's preferences, or choose the engine relief "
                             "or luminance.")
"""What the user can do in Blender when MiDaS is not installed."""


def gpu_variables(number: int, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that let a program use one graphics card only.

    Args:
        number: index of the card, from 0, among those that the current variables allow.
        variables: the current environment variables.  ROCm uses CUDA's variable where its own is not set.
    """
    cuda_devices = variables.get(CUDA_VARIABLE)
    return {CUDA_VARIABLE: _device_name(number, cuda_devices),
            HIP_VARIABLE: _device_name(number, variables.get(HIP_VARIABLE, cuda_devices))}


def _device_name(number: int, visible: str | None) -> str:
    """Return the name of a card in a variable; its number where the variable is not set or has fewer cards."""
    names = visible.split(",") if visible is not None else []
    return names[number].strip() if number < len(names) else str(number)


WORKER_PROGRAM = Path(__file__).resolve().parents[1] / "worker" / "main.py"


@dataclass(frozen=True)
class Paths:
    """The paths that a worker needs: the MiDaS environment, the folder of weights, and the log file."""

    environment: Environment
    weights: Path
    log: Path


def user_paths(out: Path, weights_folder: Path | None = None) -> Paths:
    """Return the paths to use outside Blender, which are in the user's data folder.

    Args:
        out: the folder of the maps, in which the log is written where the data folder cannot be written.
        weights_folder: the one that the user chose; None for the one in the data folder.
    """
    data = data_folder()
    existing = next(folder for folder in (data, *data.parents) if folder.exists())
    log = data / "worker.log" if os.access(existing, os.W_OK) else resolve_path(out) / ".midas_normal.log"
    return Paths(Environment(data / "environment"), resolve_path(weights_folder or data / "weights"), log)


@dataclass(frozen=True)
class HostPython:
    """The Python of the program that starts the worker, and which can run the worker, too.

    Attributes:
        path: the interpreter.
        parts: those of PARTS of the MiDaS environment that it has, as with this package's extras of those names.
        user_site: the user's own folder of packages, which an isolated Python ignores; "" where it is disabled.
    """

    path: str
    parts: tuple[str, ...] = ()
    user_site: str = ""


def this_python() -> HostPython:
    """Describe the Python of this process."""
    parts = tuple(part for part in PARTS if not missing_packages(requirements_of((part,))))
    return HostPython(sys.executable, parts, site.getusersitepackages() if site.ENABLE_USER_SITE else "")


@dataclass(frozen=True)
class Launch:
    """How to start a worker.

    Attributes:
        python: the interpreter.
        weights: the folder of weights.
        without_midas: why this worker cannot run the engines of the MiDaS environment, or "".
        idle_seconds: seconds without a request after which the worker unloads its network; after as many again it ends.
        log: the file that its standard error is appended to.
        user_site: as in `HostPython`.
    """

    python: str
    weights: Path
    without_midas: Message
    idle_seconds: float
    log: Path
    user_site: str = ""

    def command(self, folder: Path) -> list[str]:
        """Return the command line of a worker with this exchange folder."""
        return [self.python, "-I", "-u", "-X", "utf8", str(WORKER_PROGRAM), "--folder", str(folder),
                "--weights", str(self.weights), "--without-midas", json.dumps(to_json(self.without_midas)),
                "--idle", str(self.idle_seconds), "--user-site", self.user_site]

    def unavailable(self) -> dict[str, Message]:
        """Return for each engine "" when a worker started this way can run it, else one sentence saying why not."""
        return {name: self.without_midas if facts.parts else NO_MESSAGE for name, facts in ENGINES.items()}

    def is_compatible_with(self, other: Launch) -> bool:
        """Tell whether a worker started this way can serve requests for the other: all can run the built-in engines."""
        return self == other or bool(other.without_midas)


NODE_NOT_INSTALLED = Message("depth_scale RAW is the MiDaS node's own call, whose packages are not installed.")


def engine_problem(settings: EngineSettings, paths: Paths) -> Message:
    """Return why no request with these settings can run in the MiDaS environment; "" where none is known.

    A panel asks this each time that it is drawn, so the folder of the user's own, which a stranger's .blend file may name,
    is not looked into.
    """
    parts = needed_parts(settings.engine, settings.depth_scale)
    if not parts:
        return NO_MESSAGE
    problem = _environment_problem(paths, parts, settings)
    if not problem and needed_weights(settings.engine, settings.model).is_of_user:
        return NO_MESSAGE if settings.model_folder else NO_MODEL_FOLDER
    return problem or _weights_problem(paths, settings)


def _environment_problem(paths: Paths, parts: Sequence[str], settings: EngineSettings,
                         advice: Message = NO_MESSAGE) -> Message:
    """Return "" when the environment is ready and has these parts, else what is wrong, and the advice."""
    status = environment_status(paths.environment)
    if status.state is not EnvironmentState.READY:
        return join_messages((status.sentence, advice)) if advice else status.sentence
    if set(parts) <= set(status.parts):
        return NO_MESSAGE
    if settings.depth_scale == "RAW":
        return join_messages((NODE_NOT_INSTALLED, advice)) if advice else NODE_NOT_INSTALLED
    return Message("The packages for {engine} are not installed; its button in the extension's preferences installs them, "
                   "and outside Blender midas-normal --engine {option}.", engine=Phrase(ENGINES[settings.engine].label),
                   option=settings.engine.lower())


def _weights_problem(paths: Paths, settings: EngineSettings) -> Message:
    """Return "" when the weights of the settings' engine, or of AUTO's first choice, exist, else one sentence."""
    try:
        find_engine_weights(settings.engine, settings, paths.weights)
    except EngineUnavailable as error:
        return error.message
    return NO_MESSAGE


def choose_launch(settings: EngineSettings, paths: Paths, host: HostPython, idle_seconds: float,
                  advice: Message = ENVIRONMENT_ADVICE) -> Launch:
    """Choose how to start the worker for the engine of the settings.

    An engine that uses torch, and with it the GPU, runs on the host's Python where that has the packages, else on the
    Python of the MiDaS environment where that is ready.  All others run on the host's Python.

    Args:
        host: the Python of this program, or the one to use in its place.
        idle_seconds: see `Launch`.
        advice: what the user can do when the environment that the engine needs is not ready.

    Raises:
        EngineUnavailable: the engine cannot run.
    """
    needed = needed_parts(settings.engine, settings.depth_scale)
    is_on_host = bool(host.parts) and set(needed) <= set(host.parts)
    no_torch = NO_MESSAGE if is_on_host else _environment_problem(paths, needed, settings)
    if no_torch and needed:
        raise EngineUnavailable(_environment_problem(paths, needed, settings, advice))
    reason = no_torch or _weights_problem(paths, settings)
    if reason and needed:
        raise EngineUnavailable(reason)
    if no_torch or not any(ENGINES[name].uses_torch for name in usable_engines(settings.engine, "OFF")):
        return Launch(host.path, paths.weights, reason or MIDAS_NOT_NEEDED, idle_seconds, paths.log, host.user_site)
    if is_on_host:
        return Launch(host.path, paths.weights, reason, idle_seconds, paths.log, host.user_site)
    return Launch(str(paths.environment.python), paths.weights, reason, idle_seconds, paths.log)
