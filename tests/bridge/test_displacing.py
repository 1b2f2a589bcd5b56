"""Height maps at a material's displacement, and maps that are left for the user to link."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import storing
from bl_ext.user_default.midas_normal.bridge.nodes.attaching import attach
from bl_ext.user_default.midas_normal.bridge.nodes.displacing import displace, rescale, side_on
from bl_ext.user_default.midas_normal.client.client import Taken
from bl_ext.user_default.midas_normal.core.png import png_bytes
from pictures import add_linked_material, add_material, feed_base_color
from steps import assert_undone_at_each_step

GREY = Taken(png_bytes(np.full((4, 4), 32768, np.uint16), False))


@pytest.fixture
def image():
    return bpy.data.images.new("brick", 4, 4)


@pytest.fixture
def height(image):
    return storing.store(image, GREY, {}, {"map": "HEIGHT", "scale": 0.1})


@pytest.fixture
def material(image):
    made = add_material()
    feed_base_color(made, image)
    return made


def plane(size=2.0):
    bpy.ops.mesh.primitive_plane_add(size=size)
    return bpy.context.object


def displacement(material):
    """(map, midlevel, scale) that the renderer finds at the output's Displacement; None without one."""
    links = material.node_tree.get_output_node("ALL").inputs["Displacement"].links
    if not links:
        return None
    node = links[0].from_node
    return (node.inputs["Height"].links[0].from_node.image, node.inputs["Midlevel"].default_value,
            node.inputs["Scale"].default_value)


def test_heights_are_as_high_as_the_object_is_large(material, image, height):
    assert displace(material, image, height, 0.1, plane(size=3.0), False).done
    found, midlevel, scale = displacement(material)
    assert (found, midlevel) == (height, 0.5) and scale == pytest.approx(0.3)
    assert material.displacement_method == "DISPLACEMENT"


def test_displacement_together_with_bump_stays_as_the_user_chose_it(material, image, height):
    material.displacement_method = "BOTH"
    assert displace(material, image, height, 0.1, plane(), False).done and material.displacement_method == "BOTH"


def without_nodes(there=False):
    """A material whose nodes Blender does not look at, as a new one's before 5.0; there: it has some."""
    material = bpy.data.materials.new("plain")
    if bpy.app.version < (5, 0):
        material.use_nodes = there
        material.use_nodes = False
    return material


def looks_at_nodes(material):
    return bpy.app.version >= (5, 0) or material.use_nodes


@pytest.mark.parametrize("there", [False, True])
def test_a_material_that_does_not_use_nodes_does_once_it_is_displaced(image, height, there):
    material = without_nodes(there)
    assert displace(material, image, height, 0.1, plane(), False).done
    assert displacement(material)[0] == height and looks_at_nodes(material)


def test_a_material_that_is_not_displaced_does_not_begin_to_use_nodes(image, height):
    material = without_nodes(there=True)
    own = material.node_tree.nodes.new("ShaderNodeDisplacement")
    material.node_tree.links.new(own.outputs[0], material.node_tree.get_output_node("ALL").inputs["Displacement"])
    before = looks_at_nodes(material)
    assert not displace(material, image, height, 0.1, plane(), False).done and looks_at_nodes(material) == before


@pytest.mark.parametrize("there", [False, True])
def test_a_map_is_attached_to_a_material_that_does_not_use_nodes(image, there):
    material, occlusion = without_nodes(there), storing.store(image, GREY, {}, {"map": "AO"})
    attach(material, image, occlusion)
    assert any(getattr(node, "image", None) == occlusion for node in material.node_tree.nodes) and looks_at_nodes(material)


def test_a_second_map_updates_the_same_nodes(material, image, height):
    displace(material, image, height, 0.1, plane(), False)
    count = len(material.node_tree.nodes)
    displace(material, image, height, 0.2, plane(), False)
    assert len(material.node_tree.nodes) == count and displacement(material)[2] == pytest.approx(0.4)


def test_the_users_own_displacement_is_kept_unless_replaced(material, image, height):
    own = material.node_tree.nodes.new("ShaderNodeDisplacement")
    end = material.node_tree.get_output_node("ALL").inputs["Displacement"]
    material.node_tree.links.new(own.outputs[0], end)
    report = displace(material, image, height, 0.1, None, False)
    assert not report.done and "Replace" in report.sentences[0] and end.links[0].from_node == own
    assert displace(material, image, height, 0.1, None, True).done and displacement(material)[0] == height


@pytest.mark.parametrize("own", [False, True])
def test_a_failure_at_any_step_leaves_the_material_as_it_was(material, image, height, own, monkeypatch):
    if own:
        theirs = material.node_tree.nodes.new("ShaderNodeDisplacement")
        material.node_tree.links.new(theirs.outputs[0], material.node_tree.get_output_node("ALL").inputs["Displacement"])
    assert_undone_at_each_step(monkeypatch, material, lambda: displace(material, image, height, 0.1, plane(), True))
    assert displacement(material)[0] == height
    material.node_tree.nodes["Image Texture"].extension = "CLIP"
    assert_undone_at_each_step(monkeypatch, material, lambda: displace(material, image, height, 0.2, plane(), False))


def test_a_failure_at_any_step_of_attaching_leaves_the_material_as_it_was(material, image, height, monkeypatch):
    assert_undone_at_each_step(monkeypatch, material, lambda: attach(material, image, height))


def test_a_linked_material_is_left_alone(image, height, tmp_path):
    linked = add_linked_material(image, tmp_path)
    report = displace(linked, image, height, 0.1, None, False)
    assert not report.done and linked.name in report.sentences[0]


def test_a_retuned_height_map_keeps_the_users_factor(material, image, height):
    displace(material, image, height, 0.1, plane(), False)
    node = material.node_tree.get_output_node("ALL").inputs["Displacement"].links[0].from_node
    node.inputs["Scale"].default_value *= 3
    rescale(height, 0.1, 0.05)
    assert node.inputs["Scale"].default_value == pytest.approx(0.3)


def test_the_side_of_a_texture_follows_the_uv_coordinates():
    thing = plane(size=3.0)
    assert side_on(thing) == pytest.approx(3.0)
    for corner in thing.data.uv_layers.active.uv:
        corner.vector *= 6
    assert side_on(thing) == pytest.approx(0.5)
    thing.data.uv_layers.remove(thing.data.uv_layers.active)
    assert side_on(thing) == side_on(None) == 1.0


def test_other_maps_lie_beside_the_texture_and_are_linked_to_nothing(material, image):
    occlusion = storing.store(image, GREY, {}, {"map": "AO"})
    texture = next(node for node in material.node_tree.nodes if getattr(node, "image", None) == image)
    texture.extension = "EXTEND"
    for _ in range(2):
        attach(material, image, occlusion)
        [node] = [node for node in material.node_tree.nodes if getattr(node, "image", None) == occlusion]
        assert not node.outputs["Color"].links and node.extension == "EXTEND"
        assert node.location.y <= texture.location.y - 280
