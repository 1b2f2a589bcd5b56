import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.core.filters import gradient
from blender_midas_normal.core.heights import MIDLEVEL, encode_height, height_map, rescale_height
from blender_midas_normal.core.picture import Wrap

BOTH = Wrap(True, True)
seeds = st.integers(0, 2**32 - 1)


def noise(rows, columns, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


def waves(size):
    """The same hills at any size, periodic in both directions, in pixels."""
    v, u = 2 * np.pi * (np.mgrid[:size, :size] + 0.5) / size
    return (size / 16 * (np.sin(2 * u + v) + np.cos(2 * v - u + 1))).astype(np.float32)


def bump(size):
    """The same bump on a bent slope at any size, periodic in no direction, in pixels."""
    v, u = (np.mgrid[:size, :size] + 0.5) / size
    height = 20 * np.exp(-20 * ((u - 0.4) ** 2 + (v - 0.55) ** 2)) + 3 * u - 6 * v ** 2 + 4 * u * v
    return (size / 64 * height).astype(np.float32)


def lost(height, wrap):
    """The largest error of heights -> slopes -> heights, as a share of their range."""
    found = height_map(*gradient(height, wrap), wrap)
    assert found.dtype == np.float32 and found.shape == height.shape
    assert abs(found.mean(dtype=np.float64)) < 1e-5 * np.ptp(height)
    return np.abs(found - (height - height.mean())).max() / np.ptp(height)


@pytest.mark.parametrize("size", [64, 128, 255])
def test_heights_that_repeat_come_back_with_an_error_that_falls_with_the_square_of_the_size(size):
    assert lost(waves(size), BOTH) < 0.0025 * (64 / size) ** 2


@pytest.mark.parametrize("field, wrap", [(waves, Wrap()), (waves, Wrap(x=True)), (waves, Wrap(y=True)), (bump, Wrap())])
@pytest.mark.parametrize("size", [64, 128, 255])
def test_at_open_borders_the_error_falls_with_the_size(size, field, wrap):
    assert lost(field(size), wrap) < 0.025 * 64 / size


@pytest.mark.parametrize("wrap, axis", [(Wrap(), 0), (Wrap(), 1), (Wrap(x=True), 0), (Wrap(y=True), 1)])
def test_a_slope_of_one_rises_a_pixel_in_a_pixel_without_stairs(wrap, axis):
    """Downwards and to the right, also beside a direction that repeats."""
    slopes = [np.zeros((64, 48), np.float32), np.zeros((64, 48), np.float32)]
    slopes[1 - axis][:] = 1
    steps = np.diff(height_map(*slopes, wrap), axis=axis)
    np.testing.assert_allclose(np.moveaxis(steps, axis, 0)[2:-2], 1, atol=1e-3)
    np.testing.assert_allclose(steps, 1, atol=0.3)


@given(st.sampled_from([Wrap(), Wrap(x=True), Wrap(y=True), BOTH]), st.integers(0, 20), st.integers(0, 20), seeds)
def test_heights_that_repeat_do_not_know_where_the_border_is(wrap, right, down, seed):
    shift = (down if wrap.y else 0, right if wrap.x else 0)
    gx, gy = noise(20, 21, seed), noise(20, 21, seed + 1)
    rolled = height_map(np.roll(gx, shift, (0, 1)), np.roll(gy, shift, (0, 1)), wrap)
    np.testing.assert_allclose(rolled, np.roll(height_map(gx, gy, wrap), shift, (0, 1)), atol=1e-4)


@given(st.integers(1, 30), st.integers(1, 30), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3), seeds)
def test_heights_survive_as_16_bits(rows, columns, size, level, seed):
    height = noise(rows, columns, seed) * np.float32(size) + np.float32(level)
    values, scale = encode_height(height)
    assert values.dtype == np.float32 and values.min() >= 0 and values.max() <= 1
    held = np.rint(values * 65535) / 65535
    restored = (held - 0.5) * scale * min(rows, columns)
    rounding = 4e-7 * (abs(level) + 4 * size)
    np.testing.assert_allclose(restored, height - height.mean(dtype=np.float64), rtol=0,
                               atol=0.51 / 65535 * scale * min(rows, columns) + rounding)


def test_the_mean_is_in_the_middle_and_the_farthest_pixel_at_an_end():
    height = np.zeros((10, 20), np.float32)
    height[3, 4] = 100
    values, scale = encode_height(height)
    assert values[3, 4] == 1 and values.mean() == pytest.approx(0.5)
    assert scale == pytest.approx(2 * 99.5 / 10)


def test_the_scale_does_not_depend_on_the_size():
    assert encode_height(waves(64))[1] == pytest.approx(encode_height(waves(256))[1], rel=0.01)


@given(st.integers(1, 9), st.integers(1, 9), st.floats(-1e6, 1e6, width=32))
def test_a_constant_height_is_the_middle_and_has_no_scale(rows, columns, level):
    values, scale = encode_height(np.full((rows, columns), level, np.float32))
    assert scale == 0 and (values == 0.5).all()


def test_the_heights_given_stay_as_they_are():
    height = waves(32)
    before = height.copy()
    encode_height(height)
    np.testing.assert_array_equal(height, before)


def test_the_same_heights_at_another_scale():
    values = np.array([[0.0, 0.25], [0.5, 1.0]], np.float32)
    np.testing.assert_allclose((rescale_height(values, 0.2, 0.8) - MIDLEVEL) * 0.8, (values - MIDLEVEL) * 0.2, atol=1e-7)
