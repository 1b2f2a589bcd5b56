"""The nodes that turn a map's vectors, as the mapping of its picture changes; where nothing can help, the report says so."""

from __future__ import annotations

import math

import bpy
import pytest
from bl_ext.user_default.midas_normal.bridge.nodes.normal_map import wire_normal_map
from material_setups import node, texture_of, user_map
from rollback import assert_undone_at_each_step, state
from wave_relief import in_group, mapped, material_with, own, plane, waves


@pytest.fixture
def wall():
    """Source, map, material on a plane, and its texture."""
    source, map_image = waves()
    material, texture = material_with(source)
    plane(material)
    return source, map_image, material, texture


def turning(material):
    return [found for found in material.node_tree.nodes if found.label == "Turn Normals"]


def test_a_group_that_is_used_with_two_mappings_is_said(wall):
    source, map_image, material, texture = wall
    group, _ = in_group(material, texture, Rotation=(0, 0, 0))
    other = bpy.data.materials.new("Other")
    if bpy.app.version < (5, 0):
        other.use_nodes = True
    twin = node(other.node_tree, "Group", node_tree=group.node_tree)
    twin.inputs["Rotation"].default_value = (0, 0, 1)
    other.node_tree.links.new(node(other.node_tree, "TexCoord").outputs["UV"], twin.inputs["Vector"])
    assert any("'Bricks' is used" in text for text in wire_normal_map(material, source, map_image).messages)
    twin.inputs["Rotation"].default_value = (0, 0, 0)
    assert not any("'Bricks' is used" in text for text in wire_normal_map(material, source, map_image).messages)


def test_failure_at_any_step_of_turning_leaves_all_as_it_was(wall, monkeypatch):
    source, map_image, material, texture = wall

    def rewire():
        wire_normal_map(material, source, map_image)

    mapping = mapped(texture, 30, (2, 1, 1))
    assert assert_undone_at_each_step(monkeypatch, material, rewire) > 10
    mapping.inputs["Scale"].default_value = (1, 1, 1)
    assert_undone_at_each_step(monkeypatch, material, rewire)
    mapping.inputs["Rotation"].default_value = (0, 0, 0)
    assert_undone_at_each_step(monkeypatch, material, rewire)
    assert not turning(material)


def test_what_the_user_puts_between_stays_and_is_no_reason_to_turn_twice(wall):
    source, map_image, material, texture = wall
    mapping, tree = mapped(texture, 30, (2, 1, 1)), material.node_tree
    wire_normal_map(material, source, map_image)
    for before in (texture_of(tree, map_image).outputs["Color"], turning(material)[0].outputs[0]):
        after, curves = before.links[0].to_socket, node(tree, "RGBCurve")
        tree.links.new(before, curves.inputs["Color"])
        tree.links.new(curves.outputs["Color"], after)
    before = state(material)
    wire_normal_map(material, source, map_image)
    assert state(material) == before
    mapping.inputs["Rotation"].default_value, mapping.inputs["Scale"].default_value = (0, 0, 0), (1, 1, 1)
    wire_normal_map(material, source, map_image)
    assert not turning(material) and sum(found.bl_idname == "ShaderNodeRGBCurve" for found in tree.nodes) == 2
    normal = next(found for found in tree.nodes if found.bl_idname == "ShaderNodeNormalMap")
    names = []
    while normal.bl_idname != "ShaderNodeTexImage":
        normal = normal.inputs["Color"].links[0].from_node
        names.append(normal.bl_idname)
    assert names == ["ShaderNodeRGBCurve", "ShaderNodeRGBCurve", "ShaderNodeTexImage"]


def glossy_beside(material):
    """A Glossy BSDF, mixed with the shader that is there."""
    tree = material.node_tree
    glossy, mix = node(tree, "BsdfGlossy"), node(tree, "MixShader")
    surface = next(found for found in tree.nodes if found.bl_idname == "ShaderNodeOutputMaterial").inputs["Surface"]
    tree.links.new(surface.links[0].from_socket, mix.inputs[1])
    tree.links.new(glossy.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], surface)
    return glossy


