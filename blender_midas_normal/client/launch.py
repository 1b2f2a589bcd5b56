"""Which Python runs the worker, and how it is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.errors import EngineUnavailable
from . import weights
from .environment import Environment, State, Status, status

START = Path(__file__).resolve().parents[1] / "worker" / "start.py"

NOT_NEEDED = "This worker was started for the built-in engines."

WITHOUT_ENVIRONMENT = "Press Install in the extension's preferences, or choose the engine relief or luminance."
"""What who asked for MiDaS can do."""


@dataclass(frozen=True)
class Places:
    """Where things lie: the MiDaS environment, the folder with its weights, and the worker's log file."""

    environment: Environment
    weights: Path
    log: Path


@dataclass(frozen=True)
class Launch:
    """One way to start the worker.

    python: the interpreter; weights: folder of the MiDaS weights; without_midas: "" or why this worker cannot run MiDaS;
    idle_seconds: after so long without a request the worker unloads its model, after as long again it ends.
    """

    python: str
    weights: Path
    without_midas: str
    idle_seconds: float
    log: Path

    def command(self, folder: Path) -> list[str]:
        """The command line of a worker whose exchange folder is `folder`."""
        return [self.python, "-I", "-u", "-X", "utf8", str(START), "--folder", str(folder), "--weights",
                str(self.weights), "--without-midas", self.without_midas, "--idle", str(self.idle_seconds)]

    def serves(self, wanted: Launch) -> bool:
        """Whether a worker started this way can do what one started as wanted could; any can run the built-in engines."""
        return self == wanted or bool(wanted.without_midas)


def reason_against_midas(places: Places) -> str:
    """"" when the environment is ready and the weights are there, else one sentence."""
    return _reason_against_midas(status(places.environment), places)


def _reason_against_midas(found: Status, places: Places) -> str:
    if found.state is not State.READY:
        return found.sentence
    try:
        weights.find(places.weights)
    except EngineUnavailable as error:
        return str(error)
    return ""


def launch_for(engine: str, places: Places, own_python: str, idle_seconds: float) -> Launch:
    """How to start the worker for an engine: luminance on `own_python`, the others on the MiDaS environment's Python where
    it is ready, for torch and the GPU that may be there.

    Raises EngineUnavailable when the engine asked for cannot run.
    """
    environment = status(places.environment)
    reason = _reason_against_midas(environment, places)
    if engine == "MIDAS" and environment.state is not State.READY:
        raise EngineUnavailable(f"{reason} {WITHOUT_ENVIRONMENT}")
    if engine == "MIDAS" and reason:
        raise EngineUnavailable(reason)
    if engine == "LUMINANCE" or environment.state is not State.READY:
        return Launch(own_python, places.weights, reason or NOT_NEEDED, idle_seconds, places.log)
    found = places.weights if reason else weights.find(places.weights).parent
    return Launch(str(places.environment.python), found, reason, idle_seconds, places.log)
