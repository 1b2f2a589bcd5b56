"""Alpha counts as transparency where a material uses it as such; what holds something else there makes no map flatter."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge.image_pixels import View
from bl_ext.user_default.midas_normal.bridge.map_metadata import find_map
from bl_ext.user_default.midas_normal.bridge.nodes.materials import alpha_of
from bl_ext.user_default.midas_normal.bridge.regenerate import start_repaint
from bl_ext.user_default.midas_normal.core.settings import Settings
from bl_ext.user_default.midas_normal.ui.command import run
from blender_data import add_material, feed_base_color, pixels_of, use_alpha, write_png
from generation_runs import generate_map

SETTINGS = Settings(engine="LUMINANCE", strength=10, tileable="OFF")
LINKED_TO_NOTHING, COUNTS_LESS = "alpha is linked to nothing in its materials", "its colours count less"


def picture(name, alpha, is_float=False):
    """An image of noise with the same alpha everywhere; the noise is the same for each."""
    image = bpy.data.images.new(name, 32, 32, alpha=True, float_buffer=is_float)
    values = np.random.default_rng(1).uniform(0.2, 0.8, (32, 32, 4)).astype(np.float32)
    values[..., :3] *= alpha if is_float else 1  # Blender holds floats multiplied by alpha
    values[..., 3] = alpha
    image.pixels.foreach_set(values.ravel())
    return image


def made(image, **fields):
    """The map's values, and what is said of it."""
    _, report = generate_map(image, SETTINGS, **{"target": "AUTO", **fields})
    return pixels_of(find_map(image, "NORMAL")), report.messages


def says(sentences, text):
    return any(text in sentence for sentence in sentences)


@pytest.mark.parametrize("is_float", [False, True])
@pytest.mark.parametrize("alpha", [0.5, 0.2])
def test_alpha_that_no_link_uses_does_not_flatten_the_map(alpha, is_float):
    opaque, gloss = picture("opaque", 1.0, is_float), picture("gloss", alpha, is_float)
    for image in (opaque, gloss):
        feed_base_color(add_material(image.name), image)
    expected, sentences = made(opaque)
    assert expected[..., :2].std() > 0.02 and not says(sentences, "alpha")
    found, sentences = made(gloss)
    np.testing.assert_allclose(found, expected, atol=0.01)  # eight bits of a fifth
    assert says(sentences, LINKED_TO_NOTHING)


def alpha_input(tree, texture):
    use_alpha(texture)


def mixed_shaders(tree, texture):
    mix = tree.nodes.new("ShaderNodeMixShader")
    tree.links.new(texture.outputs["Alpha"], mix.inputs[0])
    tree.links.new(tree.nodes["Principled BSDF"].outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], tree.nodes["Material Output"].inputs["Surface"])


def mixed_colours(tree, texture):
    mix = tree.nodes.new("ShaderNodeMix")
    mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
    tree.links.new(texture.outputs["Alpha"], mix.inputs[0])
    tree.links.new(mix.outputs[2], tree.nodes["Principled BSDF"].inputs["Base Color"])


def through_reroute(tree, texture):
    reroute = tree.nodes.new("NodeReroute")
    tree.links.new(texture.outputs["Alpha"], reroute.inputs[0])
    tree.links.new(reroute.outputs[0], tree.nodes["Principled BSDF"].inputs["Alpha"])


@pytest.mark.parametrize("use", [alpha_input, mixed_shaders, mixed_colours, through_reroute])
def test_alpha_that_a_material_uses_flattens_the_map_without_a_word(use):
    image = picture("leaf", 0.2)
    material = add_material()
    use(material.node_tree, feed_base_color(material, image))
    unused, _ = made(image, target="NONE")
    assert alpha_of(image) == "TRANSPARENCY"
    other = add_material("Other")
    feed_base_color(other, image)
    found, sentences = made(image)
    np.testing.assert_array_equal(found, unused)
    assert found[..., :2].std() < 0.01 and not says(sentences, "alpha")


def test_a_link_of_alpha_that_is_muted_or_leads_nowhere_does_not_use_it():
    image, material = picture("gloss", 0.2), add_material()
    texture, tree = feed_base_color(material, image), material.node_tree
    tree.links.new(texture.outputs["Alpha"], tree.nodes.new("NodeReroute").inputs[0])
    assert alpha_of(image) == "OTHER"
    use_alpha(texture)
    assert alpha_of(image) == "TRANSPARENCY"
    tree.nodes["Principled BSDF"].inputs["Alpha"].links[0].is_muted = True
    assert alpha_of(image) == "OTHER"


def test_alpha_of_a_picture_in_no_material_counts_and_a_note_says_so():
    found, sentences = made(picture("alone", 0.2), target="NONE")
    assert found[..., :2].std() < 0.01 and says(sentences, COUNTS_LESS)
    _, sentences = made(picture("opaque", 1.0), target="NONE")
    assert not says(sentences, "alpha")


def test_a_painted_pictures_alpha_counts_as_it_did():
    image = picture("gloss", 0.2)
    feed_base_color(add_material(), image)
    before, _ = made(image)
    image.pixels[0] = 1 - image.pixels[0]
    start_repaint(image, View.of(bpy.context.scene)).wait()
    np.testing.assert_allclose(pixels_of(find_map(image, "NORMAL"))[:16], before[:16], atol=1e-3)


def test_the_command_line_says_that_alpha_flattens_a_file_and_looks_at_the_materials_of_a_blend_file(tmp_path):
    values = np.random.default_rng(1).uniform(0.2, 0.8, (16, 16, 4))
    values[..., 3] = 0.2
    file = write_png(tmp_path / "gloss.png", values, 8)
    image = bpy.data.images.load(str(file))
    feed_base_color(add_material(), image)
    for inputs, text in (([str(file)], COUNTS_LESS), ([], LINKED_TO_NOTHING)):
        options = ["--out", str(tmp_path / "out"), "--json", str(tmp_path / "done.json"), "--existing", "overwrite"]
        assert run([*inputs, *options, "--engine", "luminance"]) == 0
        record, = json.loads((tmp_path / "done.json").read_text())
        assert says(record["notes"], text)
