"""What a user or a script does, on the real worker."""

from __future__ import annotations

import re

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.bridge.map_metadata import find_map, mask_of, source_of, stored_metadata
from bl_ext.user_default.midas_normal.core.errors import SettingsError, SourceError
from bl_ext.user_default.midas_normal.core.settings import PRESETS, Settings, preset_of, setting_domains
from bl_ext.user_default.midas_normal.ui import generation

from .scenes import counts, textured, values

BUILT_IN = Settings(engine="LUMINANCE")


def test_generate_makes_and_wires_a_map():
    image, material = textured()
    assert bpy.ops.midas_normal.generate(engine="LUMINANCE") == {"FINISHED"}
    normal = bpy.data.images["photo_normal"]
    assert tuple(normal.size) == tuple(image.size) and normal.is_float and normal.packed_file
    assert normal.colorspace_settings.is_data and (values(normal)[..., 3] == 1).all()
    lengths = np.linalg.norm(values(normal)[..., :3] * 2 - 1, axis=2)
    np.testing.assert_allclose(lengths, 1, atol=1e-3)
    principled = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    assert principled.inputs["Normal"].links[0].from_node.bl_idname == "ShaderNodeNormalMap"
    assert "photo_normal" in " ".join(generation.last_outcome().messages)


def test_relief_runs_on_blenders_own_python_and_retunes_without_the_network():
    textured()
    assert bpy.ops.midas_normal.generate(engine="RELIEF") == {"FINISHED"}
    normal = bpy.data.images["photo_normal"]
    facts, first = stored_metadata(normal)["facts"], values(normal)
    assert (facts["engine"], facts["device"]) == ("RELIEF", "cpu") and first[..., :2].std() > 0.001
    bpy.context.scene.midas_normal.strength = 3
    bpy.ops.midas_normal.retune()
    assert values(normal)[..., 0].std() > 1.5 * first[..., 0].std()
    assert "engine" not in stored_metadata(normal)["facts"]["seconds"]


def test_a_second_run_updates_the_same_image_and_nodes():
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    normal, before = bpy.data.images["photo_normal"], counts()
    first = values(normal)
    normal.name = "renamed by the user"
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=3)
    assert counts() == before and np.abs(values(normal) - first).max() > 0.02
    assert stored_metadata(normal)["settings"]["strength"] == 3


@pytest.mark.parametrize("in_use, kept", [("final", "backup of the first try"), ("photo_normal.001", "photo_normal")])
def test_a_second_run_updates_the_map_that_the_material_shows_and_leaves_copies_alone(in_use, kept):
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    normal = bpy.data.images["photo_normal"]
    copy = normal.copy()
    normal.name, copy.name = "out of the way", "out of the way, too"
    normal.name, copy.name = in_use, kept
    before, first, backed_up = counts(), values(normal), values(copy)
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=3)
    assert counts() == before and np.abs(values(normal) - first).max() > 0.02
    np.testing.assert_array_equal(values(copy), backed_up)


def test_what_a_call_does_not_give_comes_from_the_scene():
    textured()
    scene = bpy.context.scene.midas_normal
    scene.engine, scene.strength, scene.target = "LUMINANCE", 2.0, "NONE"
    bpy.ops.midas_normal.generate(a=1.0)
    settings = stored_metadata(bpy.data.images["photo_normal"])["settings"]
    assert (settings["engine"], settings["strength"], settings["a"]) == ("LUMINANCE", 2.0, 1.0)
    bpy.ops.midas_normal.generate(preset="MATERIAL", engine="LUMINANCE")
    assert stored_metadata(bpy.data.images["photo_normal"])["settings"] == BUILT_IN.to_dict()


def test_every_setting_is_a_described_property_of_the_operator_and_the_scene():
    for rna in (bpy.ops.midas_normal.generate.get_rna_type(), bpy.context.scene.midas_normal.bl_rna):
        for name, domain in setting_domains().items():
            assert rna.properties[name].description.startswith(domain.description[:20])
    assert preset_of(bpy.context.scene.midas_normal.values()) == "MATERIAL"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_all_settings_of_the_scene(name):
    bpy.ops.midas_normal.preset(preset=name)
    assert preset_of(bpy.context.scene.midas_normal.values()) == name


def test_the_function_for_scripts():
    image, _ = textured()
    before = counts()
    normal = generate(image, BUILT_IN, strength=2.0)
    assert normal.name == "photo_normal" and counts() == before | {"images": before["images"] + 1}
    assert generate(image, BUILT_IN) == normal
    with pytest.raises(SettingsError):
        generate(image, tilt=3)


