"""Installs the extension into a Blender for real, from its zip, in a private folder; for tests and demonstrations.

A Blender is either the `bpy` module, not yet imported, or one that was started with BLENDER_USER_RESOURCES set to
the folder.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import zipfile
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).resolve().parent))

import build_extension

NAME = "bl_ext.user_default.midas_normal"
RESOURCES = "BLENDER_USER_RESOURCES"


def install(resources: Path) -> ModuleType:
    """Return the enabled extension's module; Blender keeps all user files, preferences too, in the folder `resources`.

    Where this program has installed it already, that one.
    Raises RuntimeError when Blender runs already with other user files, or when the extension cannot be enabled.
    """
    if NAME in sys.modules:
        return sys.modules[NAME]
    if "bpy" in sys.modules and os.environ.get(RESOURCES) != str(resources):
        raise RuntimeError(f"Blender runs already; set {RESOURCES} before it starts.")
    os.environ[RESOURCES] = str(resources)
    unpack(resources / "extensions" / "user_default" / "midas_normal")
    import bpy  # noqa: F401  (starts Blender)

    addon_utils = importlib.import_module("addon_utils")  # Part of Blender: there from here on.
    if addon_utils.enable(NAME, default_set=True) is None:
        raise RuntimeError(f"Blender could not enable {NAME}; its reason stands above.")
    return importlib.import_module(NAME)


def unpack(folder: Path) -> None:
    """Unpack a newly built extension into the folder."""
    with tempfile.TemporaryDirectory() as temporary, zipfile.ZipFile(build_extension.build(Path(temporary))) as archive:
        archive.extractall(folder)


def uninstall() -> None:
    """Disable the extension: Blender 4.2 and 4.3 crash at their end when its classes are still registered."""
    import addon_utils

    addon_utils.disable(NAME, default_set=True)
