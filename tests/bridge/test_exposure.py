"""Scene-linear pictures are mapped as the artist sees them: exposed as the scene's view is."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.core.settings import Settings
from bl_ext.user_default.midas_normal.ui.command import run
from blender_data import pixels_of, pixels_of_file, rgba, write_png

SETTINGS = Settings(engine="LUMINANCE", tileable="OFF", strength=10)


@pytest.fixture
def view():
    return bpy.context.scene.view_settings


def written(path, brightness, kind):
    """An image of floats, written by Blender itself, which would encode what is no data, and loaded again."""
    made = bpy.data.images.new("made", 20, 10, float_buffer=True, is_data=True)
    values = np.ones((10, 20, 4), np.float32)
    values[..., :3] = np.random.default_rng(0).uniform(0.02, 0.4, (10, 20, 1)) * brightness
    made.pixels.foreach_set(values.ravel())
    made.filepath_raw, made.file_format = str(path), kind
    made.save()
    image = bpy.data.images.load(str(path), check_existing=False)
    image.colorspace_settings.name = "Linear Rec.709"  # an EXR file of 5.x says itself that it holds data
    return image


@pytest.mark.parametrize("kind, suffix", (("HDR", ".hdr"), ("OPEN_EXR", ".exr")))
def test_a_picture_twice_as_bright_in_a_view_a_stop_darker_gives_the_same_map(tmp_path, view, kind, suffix):
    one, two = (written(tmp_path / f"{brightness}{suffix}", brightness, kind) for brightness in (1, 2))
    expected, other = (pixels_of(generate(image, SETTINGS)) for image in (one, two))
    assert np.abs(other - expected).max() > 0.01
    view.exposure = -1.0
    np.testing.assert_array_equal(pixels_of(generate(two, SETTINGS)), expected)


def test_display_referred_pictures_do_not_know_the_view(tmp_path, view):
    """A PNG file of 16 bits, whose pixels Blender hands out as linear floats, and one of 8 bits."""
    for depth in (8, 16):
        image = bpy.data.images.load(str(write_png(tmp_path / f"{depth}.png", rgba(10, 20), depth)))
        expected = pixels_of(generate(image, SETTINGS))
        view.exposure = 2.0
        np.testing.assert_array_equal(pixels_of(generate(image, SETTINGS)), expected)
        view.exposure = 0.0


def test_a_mask_image_is_not_exposed(tmp_path, view):
    image = bpy.data.images.load(str(write_png(tmp_path / "a.png", rgba(10, 20), 8)))
    mask = written(tmp_path / "mask.exr", 1, "OPEN_EXR")
    expected = pixels_of(generate(image, SETTINGS, mask))
    view.exposure = 1.0
    np.testing.assert_array_equal(pixels_of(generate(image, SETTINGS, mask)), expected)


def test_the_command_takes_the_scenes_exposure_unless_it_is_given_another(tmp_path, view, capsys):
    for brightness in (1, 2):
        written(tmp_path / f"{brightness}.hdr", brightness, "HDR")
    view.exposure = -1.0

    def made(brightness, *options):
        assert run([str(tmp_path / f"{brightness}.hdr"), "--out", str(tmp_path / "maps"), "--engine", "luminance",
                    "--tileable", "off", "--existing", "skip", *options]) == 0
        return pixels_of_file(tmp_path / "maps" / f"{brightness}_normal.png")

    np.testing.assert_array_equal(made(2), made(1, "--exposure", "0"))
    assert np.abs(made(1) - made(2)).max() > 0.001
    made(1)
    assert capsys.readouterr().out.count("1 skipped") == 2
