"""Groups of nodes that other materials use too: what is wired in one material changes no other."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge.map_metadata import find_map, stored_metadata
from bl_ext.user_default.midas_normal.bridge.nodes import map_nodes, normal_map
from bl_ext.user_default.midas_normal.bridge.regenerate import retune_settings
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import add_material
from generation_runs import generate_map
from material_setups import WIRED, all_in_group, chain, node, user_map
from rollback import assert_undone_at_each_step, state


def group_with(*inputs):
    """A group with a Principled BSDF whose colour is an input, and other inputs by name and type."""
    inside = bpy.data.node_groups.new("PBR", "ShaderNodeTree")
    for name, kind in (("Color", "Color"), *inputs):
        inside.interface.new_socket(name, in_out="INPUT", socket_type=f"NodeSocket{kind}")
    inside.interface.new_socket("BSDF", in_out="OUTPUT", socket_type="NodeSocketShader")
    shader, entrance = node(inside, "BsdfPrincipled"), inside.nodes.new("NodeGroupInput")
    inside.links.new(entrance.outputs["Color"], shader.inputs["Base Color"])
    inside.links.new(shader.outputs[0], inside.nodes.new("NodeGroupOutput").inputs["BSDF"])
    return inside, shader, entrance


def with_normal_map(exposed=True):
    """The same with a Normal Map, whose colour is an input of the group, or is not."""
    inside, shader, entrance = group_with(*[("Normal Map", "Color")] * exposed)
    normal = node(inside, "NormalMap")
    inside.links.new(normal.outputs["Normal"], shader.inputs["Normal"])
    if exposed:
        inside.links.new(entrance.outputs["Normal Map"], normal.inputs["Color"])
    return inside, shader, normal


def user_of(inside, name, image=None):
    """A material that uses the group, with an image as its colour; gives the group's node, too."""
    material = add_material(name)
    tree = material.node_tree
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    group = node(tree, "Group", node_tree=inside)
    tree.links.new(group.outputs["BSDF"], tree.nodes["Material Output"].inputs["Surface"])
    if image:
        tree.links.new(node(tree, "TexImage", image=image).outputs["Color"], group.inputs["Color"])
    return material, group


def own_picture(group, name="Normal Map"):
    """A normal map of the user's own as the colour that a group reads."""
    own = node(group.id_data, "TexImage", image=bpy.data.images.new("own", 4, 4))
    group.id_data.links.new(own.outputs["Color"], group.inputs[name])
    return own.image


def test_a_group_that_reads_normal_maps_is_given_the_map_where_it_has_none_and_keeps_those_of_others(image, map_image,
                                                                                                     monkeypatch):
    inside, shader, _ = with_normal_map()
    (material, group), (other, theirs) = user_of(inside, "A", image), user_of(inside, "B", bpy.data.images.new("x", 4, 4))
    own = own_picture(theirs)
    before = state(other)
    assert_undone_at_each_step(monkeypatch, material, lambda: normal_map.wire_normal_map(material, image, map_image))
    assert chain(shader, (group,)) == (WIRED, map_image) and chain(shader, (theirs,)) == (WIRED, own)
    assert state(other) == before
    before = state(material)
    assert normal_map.wire_normal_map(material, image, map_image).done and state(material) == before


def test_a_group_of_one_material_is_given_the_map_where_it_reads_normal_maps(image, map_image):
    inside, shader, normal = with_normal_map()
    material, group = user_of(inside, "A", image)
    assert normal_map.wire_normal_map(material, image, map_image).done and chain(shader, (group,)) == (WIRED, map_image)
    assert shader.inputs["Normal"].links[0].from_node == normal and len(inside.interface.items_tree) == 3


@pytest.mark.parametrize("replace", [False, True])
def test_the_users_own_map_that_a_shared_group_reads_is_replaced_on_request_only(image, map_image, replace):
    inside, shader, _ = with_normal_map()
    (material, group), (_, theirs) = user_of(inside, "A", image), user_of(inside, "B")
    own, others = own_picture(group), own_picture(theirs)
    report = normal_map.wire_normal_map(material, image, map_image, replace=replace)
    assert report.done == replace and chain(shader, (theirs,)) == (WIRED, others)
    assert chain(shader, (group,)) == (WIRED, map_image if replace else own)
    assert replace or "keeps its own normal map 'own'" in report.messages[0]


def test_a_picture_in_a_group_of_its_own_gets_its_map_out_of_it_and_to_where_it_is_read(image, map_image):
    inside, shader, _ = with_normal_map()
    (material, group), _ = user_of(inside, "A"), user_of(inside, "B")
    bricks = bpy.data.node_groups.new("Bricks", "ShaderNodeTree")
    bricks.interface.new_socket("Color", in_out="OUTPUT", socket_type="NodeSocketColor")
    bricks.links.new(node(bricks, "TexImage", image=image).outputs["Color"],
                     bricks.nodes.new("NodeGroupOutput").inputs["Color"])
    tree = material.node_tree
    tree.links.new(node(tree, "Group", node_tree=bricks).outputs["Color"], group.inputs["Color"])
    assert normal_map.wire_normal_map(material, image, map_image).done and chain(shader, (group,)) == (WIRED, map_image)
    assert [item.name for item in bricks.interface.items_tree] == ["Color", "Normal Map"]
    before = state(material)
    assert normal_map.wire_normal_map(material, image, map_image).done and state(material) == before


