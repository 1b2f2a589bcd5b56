"""Maps of a picture that was painted on, made again with the real worker."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.image_pixels import View
from bl_ext.user_default.midas_normal.bridge.map_metadata import METADATA_PROPERTY, find_map, stored_metadata
from bl_ext.user_default.midas_normal.bridge.regenerate import repaint_unavailable_reason, start_repaint, start_retune
from bl_ext.user_default.midas_normal.core.errors import SourceError
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import pixels_of
from generation_runs import generate_map

MADE = Settings(engine="LUMINANCE", strength=2.0, tileable="OFF")


@pytest.fixture
def picture():
    image = bpy.data.images.new("wall.png", 40, 30)
    image.pixels.foreach_set(np.random.default_rng(0).random(40 * 30 * 4, np.float32))
    return image


def paint(image, value=1.0):
    values = pixels_of(image)[::-1].copy()
    values[10:15, 10:20, :3] = value
    image.pixels.foreach_set(values.ravel())


def strength(image):
    return stored_metadata(image)["settings"]["strength"]


def test_the_map_is_the_same_image_with_the_settings_it_had(picture):
    normal = generate(picture, MADE)
    before = pixels_of(normal)
    paint(picture)
    report = start_repaint(picture, View.of(bpy.context.scene)).wait()
    assert report.map_name == normal.name and find_map(picture, "NORMAL") == normal and strength(normal) == 2.0
    after = pixels_of(normal)
    assert np.abs(after - before)[14:22, 8:22].max() > 0.01
    np.testing.assert_allclose(after, pixels_of(generate(picture, MADE)), atol=1e-4)


@pytest.mark.parametrize("other", [{"engine": "RELIEF"}, {"mask": "IMAGE"}])
def test_maps_of_different_surfaces_follow_each_with_its_own(picture, other):
    """As when one was made by another engine, or has a mask image of its own."""
    mask = bpy.data.images.new("mask", 8, 8)
    mask.pixels.foreach_set(np.tile(np.float32([1, 1, 1, 1, 0, 0, 0, 1]), 32))
    normal, height = both(picture, other, mask)
    paint(picture)
    report = start_repaint(picture, View.of(bpy.context.scene)).wait()
    assert report.maps == (normal.name, height.name)
    followed = pixels_of(normal), pixels_of(height)
    for image, pixels in zip(both(picture, other, mask), followed, strict=True):
        np.testing.assert_allclose(pixels, pixels_of(image), atol=1e-3)


def both(picture, other, mask):
    """The picture's normal map, and its height map with other settings, made anew."""
    addon.client.close()
    height, _ = generate_map(picture, MADE.replace_fields(other), maps=("HEIGHT",), mask_uid=mask.session_uid)
    return generate(picture, MADE), height


def test_a_picture_that_has_not_changed_leaves_the_map_as_it_is(picture):
    normal = generate(picture, MADE)
    normal.pixels[0] = 0.123
    metadata = normal[METADATA_PROPERTY]
    start_repaint(picture, View.of(bpy.context.scene)).wait()
    assert normal[METADATA_PROPERTY] == metadata and normal.pixels[0] == pytest.approx(0.123)


def test_a_map_that_was_made_anew_meanwhile_is_not_overwritten(picture):
    normal = generate(picture, MADE)
    paint(picture)
    task = start_repaint(picture, View.of(bpy.context.scene))
    task.step()
    paint(picture, 0.0)
    generate(picture, MADE.replace_fields({"strength": 1.0}))
    shown = pixels_of(normal)
    task.wait()
    assert strength(normal) == 1.0
    np.testing.assert_array_equal(pixels_of(normal), shown)


def test_a_re_tune_of_the_picture_before_the_stroke_comes_too_late(picture):
    normal = generate(picture, MADE)
    task = start_retune(normal, MADE.replace_fields({"strength": 5.0}))
    task.step()
    paint(picture)
    start_repaint(picture, View.of(bpy.context.scene)).wait()
    shown = pixels_of(normal)
    task.wait()
    assert strength(normal) == 2.0
    np.testing.assert_array_equal(pixels_of(normal), shown)


def test_a_map_that_was_removed_meanwhile_is_named(picture):
    normal = generate(picture, MADE)
    paint(picture)
    task = start_repaint(picture, View.of(bpy.context.scene))
    task.step()
    bpy.data.images.remove(normal)
    with pytest.raises(SourceError, match="removed while"):
        task.wait()


def test_what_cannot_follow_has_a_reason(picture):
    assert "has no map that could follow" in repaint_unavailable_reason(picture)
    generate(picture, MADE)
    assert repaint_unavailable_reason(picture) == ""
    picture.source = "SEQUENCE"
    assert "an image sequence, whose maps do not follow the brush" in repaint_unavailable_reason(picture)
