"""The engine HEIGHT: heights as they are stored, slopes as they are, and steps of 8 bits smoothed."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

from blender_midas_normal.core.colour import srgb_to_linear
from blender_midas_normal.core.engines import DATA
from blender_midas_normal.core.normals import normal_map
from blender_midas_normal.core.picture import Picture, Wrap
from blender_midas_normal.core.protocol import Pixels, Request, Result
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.engines import EngineInput, height
from blender_midas_normal.worker.engines.height import Height, smooth_steps
from blender_midas_normal.worker.inputs import picture_from_file
from blender_midas_normal.worker.pictures import picture_from_pixels
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from benchmarks.sources.waves import waves

SIDE = 256
PLAIN = Settings(engine="HEIGHT", tileable="BOTH")
TILE = Wrap(True, True)


def picture_of(values, step=0.0):
    return Picture(np.repeat(values[..., None], 3, axis=2), content=DATA, step=step)


def normals_of(picture, wrap=TILE, settings=PLAIN):
    surface = Height().surface(EngineInput(picture, wrap, settings, lambda stage, share: None))
    return np.stack(normal_map(surface, settings), axis=2), surface


def degrees(normals, across, down, scale=0.1):
    """The angle at each pixel between normals and those of true slopes."""
    true = np.stack([-scale * across, scale * down, np.ones_like(across)], axis=2)
    true /= np.linalg.norm(true, axis=2, keepdims=True)
    return np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(normals - true, axis=2) / 2, 0, 1)))


@pytest.mark.parametrize("side", [256, 512])
@pytest.mark.parametrize("bits", [16, 32])
def test_normals_are_those_of_the_heights(side, bits):
    values, across, down = waves(side)
    stored = np.rint(values * 65535) / 65535 if bits == 16 else values
    angles = degrees(normals_of(picture_of(stored.astype(np.float32)))[0], across, down)
    assert angles.mean() < 0.05 and angles.max() < 0.5


def test_steps_of_8_bits_are_smoothed_within_half_a_step(monkeypatch):
    values, across, down = waves(SIDE)
    stored = np.rint(values * 255).astype(np.uint8)
    normals, surface = normals_of(picture_of(stored, 1 / 255))
    assert np.abs(surface.height - stored / np.float32(255)).max() <= 0.5001 / 255
    smoothed = degrees(normals, across, down).mean()
    monkeypatch.setattr(height, "smooth_steps", lambda heights, step, wrap: heights)
    assert smoothed < degrees(normals_of(picture_of(stored, 1 / 255))[0], across, down).mean() / 2


def test_a_slow_slope_has_no_terraces_and_an_edge_stays():
    ramp = np.linspace(0.2, 0.3, SIDE)[None].repeat(64, axis=0)
    edge = ramp + 0.4 * (np.arange(SIDE) >= SIDE // 2)
    for values in (ramp, edge):
        stored = np.rint(values * 255) / np.float32(255)
        slopes = np.diff(smooth_steps(stored.astype(np.float32), 1 / 255, Wrap()), axis=1)
        inside = np.r_[16:SIDE // 2 - 16, SIDE // 2 + 16:SIDE - 17]
        true = 0.1 / (SIDE - 1)
        errors = slopes[:, inside] / true - 1
        assert errors.std() < 0.3 and np.abs(errors).max() < 2, "in steps the errors would be -1 and 9"
    assert slopes[:, SIDE // 2 - 1].min() > 0.38


@pytest.mark.parametrize("size", [(255, 255), (64, 250), (1, 300), (5, 7)])
def test_steps_are_smoothed_at_any_size(size):
    v, u = (np.arange(length) for length in size)
    true = 0.3 + (0.1 * u[None] + 0.03 * v[:, None]) / 255
    stored = (np.rint(true * 255) / 255).astype(np.float32)
    smooth = smooth_steps(stored, 1 / 255, Wrap())
    assert smooth.shape == size and np.abs(smooth - stored).max() <= 0.5001 / 255
    if min(size) > 10:
        assert np.abs(smooth - true).mean() < 0.3 * np.abs(stored - true).mean()


@pytest.mark.parametrize("rms", [0.5, 1, 3])
def test_texture_of_some_steps_is_not_smoothed_as_if_it_were_rounding(rms):
    texture = np.random.default_rng(0).standard_normal((SIDE, SIDE))
    texture = (texture + np.roll(texture, 1, 0) + np.roll(texture, 1, 1) + np.roll(texture, (1, 1), (0, 1))) / 2
    true = 0.5 + rms / 255 * texture
    stored = (np.rint(true * 255) / 255).astype(np.float32)
    errors = [np.abs(np.diff(heights - true, axis=1)).mean() for heights in (smooth_steps(stored, 1 / 255, TILE), stored)]
    assert errors[0] < 1.02 * errors[1]


def test_values_beyond_0_and_1_count_and_the_scale_is_that_of_the_setting():
    ramp = np.linspace(-3, 5, SIDE, dtype=np.float32)[None].repeat(SIDE, axis=0)
    settings = Settings(engine="HEIGHT", tileable="OFF", height_scale=0.25)
    normals, _ = normals_of(picture_of(ramp), Wrap(), settings)
    slope = -normals[..., 0] / normals[..., 2]
    np.testing.assert_allclose(slope, 0.25 * 8 / (SIDE - 1) * SIDE, rtol=1e-3)


def test_grey_stored_as_colours_is_no_colour_and_a_photo_is_said_to_be_one():
    grey = np.random.default_rng(0).integers(0, 255, (32, 32, 1), np.uint8).repeat(3, axis=2)
    assert not normals_of(Picture(grey, content=DATA, step=1 / 255))[1].notes
    colour = grey.copy()
    colour[..., 2] = 255 - colour[..., 2]
    assert "red, green and blue differ" in normals_of(Picture(colour, content=DATA, step=1 / 255))[1].notes[0]


def test_a_file_is_read_without_a_tone_curve_and_holes_are_counted(tmp_path):
    oiio = pytest.importorskip("OpenImageIO")
    values = np.linspace(-0.5, 2.5, 64 * 64, dtype=np.float32).reshape(64, 64, 1)
    values[3, 5], values[9, 9] = np.nan, np.inf
    path = tmp_path / "height.exr"
    file = oiio.ImageOutput.create(str(path))
    file.open(str(path), oiio.ImageSpec(64, 64, 1, "float"))
    file.write_image(values)
    file.close()
    picture = picture_from_file(path, content=DATA)
    kept = np.isfinite(values[..., 0])
    np.testing.assert_array_equal(picture.rgb[kept][:, 0], values[kept][:, 0])
    assert "2 pixels of the picture are no numbers" in picture.notes[0]
    assert picture.alpha is not None and (picture.alpha == kept).all()


def heights_of_pixels(folder, values, encoding, **fields):
    """The picture of heights that a worker makes of RGBA values, rows from the bottom up."""
    (folder / "pixels").write_bytes(values.tobytes())
    pixels = Pixels("pixels", values.shape[1], values.shape[0], encoding, **fields)
    return picture_from_pixels(folder, pixels, content=DATA)


def test_heights_are_weighted_as_nodes_see_the_colours(tmp_path):
    stored = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    weights = [0.5, -0.25, 2.0]
    plain = heights_of_pixels(tmp_path, stored, "BYTE", height_weights=weights)
    np.testing.assert_allclose(plain.luma(), (stored[::-1, :, :3] / 255) @ weights, atol=1e-6)
    assert plain.step == pytest.approx(2.75 / 255) and plain.alpha is None
    seen = heights_of_pixels(tmp_path, stored, "BYTE", height_weights=weights, is_srgb=True)
    decoded = srgb_to_linear(stored[::-1, :, :3] / np.float32(255))
    np.testing.assert_allclose(seen.luma(), (decoded * (stored[::-1, :, 3:] / 255)) @ weights, atol=1e-6)
    assert (seen.step, seen.is_srgb) == (0, False)
    floats = stored / np.float32(85)
    floats[1, 2, 0] = np.nan
    holed = heights_of_pixels(tmp_path, floats, "LINEAR", height_weights=weights, pixel_aspect=0.5)
    known = np.isfinite(floats[::-1, :, 0])
    np.testing.assert_allclose(holed.luma()[known], (floats[::-1, :, :3] @ weights)[known], atol=1e-5)
    assert (holed.alpha == known).all() and "1 pixels" in holed.notes[0] and (holed.step, holed.pixel_aspect) == (0, 0.5)


def test_srgb_bytes_of_one_channel_are_smoothed_before_they_are_decoded(tmp_path):
    ramp = np.rint(np.linspace(20, 60, SIDE)).astype(np.uint8)[None, :, None].repeat(64, axis=0).repeat(4, axis=2)
    ramp[..., 1:] = (7, 200, 255)
    picture = heights_of_pixels(tmp_path, ramp, "BYTE", height_weights=[1.0, 0.0, 0.0], is_srgb=True)
    heights = normals_of(picture, Wrap())[1].height
    stored = ramp[..., 0].astype(np.float32)
    low, high = (srgb_to_linear((stored + half) / 255) for half in (-0.5001, 0.5001))
    assert (low <= heights).all() and (heights <= high).all()
    rises = np.diff(heights, axis=1)[:, 16:-16]
    assert rises.min() > 0.3 * rises.mean(), "in steps the least is 0"


def test_pixels_that_are_not_square_have_the_slopes_of_their_surface():
    heights, across, down = waves(SIDE)
    picture = dataclasses.replace(picture_of(heights.astype(np.float32)), pixel_aspect=0.5)
    assert degrees(normals_of(picture)[0], across, down * 0.5).mean() < 0.05


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_files_are_read_alike_with_any_channels(tmp_path, channels, dtype):
    oiio = pytest.importorskip("OpenImageIO")
    most = 1 if dtype == np.float32 else np.iinfo(dtype).max
    values = (np.random.default_rng(0).random((40, 30, channels)) * most).astype(dtype)
    if channels > 2:
        values[..., 1:3] = values[..., :1]
    path = tmp_path / ("height.tif" if dtype == np.float32 else "height.png")
    file = oiio.ImageOutput.create(str(path))
    spec = oiio.ImageSpec(30, 40, channels, dtype.__name__.replace("32", ""))
    spec.attribute("oiio:UnassociatedAlpha", 1)
    file.open(str(path), spec)
    file.write_image(values)
    file.close()
    picture = picture_from_file(path, content=DATA)
    np.testing.assert_allclose(picture.luma(), values[..., 0] / most, atol=1e-6)
    np.testing.assert_allclose(picture.rgb_float()[..., 2], values[..., 0] / most, atol=1e-6)
    assert picture.is_grey == (channels < 3) and (picture.alpha is None) == (channels in (1, 3))
    if channels in (2, 4):
        np.testing.assert_allclose(picture.alpha_float(), values[..., -1] / most, atol=1e-6)


def test_a_worker_makes_the_map_and_fills_holes(worker, tmp_path):
    oiio = pytest.importorskip("OpenImageIO")
    values = waves(SIDE)[0].astype(np.float32)[..., None]
    values[40:44, 50:54] = np.nan
    path = tmp_path / "wall.exr"
    file = oiio.ImageOutput.create(str(path))
    file.open(str(path), oiio.ImageSpec(SIDE, SIDE, 1, "float"))
    file.write_image(values)
    file.close()
    number = worker.submit(Request(PLAIN.to_dict(), id=1, picture=str(path)))
    end = worker.answer([number])[1]
    assert isinstance(end, Result) and end.engine == "HEIGHT" and end.device == "cpu"
    assert any("16 pixels" in note for note in end.notes)
