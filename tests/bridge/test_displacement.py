"""Height maps at a material's displacement, and maps that are left for the user to link."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import map_images
from bl_ext.user_default.midas_normal.bridge.map_metadata import stored_metadata
from bl_ext.user_default.midas_normal.bridge.nodes.displacement import (
    add_image_node,
    rescale_displacement,
    texture_world_size,
    wire_displacement,
)
from bl_ext.user_default.midas_normal.bridge.nodes.materials import find_object_with
from bl_ext.user_default.midas_normal.client.result_files import ResultFiles
from bl_ext.user_default.midas_normal.core.image_io import encode_png
from blender_data import add_linked_material, add_material, add_overriding_material, add_pencil_material, feed_base_color
from generation_runs import generate_map
from rollback import assert_undone_at_each_step

GREY = ResultFiles(encode_png(np.full((4, 4), 32768, np.uint16), False))


@pytest.fixture
def height(image):
    return map_images.store_map(image, GREY, {}, {"map": "HEIGHT", "scale": 0.1})


@pytest.fixture
def material(material, image):
    feed_base_color(material, image)
    return material


def plane(material=None, size=2.0):
    """A square that has the material, with UV coordinates from 0 to 1."""
    bpy.ops.mesh.primitive_plane_add(size=size)
    if material:
        bpy.context.object.data.materials.append(material)
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
    assert wire_displacement(material, image, height, 0.1, plane(material, 3.0), False).done
    found, midlevel, scale = displacement(material)
    assert (found, midlevel) == (height, 0.5) and scale == pytest.approx(0.3)
    assert material.displacement_method == "DISPLACEMENT"


def test_displacement_together_with_bump_stays_as_the_user_chose_it(material, image, height):
    material.displacement_method = "BOTH"
    assert wire_displacement(material, image, height, 0.1, plane(material),
                             False).done and material.displacement_method == "BOTH"


def without_nodes(existing=False):
    """A material whose nodes Blender does not look at, as a new one's before 5.0; there: it has some."""
    material = bpy.data.materials.new("plain")
    if bpy.app.version < (5, 0):
        material.use_nodes = existing
        material.use_nodes = False
    return material


def looks_at_nodes(material):
    return bpy.app.version >= (5, 0) or material.use_nodes


@pytest.mark.parametrize("existing", [False, True])
def test_a_material_that_does_not_use_nodes_does_once_it_is_displaced(image, height, existing):
    material = without_nodes(existing)
    assert wire_displacement(material, image, height, 0.1, plane(material), False).done
    assert displacement(material)[0] == height and looks_at_nodes(material)


def test_a_material_that_is_not_displaced_does_not_begin_to_use_nodes(image, height):
    material = without_nodes(existing=True)
    own = material.node_tree.nodes.new("ShaderNodeDisplacement")
    material.node_tree.links.new(own.outputs[0], material.node_tree.get_output_node("ALL").inputs["Displacement"])
    before = looks_at_nodes(material)
    assert not wire_displacement(material, image, height, 0.1, plane(material),
                                 False).done and looks_at_nodes(material) == before


@pytest.mark.parametrize("existing", [False, True])
def test_a_map_is_attached_to_a_material_that_does_not_use_nodes(image, existing):
    material, occlusion = without_nodes(existing), map_images.store_map(image, GREY, {}, {"map": "AO"})
    add_image_node(material, image, occlusion)
    assert any(getattr(node, "image", None) == occlusion for node in material.node_tree.nodes) and looks_at_nodes(material)


def test_a_second_map_updates_the_same_nodes(material, image, height):
    obj = plane(material)
    wire_displacement(material, image, height, 0.1, obj, False)
    count = len(material.node_tree.nodes)
    wire_displacement(material, image, height, 0.2, obj, False)
    assert len(material.node_tree.nodes) == count and displacement(material)[2] == pytest.approx(0.4)


def test_the_users_own_displacement_is_kept_unless_replaced(material, image, height):
    own = material.node_tree.nodes.new("ShaderNodeDisplacement")
    end = material.node_tree.get_output_node("ALL").inputs["Displacement"]
    material.node_tree.links.new(own.outputs[0], end)
    report = wire_displacement(material, image, height, 0.1, None, False)
    assert not report.done and "Replace" in report.messages[0] and end.links[0].from_node == own
    assert wire_displacement(material, image, height, 0.1, None, True).done and displacement(material)[0] == height


@pytest.mark.parametrize("own", [False, True])
def test_a_failure_at_any_step_leaves_the_material_as_it_was(material, image, height, own, monkeypatch):
    if own:
        theirs = material.node_tree.nodes.new("ShaderNodeDisplacement")
        material.node_tree.links.new(theirs.outputs[0], material.node_tree.get_output_node("ALL").inputs["Displacement"])
    obj = plane(material)
    assert_undone_at_each_step(monkeypatch, material, lambda: wire_displacement(material, image, height, 0.1, obj, True))
    assert displacement(material)[0] == height
    material.node_tree.nodes["Image Texture"].extension = "CLIP"
    assert_undone_at_each_step(monkeypatch, material, lambda: wire_displacement(material, image, height, 0.2, obj, False))


