"""Which materials AUTO, ACTIVE_MATERIAL and NONE name."""

from __future__ import annotations

import warnings

import bpy
import pytest
from bl_ext.user_default.midas_normal.bridge.nodes import materials
from bl_ext.user_default.midas_normal.core.errors import TargetError
from blender_data import (
    add_linked_material,
    add_material,
    add_overriding_material,
    add_pencil_material,
    feed_base_color,
    render_plane,
)


@pytest.fixture
def image():
    return bpy.data.images.new("brick.png", 4, 4)


def test_none():
    assert materials.find_target_materials("NONE", None, bpy.context.object, None) == materials.TargetMaterials()


def test_auto_names_every_user_the_active_objects_first(image):
    first, second, third = (add_material(name) for name in ("A", "B", "C"))
    feed_base_color(first, image)
    feed_base_color(third, image, "group")
    assert materials.find_target_materials("AUTO", image, bpy.context.object, None).materials == (third, first)
    assert second not in materials.find_target_materials("AUTO", image, bpy.context.object, None).materials


def test_unused_image_goes_to_the_active_material(image):
    feed_base_color(add_material("other"), bpy.data.images.new("other", 4, 4))
    material = add_material()
    assert materials.find_target_materials("AUTO", image, bpy.context.object, None) == materials.TargetMaterials((material,))


def test_render_goes_to_the_active_material_though_images_are_used(image):
    material = add_material()
    assert materials.find_target_materials("AUTO", render_plane(), bpy.context.object, None).materials == (material,)


@pytest.mark.parametrize("is_render", (False, True))
def test_mesh_without_material_gets_one(image, is_render):
    bpy.data.materials.remove(add_material())
    source = render_plane() if is_render else image
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = materials.find_target_materials("AUTO", source, bpy.context.object, None)
    material, = found.materials
    assert bpy.context.object.active_material == material
    assert "had no material" in found.messages[0]
    links = material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].links
    assert [link.from_node.image for link in links] == ([] if is_render else [image])
    assert material.name == ("Material" if is_render else "brick")


def test_no_mesh_is_a_sentence(image):
    assert "No mesh object is active" in materials.find_target_materials("AUTO", image, bpy.context.object,
                                                                         None).messages[0]
    empty = bpy.data.objects.new("empty", None)
    bpy.context.scene.collection.objects.link(empty)
    bpy.context.view_layer.objects.active = empty
    assert materials.find_target_materials("AUTO", image, bpy.context.object, None).materials == ()


def test_linked_user_stays_as_it_is(image, tmp_path):
    linked = add_linked_material(image, tmp_path)
    used = linked.node_tree.nodes["Image Texture"].image
    found = materials.find_target_materials("AUTO", used, bpy.context.object, None)
    assert found.materials == ()
    assert found.messages == (f"The material {linked.name!r} is linked from another file and stays as it is.",)


def test_active_material(image, tmp_path):
    with pytest.raises(TargetError, match="no material"):
        materials.check_active_material(None)
    material, obj = add_material(), bpy.context.object
    materials.check_active_material(material)
    obj.active_material = None
    assert materials.find_target_materials("ACTIVE_MATERIAL", image, obj, material) == materials.TargetMaterials((material,))
    linked = obj.active_material = add_linked_material(image, tmp_path)
    with pytest.raises(TargetError, match="linked"):
        materials.check_active_material(linked)
    assert "stays as it is" in materials.find_target_materials("ACTIVE_MATERIAL", image, obj, linked).messages[0]
    assert "no longer there" in materials.find_target_materials("ACTIVE_MATERIAL", image, obj, None).messages[0]


def test_a_material_for_grease_pencil_is_no_target_and_has_no_textures(image):
    pencil = add_pencil_material()
    obj = bpy.data.objects.new("stroke", None)
    if pencil.node_tree:  # what is in it is never rendered
        pencil.node_tree.nodes.new("ShaderNodeTexImage").image = image
    assert materials.colour_textures([pencil]) == []
    found = materials.find_target_materials("AUTO", image, obj, pencil)
    assert found.materials == () and "Grease Pencil" in found.messages[0]
    with pytest.raises(TargetError, match="Grease Pencil"):
        materials.check_active_material(pencil)


def test_an_override_is_called_one(image, tmp_path):
    override = add_overriding_material(image, tmp_path)
    used = override.node_tree.nodes["Image Texture"].image
    found = materials.find_target_materials("AUTO", used, None, None)
    assert found.materials == () and any("is a library override" in sentence for sentence in found.messages)
