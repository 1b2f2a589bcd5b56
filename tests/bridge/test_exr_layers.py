"""OpenEXR files with layers: what textures show of them is read, though Blender hands out no pixels of the image itself."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.bridge.image_pixels import read_pixels
from bl_ext.user_default.midas_normal.bridge.map_metadata import find_map
from bl_ext.user_default.midas_normal.core.errors import SourceError
from bl_ext.user_default.midas_normal.core.image_io import encode_exr
from blender_data import add_material, feed_base_color, pixels_of, pixels_of_file, rgba
from generation_runs import SETTINGS, generate_map


def write_layers(path, values, channels="RGB", layer="ViewLayer.Combined"):
    """A file with the values in one layer, and another layer with other ones."""
    planes = {f"{layer}.{name}": values[..., number] for number, name in enumerate(channels)}
    others = {f"ViewLayer.Other.{name}": values[::-1, ::-1, number] for number, name in enumerate("RGB")}
    path.write_bytes(encode_exr({name: plane.astype(np.float32) for name, plane in (planes | others).items()}, half=False))
    return path


def load(path):
    return bpy.data.images.load(str(path), check_existing=False)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("channels", ["RGB", "RGBA", "Z"])
def test_the_first_layer_is_read_and_nothing_is_left(tmp_path, channels, packed):
    values = rgba(6, 8)
    path = write_layers(tmp_path / "layers.exr", values, channels, "ViewLayer.Combined" if len(channels) > 1 else "ADepth.A")
    image = load(path)
    if packed:
        image.pack()
        path.unlink()
    facts = read_pixels(image, tmp_path / "pixels")
    found = np.fromfile(tmp_path / "pixels", np.float32).reshape(6, 8, 4)[::-1]
    expected = values.copy() if len(channels) > 1 else np.repeat(values[..., :1], 4, axis=2)
    if channels != "RGBA":
        expected[..., 3] = 1
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (facts.width, facts.height, facts.encoding) == (8, 6, "LINEAR")
    assert bpy.data.images[:] == [image] and not bpy.data.textures and image.type == "MULTILAYER"


def test_what_the_user_says_of_the_image_counts(tmp_path):
    image = load(write_layers(tmp_path / "layers.exr", rgba(6, 8), "RGBA"))
    assert read_pixels(image, tmp_path / "pixels").premultiplied
    image.alpha_mode = "CHANNEL_PACKED"
    assert not read_pixels(image, tmp_path / "pixels").premultiplied
    assert (np.fromfile(tmp_path / "pixels", np.float32)[3::4] == 1).all()
    image.colorspace_settings.is_data = True
    assert read_pixels(image, tmp_path / "pixels").encoding == "DISPLAY"


def test_its_map_is_that_of_the_same_picture_without_layers(tmp_path):
    values = rgba(6, 8)
    plain = tmp_path / "plain.exr"
    plain.write_bytes(encode_exr({name: values[..., at].astype(np.float32) for at, name in enumerate("RGB")}, half=False))
    image = load(write_layers(tmp_path / "layers.exr", values))
    feed_base_color(add_material(), image)
    normal, _ = generate_map(image, target="AUTO")
    assert tuple(normal.size) == (8, 6) and normal == find_map(image, "NORMAL")
    assert any(link.from_node.bl_idname == "ShaderNodeNormalMap" for link in bpy.data.materials[0].node_tree.links)
    np.testing.assert_array_equal(pixels_of(normal), pixels_of(generate(load(plain), SETTINGS)))


@pytest.mark.parametrize("channels", ["RGB", "RGBA"])
def test_frames_and_tiles_with_layers_have_their_maps(tmp_path, channels):
    for number in (1001, 1002):
        write_layers(tmp_path / f"wall.{number}.exr", rgba(6, 8, number), channels)
    sequence = load(tmp_path / "wall.1001.exr")
    sequence.source = "SEQUENCE"
    tiles = load(tmp_path / "wall.1001.exr")
    tiles.source = "TILED"
    tiles.filepath = str(tmp_path / "wall.<UDIM>.exr")
    tiles.tiles.new(1002)
    for image, files in ((sequence, "wall_normal/wall_normal_{}.png"), (tiles, "wall_normal.{}.png")):
        generate_map(image, save="BESIDE")
        for number in (1001, 1002):
            alone = generate(load(tmp_path / f"wall.{number}.exr"), SETTINGS)
            made = pixels_of_file(tmp_path / files.format(number))
            np.testing.assert_allclose(made[..., :3], pixels_of(alone)[..., :3], atol=2e-5)


def test_a_file_that_has_gone_is_missing(tmp_path):
    image = load(write_layers(tmp_path / "layers.exr", rgba(6, 8)))
    assert tuple(image.size) == (0, 0) and image.type == "MULTILAYER"
    (tmp_path / "layers.exr").unlink()
    with pytest.raises(SourceError, match=r"layers.* is missing\.$"):
        generate(image, SETTINGS)
