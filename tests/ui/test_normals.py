"""The engine NORMALS in Blender: by operator, panel and function, whichever way green points, and instead of the old map."""

from __future__ import annotations

import dataclasses

import bl_ext.user_default.midas_normal as extension
import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge.map_metadata import stored_metadata, stored_settings
from bl_ext.user_default.midas_normal.bridge.regenerate import start_retune
from bl_ext.user_default.midas_normal.core.image_io import encode_png
from bl_ext.user_default.midas_normal.ui import generation

from tests.worker.test_normals import FLIP, encoded, true_normals

from .scenes import values

SIDE = 64
TRUE = true_normals(SIDE)


@pytest.fixture
def directx(tmp_path):
    """A loaded normal map whose green points down."""
    pixels = np.rint(encoded(TRUE * FLIP) * 65535).astype(np.uint16)
    (tmp_path / "wall_normal.png").write_bytes(encode_png(pixels, compress=False))
    image = bpy.data.images.load(str(tmp_path / "wall_normal.png"))
    image.colorspace_settings.name = "Non-Color"
    return image


def error_of(image):
    """The largest difference of a map's vectors from the true ones."""
    return np.abs(values(image)[::-1, :, :3] * 2 - 1 - TRUE).max()


def test_panel_and_function_turn_green_up(directx):
    settings = bpy.context.scene.midas_normal
    settings.engine, settings.tileable = "NORMALS", "BOTH"
    bpy.ops.midas_normal.generate(source="IMAGE", image=directx.name, target="NONE")
    assert error_of(bpy.data.images[generation.last_outcome().map_name]) < 1e-3
    assert error_of(extension.generate(directx, engine="NORMALS", source_convention="DIRECTX")) < 1e-3
    kept = extension.generate(directx, engine="NORMALS", source_convention="OPENGL")
    assert np.abs(values(kept)[::-1, :, 1] * 2 - 1 + TRUE[..., 1]).max() < 1e-3


def test_the_new_map_is_wired_instead_of_its_source_where_that_is_asked_for(directx):
    before = values(directx)
    bpy.ops.mesh.primitive_plane_add()
    material = bpy.data.materials.new("wall")
    material.use_nodes = True
    bpy.context.object.data.materials.append(material)
    tree = material.node_tree
    texture, node = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeNormalMap")
    texture.image = directx
    tree.links.new(texture.outputs["Color"], node.inputs["Color"])
    tree.links.new(node.outputs["Normal"], tree.nodes["Principled BSDF"].inputs["Normal"])
    for replace in (False, True):
        bpy.ops.midas_normal.generate(source="IMAGE", image=directx.name, engine="NORMALS", replace=replace)
        wired = tree.nodes["Principled BSDF"].inputs["Normal"].links[0].from_node.inputs["Color"].links[0].from_node.image
        assert (wired == directx) is not replace
    assert error_of(wired) < 1e-3
    assert (values(directx) == before).all()


def test_heights_of_the_map(directx):
    bpy.ops.midas_normal.generate(source="IMAGE", image=directx.name, engine="NORMALS", maps={"HEIGHT", "AO"}, target="NONE")
    heights, occlusion = (values(bpy.data.images[name]) for name in generation.last_outcome().maps)
    assert np.ptp(heights[..., 0]) > 0.5 and np.ptp(occlusion[..., 0]) > 0.01


def test_a_slider_changes_the_map_without_the_engine(directx):
    made = extension.generate(directx, engine="NORMALS")
    before = values(made)[..., :2] * 2 - 1
    start_retune(made, dataclasses.replace(stored_settings(made), strength=0.5)).wait()
    after = values(made)[..., :3] * 2 - 1
    slopes = 0.5 * before / np.sqrt(1 - (before ** 2).sum(axis=2, keepdims=True))
    assert np.abs(after[..., :2] / after[..., 2:] - slopes).max() < 2e-3
    assert "engine" not in stored_metadata(made)["facts"]["seconds"]


@pytest.mark.parametrize("engine", ["NORMALS", "HEIGHT"])
def test_each_tile_and_each_frame_is_taken_as_it_is(tmp_path, engine):
    """Of tiles and frames of one map, each gives the map that it gives alone."""
    pixels = np.rint(encoded(TRUE) * 65535).astype(np.uint16)
    for name in ("wall.1001", "wall.1002", "frame_0001", "frame_0002"):
        (tmp_path / f"{name}.png").write_bytes(encode_png(pixels, compress=False))
    images = []
    for name, kind in (("wall.1001", "TILED"), ("frame_0001", "SEQUENCE"), ("wall.1002", "FILE")):
        image = bpy.data.images.load(str(tmp_path / f"{name}.png"))
        image.colorspace_settings.name = "Non-Color"
        image.source = kind
        if kind == "TILED":
            image.filepath_raw = str(tmp_path / "wall.<UDIM>.png")
            image.tiles.new(1002)
        images.append(image)
    for image in images:
        bpy.ops.midas_normal.generate(source="IMAGE", image=image.name, engine=engine, save="BESIDE", target="NONE",
                                      tileable="OFF")
    files = sorted(tmp_path.rglob("*_normal*.png"), key=lambda path: path.name)
    assert [file.name for file in files] == [
        "frame_normal_0001.png", "frame_normal_0002.png", "wall.1002_normal.png", "wall_normal.1001.png",
        "wall_normal.1002.png"]
    assert len({file.read_bytes() for file in files}) == 1


def test_a_photo_is_refused_in_one_sentence():
    rng = np.random.default_rng(0)
    photo = bpy.data.images.new("photo", SIDE, SIDE)
    photo.pixels.foreach_set((0.3 + 0.2 * rng.random((SIDE, SIDE, 4), np.float32)).ravel())
    with pytest.raises(RuntimeError, match="The picture is not a normal map"):
        bpy.ops.midas_normal.generate(source="IMAGE", image=photo.name, engine="NORMALS", target="NONE")
