"""What ACTIVE, IMAGE, RENDER and VIEWER find, and the sentence when they find nothing."""

from __future__ import annotations

import os

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import image_source
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest, prepare_request
from bl_ext.user_default.midas_normal.core.errors import SourceError
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import add_material, feed_base_color, render_plane, rgba, write_png


def refusal(*args, **kwargs):
    with pytest.raises(SourceError) as caught:
        image_source.resolve_source(*args, **kwargs)
    assert str(caught.value).endswith(".")
    return str(caught.value)


class Context:
    """A context with an editor in it, which the background has not."""

    def __init__(self, space_data=None, edit_image=None):
        self.space_data = space_data
        self.edit_image = edit_image
        self.view_layer, self.scene = bpy.context.view_layer, bpy.context.scene


def test_an_image_is_found_again_after_renaming(image):
    found = image_source.resolve_source("IMAGE", image)
    assert (found.kind, found.name, found.is_render) == ("IMAGE", "brick", False)
    image.name = "stone"
    assert found.image() == image
    bpy.data.images.remove(image)
    with pytest.raises(SourceError, match="'brick' is no longer there"):
        found.image()


def test_unknown_name_and_no_image():
    with pytest.raises(SourceError, match="no image named 'brick'"):
        image_source.get_image("brick")
    assert "Choose an image" in refusal("IMAGE")


def test_no_object_no_material_no_image():
    assert "No object is active" in refusal("ACTIVE")
    material = add_material()
    assert "The material 'Wall' has no image" in refusal("ACTIVE")
    bpy.context.object.data.materials.clear()
    bpy.data.materials.remove(material)
    assert "The object 'Wall' has no material" in refusal("ACTIVE")


def test_active_texture_node_comes_before_the_base_colour(material, image):
    feed_base_color(material, bpy.data.images.new("other", 4, 4))
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    material.node_tree.nodes.active = node
    assert image_source.resolve_source("ACTIVE").image() == image


@pytest.mark.parametrize("between", ("direct", "reroute", "mix", "group"))
def test_base_colour_is_followed_upstream(material, image, between):
    feed_base_color(material, image, between)
    material.node_tree.nodes.active = material.node_tree.nodes["Principled BSDF"]
    assert image_source.resolve_source("ACTIVE").image() == image


def test_the_first_image_of_a_mix_wins_however_far(material, image):
    tree, far = material.node_tree, bpy.data.images.new("far", 4, 4)
    mix = feed_base_color(material, far, "mix")
    near = tree.nodes.new("ShaderNodeTexImage")
    near.image = image
    bright = tree.nodes.new("ShaderNodeBrightContrast")
    tree.links.new(tree.links.new(bright.inputs[0], mix.inputs[6].links[0].from_socket).to_node.outputs[0], mix.inputs[6])
    tree.links.new(near.outputs[0], mix.inputs[7])
    tree.nodes.active = mix
    assert image_source.resolve_source("ACTIVE").image() == far


def test_broken_and_empty_images(tmp_path):
    path = write_png(tmp_path / "gone.png", rgba())
    bpy.data.images.load(str(path))
    path.unlink()
    assert refusal("IMAGE", bpy.data.images["gone.png"]) == f"The file {path} of the image 'gone.png' is missing."
    (tmp_path / "text.png").write_text("no picture")
    bpy.data.images.load(str(tmp_path / "text.png"))
    assert refusal("IMAGE", bpy.data.images["text.png"]) == (
        f"The file {tmp_path / 'text.png'} of the image 'text.png' is no picture or movie of a known kind.")
    bpy.data.images.new("empty", 4, 4).source = "FILE"
    assert "'empty' has no pixels" in refusal("IMAGE", bpy.data.images["empty"])


def test_file_that_was_never_touched_is_loaded(tmp_path):
    bpy.data.images.load(str(write_png(tmp_path / "lazy.png", rgba())))
    assert image_source.resolve_source("IMAGE", bpy.data.images["lazy.png"]).name == "lazy.png"


