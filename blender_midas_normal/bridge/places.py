"""Where the extension keeps things on this computer, and what the user chose in the preferences."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..client.environment import Environment
from ..client.launch import Places

if TYPE_CHECKING:
    from ..ui.preferences import MidasNormalPreferences

EXTENSION = __package__.rpartition(".")[0]
"""The name under which Blender knows this extension."""


def preferences() -> MidasNormalPreferences:
    """The extension's preferences."""
    return bpy.context.preferences.addons[EXTENSION].preferences


def places() -> Places:
    """The environment, weights and log; each in the folder that the user chose, else in the extension's own."""
    chosen = preferences()
    environment = Path(bpy.path.abspath(chosen.environment_folder)) if chosen.environment_folder else own_folder() / "environment"
    weights = Path(bpy.path.abspath(chosen.weights_folder)) if chosen.weights_folder else own_folder() / "weights"
    return Places(Environment(environment), weights, log_file())


def log_file() -> Path:
    return own_folder() / "worker.log"


def own_folder() -> Path:
    """The folder that Blender gives the extension for its data; gone when the extension is removed."""
    return Path(bpy.utils.extension_path_user(EXTENSION, create=True))


def own_python() -> str:
    """The Python that Blender itself runs on; numpy is there."""
    return sys.executable
