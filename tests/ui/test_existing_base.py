"""Fine relief over the normal map that a material has: wired in its place, the old picture untouched, one undo step."""

from __future__ import annotations

import bl_ext.user_default.midas_normal as extension
import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge.map_metadata import base_of, stored_settings
from bl_ext.user_default.midas_normal.core.errors import SourceError
from bl_ext.user_default.midas_normal.core.image_io import encode_png
from bl_ext.user_default.midas_normal.ui import generation

from tests.worker.test_normals import encoded, true_normals

from .scenes import values

SIDE = 64
OVER = {"mix": "LUMINANCE", "base": "EXISTING", "tileable": "BOTH"}


def load(path, pixels, data):
    path.write_bytes(encode_png(pixels, compress=False))
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color" if data else "sRGB"
    return image


@pytest.fixture
def photo(tmp_path):
    rng = np.random.default_rng(0)
    return load(tmp_path / "wall_color.png", rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8), data=False)


@pytest.fixture
def existing(tmp_path):
    pixels = np.rint(encoded(true_normals(SIDE)) * 65535).astype(np.uint16)
    return load(tmp_path / "wall_normal.png", pixels, data=True)


def material_with(photo, normal, name="wall"):
    """A material on a plane with a texture and a normal map."""
    bpy.ops.mesh.primitive_plane_add()
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    bpy.context.object.data.materials.append(material)
    tree = material.node_tree
    shader = tree.nodes["Principled BSDF"]
    texture, map_texture, node = (tree.nodes.new(kind) for kind in (
        "ShaderNodeTexImage", "ShaderNodeTexImage", "ShaderNodeNormalMap"))
    texture.image, map_texture.image = photo, normal
    tree.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    tree.links.new(map_texture.outputs["Color"], node.inputs["Color"])
    tree.links.new(node.outputs["Normal"], shader.inputs["Normal"])
    return material


def wired_image(material):
    normal = material.node_tree.nodes["Principled BSDF"].inputs["Normal"].links[0].from_node
    return normal.inputs["Color"].links[0].from_node.image


def slopes(image):
    vectors = values(image)[..., :3] * 2 - 1
    return vectors[..., :2] / vectors[..., 2:]


def test_it_is_wired_in_place_of_the_map_and_made_again_over_the_same(photo, existing):
    material, before = material_with(photo, existing), values(existing)
    for amount in (0.0, 1.0):  # the second run finds the map of the first wired, and takes the one below
        bpy.ops.midas_normal.generate(source="IMAGE", image=photo.name, mix_amount=amount, **OVER)
        made = wired_image(material)
        assert made == bpy.data.images[generation.last_outcome().map_name] and base_of(made) == existing
        added = np.abs(slopes(made) - slopes(existing)).mean()
        assert (added < 1e-3) if amount == 0 else (added > 0.01)
    assert stored_settings(made).engine == "NORMALS" and (values(existing) == before).all()
    image_nodes = [node for node in material.node_tree.nodes if getattr(node, "image", None) == existing]
    assert len(image_nodes) == 1, "the user's own texture stays in the tree"


def test_the_function_makes_it_too(photo, existing):
    material_with(photo, existing)
    made = extension.generate(photo, **OVER)
    assert base_of(made) == existing and np.abs(slopes(made) - slopes(existing)).mean() > 0.01
    plain = extension.generate(photo, engine="LUMINANCE", tileable="BOTH")
    assert base_of(plain) is None


@pytest.mark.parametrize(("change", "reason"), [
    (lambda photo, existing: None, "has a normal map of its own"),
    (lambda photo, existing: [material_with(photo, each, each.name) for each in (existing, existing.copy())], "several"),
    (lambda photo, existing: stretch(material_with(photo, existing)), "in another way"),
    (lambda photo, existing: material_with(photo, photo), "has a normal map of its own")])
def test_what_cannot_be_is_said(photo, existing, change, reason):
    change(photo, existing)
    with pytest.raises(SourceError, match=reason):
        extension.generate(photo, **OVER)


def stretch(material):
    """Gives the normal map a mapping of its own."""
    texture = next(node for node in material.node_tree.nodes if getattr(node, "image", None) is not None
                   and node.image.colorspace_settings.is_data)
    texture.texture_mapping.scale = (2, 1, 1)
