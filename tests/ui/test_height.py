"""The engine HEIGHT in Blender: the same heights in whichever colour space the image is, by operator, panel and function."""

from __future__ import annotations

import bl_ext.user_default.midas_normal as extension
import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge.map_metadata import stored_metadata
from bl_ext.user_default.midas_normal.core.image_io import encode_png
from bl_ext.user_default.midas_normal.ui import generation

from .scenes import values

SIDE = 64


def ramp_file(path, bits):
    """A file of heights that rise from left to right."""
    most = 2 ** bits - 1
    heights = np.rint(np.linspace(0.1, 0.9, SIDE)[None].repeat(SIDE, axis=0) * most).astype(f"uint{bits}")
    path.write_bytes(encode_png(np.repeat(heights[..., None], 3, axis=2), compress=False))
    return path


def slope_of(image):
    """The slope that the map shows in the middle, to the right."""
    normal = values(image)[SIDE // 2, 8:-8, :3].mean(axis=0) * 2 - 1
    return -normal[0] / normal[2]


TRUE = 0.2 * 0.8 * SIDE / (SIDE - 1)
"""Slope of the ramp at the height scale 0.2."""


@pytest.mark.parametrize("space", ["Non-Color", "sRGB"])
@pytest.mark.parametrize("bits", [8, 16])
def test_heights_are_those_of_the_file_whatever_the_colour_space(tmp_path, space, bits):
    image = bpy.data.images.load(str(ramp_file(tmp_path / "wall_height.png", bits)))
    image.colorspace_settings.name = space
    bpy.ops.midas_normal.generate(source="IMAGE", image=image.name, engine="HEIGHT", height_scale=0.2, tileable="OFF",
                                  target="NONE")
    normal = bpy.data.images[generation.last_outcome().map_name]
    assert stored_metadata(normal)["facts"]["engine"] == "HEIGHT"
    assert slope_of(normal) == pytest.approx(TRUE, rel=0.02 if bits == 8 else 0.005)


def test_a_picture_that_feeds_a_height_gets_a_hint_at_the_engine(tmp_path):
    image = bpy.data.images.load(str(ramp_file(tmp_path / "wall.png", 16)))
    material = bpy.data.materials.new("wall")
    material.use_nodes = True
    tree = material.node_tree
    texture, bump = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeBump")
    texture.image = image
    tree.links.new(texture.outputs["Color"], bump.inputs["Height"])
    hints = []
    for space, engine in (("sRGB", "LUMINANCE"), ("Non-Color", "LUMINANCE"), ("Non-Color", "HEIGHT")):
        image.colorspace_settings.name = space
        bpy.ops.midas_normal.generate(source="IMAGE", image=image.name, engine=engine, target="NONE")
        hints.append(any("the engine HEIGHT takes" in message for message in generation.last_outcome().messages))
    assert hints == [False, True, False]


def test_a_height_map_of_this_extension_is_a_source_itself(tmp_path):
    """Its own heights are asked for, not those of the picture that it was made from."""
    image = bpy.data.images.load(str(ramp_file(tmp_path / "wall.png", 16)))
    bpy.ops.midas_normal.generate(source="IMAGE", image=image.name, engine="HEIGHT", maps={"HEIGHT"}, tileable="OFF",
                                  target="NONE", invert=True)
    heights = bpy.data.images[generation.last_outcome().maps[0]]
    scale = stored_metadata(heights)["facts"]["scale"]
    normal = extension.generate(heights, engine="HEIGHT", height_scale=scale, tileable="OFF")
    assert slope_of(normal) == pytest.approx(-TRUE / 2, rel=0.005)


def test_panel_and_function_make_the_same_map(tmp_path):
    image = bpy.data.images.load(str(ramp_file(tmp_path / "wall.png", 16)))
    image.colorspace_settings.name = "Non-Color"
    settings = bpy.context.scene.midas_normal
    settings.engine, settings.height_scale, settings.tileable = "HEIGHT", 0.2, "OFF"
    bpy.ops.midas_normal.generate(source="IMAGE", image=image.name, target="NONE")
    by_panel = slope_of(bpy.data.images[generation.last_outcome().map_name])
    by_function = slope_of(extension.generate(image, engine="HEIGHT", height_scale=0.4, tileable="OFF"))
    assert (by_panel, by_function) == (pytest.approx(TRUE, rel=0.005), pytest.approx(2 * TRUE, rel=0.005))
