"""The engine NORMALS: the slopes of a normal map, whichever way its green points, and pictures that are none."""

from __future__ import annotations

import numpy as np
import pytest

from blender_midas_normal.core.engines import DATA
from blender_midas_normal.core.errors import SourceError
from blender_midas_normal.core.maps import make_map
from blender_midas_normal.core.normal_maps import green_agreement, read_normal_map
from blender_midas_normal.core.normals import normal_map
from blender_midas_normal.core.picture import Picture, Wrap
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.engines import EngineInput
from blender_midas_normal.worker.engines.height import Height
from blender_midas_normal.worker.engines.normals import Normals

from .test_height import TILE, waves

PLAIN = Settings(engine="NORMALS", tileable="BOTH")
FLIP = np.array([1, -1, 1])


def true_normals(side=256, scale=0.05):
    """H x W x 3 unit vectors of a surface that repeats, OpenGL."""
    _, across, down = waves(side)
    vectors = np.stack([-scale * across, scale * down, np.ones_like(across)], axis=2)
    return vectors / np.linalg.norm(vectors, axis=2, keepdims=True)


def encoded(vectors, bits=16):
    """The colours of vectors, as a file with so many bits has them."""
    most = 2 ** bits - 1
    stored = np.rint(np.clip(vectors / 2 + 0.5, 0, 1) * most)
    return stored.astype(np.uint8) if bits == 8 else (stored / most).astype(np.float32)


def surface_of(rgb, settings=PLAIN, wrap=TILE):
    return Normals().surface(EngineInput(Picture(rgb, content=DATA), wrap, settings, lambda stage, share: None))


def map_of(rgb, settings=PLAIN, wrap=TILE):
    surface = surface_of(rgb, settings, wrap)
    return np.stack(normal_map(surface, settings), axis=2), surface


def mean_degrees(one, other):
    return float(np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(one - other, axis=2) / 2, 0, 1))).mean())


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("source", "down"), [("OPENGL", False), ("DIRECTX", True), ("AUTO", False), ("AUTO", True)])
def test_the_normals_come_out_as_they_are_and_in_the_other_convention(source, down, bits):
    true = true_normals()
    settings = Settings(engine="NORMALS", source_convention=source)
    made, surface = map_of(encoded(true * FLIP if down else true, bits), settings)
    assert mean_degrees(made, true) < (0.2 if bits == 8 else 0.002)
    assert ("DirectX" if down else "OpenGL") in str(surface.notes[0])
    other = make_map("NORMAL", surface, Settings(engine="NORMALS", convention="DIRECTX"))
    np.testing.assert_allclose(other.planes[1], -made[..., 1], atol=1e-6)


def test_the_finest_relief_stays():
    """A wave of 2 pixels is lost where slopes become heights, but not where normals become normals."""
    slopes = np.zeros((2, 64, 64), np.float32)
    slopes[0, :, ::2], slopes[0, :, 1::2] = 0.5, -0.5
    vectors = np.stack([-slopes[0], slopes[1], np.ones((64, 64))], axis=2) / np.sqrt(1.25)
    made, _ = map_of(encoded(vectors))
    assert mean_degrees(made, vectors) < 0.01


def test_strength_blur_and_detail_act_on_slopes():
    true = true_normals()
    rgb = encoded(true)
    slopes = true[..., :2] / true[..., 2:]
    for settings, wanted in ((Settings(engine="NORMALS", strength=2.0), 2 * slopes),
                             (Settings(engine="NORMALS", invert=True), -slopes),
                             (Settings(engine="NORMALS", blur=64.0), 0 * slopes)):
        made, _ = map_of(rgb, settings)
        assert np.linalg.norm(made, axis=2) == pytest.approx(np.ones(made.shape[:2]), abs=1e-5)
        assert np.abs(made[..., :2] / made[..., 2:] - wanted).max() < (0.06 if settings.blur else 1e-3)
    steepness = [np.abs(map_of(rgb, settings)[0][..., :2]).mean() for settings in (
        PLAIN, Settings(engine="NORMALS", high_pass=4.0), Settings(engine="NORMALS", detail=2.0))]
    assert steepness[1] < 0.7 * steepness[0] < steepness[0] < 0.95 * steepness[2]


def test_heights_of_a_normal_map_make_it_again():
    true = true_normals()
    surface = surface_of(encoded(true))
    heights = make_map("HEIGHT", surface, PLAIN)
    settings = Settings(engine="HEIGHT", height_scale=heights.scale)
    picture = Picture(np.repeat(heights.planes[0][..., None], 3, axis=2), content=DATA)
    again = normal_map(Height().surface(EngineInput(picture, TILE, settings, lambda stage, share: None)), settings)
    assert mean_degrees(np.stack(again, axis=2), true) < 0.02
    assert {make_map(kind, surface, PLAIN).planes[0].shape for kind in ("AO", "CURVATURE")} == {(256, 256)}


@pytest.mark.parametrize("blue", [0.0, 0.5, 1.0])
def test_blue_that_says_nothing_is_computed(blue):
    true = true_normals()
    rgb = encoded(true)
    rgb[..., 2] = blue
    made, surface = map_of(rgb)
    assert mean_degrees(made, true) < 0.01 and any("blue" in note for note in surface.notes)


def test_lengths_do_not_matter_and_signed_values_are_taken_as_they_are():
    true = true_normals()
    made, surface = map_of(encoded(true * 0.8))
    assert mean_degrees(made, true) < 0.01 and any("unit length" in note for note in surface.notes)
    assert mean_degrees(map_of(true.astype(np.float32))[0], true) < 0.01


def test_flat_bytes_are_flat():
    made, _ = map_of(np.full((32, 32, 3), [128, 127, 255], np.uint8), wrap=Wrap())
    assert (made == [0, 0, 1]).all()


def test_black_ground_and_vectors_into_the_surface_are_flat_and_said():
    rgb = encoded(true_normals(), bits=8)
    rgb[:64], rgb[64:128, :, 2] = 0, 100
    made, surface = map_of(rgb)
    assert (made[:128] == [0, 0, 1]).all() and (made[128:] != [0, 0, 1]).any()
    assert [part for part in ("black", "into the surface") if any(part in note for note in surface.notes)] == [
        "black", "into the surface"]


def test_a_photo_is_no_normal_map():
    rng = np.random.default_rng(0)
    photo = np.clip(0.45 + 0.15 * rng.standard_normal((64, 64, 1)) + [0.05, 0, -0.05], 0, 1).astype(np.float32)
    with pytest.raises(SourceError, match=r"not a normal map: \d+% of its vectors are not of unit length"):
        surface_of(photo)


def test_a_flat_map_leaves_green_undecided():
    surface = surface_of(np.full((32, 32, 3), [0.5, 0.5, 1], np.float32))
    assert "cannot be told" in surface.notes[0]


def test_a_wrong_choice_is_said():
    rgb = encoded(true_normals())
    made, surface = map_of(rgb, Settings(engine="NORMALS", source_convention="DIRECTX"))
    assert mean_degrees(made, true_normals() * FLIP) < 0.01
    assert "fit together better" in surface.notes[0] and "OpenGL" in surface.notes[0]


def test_agreement_is_that_of_a_surface():
    slopes = read_normal_map(encoded(true_normals())).slopes
    assert green_agreement(slopes) > 0.95 and green_agreement(slopes * np.float32([[[1]], [[-1]]])) < -0.95
    noise = np.random.default_rng(0).standard_normal((2, 256, 256)).astype(np.float32)
    assert abs(green_agreement(noise)) < 0.02
