"""A picture gives the same map in every working space of a file, that is in whatever primaries Blender holds its floats."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import pixels_of, rgba, write_png

pytestmark = pytest.mark.skipif(bpy.app.version < (5, 0), reason="before 5.0 files have no working space of their own")

SPACES = ("Linear Rec.709", "Linear Rec.2020", "ACEScg")
SETTINGS = Settings(engine="LUMINANCE", tileable="OFF", strength=10)


def exr(path):
    """Colours of all hues, scene-linear, some brighter than white."""
    made = bpy.data.images.new("made", 20, 10, float_buffer=True, is_data=True)
    values = np.ones((10, 20, 4), np.float32)
    values[..., :3] = np.random.default_rng(0).uniform(0, 1.2, (10, 20, 3))
    made.pixels.foreach_set(values.ravel())
    made.filepath_raw, made.file_format = str(path), "OPEN_EXR"
    made.save()
    bpy.data.images.remove(made)
    return path


FILES = {
    "a.exr in Linear Rec.709": exr, "a.exr in ACEScg": exr,
    "a.png in sRGB": lambda path: write_png(path, rgba(10, 20), 8),
    "b.png in sRGB": lambda path: write_png(path, rgba(10, 20), 16),
}
"""What writes a file of a name, which is read in a colour space."""


@pytest.fixture(autouse=True)
def working_space():
    before = bpy.data.colorspace.working_space
    yield
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.set_working_color_space(working_space=before)


def loaded(name, folder):
    file, space = name.split(" in ")
    image = bpy.data.images.load(str(FILES[name](folder / file)), check_existing=False)
    image.colorspace_settings.name = space
    return image


@pytest.mark.parametrize("name", FILES)
def test_a_picture_gives_the_same_map_in_every_working_space(tmp_path, name):
    maps = []
    for space in SPACES:
        bpy.ops.wm.read_homefile(use_empty=True)
        bpy.ops.wm.set_working_color_space(working_space=space)
        assert bpy.data.colorspace.working_space == space
        maps.append(pixels_of(generate(loaded(name, tmp_path), SETTINGS)))
    assert np.ptp(maps[0][..., 0]) > 0.05
    for other in maps[1:]:
        np.testing.assert_allclose(other, maps[0], atol=1e-3)


def test_a_mask_image_too(tmp_path):
    maps = []
    for space in SPACES:
        bpy.ops.wm.read_homefile(use_empty=True)
        bpy.ops.wm.set_working_color_space(working_space=space)
        picture, mask = loaded("a.png in sRGB", tmp_path), loaded("a.exr in Linear Rec.709", tmp_path)
        maps.append(pixels_of(generate(picture, SETTINGS, mask)))
    for other in maps[1:]:
        np.testing.assert_allclose(other, maps[0], atol=1e-3)