def test_the_function_says_what_is_no_image():
    image, _ = textured()
    removed = bpy.data.images.new("removed", 4, 4)
    bpy.data.images.remove(removed)
    before = counts()
    for wrong, sentence in ((None, "image must be one of bpy.data.images, not None."), (image.name, "not 'photo.png'"),
                            (removed, "The image was removed from this file; give one that is there.")):
        with pytest.raises(SourceError, match=re.escape(sentence)):
            generate(wrong, BUILT_IN)
    for wrong, sentence in (("mask", "mask_image must be one of bpy.data.images"), (removed, "The mask_image was removed")):
        with pytest.raises(SourceError, match=sentence):
            generate(image, BUILT_IN, wrong)
    with pytest.raises(SettingsError, match="settings must be a Settings, not"):
        generate(image, {"strength": 2})
    assert counts() == before


def test_a_map_is_not_mapped_again_but_made_anew_from_its_source():
    image, _ = textured()
    normal = generate(image, BUILT_IN)
    first = values(normal)
    assert generate(normal, BUILT_IN) == normal
    np.testing.assert_array_equal(values(normal), first)


def test_a_directx_map_is_marked_on_the_node_or_made_as_opengl():
    _, material = textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=5)
    opengl = values(bpy.data.images["photo_normal"])
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=5, convention="DIRECTX")
    directx = values(bpy.data.images["photo_normal"])
    node = next(node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeNormalMap")
    if hasattr(node, "convention"):
        assert node.convention == "DIRECTX"
        np.testing.assert_allclose(directx[..., 1], 1 - opengl[..., 1], atol=1e-4)
    else:
        np.testing.assert_array_equal(directx, opengl)
        assert "OpenGL" in " ".join(generation.last_outcome().messages)


def test_a_controlnet_map_is_made_but_never_wired():
    _, material = textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE", convention="CONTROLNET")
    assert not any(node.bl_idname == "ShaderNodeNormalMap" for node in material.node_tree.nodes)
    assert values(bpy.data.images["photo_normal"])[..., 0].mean() > 0.9
    assert "ControlNet" in " ".join(generation.last_outcome().messages)


def test_retune_needs_no_engine():
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    first = values(bpy.data.images["photo_normal"])
    bpy.context.scene.midas_normal.strength = 4
    assert bpy.ops.midas_normal.retune() == {"FINISHED"}
    assert "engine" not in generation.last_outcome().facts["seconds"]
    assert np.abs(values(bpy.data.images["photo_normal"]) - first).max() > 0.02


@pytest.fixture
def namesakes(tmp_path):
    """Images "brick" and "mask" of this file, and larger ones of another file: two of the same names, and "brick_normal"."""
    library, own = str(tmp_path / "library.blend"), {}
    for name in ("brick", "mask", "brick_normal"):
        image = bpy.data.images.new(name, 16, 16)
        image.pixels.foreach_set(np.random.default_rng(0).random(16 * 16 * 4, np.float32))
        image.pack()
    bpy.data.libraries.write(library, set(bpy.data.images), fake_user=True)
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (there, into):
        into.images = there.images
    linked = {image.name: image for image in bpy.data.images}
    for name in ("brick", "mask"):
        own[name] = bpy.data.images.new(name, 8, 8)
        own[name].pixels.foreach_set([1.0] * 256)
    assert {image.name for image in own.values()} == {"brick", "mask"}
    return own, linked


def test_a_linked_image_is_told_from_one_of_this_file_that_has_its_name(namesakes):
    own, linked = namesakes
    scene, brick = bpy.context.scene.midas_normal, linked["brick"]
    made = generate(brick, BUILT_IN, linked["mask"])
    assert made.library is None and (source_of(made), mask_of(made)) == (brick, linked["mask"])
    scene.source, scene.image = "IMAGE", brick
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=2)
    assert stored_metadata(made)["settings"]["strength"] == 2 and mask_of(made) is None
    scene.source = "RENDER"
    with bpy.context.temp_override(edit_image=brick):  # as the entry of a node's menu does
        bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=3, source="ACTIVE")
    assert stored_metadata(made)["settings"]["strength"] == 3
    scene.mask, scene.mask_image = "IMAGE", linked["mask"]
    bpy.ops.midas_normal.retune()
    assert mask_of(made) == linked["mask"]
    bpy.ops.midas_normal.generate(engine="LUMINANCE", image="brick", mask_image="mask", target="NONE")
    own_map = find_map(own["brick"], "NORMAL")
    assert (tuple(made.size), tuple(own_map.size), mask_of(own_map)) == ((16, 16), (8, 8), own["mask"])


def test_a_render_becomes_a_map():
    bpy.ops.mesh.primitive_plane_add(size=2)
    scene = bpy.context.scene
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    camera.location, scene.camera = (0, 0, 3), camera
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 40, 30, 100
    bpy.ops.render.render()
    bpy.ops.midas_normal.generate(source="RENDER", engine="LUMINANCE", target="NONE")
    normal = bpy.data.images[generation.last_outcome().map_name]
    assert tuple(normal.size) == (40, 30)
