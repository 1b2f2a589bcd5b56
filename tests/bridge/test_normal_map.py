"""Wiring into materials of every shape, judged by walking back from the shaders as Blender's renderers do."""

from __future__ import annotations

import warnings
from functools import partial

import bpy
import pytest
from bl_ext.user_default.midas_normal.bridge import map_images
from bl_ext.user_default.midas_normal.bridge.nodes import map_nodes, normal_map
from blender_data import add_material, feed_base_color
from material_setups import (
    FLAT,
    SHAPES,
    WIRED,
    chain,
    in_frame,
    node,
    own_map_replaced,
    plain,
    principled,
    texture_of,
    two_shaders,
)
from rollback import assert_undone_at_each_step, ends, state


@pytest.mark.parametrize("shape", SHAPES)
def test_shape(shape, material, image, map_image):
    shaders = shape(material, image)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = normal_map.wire_normal_map(material, image, map_image, replace=shape is own_map_replaced)
    assert report.done and report.messages[-1].startswith("Wired 'brick_normal' to ")
    for shader, groups in shaders or [(principled(material), ())]:
        assert chain(shader, groups) == (WIRED, map_image)
    before = state(material)
    assert normal_map.wire_normal_map(material, image, map_image).done
    assert state(material) == before


@pytest.mark.parametrize("shape", SHAPES)
def test_failure_at_any_step_leaves_the_material_as_it_was(shape, material, image, map_image, monkeypatch):
    shape(material, image)
    steps = assert_undone_at_each_step(monkeypatch, material, lambda: normal_map.wire_normal_map(
        material, image, map_image, replace=shape is own_map_replaced))
    assert steps > 4


@pytest.mark.parametrize("before", ["UV", None])
@pytest.mark.parametrize("after", ["Object", None])
def test_failure_at_any_step_of_an_update_leaves_all_as_it_was(material, image, map_image, before, after, monkeypatch):
    texture, coordinates = feed_base_color(material, image), node(material.node_tree, "TexCoord")

    def map_by(output):
        for link in texture.inputs["Vector"].links:
            material.node_tree.links.remove(link)
        if output:
            material.node_tree.links.new(coordinates.outputs[output], texture.inputs["Vector"])

    map_by(before)
    normal_map.wire_normal_map(material, image, map_image)
    texture.projection, texture.interpolation, texture.texture_mapping.scale = "BOX", "Closest", (2, 3, 4)
    map_by(after)
    assert assert_undone_at_each_step(
        monkeypatch, material, lambda: normal_map.wire_normal_map(material, image, map_image)) > 10


@pytest.mark.parametrize("shape", SHAPES)
def test_new_nodes_lie_on_nothing_else_and_left_of_the_shader(shape, material, image, map_image):
    shape(material, image)
    old = {found for tree in (material.node_tree, *bpy.data.node_groups) for found in tree.nodes}
    normal_map.wire_normal_map(material, image, map_image)
    for tree in (material.node_tree, *bpy.data.node_groups):
        shown = [found for found in tree.nodes if found.bl_idname in ("ShaderNodeTexImage", "ShaderNodeNormalMap",
                                                                      "ShaderNodeBsdfPrincipled")]
        boxes = [(*corner(found), found.width, 250 if found.bl_idname != "ShaderNodeNormalMap" else 160)
                 for found in shown]
        for number, one in enumerate(boxes):
            for other_number, other in enumerate(boxes):
                if number < other_number and not {shown[number], shown[other_number]} <= old:
                    assert not overlap(one, other), (shown[number].name, one, shown[other_number].name, other)


def corner(found):
    place = found.location.copy()
    while found.parent:
        found = found.parent
        place += found.location
    return place.x, place.y


def overlap(one, other):
    return (one[0] < other[0] + other[2] and other[0] < one[0] + one[2]
            and one[1] > other[1] - other[3] and other[1] > one[1] - one[3])


def test_frame_of_the_texture_holds_the_new_nodes(material, image, map_image):
    in_frame(material, image)
    normal_map.wire_normal_map(material, image, map_image)
    frame = texture_of(material.node_tree, image).parent
    assert [found.parent for found in material.node_tree.nodes if found.get("midas_normal")] == [frame, frame]


