"""Ambient occlusion of surfaces for which it is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_midas_normal.core.filters import blur
from blender_midas_normal.core.gradients import gradient
from blender_midas_normal.core.occlusion import RAYS, blocked_light, occlusion
from blender_midas_normal.core.picture import Wrap

BOTH = Wrap(True, True)
WRAPS = st.builds(Wrap, st.booleans(), st.booleans())
sides = st.integers(1, 40)
reaches = st.floats(0, 60)
seeds = st.integers(0, 2**32 - 1)


def noise(rows, columns, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


def hills(size, deviation, seed=0):
    """Random hills that repeat, as high on average as they are wide."""
    height = blur(noise(size, size, seed), deviation, deviation, BOTH)
    return height * np.float32(deviation / height.std())


def groove(opening, size=601):
    """A V from top to bottom, with an opening in degrees."""
    walls = np.abs(np.arange(size) - size // 2) / math.tan(math.radians(opening / 2))
    return np.broadcast_to(walls.astype(np.float32), (41, size))


def test_the_rays_share_the_circle():
    assert len({(ray.right, ray.down) for ray in RAYS}) == 16
    assert sum(ray.weight for ray in RAYS) == pytest.approx(1)
    assert max(ray.weight for ray in RAYS) < 0.08
    for one, other in zip(RAYS[:8], RAYS[8:], strict=True):
        assert (one.right, one.down, one.weight) == (-other.right, -other.down, pytest.approx(other.weight))


@given(st.floats(-1e4, 1e4), st.floats(0, 1e4))
def test_the_light_below_a_horizon_is_that_of_the_formula(slope, above):
    def light(t):
        return (t - slope) * t / (1 + t * t) - slope * math.atan(t)

    slope, rise = (float(np.float32(value)) for value in (slope, slope + above))
    computed = [float(blocked_light(np.float32([t]), np.float32([slope]))[0]) for t in (rise, slope)]
    assert (computed[0] - computed[1]) / math.hypot(1, slope) == pytest.approx(
        (light(rise) - light(slope)) / math.hypot(1, slope), abs=1e-5)


@given(sides, sides, st.floats(-3, 3), st.floats(-3, 3), reaches)
@settings(max_examples=40)
def test_nothing_shades_a_plane_however_it_is_tilted(rows, columns, across, down, radius):
    y, x = np.mgrid[:rows, :columns]
    computed = occlusion((across * x + down * y).astype(np.float32), Wrap(), radius)
    assert computed.dtype == np.float32 and computed.shape == (rows, columns)
    np.testing.assert_allclose(computed, 1, atol=1e-4)


@pytest.mark.parametrize("opening", [40, 90, 120, 150])
def test_a_groove_gets_the_light_that_geometry_gives_it(opening):
    """At the bottom sin(opening / 2); on infinite walls, whatever their tilt, (1 - cos(opening)) / 2."""
    computed = occlusion(groove(opening), Wrap(y=True), 250)[20]
    assert computed[300] == pytest.approx(math.sin(math.radians(opening / 2)), abs=0.02)
    np.testing.assert_allclose(computed[[293, 307]], (1 - math.cos(math.radians(opening))) / 2, atol=0.03)
    assert computed[0] == computed[-1] == 1


def test_a_wall_takes_half_of_the_light_at_its_foot_and_nothing_beyond_the_reach():
    """A long wall seen at an elevation e leaves (1 + cos(e)) / 2."""
    cliff = np.zeros((41, 200), np.float32)
    cliff[:, 100:] = 20
    computed = occlusion(cliff, Wrap(y=True), 60)[20]
    for distance in (2, 5, 10, 20):
        expected = (1 + math.cos(math.atan2(20, distance))) / 2
        assert computed[100 - distance] == pytest.approx(expected, abs=0.06)
    assert (np.diff(computed[:99]) <= 1e-6).all()
    np.testing.assert_array_equal(computed[:39], 1)
    np.testing.assert_array_equal(computed[102:], 1)


def test_a_round_pit_has_the_light_of_its_opening():
    """Seen from the middle of the floor the sky is a disc: 1 - sin^2 of the elevation of the rim."""
    y, x = np.mgrid[:101, :101] - 50
    for depth in (5, 10, 20, 40):
        pit = np.where(np.hypot(x, y) < 10, -depth, 0).astype(np.float32)
        computed = occlusion(pit, Wrap(), 40)
        assert computed[50, 50] == pytest.approx(10 ** 2 / (10 ** 2 + depth ** 2), abs=0.08)
        assert computed[50, 50] < computed[50, 75]
        assert computed[50, 42] < computed[50, 50]


def marched(height, radius, directions=32):
    """The same by small steps along many rays, between the pixels too; borders repeat."""
    size = len(height)
    y, x = np.mgrid[:size, :size]
    gx, gy = gradient(height, BOTH)
    lost = np.zeros(height.shape)
    for angle in np.arange(directions) * 2 * math.pi / directions:
        slope = gx * math.cos(angle) + gy * math.sin(angle)
        horizon = slope.astype(np.float64)
        for distance in np.arange(1, radius, 0.5):
            down, right = distance * math.sin(angle), distance * math.cos(angle)
            top, left = math.floor(down), math.floor(right)
            v, u = down - top, right - left
            shifted = sum(weight * height[(y + top + i) % size, (x + left + j) % size] for i, j, weight in (
                (0, 0, (1 - v) * (1 - u)), (0, 1, (1 - v) * u), (1, 0, v * (1 - u)), (1, 1, v * u)))
            horizon = np.maximum(horizon, (shifted - height) / distance)
        for t, sign in ((horizon, 1), (slope, -1)):
            lost += sign * ((t - slope) * t / (1 + t * t) - slope * np.arctan(t))
    return 1 - lost / directions / np.sqrt(1 + gx ** 2 + gy ** 2)


@pytest.mark.parametrize("deviation, steepness, tolerance", [(2, 0.4, 0.01), (4, 0.4, 0.01), (3, 1, 0.02), (8, 1, 0.02)])
def test_few_rays_and_far_means_are_close_to_many_rays_and_small_steps(deviation, steepness, tolerance):
    height = steepness * hills(96, deviation)
    difference = occlusion(height, BOTH, 40) - marched(height, 40)
    assert np.abs(difference).mean() < tolerance


@given(sides, sides, st.integers(0, 39), st.integers(0, 39), reaches, seeds)
@settings(max_examples=40)
def test_where_it_repeats_the_border_is_nowhere(rows, columns, down, right, radius, seed):
    height = noise(rows, columns, seed)
    rolled = occlusion(np.roll(height, (down, right), (0, 1)), BOTH, radius)
    np.testing.assert_array_equal(rolled, np.roll(occlusion(height, BOTH, radius), (down, right), (0, 1)))


@given(st.integers(2, 40), st.integers(2, 40), WRAPS, reaches, seeds)
@settings(max_examples=40)
def test_a_mirror_or_a_turn_of_the_heights_is_one_of_the_map(rows, columns, wrap, radius, seed):
    height = noise(rows, columns, seed)
    computed = occlusion(height, wrap, radius)
    np.testing.assert_allclose(occlusion(height[:, ::-1], wrap, radius), computed[:, ::-1], atol=1e-4)
    np.testing.assert_allclose(occlusion(np.rot90(height), Wrap(wrap.y, wrap.x), radius), np.rot90(computed), atol=1e-4)


@given(WRAPS, st.floats(1, 4), st.floats(1, 10), st.floats(1, 60), seeds)
@settings(max_examples=40)
def test_higher_hills_and_a_longer_reach_never_brighten(wrap, deviation, scale, radius, seed):
    height = hills(40, deviation, seed)
    computed = occlusion(height, wrap, radius)
    assert occlusion(height * np.float32(scale), wrap, radius).mean() <= computed.mean() + 1e-4
    assert (occlusion(height, wrap, radius / 2) >= computed - 1e-5).all()


@given(sides, sides, WRAPS, reaches, st.floats(-1e6, 1e6), seeds)
@settings(max_examples=40)
def test_light_is_a_share_whatever_the_heights(rows, columns, wrap, radius, scale, seed):
    computed = occlusion(noise(rows, columns, seed) * np.float32(scale), wrap, radius)
    assert np.isfinite(computed).all() and computed.min() >= 0 and computed.max() <= 1


def test_a_border_that_repeats_is_shaded_from_the_other_side_and_an_open_one_is_not():
    height = np.zeros((20, 40), np.float32)
    height[:, 37:] = 30
    open_, wrapped = (occlusion(height, wrap, 10)[10] for wrap in (Wrap(y=True), BOTH))
    assert open_[0] == open_[5] == 1
    assert wrapped[1] < 0.6
    assert open_[35] == wrapped[35] < 0.6


def test_strips_leave_no_seam():
    height = np.tile(hills(64, 3), (16, 20))
    computed = occlusion(height, BOTH, 30)
    np.testing.assert_array_equal(computed, np.tile(occlusion(height[:64, :64], BOTH, 30), (16, 20)))