@pytest.mark.parametrize("kind, text", (("TILED", "UDIM"), ("SEQUENCE", "sequence"), ("MOVIE", "movie")))
def test_several_pictures_are_no_single_one(image, kind, text):
    assert image_source.check_single_picture(image) == image
    image.source = kind
    with pytest.raises(SourceError, match=text):
        image_source.check_single_picture(image)


def test_render_result():
    assert refusal("RENDER") == "Nothing was rendered yet; render first."
    render = render_plane()
    found = image_source.resolve_source("RENDER")
    assert (found.kind, found.is_render, found.image()) == ("RENDER", True, render)
    assert image_source.resolve_source("IMAGE", bpy.data.images["Render Result"]).kind == "RENDER"


def test_viewer_is_refused_in_the_background():
    assert "There is no Viewer Node image" in refusal("VIEWER")


def test_image_editor_decides(image, material):
    feed_base_color(material, bpy.data.images.new("other", 4, 4))
    assert image_source.resolve_source("ACTIVE", context=Context(edit_image=image)).image() == image
    assert image_source.resolve_source("ACTIVE", context=Context()).name == "other"
    assert image_source.resolve_source("ACTIVE", context=Context(edit_image=render_plane())).kind == "RENDER"


def test_shader_editor_shows_a_group(image, material, monkeypatch):
    feed_base_color(material, bpy.data.images.new("other", 4, 4))
    material.node_tree.nodes.active = None
    group = bpy.data.node_groups.new("inside", "ShaderNodeTree")
    node = group.nodes.new("ShaderNodeTexImage")
    node.image = image
    group.nodes.active = node

    class Editor:
        edit_tree, id, pin = group, material, False

    monkeypatch.setattr(image_source.bpy.types, "SpaceNodeEditor", Editor, raising=False)
    assert image_source.resolve_source("ACTIVE", context=Context(Editor())).image() == image


class Pinned:
    """A FAKE Shader Editor, which background Blender lacks; a material is pinned in it, or not."""

    def __init__(self, material, pin):
        self.id, self.edit_tree, self.pin = material, material.node_tree, pin


@pytest.mark.parametrize("pin", [True, False])
def test_a_material_that_is_pinned_in_the_shader_editor_is_the_active_one_there(image, material, monkeypatch, pin):
    feed_base_color(material, image)
    pinned, obj = material, bpy.context.object
    active = add_material("Active")
    feed_base_color(active, bpy.data.images.new("other", 4, 4))
    assert bpy.context.object != obj
    monkeypatch.setattr(image_source.bpy.types, "SpaceNodeEditor", Pinned, raising=False)
    here = Context(Pinned(pinned, pin))
    assert image_source.active_material(here) == (pinned if pin else active)
    assert image_source.resolve_source("ACTIVE", context=here).name == (image.name if pin else "other")
    order = prepare_request(here, GenerateRequest(Settings(engine="LUMINANCE"), target="ACTIVE_MATERIAL"))
    assert order.material_uid == (pinned if pin else active).session_uid


def test_painted_image_needs_no_file(image):
    image.pixels.foreach_set(np.ones(64, np.float32))
    assert image_source.resolve_source("IMAGE", image).image() == image


@pytest.mark.parametrize(("content", "what"), [
    (b"\0\0\0\x1cftypheic" + bytes(40), "a HEIC file"), (b"\x89PNG\r\n\x1a\n" + bytes(40), "a PNG file"),
    (b"v/1\x01" + bytes(40), "an OpenEXR file"), (b"%PDF-1.7", "a PDF file")])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_blender_cannot_read_is_called_what_it_is(tmp_path, content, what, packed):
    file = tmp_path / "wall.png"
    file.write_bytes(content)
    image = bpy.data.images.load(str(file))
    if packed:
        image.pack()
        file.unlink()
    whose = "The packed file" if packed else f"The file {file}"
    assert refusal("IMAGE", image) == (f"{whose} of the image 'wall.png' is {what}, which this Blender cannot read, or "
                                       "damaged; save it again, as PNG, TIFF or OpenEXR.")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may read anything")
def test_a_closed_file_is_called_closed(tmp_path):
    file = write_png(tmp_path / "wall.png", rgba())
    file.chmod(0)
    assert refusal("IMAGE", bpy.data.images.load(str(file))).endswith("cannot be opened: Permission denied.")
