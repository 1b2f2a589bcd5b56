"""Choose which Python runs the worker, the graphics card that it can use, and its command line."""

from __future__ import annotations

import json
import os
import re
import site
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.engines import ENGINES, needs_environment, usable_engines
from ..core.errors import NO_MESSAGE, EngineUnavailable, Message, join_messages, to_json
from ..core.files import resolve_path
from .child_process import run_process
from .provision import data_folder
from .setup import weights
from .setup.environment import Environment, EnvironmentState, environment_status, missing_packages

CUDA_VARIABLE, HIP_VARIABLE = "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"
"""Environment variables of CUDA and ROCm with the graphics cards that a program may use: numbers or names and commas."""

CUDA_12_BUILD = "cu126"
"""The last build of torch with kernels for cards below MIN_CAPABILITY_CUDA_13: Maxwell, Pascal and Volta."""

MIN_CAPABILITY_CUDA_12, MIN_CAPABILITY_CUDA_13 = (5, 0), (7, 5)
"""Least compute capabilities of torch's builds for CUDA 12 and for CUDA 13, its default, which begins with Turing."""

NVIDIA_SMI_QUERY = ("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader")
NVIDIA_SMI_TIMEOUT_S = 20.0
"""Seconds that NVIDIA's program may take, which has to wake sleeping cards."""

MIDAS_NOT_NEEDED = Message("This worker was started for the built-in engines.")

ENVIRONMENT_ADVICE = Message("Press Install in the extension's preferences, or choose the engine relief or luminance.")
"""What the user can do in Blender when MiDaS is not installed."""


def choose_torch_build(backend: str, cancelled: Callable[[], bool] = lambda: False) -> str:
    """Return the build of torch to install: CUDA_12_BUILD where `auto` or `registry` would give one without kernels.

    That is where all of NVIDIA's cards are too old for CUDA 13; of several cards, a newer one would be used.
    """
    if backend not in ("auto", "registry"):
        return backend
    capabilities = compute_capabilities(cancelled)
    is_old = all(MIN_CAPABILITY_CUDA_12 <= capability < MIN_CAPABILITY_CUDA_13 for capability in capabilities)
    return CUDA_12_BUILD if capabilities and is_old else backend


def compute_capabilities(cancelled: Callable[[], bool] = lambda: False) -> list[tuple[int, int]]:
    """Return (major, minor) of each NVIDIA card, from its driver's program; [] where there is no such program."""
    try:
        ended = run_process(NVIDIA_SMI_QUERY, cancelled=cancelled, seconds=NVIDIA_SMI_TIMEOUT_S)
    except (OSError, TimeoutError):
        return []
    matches = [re.fullmatch(r"(\d+)\.(\d+)", line.strip()) for line in ended.tail.splitlines()] if ended.code == 0 else []
    return [(int(match[1]), int(match[2])) for match in matches if match]


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
    """The paths that a worker needs: the MiDaS environment, the folder with its weights, and the log file."""

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
        has_midas: whether it has the packages for MiDaS, as with the extra `midas` of this package.
        user_site: the user's own folder of packages, which an isolated Python ignores; "" where it is disabled.
    """

    path: str
    has_midas: bool = False
    user_site: str = ""


def this_python() -> HostPython:
    """Describe the Python of this process."""
    return HostPython(sys.executable, not missing_packages(), site.getusersitepackages() if site.ENABLE_USER_SITE else "")


@dataclass(frozen=True)
class Launch:
    """How to start a worker.

    Attributes:
        python: the interpreter.
        weights: the folder with MiDaS's weights.
        without_midas: why this worker cannot run MiDaS, or "".
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
        return {name: self.without_midas if facts.needs_environment else NO_MESSAGE for name, facts in ENGINES.items()}

    def is_compatible_with(self, other: Launch) -> bool:
        """Tell whether a worker started this way can serve requests for the other: all can run the built-in engines."""
        return self == other or bool(other.without_midas)


def midas_unavailable_reason(paths: Paths) -> Message:
    """Return why MiDaS cannot run; "" when its environment is ready and the weights exist."""
    return _environment_problem(paths) or _weights_problem(paths)


def _environment_problem(paths: Paths) -> Message:
    """Return "" when the environment is ready, else one sentence."""
    status = environment_status(paths.environment)
    return NO_MESSAGE if status.state is EnvironmentState.READY else status.sentence


def _weights_problem(paths: Paths) -> Message:
    """Return "" when the weights exist, else one sentence."""
    try:
        weights.find_weights(paths.weights)
    except EngineUnavailable as error:
        return error.message
    return NO_MESSAGE


def choose_launch(engine: str, paths: Paths, host: HostPython, idle_seconds: float,
                  advice: Message = ENVIRONMENT_ADVICE) -> Launch:
    """Choose how to start the worker for an engine.

    An engine that uses torch, and with it the GPU, runs on the host's Python where that has the packages for MiDaS, else on
    the Python of the MiDaS environment where that is ready.  All others run on the host's Python.

    Args:
        host: the Python of this program, or the one to use in its place.
        idle_seconds: see `Launch`.
        advice: what the user can do when the environment that the engine needs is not ready.

    Raises:
        EngineUnavailable: the engine cannot run.
    """
    no_torch = NO_MESSAGE if host.has_midas else _environment_problem(paths)
    reason = no_torch or _weights_problem(paths)
    if reason and needs_environment(engine):
        raise EngineUnavailable(join_messages((reason, advice)) if no_torch else reason)
    if no_torch or not any(ENGINES[name].uses_torch for name in usable_engines(engine, "OFF")):
        return Launch(host.path, paths.weights, reason or MIDAS_NOT_NEEDED, idle_seconds, paths.log, host.user_site)
    weights_folder = paths.weights if reason else weights.find_weights(paths.weights).parent
    if host.has_midas:
        return Launch(host.path, weights_folder, reason, idle_seconds, paths.log, host.user_site)
    return Launch(str(paths.environment.python), weights_folder, reason, idle_seconds, paths.log)