def test_two_shaders_share_the_turning_nodes(wall):
    source, map_image, material, texture = wall
    tree = material.node_tree
    mapped(texture, 90)
    glossy = glossy_beside(material)
    tree.links.new(texture.outputs["Color"], glossy.inputs["Color"])
    for _ in range(2):
        wire_normal_map(material, source, map_image)
        assert glossy.inputs["Normal"].is_linked
        assert len(turning(material)) == 1
        assert sum(found.bl_idname == "ShaderNodeNormalMap" for found in tree.nodes) == 1


def test_textures_that_their_own_mappings_lay_differently_have_maps_of_their_own(wall):
    source, map_image, material, _ = wall
    tree = material.node_tree
    other, glossy = node(tree, "TexImage", image=source), glossy_beside(material)
    tree.links.new(other.outputs["Color"], glossy.inputs["Color"])
    own(other, rotation=(0, 0, math.pi / 2))
    for _ in range(2):
        wire_normal_map(material, source, map_image)
        maps = [found for found in tree.nodes if getattr(found, "image", None) == map_image]
        assert sorted(round(found.texture_mapping.rotation.z, 3) for found in maps) == [0, 1.571]


def test_the_layer_of_a_uv_map_that_was_removed_is_forgotten(wall):
    source, map_image, material, texture = wall
    tree = material.node_tree
    uv_map = node(tree, "UVMap", uv_map="UV")
    tree.links.new(uv_map.outputs["UV"], texture.inputs["Vector"])
    wire_normal_map(material, source, map_image)
    normal = next(found for found in tree.nodes if found.bl_idname == "ShaderNodeNormalMap")
    assert normal.uv_map == "UV"
    tree.nodes.remove(uv_map)
    wire_normal_map(material, source, map_image)
    assert normal.uv_map == ""


def test_the_layer_behind_what_no_normal_map_can_follow(wall):
    source, map_image, material, texture = wall
    tree, bent = material.node_tree, node(material.node_tree, "VectorMath", operation="SINE")
    tree.links.new(node(tree, "UVMap", uv_map="UV").outputs["UV"], bent.inputs[0])
    tree.links.new(bent.outputs[0], texture.inputs["Vector"])
    assert any("by what 'Vector Math' gives" in text for text in wire_normal_map(material, source, map_image).messages)
    assert next(found for found in tree.nodes if found.bl_idname == "ShaderNodeNormalMap").uv_map == "UV"


def test_a_users_own_node_may_name_the_active_layer(wall):
    source, map_image, material, _ = wall
    shader = next(found for found in material.node_tree.nodes if found.bl_idname == "ShaderNodeBsdfDiffuse")
    user_map(material.node_tree, shader.inputs["Normal"]).image = map_image
    normal = shader.inputs["Normal"].links[0].from_node
    normal.uv_map = "UV"
    assert wire_normal_map(material, source, map_image).done and normal.uv_map == "UV"


def test_where_no_normal_map_can_be_right_the_report_says_it_and_what_helps(wall):
    source, map_image, material, texture = wall
    tree = material.node_tree
    coordinates, mapping = node(tree, "TexCoord"), mapped(texture)

    def said(convention="OPENGL"):
        report = wire_normal_map(material, source, map_image, convention)
        assert report.done and report.messages[-1 if convention == "OPENGL" else -2].startswith("Wired")
        return " ".join(text for text in report.messages if "lit " in text)

    def lay_by(output):
        tree.links.new(output, texture.inputs["Vector"])

    assert said() == ""
    for texture.projection in ("BOX", "SPHERE", "TUBE"):
        assert "projection, which a normal map cannot follow" in said() and "set the projection to Flat" in said()
        assert not turning(material)
    texture.projection, texture.extension = "FLAT", "MIRROR"
    assert "mirrors every second copy" in said() and "Repeat" in said()
    texture.extension = "REPEAT"
    for name in ("Generated", "Object"):
        lay_by(coordinates.outputs[name])
        assert f"by {name} coordinates" in said() and "lay it by the UV layer" in said() and said("OBJECT") == ""
    lay_by(coordinates.outputs["Window"])
    assert "by Window coordinates" in said() and "by Window coordinates" in said("OBJECT")
    noise = node(tree, "TexNoise")
    lay_by(noise.outputs["Color"])
    assert "by what 'Noise Texture' gives" in said()
    lay_by(mapping.outputs["Vector"])
    tree.links.new(noise.outputs["Color"], mapping.inputs["Location"])
    assert "by what 'Noise Texture' gives" in said()
    tree.links.remove(mapping.inputs["Location"].links[0])
    mapping.vector_type = "NORMAL"
    assert "by what 'Mapping' gives" in said()
    mapping.vector_type = "POINT"
    assert said() == ""


