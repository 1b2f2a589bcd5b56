"""What read_pixels writes for every kind of image, and what it says about it."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import image_pixels
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest, prepare_request
from bl_ext.user_default.midas_normal.core.errors import SourceError
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import linear, render_plane, rgba, write_png


def read(image, path):
    """(facts, H x W x 4 with rows from the top down)."""
    facts = image_pixels.read_pixels(image, path)
    assert facts.file == path.name
    values = np.fromfile(path, np.uint8) / 255 if facts.encoding == "BYTE" else np.fromfile(path, np.float32)
    return facts, values.reshape(facts.height, facts.width, 4)[::-1]


def loaded(path, alpha_mode, is_data):
    image = bpy.data.images.load(str(path), check_existing=False)
    image.colorspace_settings.is_data = is_data
    image.alpha_mode = alpha_mode
    return image


@pytest.mark.parametrize("is_data", (False, True))
@pytest.mark.parametrize("alpha_mode", ("STRAIGHT", "CHANNEL_PACKED", "NONE"))
@pytest.mark.parametrize("depth", (8, 16))
def test_png_file(tmp_path, depth, alpha_mode, is_data):
    values = rgba()
    facts, found = read(loaded(write_png(tmp_path / "a.png", values, depth), alpha_mode, is_data), tmp_path / "pixels")
    assert (facts.width, facts.height) == (5, 3)
    assert facts.encoding == ("BYTE" if depth == 8 else "DISPLAY" if is_data else "DECODED")
    assert facts.premultiplied == (depth == 16 and alpha_mode == "STRAIGHT" and not is_data)
    colours = linear(values[..., :3]) if facts.encoding == "DECODED" else values[..., :3]
    expected = colours * values[..., 3:] if facts.premultiplied else colours
    np.testing.assert_allclose(found[..., :3], expected, atol=0.003 if depth == 8 else 1e-4)
    np.testing.assert_allclose(found[..., 3], values[..., 3] if alpha_mode == "STRAIGHT" else 1.0, atol=0.003)


@pytest.mark.parametrize("is_data, premultiplied", ((False, False), (True, True)))
def test_bytes_that_the_user_calls_premultiplied_are_straight_unless_data(tmp_path, is_data, premultiplied):
    values = rgba()
    values[..., :3] *= values[..., 3:]
    facts, found = read(loaded(write_png(tmp_path / "a.png", values, 8), "PREMUL", is_data), tmp_path / "pixels")
    assert facts.premultiplied == premultiplied
    expected = values[..., :3] if premultiplied else values[..., :3] / values[..., 3:]
    np.testing.assert_allclose(found[..., :3], expected, atol=0.02)


@pytest.mark.parametrize("alpha_mode, is_data, premultiplied", (
    ("PREMUL", False, True), ("STRAIGHT", False, True), ("CHANNEL_PACKED", False, False), ("NONE", False, False),
    ("PREMUL", True, True), ("STRAIGHT", True, False),
))
def test_exr_file(tmp_path, alpha_mode, is_data, premultiplied):
    """The file holds 0.5 and alpha 0.5: Blender multiplies once more where the user calls that straight."""
    made = bpy.data.images.new("made", 4, 4, alpha=True, float_buffer=True, is_data=True)
    made.pixels.foreach_set(np.full(64, 0.5, np.float32))
    made.filepath_raw, made.file_format = str(tmp_path / "a.exr"), "OPEN_EXR"
    made.save()
    image = bpy.data.images.load(str(tmp_path / "a.exr"), check_existing=False)
    if is_data:
        image.colorspace_settings.is_data = True
    else:
        image.colorspace_settings.name = "Linear Rec.709"
    image.alpha_mode = alpha_mode
    facts, found = read(image, tmp_path / "pixels")
    assert (facts.encoding, facts.premultiplied) == ("DISPLAY" if is_data else "LINEAR", premultiplied)
    multiplied_again = alpha_mode == "STRAIGHT" and not is_data
    np.testing.assert_allclose(found[..., :3], 0.25 if multiplied_again else 0.5, atol=1e-3)
    np.testing.assert_allclose(found[..., 3], 1.0 if alpha_mode in ("NONE", "CHANNEL_PACKED") else 0.5, atol=1e-3)


@pytest.mark.parametrize("packed", (False, True))
def test_painted_pixels_need_no_saved_file(tmp_path, packed):
    image = bpy.data.images.new("painted", 5, 3)
    values = np.rint(rgba() * 255) / 255
    image.pixels.foreach_set(values[::-1].astype(np.float32).ravel())
    if packed:
        image.pack()
    facts, found = read(image, tmp_path / "pixels")
    assert (facts.encoding, facts.premultiplied) == ("BYTE", False)
    np.testing.assert_allclose(found, values, atol=1e-6)


def test_file_on_disk_painted_over_gives_what_is_painted(tmp_path):
    image = loaded(write_png(tmp_path / "a.png", rgba(), 8), "STRAIGHT", False)
    image.pixels.foreach_set(np.full(60, 0.2, np.float32))
    np.testing.assert_allclose(read(image, tmp_path / "pixels")[1], 0.2, atol=1e-6)


def test_an_older_file_of_another_size_is_replaced(tmp_path):
    (tmp_path / "pixels").write_bytes(b"x" * 1000)
    read(bpy.data.images.new("a", 5, 3), tmp_path / "pixels")
    assert (tmp_path / "pixels").stat().st_size == 5 * 3 * 4


def test_image_without_pixels_is_refused(tmp_path):
    image = bpy.data.images.load(str(write_png(tmp_path / "a.png", rgba())), check_existing=False)
    (tmp_path / "a.png").unlink()
    with pytest.raises(SourceError, match=r"a\.png of the image 'a\.png' is missing"):
        image_pixels.read_pixels(image, tmp_path / "pixels")


def test_a_missing_folder_is_a_sentence(tmp_path):
    image = bpy.data.images.new("a", 5, 3)
    with pytest.raises(SourceError, match=r"'a' cannot be written into .*nowhere: No such file"):
        image_pixels.read_pixels(image, tmp_path / "nowhere" / "pixels")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_disk_that_fills_up_is_a_sentence_and_leaves_nothing(tmp_path):
    (tmp_path / "pixels").symlink_to("/dev/full")
    with pytest.raises(SourceError, match="No space left on device"):
        image_pixels.read_pixels(bpy.data.images.new("a", 5, 3), tmp_path / "pixels")
    assert not (tmp_path / "pixels").is_symlink()


def test_reading_piece_by_piece_needs_the_image_once_and_leaves_nothing_when_it_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(image_pixels, "CHUNK_VALUES", 16)
    monkeypatch.setattr(image_pixels, "MAX_CHUNK_SECONDS", -1.0)
    image = bpy.data.images.new("a", 5, 3)
    reading = image_pixels.export_image_pixels(image, tmp_path / "whole", image_pixels.View.of(bpy.context.scene))
    next(reading)
    bpy.data.images.remove(image)
    assert sum(1 for _ in reading) == 4 and (tmp_path / "whole").stat().st_size == 5 * 3 * 4
    given_up = image_pixels.export_image_pixels(bpy.data.images.new("b", 5, 3), tmp_path / \
                                                "half", image_pixels.View.of(bpy.context.scene))
    next(given_up), next(given_up)
    assert (tmp_path / "half").exists()
    given_up.close()
    assert not (tmp_path / "half").exists()


def render_settings():
    settings = bpy.context.scene.render.image_settings
    return {name: getattr(settings, name) for name, _ in image_pixels.RENDER_SAVE_SETTINGS if hasattr(settings, name)}


def test_render_is_read_as_it_is_seen_and_leaves_nothing_behind(tmp_path):
    render = render_plane((0.5, 0.25, 0.75))
    settings = bpy.context.scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format, settings.color_mode = "FFMPEG", "RGB"
    before, images = render_settings(), list(bpy.data.images)
    facts, found = read(render, tmp_path / "pixels")
    assert (facts.width, facts.height, facts.encoding, facts.premultiplied) == (8, 6, "DISPLAY", False)
    np.testing.assert_allclose(linear(found[..., :3]), np.broadcast_to((0.5, 0.25, 0.75), (6, 8, 3)), atol=1e-4)
    assert render_settings() == before
    assert list(bpy.data.images) == images


def test_a_render_is_read_through_the_scene_in_which_it_was_asked_for(tmp_path):
    render = render_plane((0.2, 0.2, 0.2))
    asked_in, active = bpy.context.scene, bpy.data.scenes.new("other")
    asked_in.view_settings.exposure = 1.0
    order = prepare_request(bpy.context, GenerateRequest(Settings(engine="LUMINANCE"), source="RENDER", target="NONE"))
    bpy.context.window.scene = active
    image_pixels.run_to_end(image_pixels.export_image_pixels(render, tmp_path / "pixels", order.view))
    values = np.fromfile(tmp_path / "pixels", np.float32)
    np.testing.assert_allclose(linear(values.reshape(6, 8, 4)[..., :3]), 0.4, atol=1e-3)
    bpy.data.scenes.remove(asked_in)
    with pytest.raises(SourceError, match="The scene whose render was to be mapped is no longer there"):
        image_pixels.run_to_end(image_pixels.export_image_pixels(render, tmp_path / "pixels", order.view))


def test_render_that_cannot_be_saved_restores_the_settings(tmp_path, monkeypatch):
    render = render_plane()
    before = render_settings()
    monkeypatch.setattr(image_pixels.tempfile, "TemporaryDirectory", lambda prefix: Folder(tmp_path / "nowhere\0"))
    with pytest.raises((SourceError, ValueError)):
        image_pixels.read_pixels(render, tmp_path / "pixels")
    assert render_settings() == before


class Folder:
    def __init__(self, path):
        self.path = path

    def __enter__(self):
        return str(self.path)

    def __exit__(self, *reason):
        pass


def test_render_result_of_a_file_just_opened_was_never_rendered(tmp_path):
    render_plane().use_fake_user = True
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    before = render_settings()
    with pytest.raises(SourceError, match=r"^The Render Result is empty; render first\.$"):
        image_pixels.read_pixels(bpy.data.images["Render Result"], tmp_path / "pixels")
    assert render_settings() == before


@pytest.mark.parametrize("space, encoding", (
    ("Linear Rec.709", "LINEAR"), ("Linear CIE-XYZ D65", "LINEAR"), ("ACEScg", "LINEAR"), ("sRGB", "DECODED"),
    ("Filmic Log", "DECODED"), ("Non-Color", "DISPLAY"),
))
def test_only_floats_of_linear_spaces_are_scene_linear_themselves(tmp_path, space, encoding):
    for is_float in (True, False):
        image = bpy.data.images.new("a", 2, 2, float_buffer=is_float)
        image.colorspace_settings.name = space
        assert read(image, tmp_path / "pixels")[0].encoding == (encoding if is_float else "BYTE")
