"""Which shaders get a map: links that are muted, maps of the user's own, and materials and groups that stay as they are."""

from __future__ import annotations

import bpy
import pytest
from bl_ext.user_default.midas_normal.bridge import map_images
from bl_ext.user_default.midas_normal.bridge.nodes import map_nodes, normal_map
from blender_data import add_linked_material, add_material, add_overriding_material, add_pencil_material, feed_base_color
from material_setups import (
    FLAT,
    WIRED,
    chain,
    node,
    plain,
    principled,
    roughness_only,
    shader_in_group,
    texture_of,
    two_shaders,
    user_map,
)
from rollback import assert_undone_at_each_step, state


def muted(target):
    """Mutes the link of an input, so that renderers ignore it."""
    target.links[0].is_muted = True
    return target.links[0].from_node


def normal_input(material, with_bump):
    """Return the shader's input for a normal map, or that of a Bump node that is connected to it."""
    target = principled(material).inputs["Normal"]
    if not with_bump:
        return target
    bump = node(material.node_tree, "Bump")
    material.node_tree.links.new(bump.outputs["Normal"], target)
    return bump.inputs["Normal"]


@pytest.mark.parametrize("with_bump", (False, True))
def test_a_muted_link_to_the_users_own_map_is_none_and_comes_back_with_an_undo(material, image, map_image, with_bump,
                                                                               monkeypatch):
    feed_base_color(material, image)
    tree, target = material.node_tree, normal_input(material, with_bump)
    user_map(tree, target)
    own = muted(target)
    assert_undone_at_each_step(monkeypatch, material, lambda: normal_map.wire_normal_map(material, image, map_image))
    assert chain(principled(material)) == (["Bump"] * with_bump + WIRED, map_image)
    tree.links.new(own.outputs["Normal"], target).is_muted = True
    report = normal_map.wire_normal_map(material, image, map_image)
    assert report.done and chain(principled(material)) == (["Bump"] * with_bump + WIRED, map_image)
    assert report.messages[0] == f"The link from {own.name!r}, which was muted, is replaced by the map's."


@pytest.mark.parametrize("where", ["Normal", "Color"])
def test_a_muted_link_of_our_own_is_linked_again_with_the_same_nodes(material, image, map_image, where):
    plain(material, image)
    normal_map.wire_normal_map(material, image, map_image)
    before, normal = state(material), principled(material).inputs["Normal"]
    muted(normal if where == "Normal" else normal.links[0].from_node.inputs["Color"])
    assert chain(principled(material))[1] is None
    report = normal_map.wire_normal_map(material, image, map_image)
    assert report.done and len(report.messages) == 1 and state(material) == before
    assert chain(principled(material)) == (WIRED, map_image)


def test_muted_links_of_the_texture_neither_map_nor_feed(material, image, map_image):
    texture, tree = feed_base_color(material, image), material.node_tree
    tree.links.new(node(tree, "Mapping").outputs["Vector"], texture.inputs["Vector"])
    muted(texture.inputs["Vector"])
    diffuse = node(tree, "BsdfDiffuse")
    tree.links.new(texture.outputs["Color"], diffuse.inputs["Color"])
    muted(diffuse.inputs["Color"])
    assert normal_map.wire_normal_map(material, image, map_image).done
    assert not texture_of(tree, map_image).inputs["Vector"].is_linked and not diffuse.inputs["Normal"].is_linked


@pytest.mark.parametrize("replace", (False, True))
@pytest.mark.parametrize("with_bump", (False, True))
def test_normal_map_of_the_users_own(material, image, map_image, with_bump, replace):
    feed_base_color(material, image)
    tree, target = material.node_tree, normal_input(material, with_bump)
    mine = user_map(tree, target).image
    before = state(material)
    report = normal_map.wire_normal_map(material, image, map_image, replace=replace)
    node_types, shown = chain(principled(material))
    assert node_types == ["Bump"] * with_bump + WIRED
    assert (report.done, shown) == ((True, map_image) if replace else (False, mine))
    if not replace:
        assert report.messages == ("The shader 'Principled BSDF' keeps its own normal map 'mine'; set Replace to wire the "
                                    "new map instead.",)
        assert state(material) == before


def test_only_the_shader_without_a_map_of_its_own_is_wired(material, image, map_image):
    (first, _), (second, _) = two_shaders(material, image)
    mine = user_map(material.node_tree, second.inputs["Normal"]).image
    report = normal_map.wire_normal_map(material, image, map_image)
    assert report.done and "keeps its own normal map 'mine'" in report.messages[0]
    assert (chain(first)[1], chain(second)[1]) == (map_image, mine)