def test_mapping_is_the_textures_own(material, image, map_image):
    texture, tree = feed_base_color(material, image), material.node_tree
    uv, mapping = node(tree, "UVMap", uv_map="UVMap"), node(tree, "Mapping")
    tree.links.new(uv.outputs["UV"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], texture.inputs["Vector"])
    texture.extension, texture.interpolation = "EXTEND", "Closest"
    texture.projection, texture.projection_blend = "BOX", 0.25
    normal_map.wire_normal_map(material, image, map_image)
    ours = texture_of(tree, map_image)
    assert ours.inputs["Vector"].links[0].from_node == mapping
    assert (ours.extension, ours.interpolation, ours.projection, ours.projection_blend) == ("EXTEND", "Closest", "BOX", 0.25)
    assert ours.outputs["Color"].links[0].to_node.uv_map == "UVMap"


def test_cubic_interpolation_is_not_taken_over(material, image, map_image):
    feed_base_color(material, image).interpolation = "Cubic"
    normal_map.wire_normal_map(material, image, map_image)
    assert texture_of(material.node_tree, map_image).interpolation == "Linear"


def test_mapping_changed_later_is_followed(material, image, map_image):
    texture, tree = feed_base_color(material, image), material.node_tree
    normal_map.wire_normal_map(material, image, map_image)
    mapping = node(tree, "Mapping")
    tree.links.new(mapping.outputs["Vector"], texture.inputs["Vector"])
    normal_map.wire_normal_map(material, image, map_image)
    assert texture_of(tree, map_image).inputs["Vector"].links[0].from_node == mapping
    tree.links.remove(texture.inputs["Vector"].links[0])
    normal_map.wire_normal_map(material, image, map_image)
    assert not texture_of(tree, map_image).inputs["Vector"].is_linked


def test_bump_keeps_its_place(material, image, map_image):
    texture, tree = feed_base_color(material, image), material.node_tree
    bump = node(tree, "Bump")
    tree.links.new(texture.outputs["Color"], bump.inputs["Height"])
    tree.links.new(bump.outputs["Normal"], principled(material).inputs["Normal"])
    normal_map.wire_normal_map(material, image, map_image)
    assert chain(principled(material)) == (["Bump", *WIRED], map_image)


def test_two_shaders_share_one_pair_of_nodes(material, image, map_image):
    two_shaders(material, image)
    normal_map.wire_normal_map(material, image, map_image)
    assert sum(bool(found.get("midas_normal")) for found in material.node_tree.nodes) == 2


def test_textures_mapped_differently_have_maps_mapped_differently(material, image, map_image):
    (first, _), (second, _) = two_shaders(material, image)
    tree = material.node_tree
    other, mapping = node(tree, "TexImage", image=image), node(tree, "Mapping")
    tree.links.new(mapping.outputs["Vector"], other.inputs["Vector"])
    tree.links.new(other.outputs["Color"], second.inputs["Color"])
    for _ in range(2):
        normal_map.wire_normal_map(material, image, map_image)
        vectors = [shader.inputs["Normal"].links[0].from_node.inputs["Color"].links[0].from_node.inputs["Vector"]
                   for shader in (first, second)]
        assert [vector.is_linked for vector in vectors] == [False, True]
        assert sum(bool(found.get("midas_normal")) for found in tree.nodes) == 4


def test_material_of_two_objects_is_wired_once_for_both(material, image, map_image):
    feed_base_color(material, image)
    add_material("Other")
    bpy.context.object.active_material = material
    normal_map.wire_normal_map(material, image, map_image)
    assert chain(principled(bpy.context.object.active_material)) == (WIRED, map_image)


@pytest.mark.skipif(bpy.app.version >= (5, 0), reason="5.0 and newer always use nodes")
def test_material_that_does_not_use_nodes(image, map_image):
    material = bpy.data.materials.new("old")
    assert normal_map.wire_normal_map(material, image, map_image).done
    assert material.use_nodes and chain(principled(material)) == (WIRED, map_image)


@pytest.mark.parametrize("targets", [("CYCLES", "EEVEE"), ("ALL", "CYCLES"), ("ALL", "EEVEE")])
def test_the_shaders_of_each_renderers_output_are_wired(material, image, map_image, targets):
    tree = material.node_tree
    outputs = [tree.nodes["Material Output"], node(tree, "OutputMaterial")]
    diffuse, unseen = node(tree, "BsdfDiffuse"), node(tree, "BsdfDiffuse")
    tree.links.new(diffuse.outputs[0], outputs[1].inputs["Surface"])
    for output, target in zip(outputs, targets, strict=True):
        output.target = target
    assert normal_map.wire_normal_map(material, image, map_image).done
    assert [chain(shader)[1] for shader in (principled(material), diffuse, unseen)] == [map_image, map_image, None]