def test_a_failure_at_any_step_of_attaching_leaves_the_material_as_it_was(material, image, height, monkeypatch):
    assert_undone_at_each_step(monkeypatch, material, lambda: add_image_node(material, image, height))


def test_a_linked_material_is_left_alone(image, height, tmp_path):
    linked = add_linked_material(image, tmp_path)
    report = wire_displacement(linked, image, height, 0.1, None, False)
    assert not report.done and linked.name in report.messages[0] and "linked" in report.messages[0]


def test_an_override_and_a_material_for_grease_pencil_are_left_alone(image, height, tmp_path):
    for material, text in ((add_overriding_material(image, tmp_path), "is a library override"),
                           (add_pencil_material(), "Grease Pencil")):
        report = wire_displacement(material, image, height, 0.1, None, False)
        assert not report.done and text in report.messages[0]


def test_a_retuned_height_map_keeps_the_users_factor(material, image, height):
    wire_displacement(material, image, height, 0.1, plane(material), False)
    node = material.node_tree.get_output_node("ALL").inputs["Displacement"].links[0].from_node
    node.inputs["Scale"].default_value *= 3
    rescale_displacement(height, 0.1, 0.05)
    assert node.inputs["Scale"].default_value == pytest.approx(0.3)


def test_the_side_of_a_texture_follows_the_uv_coordinates(material):
    obj = plane(material, 3.0)
    assert texture_world_size(obj, material) == pytest.approx(3.0)
    for corner in obj.data.uv_layers.active.uv:
        corner.vector *= 6
    assert texture_world_size(obj, material) == pytest.approx(0.5)
    obj.data.uv_layers.remove(obj.data.uv_layers.active)
    assert texture_world_size(obj, material) == texture_world_size(None, material) == 1.0


def test_the_side_of_a_texture_is_that_of_the_rendered_layer_on_the_faces_that_have_the_material(material):
    obj = plane(bpy.data.materials.new("other"), 3.0)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.primitive_plane_add(size=5.0)
    bpy.ops.object.mode_set(mode="OBJECT")
    obj.data.materials.append(material)
    assert texture_world_size(obj, material) == 1.0
    obj.data.polygons[1].material_index = 1
    assert texture_world_size(obj, material) == pytest.approx(5.0)
    layer = obj.data.uv_layers.new(name="tiled")
    for corner in layer.uv:
        corner.vector *= 10
    obj.data.uv_layers.active = layer
    assert texture_world_size(obj, material) == pytest.approx(5.0)
    layer.active_render = True
    assert texture_world_size(obj, material) == pytest.approx(0.5)


def test_heights_are_those_of_a_picture_as_large_as_its_mapping_and_its_layer_make_it(material, image, height):
    obj, tree = plane(material, 3.0), material.node_tree
    layer = obj.data.uv_layers.new(name="small")
    for corner in layer.uv:
        corner.vector *= 2
    texture = next(node for node in tree.nodes if getattr(node, "image", None) == image)
    mapping, uv = tree.nodes.new("ShaderNodeMapping"), tree.nodes.new("ShaderNodeUVMap")
    mapping.inputs["Scale"].default_value, mapping.inputs["Rotation"].default_value = (5, 5, 1), (0, 0, 0.5)
    tree.links.new(mapping.outputs[0], texture.inputs["Vector"])
    for name, side in (("", 3.0), ("small", 1.5)):
        uv.uv_map = name
        tree.links.new(uv.outputs[0], mapping.inputs["Vector"])
        wire_displacement(material, image, height, 0.1, obj, False)
        assert displacement(material)[2] == pytest.approx(0.1 * side / 5)


def test_heights_are_scaled_on_an_object_that_has_the_material_and_not_on_the_active_one(material, image):
    bpy.data.objects.remove(bpy.data.objects["Wall"])
    small, large = plane(material, 2.0), plane(size=200.0)
    assert find_object_with(material, large) == small and find_object_with(material, None) == small
    bpy.context.view_layer.objects.active = large
    image.pixels.foreach_set(np.random.default_rng(0).random(64, np.float32))
    height, _ = generate_map(image, target="AUTO", maps=("HEIGHT",))
    assert displacement(material)[2] == pytest.approx(2.0 * stored_metadata(height)["facts"]["scale"])
    large.data.materials.append(material)
    assert find_object_with(material, large) == large


def test_a_node_in_a_group_of_several_materials_is_rescaled_once(image, height):
    inside = bpy.data.node_groups.new("Shared", "ShaderNodeTree")
    inside.interface.new_socket("Displacement", in_out="OUTPUT", socket_type="NodeSocketVector")
    material = add_material("made here")
    feed_base_color(material, image)
    wire_displacement(material, image, height, 0.1, None, False)
    node, texture = inside.nodes.new("ShaderNodeDisplacement"), inside.nodes.new("ShaderNodeTexImage")
    node["midas_normal"], texture.image, node.inputs["Scale"].default_value = True, height, 1.0
    inside.links.new(texture.outputs["Color"], node.inputs["Height"])
    inside.links.new(node.outputs[0], inside.nodes.new("NodeGroupOutput").inputs["Displacement"])
    for name in "AB":
        tree = add_material(name).node_tree
        group = tree.nodes.new("ShaderNodeGroup")
        group.node_tree = inside
        tree.links.new(group.outputs[0], tree.get_output_node("ALL").inputs["Displacement"])
    rescale_displacement(height, 0.1, 0.05)
    assert node.inputs["Scale"].default_value == pytest.approx(0.5) and displacement(material)[2] == pytest.approx(0.05)


