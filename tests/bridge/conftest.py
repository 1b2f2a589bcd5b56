"""Installs the extension into the `bpy` of this Python, from its zip; without `bpy` this folder's tests are skipped."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import bpy

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "scripts")]

import installed_extension  # noqa: E402

HAS_BPY = importlib.util.find_spec("bpy") is not None

if HAS_BPY:  # Test modules import the extension, so it is there before they are.
    IN_BLENDER = "bpy" in sys.modules
    RESOURCES = Path(os.environ[installed_extension.RESOURCES] if IN_BLENDER else tempfile.mkdtemp())
    installed_extension.install(RESOURCES)


class SkippedModule(pytest.Module):
    def collect(self) -> Iterator[pytest.Item]:
        pytest.skip("this Python has no bpy", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    return None if HAS_BPY else SkippedModule.from_parent(parent, path=module_path)


@pytest.fixture(scope="session", autouse=True)
def extension() -> Iterator[None]:
    """Takes the extension out of Blender again: 4.2 and 4.3 crash at their end when its classes are still registered."""
    yield
    installed_extension.uninstall()
    if not IN_BLENDER:
        shutil.rmtree(RESOURCES, ignore_errors=True)


@pytest.fixture(autouse=True)
def empty_file() -> None:
    """Each test starts with an empty file; the extension stays enabled."""
    import bpy

    bpy.ops.wm.read_homefile(use_empty=True)


@pytest.fixture
def image() -> bpy.types.Image:
    """An image of 4 x 4 pixels."""
    import bpy

    return bpy.data.images.new("brick", 4, 4)


@pytest.fixture
def map_image(image: bpy.types.Image) -> bpy.types.Image:
    """A flat normal map of `image`."""
    from bl_ext.user_default.midas_normal.bridge import map_images
    from material_setups import FLAT

    return map_images.store_map(image, FLAT, {}, {"map": "NORMAL"})


@pytest.fixture
def material() -> bpy.types.Material:
    """The material of an active plane: a Principled BSDF without textures."""
    from blender_data import add_material

    return add_material()
