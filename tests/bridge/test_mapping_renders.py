"""Maps are lit from the right side however the picture is laid: rendered, and compared with real geometry."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge.nodes.map_nodes import node_has_convention, set_convention
from bl_ext.user_default.midas_normal.bridge.nodes.normal_map import wire_normal_map
from material_setups import node
from rollback import state
from wave_relief import LIGHTS, expected, in_group, lit, mapped, material_with, own, plane, waves

COS, SIN = math.cos(math.radians(30)), math.sin(math.radians(30))
R30 = ((COS, -SIN), (SIN, COS))
R45 = np.array(((1, -1), (1, 1))) / math.sqrt(2)
R90 = ((0, -1), (1, 0))


def assert_lit_right(tmp_path, *laid, aspect=1, **fields):
    for light in LIGHTS:
        ideal = expected(light, *laid, aspect=aspect, **fields)
        found = lit(tmp_path / "lit.exr", light, aspect)
        is_there = np.isfinite(ideal)
        assert np.std(ideal[is_there]) > 0.1
        assert np.abs(found - ideal)[is_there].mean() < 0.025, light  # 4.2 places its samples differently
        assert np.corrcoef(found[is_there], ideal[is_there])[0, 1] > 0.995, light


def not_at_all(texture):
    return np.eye(2)


def turned_90(texture):
    mapped(texture, 90)
    return R90


def turned_180(texture):
    mapped(texture, 180)
    return -np.eye(2)


def turned_45(texture):
    mapped(texture, 45, location=(0.3, 0.1, 0))
    return R45, (0.3, 0.1)


def mirrored_x(texture):
    mapped(texture, scale=(-1, 1, 1))
    return np.diag((-1, 1))


def mirrored_y(texture):
    mapped(texture, scale=(1, -1, 1))
    return np.diag((1, -1))


def mirrored_both(texture):
    mapped(texture, scale=(-1, -1, 1))
    return -np.eye(2)


def tiled(texture):
    mapped(texture, scale=(2, 2, 2))
    return np.diag((2, 2))


def stretched(texture):
    mapped(texture, scale=(2, 0.5, 1))
    return np.diag((2, 0.5))


def stretched_and_turned(texture):
    mapped(texture, 30, (2, -1, 1))
    return R30 @ np.diag((2, -1))


def about_another_axis(texture):
    mapped(texture).inputs["Rotation"].default_value = (math.pi, 0, 0)
    return np.diag((1, -1))


def type_texture(texture):
    mapped(texture, 30, (2, 1, 1), (0.2, 0, 0), "TEXTURE")
    matrix = np.diag((0.5, 1)) @ np.transpose(R30)
    return matrix, matrix @ (-0.2, 0)


def type_vector(texture):
    mapped(texture, 90, (1, 2, 1), vector_type="VECTOR")
    return R90 @ np.diag((1, 2))


def two_mappings(texture):
    mapped(texture, 30, (2, 1, 1))
    mapped(texture, 45, (1, -2, 1))
    return R45 @ np.diag((1, -2)) @ R30 @ np.diag((2, 1))


def muted(texture):
    mapped(texture, 90).mute = True
    return np.eye(2)


def of_the_node(texture):
    own(texture, rotation=(0, 0, math.pi / 2), translation=(0.2, 0, 0))
    return R90, (0.2, 0)


def of_the_node_and_before_it(texture):
    own(texture, scale=(1, -1, 1))
    mapped(texture, 30)
    return np.diag((1, -1)) @ R30


def of_the_node_in_type_texture(texture):
    own(texture, vector_type="TEXTURE", rotation=(0, 0, math.radians(30)), scale=(2, 1, 1))
    return np.diag((0.5, 1)) @ np.transpose(R30)


def axes_of_the_node(texture):
    own(texture, mapping_x="Y", mapping_y="X")
    return ((0, 1), (1, 0))


def vector_math(texture):
    tree = texture.id_data
    times, plus = node(tree, "VectorMath", operation="MULTIPLY"), node(tree, "VectorMath", operation="ADD")
    times.inputs[1].default_value, plus.inputs[1].default_value = (-1, 1, 1), (0.3, 0, 0)
    tree.links.new(node(tree, "TexCoord").outputs["UV"], times.inputs[0])
    tree.links.new(times.outputs[0], plus.inputs[0])
    tree.links.new(plus.outputs[0], texture.inputs["Vector"])
    return np.diag((-1, 1)), (0.3, 0)


def vector_rotate(texture):
    tree = texture.id_data
    rotate = node(tree, "VectorRotate", rotation_type="Z_AXIS", invert=True)
    rotate.inputs["Angle"].default_value = math.radians(30)
    tree.links.new(node(tree, "TexCoord").outputs["UV"], rotate.inputs["Vector"])
    tree.links.new(rotate.outputs[0], texture.inputs["Vector"])
    return np.transpose(R30)


def apart_and_together(texture):
    """1 - v and u."""
    tree = texture.id_data
    apart, together, one_minus = (node(tree, kind) for kind in ("SeparateXYZ", "CombineXYZ", "Math"))
    one_minus.operation = "SUBTRACT"
    tree.links.new(node(tree, "TexCoord").outputs["UV"], apart.inputs[0])
    one_minus.inputs[0].default_value = 1
    tree.links.new(apart.outputs["Y"], one_minus.inputs[1])
    tree.links.new(one_minus.outputs[0], together.inputs["X"])
    tree.links.new(apart.outputs["X"], together.inputs["Y"])
    tree.links.new(together.outputs[0], texture.inputs["Vector"])
    return R90, (1, 0)


def linked_scale_and_rotation(texture):
    tree, mapping = texture.id_data, mapped(texture)
    value, angles = node(tree, "Value"), node(tree, "CombineXYZ")
    value.outputs[0].default_value, angles.inputs["Z"].default_value = -2, math.radians(30)
    tree.links.new(value.outputs[0], mapping.inputs["Scale"])
    tree.links.new(angles.outputs[0], mapping.inputs["Rotation"])
    return -2 * np.array(R30)


def layer_called(texture, make):
    """Upright is the layer "UV", which is not active for renders; the one that is, is turned."""
    layers, tree = bpy.context.object.data.uv_layers, texture.id_data
    for loop, (u, v) in zip(layers.new(name="Turned").data, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        loop.uv = v, 1 - u
    layers["Turned"].active_render = True
    tree.links.new(make(tree), texture.inputs["Vector"])


def layer_of_an_attribute(texture):
    layer_called(texture, lambda tree: node(tree, "Attribute", attribute_name="UV").outputs["Vector"])
    return np.eye(2)


def layer_of_an_attribute_turned(texture):
    layer_called(texture, lambda tree: node(tree, "Attribute", attribute_name="UV").outputs["Color"])
    mapped(texture, 90)
    return R90


def layer_of_a_uv_map(texture):
    layer_called(texture, lambda tree: node(tree, "UVMap", uv_map="UV").outputs["UV"])
    mapped(texture, scale=(-1, 1, 1))
    return np.diag((-1, 1))


def active_layer(texture):
    """All is turned: 1 - uv."""
    layer_called(texture, lambda tree: node(tree, "UVMap").outputs["UV"])
    return ((0, 1), (-1, 0)), (0, 1)


LAID = (not_at_all, turned_90, turned_180, turned_45, mirrored_x, mirrored_y, mirrored_both, tiled, stretched,
        stretched_and_turned, about_another_axis, type_texture, type_vector, two_mappings, muted, of_the_node,
        of_the_node_and_before_it, of_the_node_in_type_texture, axes_of_the_node, vector_math, vector_rotate,
        apart_and_together, linked_scale_and_rotation, layer_of_an_attribute, layer_of_an_attribute_turned,
        layer_of_a_uv_map, active_layer)


@pytest.fixture
def wall():
    """Source, map, material on a plane, and its texture."""
    source, map_image = waves()
    material, texture = material_with(source)
    plane(material)
    return source, map_image, material, texture


def as_matrix_and_shift(laid):
    return laid if isinstance(laid, tuple) and np.shape(laid[0]) == (2, 2) else (laid, (0, 0))


@pytest.mark.parametrize("lay", LAID, ids=lambda lay: lay.__name__)
def test_relief_is_lit_as_real_geometry_would_be(wall, tmp_path, lay):
    source, map_image, material, texture = wall
    laid = lay(texture)
    report = wire_normal_map(material, source, map_image)
    assert report.done and report.messages[-1].startswith("Wired") and not any("lit" in text for text in report.messages)
    assert_lit_right(tmp_path, *as_matrix_and_shift(laid))


@pytest.mark.parametrize("lay", [turned_90, turned_45, stretched])
def test_a_picture_that_is_not_square_lies_as_its_layer_does(tmp_path, lay):
    source, map_image = waves(2)
    material, texture = material_with(source)
    plane(material, 2)
    laid = lay(texture)
    wire_normal_map(material, source, map_image)
    assert_lit_right(tmp_path, *as_matrix_and_shift(laid), aspect=2)


@pytest.mark.skipif(not node_has_convention(), reason="before 5.1 a wired map is OpenGL")
@pytest.mark.parametrize("lay", [turned_90, stretched_and_turned, two_mappings])
@pytest.mark.parametrize("is_told_later", [False, True])
def test_a_directx_map_is_turned_the_other_way(tmp_path, lay, is_told_later):
    source, map_image = waves(is_directx=True)
    material, texture = material_with(source)
    plane(material)
    laid = lay(texture)
    wire_normal_map(material, source, map_image, "OPENGL" if is_told_later else "DIRECTX")
    if is_told_later:
        set_convention(map_image, "DIRECTX")
    assert_lit_right(tmp_path, *as_matrix_and_shift(laid))
    before = state(material)
    wire_normal_map(material, source, map_image, "DIRECTX")
    assert state(material) == before


def test_a_mapping_inside_a_group(wall, tmp_path):
    source, map_image, material, texture = wall
    _, mapping = in_group(material, texture)
    mapping.inputs["Rotation"].default_value = (0, 0, math.pi / 2)
    wire_normal_map(material, source, map_image)
    assert_lit_right(tmp_path, R90)


def test_a_mapping_outside_a_group_and_one_that_the_group_shows(wall, tmp_path):
    source, map_image, material, texture = wall
    group, _ = in_group(material, texture, Rotation=(0, 0, math.radians(30)), Scale=(2, 1, 1))
    outside = node(material.node_tree, "Mapping")
    outside.inputs["Scale"].default_value = (1, -1, 1)
    material.node_tree.links.new(group.inputs["Vector"].links[0].from_socket, outside.inputs["Vector"])
    material.node_tree.links.new(outside.outputs["Vector"], group.inputs["Vector"])
    wire_normal_map(material, source, map_image)
    assert_lit_right(tmp_path, R30 @ np.diag((2, 1)) @ np.diag((1, -1)))


def turning(material):
    return [found for found in material.node_tree.nodes if found.label == "Turn Normals"]


def test_the_nodes_follow_the_mapping_and_go_with_it(wall, tmp_path):
    source, map_image, material, texture = wall
    wire_normal_map(material, source, map_image)
    plain = state(material)
    mapping = mapped(texture, 90)
    for rotation, scale, count in ((90, (1, 1, 1), 1), (30, (2, 1, 1), 2), (180, (1, 1, 1), 1)):
        angle = math.radians(rotation)
        mapping.inputs["Rotation"].default_value, mapping.inputs["Scale"].default_value = (0, 0, angle), scale
        for _ in range(2):
            wire_normal_map(material, source, map_image)
            assert len(turning(material)) == count
        turned = np.array(((math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))))
        assert_lit_right(tmp_path, turned @ np.diag(scale[:2]))
    for found in (mapping.inputs["Vector"].links[0].from_node, mapping):
        material.node_tree.nodes.remove(found)
    wire_normal_map(material, source, map_image)
    assert state(material) == plain
