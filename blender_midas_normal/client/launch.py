"""Which Python runs the worker, which graphics card it is shown, and how it is started."""

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
"""Variables in which CUDA and ROCm look for the cards that a program may see: numbers or names, with commas between."""

CUDA_12_BUILD = "cu126"
"""The last build of torch with kernels for cards before MIN_CAPABILITY_CUDA_13: Maxwell, Pascal and Volta."""

MIN_CAPABILITY_CUDA_12, MIN_CAPABILITY_CUDA_13 = (5, 0), (7, 5)
"""Compute capabilities; torch's builds for CUDA 13, the default ones, begin with Turing."""

NVIDIA_SMI_QUERY = ("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader")
NVIDIA_SMI_TIMEOUT_S = 20.0
"""Within this time NVIDIA's program answers, which wakes sleeping cards for it."""

MIDAS_NOT_NEEDED = Message("This worker was started for the built-in engines.")

ENVIRONMENT_ADVICE = Message("Press Install in the extension's preferences, or choose the engine relief or luminance.")
"""What who asked for MiDaS can do in Blender."""


def choose_torch_build(backend: str, cancelled: Callable[[], bool] = lambda: False) -> str:
    """The build of torch to install for a choice that leaves it open (`auto`, `registry`), else the one that was chosen.

    It is CUDA_12 where all of NVIDIA's cards here are too old for CUDA 13; one that is not would be the one used.
    """
    if backend not in ("auto", "registry"):
        return backend
    capabilities = compute_capabilities(cancelled)
    is_old = all(MIN_CAPABILITY_CUDA_12 <= capability < MIN_CAPABILITY_CUDA_13 for capability in capabilities)
    return CUDA_12_BUILD if capabilities and is_old else backend


def compute_capabilities(cancelled: Callable[[], bool] = lambda: False) -> list[tuple[int, int]]:
    """(major, minor) of each of NVIDIA's cards, as its driver's program tells; none where there is no such program."""
    try:
        ended = run_process(NVIDIA_SMI_QUERY, cancelled=cancelled, seconds=NVIDIA_SMI_TIMEOUT_S)
    except (OSError, TimeoutError):
        return []
    matches = [re.fullmatch(r"(\d+)\.(\d+)", line.strip()) for line in ended.tail.splitlines()] if ended.code == 0 else []
    return [(int(match[1]), int(match[2])) for match in matches if match]


