"""The extension in this Blender: its client, folders, preferences and bug report, and look-up of data by session_uid."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import bpy
import numpy as np

from .. import __version__
from ..client.client import Client
from ..client.launch import HostPython, Launch, Paths, choose_launch, engine_problem
from ..client.setup.environment import Environment, environment_status
from ..client.worker_process import read_log_tail
from ..core.engines import AUTO_ENGINES, engine_in_use
from ..core.errors import Message
from ..core.files import redact_home
from ..core.settings import Settings

Data = TypeVar("Data", bound=bpy.types.ID)

EXTENSION = __package__.rpartition(".")[0]
"""The name under which Blender knows this extension."""

DEFAULT_PREFERENCES = SimpleNamespace(environment_folder="", interpreter="", backend="auto", weights_folder="",
                                      device="AUTO", idle_minutes=10)
"""What counts where Blender has no preferences for the extension, as when `--addons` enables it for one run."""

client = Client()


def find_by_uid(collection: Iterable[Data], uid: int | None) -> Data | None:
    """Return the item of a collection of `bpy.data` that has this session_uid, None when it is gone."""
    return next((data for data in collection if data.session_uid == uid), None)


def preferences() -> Any:
    """Return the extension's preferences, a MidasNormalPreferences of `ui.preferences`."""
    addon = bpy.context.preferences.addons.get(EXTENSION)  # type: ignore[union-attr]
    return addon.preferences if addon is not None else DEFAULT_PREFERENCES


def worker_paths() -> Paths:
    """Return where environment, weights and log are: in the folders that the user chose, else in the extension's own."""
    chosen = preferences()
    return Paths(Environment(_folder(chosen.environment_folder, "environment")),
                 _folder(chosen.weights_folder, "weights"), log_file())


def _folder(chosen: str, default_name: str) -> Path:
    return Path(bpy.path.abspath(chosen)) if chosen else extension_folder() / default_name


def log_file() -> Path:
    """Return the worker's log file."""
    return extension_folder() / "worker.log"


def extension_folder() -> Path:
    """Return the folder that Blender gives the extension for its data, and removes with the extension.

    It is not created here, because panels ask for it with each redraw.
    """
    return Path(bpy.utils.extension_path_user(EXTENSION))


def engine_unavailable_reason(settings: Any) -> Message:
    """Say why the engine of the settings, or of properties of their names, cannot run here; "" where it can."""
    folder = bpy.path.abspath(settings.model_folder) if settings.model_folder else ""
    engine = engine_in_use(settings.engine, settings.base, settings.mix)
    chosen = SimpleNamespace(engine=engine, depth_scale=settings.depth_scale, model=settings.model, model_folder=folder)
    return engine_problem(chosen, worker_paths())


def automatic_engine() -> str:
    """Return the engine that AUTO chooses here."""
    midas, built_in = AUTO_ENGINES
    settings = SimpleNamespace(engine=midas, depth_scale="NORMALISED", model="", model_folder="")
    return built_in if engine_problem(settings, worker_paths()) else midas


def blender_python() -> str:
    """Return the Python that Blender itself runs on, which has numpy."""
    return sys.executable


def launch_for_settings(settings: Settings) -> Launch:
    """Return how to start a worker for the settings' engine, as the preferences say; raises EngineUnavailable."""
    return choose_launch(settings, worker_paths(), HostPython(blender_python()), preferences().idle_minutes * 60.0)


def describe_system() -> str:
    """Return the versions of the extension, of Blender and of the system, in two lines."""
    return (f"MiDaS Normal Map {__version__} in Blender {bpy.app.version_string}, Python {platform.python_version()}, "
            f"numpy {np.__version__}\n{platform.system()} {platform.release()}, {platform.machine()}")


def bug_report(last: str) -> str:
    """Return versions, system, MiDaS environment, last outcome and the worker's last messages, without the home folder."""
    environment = worker_paths().environment
    log = log_file()
    lines = [
        describe_system(),
        f"MiDaS environment in {environment.folder}: {environment_status(environment).sentence}",
        f"Last outcome: {last}",
        "Worker's last messages:",
        read_log_tail(log, 0, 30) if log.exists() else "none",
    ]
    return redact_home("\n".join(lines))