def test_an_attribute_that_is_no_uv_layer(wall):
    source, map_image, material, texture = wall
    attribute = node(material.node_tree, "Attribute", attribute_name="flow")
    material.node_tree.links.new(attribute.outputs["Vector"], texture.inputs["Vector"])
    bpy.context.object.data.attributes.new("flow", "FLOAT_VECTOR", "POINT")
    assert any("laid by the attribute 'flow'" in text for text in wire_normal_map(material, source, map_image).messages)


def drive_mapping(texture, name):
    return mapped(texture).inputs[name].driver_add("default_value", 2)


def drive_own_mapping(texture, name):
    path = {"Location": "translation", "Rotation": "rotation"}[name]
    return texture.id_data.driver_add(f"{texture.path_from_id()}.texture_mapping.{path}", 2)


def drive_group(texture, name):
    material = bpy.data.materials["Wall"]
    group, _ = in_group(material, texture, **{name: (0, 0, 0)})
    return group.inputs[name].driver_add("default_value", 2)


def drive_product(texture, name):
    tree, mapping = texture.id_data, mapped(texture)
    value, product = node(tree, "Value"), node(tree, "Math", operation="MULTIPLY")
    tree.links.new(value.outputs[0], product.inputs[0])
    tree.links.new(product.outputs[0], mapping.inputs[name])
    return value.outputs[0].driver_add("default_value")


@pytest.mark.parametrize("name, is_said", [("Location", False), ("Rotation", True)])
@pytest.mark.parametrize("drive", [drive_mapping, drive_own_mapping, drive_group, drive_product])
def test_a_mapping_that_turns_with_time_is_said_and_one_that_moves_is_not(wall, drive, name, is_said):
    source, map_image, material, texture = wall
    drive(texture, name).driver.expression = "frame / 100"
    report = wire_normal_map(material, source, map_image)
    assert report.done and any("by an animation or a driver" in text for text in report.messages) == is_said


def test_keyframes_are_found_in_actions_and_in_tracks(wall):
    source, map_image, material, texture = wall
    mapping = mapped(texture)

    def is_said():
        return any("by an animation or a driver" in text for text in wire_normal_map(material, source, map_image).messages)

    mapping.inputs["Location"].keyframe_insert("default_value", frame=1)
    assert not is_said()
    mapping.inputs["Scale"].keyframe_insert("default_value", frame=1)
    assert is_said()
    data = material.node_tree.animation_data
    action, slot = data.action, getattr(data, "action_slot", None)
    data.action = None
    assert not is_said()
    strip = data.nla_tracks.new().strips.new("turn", 1, action)
    if slot is not None:
        strip.action_slot = slot
    assert is_said()


def test_links_in_a_circle_end(wall):
    source, map_image, material, texture = wall
    tree, mapping = material.node_tree, mapped(texture)
    again = node(tree, "Mapping")
    tree.links.new(mapping.outputs["Vector"], again.inputs["Vector"])
    tree.links.new(again.outputs["Vector"], mapping.inputs["Vector"])
    assert wire_normal_map(material, source, map_image).done