def gpu_variables(number: int, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that show a program one card of those that these variables show; number: its place among them, from 0.

    ROCm takes CUDA's variable where its own is not set.
    """
    cuda_devices = variables.get(CUDA_VARIABLE)
    return {CUDA_VARIABLE: _device_name(number, cuda_devices),
            HIP_VARIABLE: _device_name(number, variables.get(HIP_VARIABLE, cuda_devices))}


def _device_name(number: int, shown: str | None) -> str:
    """What a variable calls the card; its number where there is no variable, or one for other makers' cards."""
    names = shown.split(",") if shown is not None else []
    return names[number].strip() if number < len(names) else str(number)


WORKER_PROGRAM = Path(__file__).resolve().parents[1] / "worker" / "main.py"


@dataclass(frozen=True)
class Paths:
    """Where things lie: the MiDaS environment, the folder with its weights, and the worker's log file."""

    environment: Environment
    weights: Path
    log: Path


def user_paths(out: Path, weights_folder: Path | None = None) -> Paths:
    """Find where things lie without Blender: in the user's data folder.

    Args:
        out: the folder of the maps; the worker's log lies there where nothing can be written into the data folder.
        weights_folder: the one that the user named, None for the one in the data folder.
    """
    data = data_folder()
    existing = next(folder for folder in (data, *data.parents) if folder.exists())
    log = data / "worker.log" if os.access(existing, os.W_OK) else resolve_path(out) / ".midas_normal.log"
    return Paths(Environment(data / "environment"), resolve_path(weights_folder or data / "weights"), log)


@dataclass(frozen=True)
class HostPython:
    """The Python of the program that starts the worker, which may run the worker, too.

    Attributes:
        path: its interpreter.
        has_midas: whether it has the packages for MiDaS, as with the extra `midas` of this package.
        user_site: the user's own folder of packages, which an isolated Python leaves out; "" where it does not count.
    """

    path: str
    has_midas: bool = False
    user_site: str = ""


def this_python() -> HostPython:
    """Describe the Python that runs this program, with the packages that are installed for it."""
    return HostPython(sys.executable, not missing_packages(), site.getusersitepackages() if site.ENABLE_USER_SITE else "")


@dataclass(frozen=True)
class Launch:
    """One way to start the worker.

    python: the interpreter; weights: folder of the MiDaS weights; without_midas: "" or why this worker cannot run MiDaS;
    idle_seconds: after so long without a request the worker unloads its model, after as long again it ends; user_site: as
    in HostPython.
    """

    python: str
    weights: Path
    without_midas: Message
    idle_seconds: float
    log: Path
    user_site: str = ""

    def command(self, folder: Path) -> list[str]:
        """The command line of a worker whose exchange folder is `folder`."""
        return [self.python, "-I", "-u", "-X", "utf8", str(WORKER_PROGRAM), "--folder", str(folder),
                "--weights", str(self.weights), "--without-midas", json.dumps(to_json(self.without_midas)),
                "--idle", str(self.idle_seconds), "--user-site", self.user_site]

    def unavailable(self) -> dict[str, Message]:
        """Return for each engine "" when a worker started this way can run it, else one sentence saying why not."""
        return {name: self.without_midas if facts.needs_environment else NO_MESSAGE for name, facts in ENGINES.items()}

    def is_compatible_with(self, wanted: Launch) -> bool:
        """Whether a worker started this way can do what one started as wanted could; any can run the built-in engines."""
        return self == wanted or bool(wanted.without_midas)


def midas_unavailable_reason(places: Paths) -> Message:
    """"" when the environment is ready and the weights are there, else one sentence."""
    return _environment_problem(places) or _weights_problem(places)


def _environment_problem(places: Paths) -> Message:
    """"" when the environment is ready, else one sentence."""
    status = environment_status(places.environment)
    return NO_MESSAGE if status.state is EnvironmentState.READY else status.sentence


def _weights_problem(places: Paths) -> Message:
    """"" when the weights are there, else one sentence."""
    try:
        weights.find_weights(places.weights)
    except EngineUnavailable as error:
        return error.message
    return NO_MESSAGE


def choose_launch(engine: str, places: Paths, host: HostPython, idle_seconds: float,
                  advice: Message = ENVIRONMENT_ADVICE) -> Launch:
    """Choose how to start the worker for an engine.

    Luminance runs on the host's Python, the others where torch and with it the GPU can be used: on the host's Python where
    it has the packages for MiDaS, else on the MiDaS environment's where that is ready.

    Args:
        advice: what who asked for MiDaS can do where its environment is not ready.

    Raises:
        EngineUnavailable: the engine asked for cannot run.
    """
    no_torch = NO_MESSAGE if host.has_midas else _environment_problem(places)
    reason = no_torch or _weights_problem(places)
    if reason and needs_environment(engine):
        raise EngineUnavailable(join_messages((reason, advice)) if no_torch else reason)
    if no_torch or not any(ENGINES[name].uses_torch for name in usable_engines(engine, "OFF")):
        return Launch(host.path, places.weights, reason or MIDAS_NOT_NEEDED, idle_seconds, places.log, host.user_site)
    weights_folder = places.weights if reason else weights.find_weights(places.weights).parent
    if host.has_midas:
        return Launch(host.path, weights_folder, reason, idle_seconds, places.log, host.user_site)
    return Launch(str(places.environment.python), weights_folder, reason, idle_seconds, places.log)
