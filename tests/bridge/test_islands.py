"""Islands of the meshes that show an image: the UVs of all objects reach the worker, where they say which parts count."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge.nodes.uv_layout import triangles_showing
from bl_ext.user_default.midas_normal.core.islands import rasterise_islands
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import add_material, feed_base_color, pixels_of
from generation_runs import generate_map, noise

SIDE = 64
SETTINGS = Settings(engine="LUMINANCE", strength=8, tileable="OFF")
LEFT, RIGHT = (4, 6, 28, 58), (34, 6, 60, 58)


def wall(name, area, image=None, material=None):
    """Add a plane whose UVs are a rectangle, (left, bottom, right, top) in pixels, with a material that shows the image."""
    own = add_material(name)
    mesh = bpy.context.view_layer.objects.active.data
    set_uvs(mesh, area)
    if material is None:
        feed_base_color(own, image)
        return own
    mesh.materials[0] = material
    return material


def set_uvs(mesh, area, layer=0):
    left, bottom, right, top = (value / SIDE for value in area)
    mesh.uv_layers[layer].uv.foreach_set("vector", [left, bottom, right, bottom, right, top, left, top])


def texture_of(material):
    return next(node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeTexImage")


def atlas(name="atlas", ground=0.0):
    """An image of noise at LEFT and RIGHT, on ground of one colour."""
    image = noise(name, side=SIDE)
    values = pixels_of(image)[::-1].copy()
    inside = covered(LEFT, RIGHT)[::-1]
    values[~inside, :3] = ground
    values[..., 3] = 1
    image.pixels.foreach_set(values.ravel())
    return image


def covered(*areas):
    """Where islands are, rows from the top down."""
    mask = np.zeros((SIDE, SIDE), bool)
    for left, bottom, right, top in areas:
        mask[SIDE - top:SIDE - bottom, left:right] = True
    return mask


def labels_of(image, tile=None):
    return rasterise_islands(triangles_showing(image, tile), SIDE, SIDE)


def test_islands_are_those_of_all_objects_that_show_the_image():
    image = atlas()
    material = wall("one", LEFT, image)
    wall("other", RIGHT, material=material)
    wall("elsewhere", (0, 0, 64, 64), noise("another"))
    labels = labels_of(image)
    np.testing.assert_array_equal(labels > 0, covered(LEFT, RIGHT))
    assert len(np.unique(labels)) == 3
    wall("third", (0, 60, 64, 64), image)
    np.testing.assert_array_equal(labels_of(image) > 0, covered(LEFT, RIGHT, (0, 60, 64, 64)))


def test_the_uv_layer_is_that_of_the_material_and_islands_may_lie_beside_the_picture():
    image = atlas()
    material = wall("wall", (0, 0, 64, 64), image)
    mesh = bpy.context.view_layer.objects.active.data
    assert triangles_showing(image) is None, "no gaps"
    mesh.uv_layers.new(name="second")
    set_uvs(mesh, (RIGHT[0] - SIDE, RIGHT[1] + SIDE, RIGHT[2] - SIDE, RIGHT[3] + SIDE), "second")
    tree, texture = material.node_tree, texture_of(material)
    uv_map = tree.nodes.new("ShaderNodeUVMap")
    uv_map.uv_map = "second"
    tree.links.new(uv_map.outputs["UV"], texture.inputs["Vector"])
    np.testing.assert_array_equal(labels_of(image) > 0, covered(RIGHT))


@pytest.mark.parametrize("how", ["scaled", "moved", "generated", "box", "repeated"])
def test_an_image_that_is_shown_otherwise_has_no_islands(how):
    image = atlas()
    material = wall("wall", (-40, 6, 100, 58) if how == "repeated" else LEFT, image)
    tree, texture = material.node_tree, texture_of(material)
    if how == "scaled":
        texture.texture_mapping.scale = (2, 2, 1)
    if how == "moved":
        mapping, coordinates = tree.nodes.new("ShaderNodeMapping"), tree.nodes.new("ShaderNodeTexCoord")
        mapping.inputs["Location"].default_value = (0.25, 0, 0)
        tree.links.new(coordinates.outputs["UV"], mapping.inputs["Vector"])
        tree.links.new(mapping.outputs["Vector"], texture.inputs["Vector"])
    if how == "generated":
        coordinates = tree.nodes.new("ShaderNodeTexCoord")
        tree.links.new(coordinates.outputs["Generated"], texture.inputs["Vector"])
    if how == "box":
        texture.projection = "BOX"
    assert triangles_showing(image) is None


def test_a_tile_has_the_islands_that_lie_on_it():
    image = bpy.data.images.new("tiles", SIDE, SIDE, tiled=True)
    image.tiles.new(1012)
    wall("one", LEFT, image)
    wall("other", (RIGHT[0] + SIDE, RIGHT[1] + SIDE, RIGHT[2] + SIDE, RIGHT[3] + SIDE), image)
    np.testing.assert_array_equal(labels_of(image, 1001) > 0, covered(LEFT))
    np.testing.assert_array_equal(labels_of(image, 1012) > 0, covered(RIGHT))
    assert triangles_showing(image, 1002) is None


def test_maps_in_blender_have_no_false_relief_at_the_borders_of_islands_and_one_island_is_enough():
    image = atlas()
    wall("wall", LEFT, image)
    inner, edge = covered((LEFT[0] + 4, LEFT[1] + 4, LEFT[2] - 4, LEFT[3] - 4)), covered(LEFT)
    edge &= ~inner
    tilt = {}
    for islands in ("AUTO", "OFF"):
        settings = Settings(**{**SETTINGS.to_dict(), "islands": islands})
        normal, report = generate_map(image, settings, replace=True)
        z = pixels_of(normal)[..., 2] * 2 - 1
        tilt[islands] = np.degrees(np.arccos(np.clip(z, -1, 1)))
        assert any("Islands: 1," in message for message in report.messages) == (islands == "AUTO")
    assert tilt["AUTO"][edge].mean() < 1.1 * tilt["AUTO"][inner].mean()
    assert tilt["OFF"][edge].mean() > 1.1 * tilt["OFF"][inner].mean()
    assert tilt["AUTO"][:, 32:].max() < tilt["OFF"][:, 32:].max() / 2, "what no mesh shows continues the island"


def test_an_ordinary_texture_on_a_mesh_with_gaps_keeps_its_map():
    image = noise("bricks", side=SIDE)
    wall("wall", LEFT, image)
    maps = {}
    for islands in ("AUTO", "OFF", "ON"):
        settings = Settings(**{**SETTINGS.to_dict(), "islands": islands})
        maps[islands] = pixels_of(generate_map(image, settings, replace=True)[0])
    np.testing.assert_array_equal(maps["AUTO"], maps["OFF"])
    assert not np.array_equal(maps["ON"], maps["OFF"])