@pytest.mark.parametrize("replace", [False, True])
def test_the_displacement_by_another_pictures_map_is_kept_unless_replaced(material, image, height, replace):
    other = bpy.data.images.new("mortar", 4, 4)
    material.node_tree.nodes.new("ShaderNodeTexImage").image = other
    wire_displacement(material, image, height, 0.1, None, False)
    new = map_images.store_map(other, GREY, {}, {"map": "HEIGHT", "scale": 0.1})
    report = wire_displacement(material, other, new, 0.1, None, replace)
    assert report.done == replace and displacement(material)[0] == (new if replace else height)
    assert replace or "keeps the displacement by 'brick_height'; set Replace" in report.messages[0]


def test_the_map_of_an_image_that_the_material_lost_gives_way(material, image, height):
    wire_displacement(material, image, height, 0.1, None, False)
    before = len(material.node_tree.nodes)
    texture = next(node for node in material.node_tree.nodes if getattr(node, "image", None) == image)
    texture.image = other = bpy.data.images.new("mortar", 4, 4)
    new = map_images.store_map(other, GREY, {}, {"map": "HEIGHT", "scale": 0.1})
    assert wire_displacement(material, other, new, 0.1, None, False).done and displacement(material)[0] == new
    assert len(material.node_tree.nodes) == before


def outputs_for(material, *targets):
    """The material's output and new ones, each for a renderer."""
    tree = material.node_tree
    nodes = [tree.get_output_node("ALL"), *(tree.nodes.new("ShaderNodeOutputMaterial") for _ in targets[1:])]
    for node, target in zip(nodes, targets, strict=True):
        node.target = target
    return nodes


@pytest.mark.parametrize("targets", [("CYCLES", "EEVEE"), ("ALL", "CYCLES"), ("ALL", "EEVEE"), ("CYCLES",), ("EEVEE",)])
def test_every_output_that_a_renderer_uses_is_displaced_by_one_node(material, image, height, targets, monkeypatch):
    outputs = outputs_for(material, *targets)
    obj = plane(material)
    assert_undone_at_each_step(monkeypatch, material, lambda: wire_displacement(material, image, height, 0.1, obj, False))
    nodes = [output.inputs["Displacement"].links[0].from_node for output in outputs]
    assert len(set(nodes)) == 1 and nodes[0].inputs["Height"].links[0].from_node.image == height
    count = len(material.node_tree.nodes)
    assert wire_displacement(material, image, height, 0.1, obj, False).done and len(material.node_tree.nodes) == count


def test_an_output_with_a_displacement_of_the_users_own_is_named_and_the_other_is_displaced(material, image, height):
    first, second = outputs_for(material, "CYCLES", "EEVEE")
    own = material.node_tree.nodes.new("ShaderNodeDisplacement")
    material.node_tree.links.new(own.outputs[0], first.inputs["Displacement"])
    report = wire_displacement(material, image, height, 0.1, None, False)
    assert report.done and f"The output {first.name!r} of the material 'Wall' keeps its own" in report.messages[0]
    assert first.inputs["Displacement"].links[0].from_node == own and second.inputs["Displacement"].is_linked


def test_a_texture_in_a_group_has_its_heights_beside_it(image, height):
    material = add_material("Grouped")
    inside = feed_base_color(material, image, "group").node_tree
    texture = inside.nodes["Image Texture"]
    texture.extension = "EXTEND"
    assert wire_displacement(material, image, height, 0.1, None, False).done
    made = next(node for node in inside.nodes if getattr(node, "image", None) == height)
    assert made.extension == "EXTEND" and [item.name for item in inside.interface.items_tree] == ["Color", "Height"]
    count = len(inside.nodes)
    assert wire_displacement(material, image, height, 0.1, None, False).done and len(inside.nodes) == count
    node = material.node_tree.get_output_node("ALL").inputs["Displacement"].links[0].from_node
    assert node.inputs["Height"].links[0].from_node.node_tree == inside


def test_other_maps_lie_beside_the_texture_and_are_linked_to_nothing(material, image):
    occlusion = map_images.store_map(image, GREY, {}, {"map": "AO"})
    texture = next(node for node in material.node_tree.nodes if getattr(node, "image", None) == image)
    texture.extension = "EXTEND"
    for _ in range(2):
        add_image_node(material, image, occlusion)
        [node] = [node for node in material.node_tree.nodes if getattr(node, "image", None) == occlusion]
        assert not node.outputs["Color"].links and node.extension == "EXTEND"
        assert node.location.y <= texture.location.y - 280