def refused(material, image, map_image, *args, **kwargs):
    """The sentences with which nothing is wired and nothing changed, in no material."""
    before = [state(each) for each in bpy.data.materials]
    report = normal_map.wire_normal_map(material, image, map_image, *args, **kwargs)
    assert not report.done and [state(each) for each in bpy.data.materials] == before
    assert "which is used in other places too" in report.messages[-1]
    return report.messages


def test_a_shared_group_is_not_told_to_read_another_layer_or_space(image, map_image):
    inside, _, _ = with_normal_map()
    (material, _), _ = user_of(inside, "A", image), user_of(inside, "B")
    refused(material, image, map_image, "OBJECT")
    if map_nodes.node_has_convention():
        refused(material, image, map_image, "DIRECTX")
    texture = material.node_tree.nodes["Image Texture"]
    material.node_tree.links.new(node(material.node_tree, "UVMap", uv_map="UVMap").outputs["UV"], texture.inputs["Vector"])
    refused(material, image, map_image)
    bpy.data.materials.remove(bpy.data.materials["B"])
    assert normal_map.wire_normal_map(material, image, map_image, "OBJECT").done


def test_a_map_that_a_shared_group_reads_stays_in_the_convention_in_which_others_are_read(image):
    image.pixels.foreach_set(np.random.default_rng(0).random(64, np.float32))
    inside, shader, normal = with_normal_map()
    theirs = [user_of(inside, name, image)[1] for name in "ABC"][1]
    own_picture(theirs)

    def generate(convention):
        settings = Settings(engine="LUMINANCE", convention=convention)
        return generate_map(image, settings, target="AUTO")[1]

    generate("OPENGL")
    made = find_map(image, "NORMAL")
    assert retune_settings(made, Settings(convention="OBJECT")).convention == "OPENGL"
    assert any("maps of other materials" in sentence for sentence in generate("OBJECT").messages)
    assert stored_metadata(made)["settings"]["convention"] == "OPENGL"
    map_nodes.set_convention(made, "OBJECT")
    assert normal.space == "TANGENT"
    bpy.data.materials.remove(bpy.data.materials["B"])
    assert retune_settings(made, Settings(convention="OBJECT")).convention == "OBJECT"
    assert generate("OBJECT") and stored_metadata(made)["settings"]["convention"] == "OBJECT" and normal.space == "OBJECT"
    assert [chain(shader, (bpy.data.materials[name].node_tree.nodes["Group"],))[1] for name in "AC"] == [made, made]


def test_a_normal_map_without_a_picture_in_a_shared_group_stays_without(image, map_image):
    inside, _, _ = with_normal_map(exposed=False)
    (material, _), _ = user_of(inside, "A", image), user_of(inside, "B")
    refused(material, image, map_image)


@pytest.mark.parametrize("takes_normals", [True, False])
def test_a_picture_in_the_group_takes_the_place_of_an_input_only_where_nobody_else_can_use_that(image, map_image,
                                                                                                takes_normals):
    if takes_normals:
        inside, shader, entrance = group_with(("Normal", "Vector"))
        inside.links.new(entrance.outputs["Normal"], shader.inputs["Normal"])
    else:
        inside, shader, _ = with_normal_map()
    inside.links.new(node(inside, "TexImage", image=image).outputs["Color"], shader.inputs["Base Color"])
    (material, group), (other, theirs) = user_of(inside, "A"), user_of(inside, "B")
    own = user_map(theirs.id_data, theirs.inputs["Normal"]).image if takes_normals else own_picture(theirs)
    refused(material, image, map_image)
    assert chain(shader, (theirs,)) == (WIRED, own)
    bpy.data.materials.remove(other)
    assert normal_map.wire_normal_map(material, image, map_image).done and chain(shader, (group,)) == (WIRED, map_image)
    assert all(link.is_valid for tree in (material.node_tree, inside) for link in tree.links)


def test_a_picture_that_a_shared_group_shows_is_wired_in_it(image, map_image):
    material = add_material("A")
    (shader, groups), = all_in_group(material, image)
    other, theirs = user_of(groups[0].node_tree, "B")
    assert normal_map.wire_normal_map(material, image, map_image).done
    assert chain(shader, groups) == chain(shader, (theirs,)) == (WIRED, map_image)
    before = state(other)
    assert normal_map.wire_normal_map(other, image, map_image).done and state(other) == before


def test_a_picture_that_the_material_does_not_show_is_not_wired_into_a_shared_group(image, map_image):
    inside, _, _ = group_with()
    (material, _), _ = user_of(inside, "A"), user_of(inside, "B")
    refused(material, image, map_image)


def test_a_group_is_shared_where_the_group_around_it_is(image, map_image):
    inside, _, _ = group_with()
    outer, shader, entrance = group_with()
    used = node(outer, "Group", node_tree=inside)
    outer.links.new(entrance.outputs["Color"], used.inputs["Color"])
    outer.links.new(used.outputs["BSDF"], outer.nodes["Group Output"].inputs["BSDF"])
    outer.nodes.remove(shader)
    (material, _), _ = user_of(outer, "A", image), user_of(outer, "B")
    assert inside.users == 1
    refused(material, image, map_image)