def test_roughness_only_is_said(material, image, map_image):
    roughness_only(material, image)
    assert "feeds only Roughness of 'Principled BSDF'" in normal_map.wire_normal_map(material, image, map_image).messages[0]


def test_a_volume_gets_no_surface(material, image, map_image):
    tree = material.node_tree
    tree.nodes.remove(principled(material))
    smoke, texture = node(tree, "VolumePrincipled"), node(tree, "TexImage", image=image)
    tree.links.new(texture.outputs["Color"], smoke.inputs["Color"])
    tree.links.new(smoke.outputs[0], tree.nodes["Material Output"].inputs["Volume"])
    before = state(material)
    report = normal_map.wire_normal_map(material, image, map_image)
    assert not report.done and "no shader with a Normal input" in report.messages[0] and state(material) == before


def test_shader_without_normal_is_a_sentence(material, image, map_image):
    tree = material.node_tree
    tree.nodes.remove(principled(material))
    tree.links.new(node(tree, "Emission").outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    before = state(material)
    report = normal_map.wire_normal_map(material, image, map_image)
    assert not report.done and "has no shader with a Normal input" in report.messages[0]
    assert state(material) == before


def test_fake_user_is_no_other_place(material, image, map_image):
    (shader, groups), = shader_in_group(material, image)
    bpy.data.node_groups["Paint"].use_fake_user = True
    assert normal_map.wire_normal_map(material, image, map_image).done
    assert chain(shader, groups) == (WIRED, map_image)


def test_group_used_elsewhere_is_not_given_an_input(material, image, map_image):
    shader_in_group(material, image)
    other = add_material("Other").node_tree
    node(other, "Group", node_tree=bpy.data.node_groups["Paint"])
    before = state(material)
    report = normal_map.wire_normal_map(material, image, map_image)
    assert not report.done and "the group 'Paint', which is used in other places too" in report.messages[0]
    assert state(material) == before


def test_linked_material_stays_as_it_is(image, tmp_path):
    linked = add_linked_material(image, tmp_path)
    used = linked.node_tree.nodes["Image Texture"].image
    before = state(linked)
    report = normal_map.wire_normal_map(linked, used, map_images.store_map(used, FLAT, {}, {"map": "NORMAL"}))
    assert report == normal_map.WiringReport(
        False, ("The material 'Linked' is linked from another file and stays as it is.",))
    assert state(linked) == before


def test_an_override_stays_as_it_is_and_is_called_one(image, tmp_path):
    material = add_overriding_material(image, tmp_path)
    tree = material.node_tree
    used = tree.nodes["Image Texture"].image
    before = state(material)
    report = normal_map.wire_normal_map(material, used, map_images.store_map(used, FLAT, {}, {"map": "NORMAL"}))
    assert report.messages == (f"The material {material.name!r} is a library override of one in another file and stays as "
                                "it is.",)
    assert not report.done and state(material) == before
    made = user_map(tree, principled(material).inputs["Normal"]).image
    map_nodes.set_convention(made, "OBJECT")
    assert principled(material).inputs["Normal"].links[0].from_node.space == "TANGENT"


def test_a_material_for_grease_pencil_is_not_wired(image, map_image):
    material = add_pencil_material()
    report = normal_map.wire_normal_map(material, image, map_image)
    assert report == normal_map.WiringReport(
        False, ("The material 'Pencil' is one for Grease Pencil, which shows no maps.",))
    assert not any(found.get("midas_normal") for found in (material.node_tree.nodes if material.node_tree else ()))


def test_linked_group_stays_as_it_is(material, image, tmp_path):
    feed_base_color(material, image, "group")
    path, tree = str(tmp_path / "library.blend"), material.node_tree
    bpy.data.libraries.write(path, {bpy.data.node_groups["Bricks"]})
    with bpy.data.libraries.load(path, link=True) as (_, loaded):
        loaded.node_groups = ["Bricks"]
    tree.nodes["Group"].node_tree = loaded.node_groups[0]
    tree.links.new(tree.nodes["Group"].outputs["Color"], principled(material).inputs["Base Color"])
    used = loaded.node_groups[0].nodes["Image Texture"]
    report = normal_map.wire_normal_map(material, used.image, map_images.store_map(used.image, FLAT, {}, {"map": "NORMAL"}))
    assert not report.done and "the group 'Bricks' is linked from another file" in report.messages[0]


def test_controlnet_is_never_wired(material, image, map_image):
    plain(material, image)
    before = state(material)
    report = normal_map.wire_normal_map(material, image, map_image, "CONTROLNET")
    assert not report.done and "shade it black" in report.messages[0]
    assert state(material) == before
