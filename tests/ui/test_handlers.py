"""What undo brings back, and what a saved file keeps."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.core.settings import Settings

from .scenes import textured, values

BUILT_IN = Settings(engine="LUMINANCE")


def test_undo_brings_the_pixels_back():
    if not bpy.ops.ed.undo.poll():
        pytest.skip("this Blender has no undo in background mode")
    textured()
    bpy.ops.ed.undo_push(message="start")
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    first = values(bpy.data.images["photo_normal"])
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=5)
    second = values(bpy.data.images["photo_normal"])
    bpy.ops.ed.undo()
    np.testing.assert_array_equal(values(bpy.data.images["photo_normal"]), first)
    bpy.ops.ed.redo()
    np.testing.assert_array_equal(values(bpy.data.images["photo_normal"]), second)
    bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    assert "photo_normal" not in bpy.data.images
    assert not any(n.bl_idname == "ShaderNodeNormalMap" for n in bpy.data.materials["photo"].node_tree.nodes)


def test_a_saved_file_keeps_the_map_and_its_record(tmp_path):
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    first = values(bpy.data.images["photo_normal"])
    bpy.data.images["photo.png"].pack()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "lit.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "lit.blend"))
    normal = bpy.data.images["photo_normal"]
    np.testing.assert_array_equal(values(normal), first)
    assert normal.colorspace_settings.is_data and json.loads(normal["midas_normal"])["facts"]["engine"] == "LUMINANCE"


def test_a_map_that_nothing_uses_survives_saving(tmp_path):
    image, _ = textured()
    generate(image, BUILT_IN)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
    assert "photo_normal" in bpy.data.images
