"""The relief network's training samples: properties of their values."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import ROOT

pytest.importorskip("cv2")
sys.path.insert(0, str(ROOT / "scripts"))

from relief import albedo, camera, cells, heights, light, noise, samples, shapes

SIZE = 96
JOINTED = ("bricks", "ashlar", "tiles", "pavers", "cobbles", "rubble_wall", "crazy_paving", "planks", "panels")


@pytest.fixture(scope="module")
def many():
    return [samples.sample(seed, SIZE) for seed in range(120)]


def rng(*seed):
    return np.random.default_rng(seed)


def wraps(field):
    """Whether the step across each border is no larger than between the two most different rows or columns inside."""
    for axis in (0, 1):
        others = tuple(i for i in range(field.ndim) if i != axis)
        inside = np.abs(np.diff(field, axis=axis)).mean(axis=others)
        across = np.abs(np.take(field, 0, axis) - np.take(field, -1, axis)).mean()
        if across > 1.15 * inside.max() + 1e-6:
            return False
    return True


def test_the_same_seed_gives_the_same_sample_and_another_seed_another():
    first, again, other = samples.sample(5, SIZE), samples.sample(5, SIZE), samples.sample(6, SIZE)
    assert np.array_equal(first.rgb, again.rgb) and np.array_equal(first.slopes, again.slopes) and first.kind == again.kind
    assert not np.array_equal(first.rgb, other.rgb)


def test_samples_have_the_shapes_types_and_ranges_that_training_expects(many):
    for each in many:
        assert each.rgb.shape == (SIZE, SIZE, 3) and each.slopes.shape == (SIZE, SIZE, 2)
        assert each.rgb.dtype == each.slopes.dtype == np.float32
        assert each.rgb.flags.c_contiguous and each.slopes.flags.c_contiguous
        assert each.rgb.min() >= 0 and each.rgb.max() <= 1
        assert np.isfinite(each.slopes).all()
        steepness = np.hypot(each.slopes[..., 0], each.slopes[..., 1])
        assert np.quantile(steepness, 0.99) < 2.2, each.kind


def test_pictures_are_as_bright_and_reliefs_as_steep_as_real_materials(many):
    brightness = [each.rgb.mean() for each in many]
    tilts = [np.degrees(np.arctan(np.hypot(*np.moveaxis(each.slopes, 2, 0)))).mean() for each in many]
    assert 0.35 < np.mean(brightness) < 0.6 and np.quantile(brightness, 0.05) > 0.07 and np.quantile(brightness, 0.95) < 0.8
    assert 6 < np.mean(tilts) < 12 and max(tilts) <= 32.5


def test_about_one_sample_in_six_is_strong_marks_on_exactly_flat_ground(many):
    flat = [each for each in many if each.kind == "flat"]
    assert 0.1 < len(flat) / len(many) < 0.25
    for each in flat:
        assert not each.slopes.any()
    assert np.median([each.rgb.std() for each in flat]) > 0.05


@pytest.mark.parametrize("name", heights.KINDS)
def test_every_kind_is_periodic_finite_and_of_the_tilt_it_claims(name):
    for seed in range(3):
        each = heights.relief(rng(seed), SIZE, name)
        assert each.height.dtype == np.float32 and each.height.shape == (SIZE, SIZE)
        assert np.isfinite(each.height).all()
        assert noise.tilt(each.height).mean() <= heights.KINDS[name].tilt[1] + 0.5
        slopes = np.stack(noise.gradient(each.height), axis=2)
        assert wraps(slopes), (name, seed)
        if each.joint is not None:
            assert each.joint.min() >= 0 and each.joint.max() <= 1 + 1e-6


def test_slopes_are_the_derivative_of_the_height():
    height = heights.relief(rng(1), SIZE, "cobbles").height.astype(np.float64)
    smooth = noise.blur(height.astype(np.float32), 4)
    gx, gy = noise.gradient(smooth)
    assert np.abs(gx - (np.roll(smooth, -1, 1) - np.roll(smooth, 1, 1)) / 2).max() < 0.02
    assert np.abs(gy - (np.roll(smooth, -1, 0) - np.roll(smooth, 1, 0)) / 2).max() < 0.02
    assert np.abs(gx.sum()) < 1e-2 and np.abs(gy.sum()) < 1e-2


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarters", range(4))
def test_turned_samples_have_the_slopes_of_the_turned_height(quarters, mirrored):
    height = heights.relief(rng(2), SIZE, "rock").height
    upright = samples.Sample(np.repeat(height[..., None], 3, 2), np.stack(noise.gradient(height), axis=2), "rock")
    turned = samples.rotate(upright, quarters, mirrored)
    expected = np.stack(noise.gradient(np.ascontiguousarray(turned.rgb[..., 0])), axis=2)
    assert np.abs(turned.slopes - expected).max() < 1e-5


def test_joints_are_paler_than_the_stones_about_as_often_as_darker():
    paler = []
    for seed in range(120):
        relief = heights.relief(rng(seed), SIZE, JOINTED[seed % len(JOINTED)])
        luma = albedo.luma(albedo.paint(rng(seed, 1), relief).albedo)
        joint, stone = relief.joint > 0.7, relief.joint < 0.2
        if joint.sum() > 20 and stone.sum() > 20:
            paler.append(luma[joint].mean() > luma[stone].mean())
    assert len(paler) > 80
    assert 0.35 < np.mean(paler) < 0.65


def test_what_stands_out_is_more_often_paler_but_not_always():
    correlations = []
    for seed in range(80):
        relief = heights.relief(rng(seed), SIZE, ("rock", "plaster", "lumps", "embossed")[seed % 4])
        luma = albedo.luma(albedo.paint(rng(seed, 1), relief).albedo)
        correlations.append(np.corrcoef(luma.ravel(), relief.height.ravel())[0, 1])
    assert 0.1 < np.mean(correlations) < 0.4
    assert np.max(correlations) > 0.4 and np.min(correlations) < -0.4


def lit_bump(direction, **changes):
    y, x = np.mgrid[:64, :64].astype(np.float32) - 32
    height = 12 * np.exp(-(x * x + y * y) / 150).astype(np.float32)
    lighting = light.Lighting(occlusion=0, sun=0.8, direction=direction, shadows=False, gloss=0, roughness=0.3, metallic=0)
    return light.lit(height, np.full((64, 64, 3), 0.5, np.float32), replace(lighting, **changes))[..., 0]


def test_the_side_that_faces_the_sun_is_the_bright_one():
    from_left, from_top = lit_bump((-0.7, 0, 0.714)), lit_bump((0, -0.7, 0.714))
    assert from_left[32, 24] > from_left[32, 40] + 0.1
    assert from_top[24, 32] > from_top[40, 32] + 0.1


def test_shadows_fall_away_from_the_sun_and_hollows_see_less_sky():
    low = (-0.92, 0, 0.39)
    lost = lit_bump(low) - lit_bump(low, shadows=True)
    assert lost[32, 48:54].mean() > lost[32, 12:22].mean() + 0.08
    y, x = np.mgrid[:64, :64].astype(np.float32) - 32
    hollow = -12 * np.exp(-(x * x + y * y) / 150).astype(np.float32)
    visibility = light.sky_visibility(hollow, np.ones_like(hollow), 1.0)
    assert visibility[32, 32] < 0.7 * visibility[4, 4]


@pytest.mark.parametrize("marks", [*albedo.PRINTS, *albedo.WALL_PRINTS])
def test_printed_marks_wrap_and_lie_between_nothing_and_full(marks):
    mask = noise.blur(marks(rng(3), SIZE).astype(np.float32), 1)
    assert mask.min() >= -1e-5 and mask.max() <= 1 + 1e-5
    assert wraps(mask)


def test_pictures_wrap():
    assert np.mean([wraps(samples.sample(seed, 128).rgb) for seed in range(30)]) > 0.9


@pytest.mark.parametrize("make", [
    lambda u, v: cells.courses(rng(0), u, v, 4, 3, 0.5, 0.3, 1.0),
    lambda u, v: cells.basket(u, v, 4, 3, 0.5),
    lambda u, v: cells.herringbone(u, v, 8, 0.5),
    lambda u, v: cells.voronoi(rng(0), u, v, 5, 4, 0.9),
    lambda u, v: cells.scales(u, v, 6, 4, 0.5, 0.5),
])
def test_cells_are_the_same_one_canvas_further(make):
    x, y = noise.coordinates(SIZE)
    original, repeated = make(x, y), make(x + SIZE, y - SIZE)
    assert np.mean(original.index == repeated.index) > 0.99  # borders may fall either way by rounding
    assert np.abs(original.edge - repeated.edge).max() < 0.01
    assert original.index.min() >= 0 and original.index.max() < original.count


def test_piles_wrap_and_number_their_pieces():
    height, number = shapes.pile(rng(0), SIZE, 9, 1.0, 0.5, shapes.rubble)
    assert wraps(height)
    assert (height[number > 0] > 0).all() and (number == 0).any() == (height == 0).any()


def test_the_camera_keeps_values_in_range_for_the_darkest_and_brightest_picture():
    for value in (0.0, 1e-4, 1.0, 50.0):
        for seed in range(5):
            picture = camera.photograph(rng(seed), np.full((32, 32, 3), value, np.float32))
            assert picture.dtype == np.float32 and picture.min() >= 0 and picture.max() <= 1