def test_outputs_without_any_shader_get_one_together(material, image, map_image):
    tree = material.node_tree
    tree.nodes.clear()
    outputs = [node(tree, "OutputMaterial", target=target) for target in ("CYCLES", "EEVEE")]
    assert normal_map.wire_normal_map(material, image, map_image).done and len(tree.nodes) == 5
    assert {output.inputs["Surface"].links[0].from_node for output in outputs} == {principled(material)}


def test_same_nodes_after_moving_renaming_and_saving(material, image, map_image, tmp_path):
    plain(material, image)
    normal_map.wire_normal_map(material, image, map_image)
    tree = material.node_tree
    for number, found in enumerate(tree.nodes):
        found.name = found.label = f"mine {number}"
        found.location = (number * 10, 5)
    tree.nodes[-1].parent = tree.nodes.new("NodeFrame")
    image.name, map_image.name = "stone", "stone bumps"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    material, image = bpy.data.materials["Wall"], bpy.data.images["stone"]
    places = {found.name: found.location.copy() for found in material.node_tree.nodes}
    before = state(material)
    assert normal_map.wire_normal_map(material, image, map_images.store_map(image, FLAT, {}, {"map": "NORMAL"})).done
    assert state(material) == before
    assert {found.name: found.location for found in material.node_tree.nodes} == places


def test_strength_and_curves_that_the_user_added_stay(material, image, map_image):
    plain(material, image)
    normal_map.wire_normal_map(material, image, map_image)
    tree = material.node_tree
    ours = texture_of(tree, map_image)
    normal = ours.outputs["Color"].links[0].to_node
    curves = node(tree, "RGBCurve")
    tree.links.new(ours.outputs["Color"], curves.inputs["Color"])
    tree.links.new(curves.outputs["Color"], normal.inputs["Color"])
    normal.inputs["Strength"].default_value = 0.5
    before = state(material)
    assert normal_map.wire_normal_map(material, image, map_image).done
    assert state(material) == before and normal.inputs["Strength"].default_value == 0.5


def test_cut_link_is_made_again_with_the_same_nodes(material, image, map_image):
    plain(material, image)
    normal_map.wire_normal_map(material, image, map_image)
    before = state(material)
    material.node_tree.links.remove(principled(material).inputs["Normal"].links[0])
    normal_map.wire_normal_map(material, image, map_image)
    assert state(material) == before


def test_node_that_lost_its_map_shows_the_new_one(material, image, map_image):
    plain(material, image)
    normal_map.wire_normal_map(material, image, map_image)
    before = state(material)
    bpy.data.images.remove(map_image)
    map_image = map_images.store_map(image, FLAT, {}, {"map": "NORMAL"})
    assert normal_map.wire_normal_map(material, image, map_image).done
    assert state(material) == before and chain(principled(material)) == (WIRED, map_image)


def test_map_of_an_image_that_the_material_lost_gives_way(material, image, map_image):
    texture = feed_base_color(material, image)
    normal_map.wire_normal_map(material, image, map_image)
    before = sorted(map(ends, material.node_tree.links))
    texture.image = bpy.data.images.new("stone", 4, 4)
    new_map = map_images.store_map(texture.image, FLAT, {}, {"map": "NORMAL"})
    assert normal_map.wire_normal_map(material, texture.image, new_map).done
    assert sorted(map(ends, material.node_tree.links)) == before
    assert chain(principled(material)) == (WIRED, new_map)


def test_convention_is_the_nodes_where_it_has_one(material, image, map_image):
    assert map_nodes.node_has_convention() == (bpy.app.version >= (5, 1))
    plain(material, image)
    for convention in ("DIRECTX", "OPENGL"):
        report = normal_map.wire_normal_map(material, image, map_image, convention)
        normal = principled(material).inputs["Normal"].links[0].from_node
        assert getattr(normal, "convention", convention) == convention
        assert any("as DirectX" in message for message in report.messages) == (
            convention == "DIRECTX" and map_nodes.node_has_convention())


def test_a_map_in_object_space_is_read_so_until_it_is_another(material, image, map_image):
    plain(material, image)
    for tell in (partial(normal_map.wire_normal_map, material, image, map_image),
                 partial(map_nodes.set_convention, map_image)):
        for convention, space in (("OPENGL", "TANGENT"), ("OBJECT", "OBJECT"), ("DIRECTX", "TANGENT")):
            tell(convention)
            normal = principled(material).inputs["Normal"].links[0].from_node
            assert normal.space == space
            assert not map_nodes.node_has_convention() or (normal.convention == "DIRECTX") == (convention == "DIRECTX")
    report = normal_map.wire_normal_map(material, image, map_image, "OBJECT")
    assert any("XY plane" in sentence for sentence in report.messages)
