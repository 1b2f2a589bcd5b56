"""The engine NORMALS in Blender: by operator, panel and function, whichever way green points, and instead of the old map."""

from __future__ import annotations

import bl_ext.user_default.midas_normal as extension
import bpy
import numpy as np
import pytest
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


def test_a_photo_is_refused_in_one_sentence():
    rng = np.random.default_rng(0)
    photo = bpy.data.images.new("photo", SIDE, SIDE)
    photo.pixels.foreach_set((0.3 + 0.2 * rng.random((SIDE, SIDE, 4), np.float32)).ravel())
    with pytest.raises(RuntimeError, match="The picture is not a normal map"):
        bpy.ops.midas_normal.generate(source="IMAGE", image=photo.name, engine="NORMALS", target="NONE")
