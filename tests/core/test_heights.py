"""Normalised depth, the Poisson solve from slopes to heights, and heights encoded for displacement."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_midas_normal.core.gradients import exact_gradient, gradient
from blender_midas_normal.core.heights import (
    MIDLEVEL,
    encode_height,
    fill_non_finite,
    height_map,
    integrate_slopes,
    normalise_depth,
    rescale_height,
)
from blender_midas_normal.core.picture import Wrap

WRAPS = [Wrap(), Wrap(x=True), Wrap(y=True), Wrap(True, True)]
BOTH = Wrap(True, True)
seeds = st.integers(0, 2**32 - 1)


def relief(seed=0):
    y, x = np.mgrid[:40, :60].astype(np.float32)
    return (np.sin(x / 7) + np.cos(y / 5) + np.random.default_rng(seed).random((40, 60)) / 9).astype(np.float32)


@settings(deadline=None)
@given(st.floats(0.01, 1e4), st.floats(-1e3, 1e3))
def test_units_do_not_matter(scale, shift):
    depth = relief()
    moved = (depth.astype(np.float64) * scale + shift * scale).astype(np.float32)
    (height, size), (moved_height, moved_size) = normalise_depth(depth), normalise_depth(moved)
    np.testing.assert_allclose(moved_height, height, atol=2e-3)
    np.testing.assert_allclose(moved_size, size * scale, rtol=2e-3)


def test_the_percentiles_become_0_and_1_and_nothing_is_clipped():
    height, size = normalise_depth(relief())
    np.testing.assert_allclose(size, np.diff(np.percentile(relief(), (1, 99)))[0], rtol=1e-5)
    assert height.dtype == np.float32
    np.testing.assert_allclose(np.percentile(height, (1, 99)), (0, 1), atol=1e-5)
    assert height.min() < 0 and height.max() > 1


@pytest.mark.parametrize("value", [0.0, 7.5, 1e6, -3.0])
def test_constant_depth_is_flat_without_warnings(value):
    noise = np.random.default_rng(0).uniform(-1e-7, 1e-7, (9, 9)) * abs(value)
    for depth in (np.full((9, 9), value, np.float32), (value + noise).astype(np.float32)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            height, size = normalise_depth(depth)
        np.testing.assert_array_equal(height, 0)
        assert size == 0


def test_relief_on_less_than_a_hundredth_of_the_pixels_is_still_relief():
    depth = np.zeros((40, 40), np.float32)
    depth[20, 20] = 5
    height, size = normalise_depth(depth)
    assert height[20, 20] == 1 and height.sum() == 1 and size == 5


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_holes_take_the_middle_of_the_rest(hole):
    depth = relief()
    depth[3:6, 4:9] = hole
    assert np.isfinite(normalise_depth(depth)[0]).all()
    finite = depth[np.isfinite(depth)]
    np.testing.assert_allclose(fill_non_finite(depth)[3:6, 4:9], np.median(finite))
    np.testing.assert_array_equal(fill_non_finite(depth)[10:], depth[10:])


def test_nothing_but_holes_is_flat():
    np.testing.assert_array_equal(normalise_depth(np.full((4, 5), np.nan, np.float32))[0], 0)


def central_differences(height, wrap):
    """2 x H x W central_differences differences; a border that does not repeat is mirrored."""
    def along(axis, repeats):
        padded = np.pad(height, [(1, 1) if i == axis else (0, 0) for i in (0, 1)], mode="wrap" if repeats else "symmetric")
        return (np.roll(padded, -1, axis) - np.roll(padded, 1, axis)).take(range(1, padded.shape[axis] - 1), axis) / 2

    return np.stack([along(1, wrap.x), along(0, wrap.y)]).astype(np.float32)


def hills(rows, columns, wrap):
    """Waves that fit: whole periods where the direction repeats, half periods where it is mirrored."""
    y, x = (np.arange(rows)[:, None] + 0.5) / rows, (np.arange(columns)[None, :] + 0.5) / columns
    a = (2 if wrap.x else 1) * np.pi
    b = (2 if wrap.y else 1) * np.pi
    height = np.cos(3 * a * x) * np.cos(2 * b * y) + 2 * np.cos(a * x) + 3 * np.cos(5 * b * y)
    if wrap.x:
        height = height + np.sin(2 * a * x)
    return (height - height.mean()).astype(np.float32)


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("size", [(64, 64), (63, 50), (17, 90)])
def test_heights_come_back_from_their_slopes(wrap, size):
    height = hills(*size, wrap)
    solved = integrate_slopes(*central_differences(height, wrap), wrap)
    assert solved.dtype == np.float32 and solved.shape == size
    assert np.abs(solved - height).max() < 1e-4


def solve_by_definition(gx, gy, wrap):
    """The same in double precision from a field that is mirrored as a whole, and so repeats."""
    rows, columns = gx.shape
    gx, gy = gx.astype(np.float64), gy.astype(np.float64)
    if not wrap.x:
        gx, gy = np.concatenate([gx, -gx[:, ::-1]], axis=1), np.concatenate([gy, gy[:, ::-1]], axis=1)
    if not wrap.y:
        gx, gy = np.concatenate([gx, gx[::-1]]), np.concatenate([gy, -gy[::-1]])
    across, down = (1j * np.sin(2 * np.pi * np.fft.fftfreq(length)) for length in gx.shape[::-1])
    power = np.abs(across) ** 2 + np.abs(down[:, None]) ** 2
    waves = np.conj(across) * np.fft.fft2(gx) + np.conj(down[:, None]) * np.fft.fft2(gy)
    solved = np.divide(waves, power, out=np.zeros_like(waves), where=power > 1e-9)
    return np.fft.ifft2(solved).real[:rows, :columns]


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (6, 1), (2, 2), (31, 44), (300, 257), (90, 2000)])
def test_heights_are_those_of_the_definition(wrap, size):
    slopes = np.random.default_rng(1).standard_normal((2, *size)).astype(np.float32)
    expected = solve_by_definition(*slopes, wrap)
    assert np.abs(integrate_slopes(*slopes, wrap) - expected).max() <= 5e-6 * np.ptp(expected)


@pytest.mark.parametrize("wrap", WRAPS)
def test_random_slopes_give_finite_heights_of_mean_zero(wrap):
    slopes = np.random.default_rng(0).standard_normal((2, 40, 33)).astype(np.float32)
    solved = integrate_slopes(*slopes, wrap)
    assert np.isfinite(solved).all() and abs(float(solved.mean())) < (1e-4 if wrap == Wrap(True, True) else 1.0)


def test_a_ramp_is_a_ramp_where_nothing_repeats_and_flat_where_it_does():
    slopes = np.zeros((2, 32, 48), np.float32)
    slopes[0] = 0.5
    ramp = integrate_slopes(*slopes, Wrap())
    assert np.abs(np.diff(ramp, axis=1)[:, 4:-4].mean() - 0.5) < 0.05
    assert np.abs(integrate_slopes(*slopes, Wrap(True, True))).max() < 1e-6


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 2), (3, 1)])
def test_the_smallest_fields(size):
    assert np.isfinite(integrate_slopes(*np.ones((2, *size), np.float32), Wrap())).all()


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


def round_trip_error(height, wrap):
    """The largest error of heights -> slopes -> heights, as a share of their range."""
    decoded = height_map(*gradient(height, wrap), wrap)
    assert decoded.dtype == np.float32 and decoded.shape == height.shape
    assert abs(decoded.mean(dtype=np.float64)) < 1e-5 * np.ptp(height)
    return np.abs(decoded - (height - height.mean())).max() / np.ptp(height)


@pytest.mark.parametrize("size", [64, 128, 255])
def test_heights_that_repeat_come_back_with_an_error_that_falls_with_the_square_of_the_size(size):
    assert round_trip_error(waves(size), BOTH) < 0.0025 * (64 / size) ** 2


@pytest.mark.parametrize("field, wrap", [(waves, Wrap()), (waves, Wrap(x=True)), (waves, Wrap(y=True)), (bump, Wrap())])
@pytest.mark.parametrize("size", [64, 128, 255])
def test_at_open_borders_the_error_falls_with_the_size(size, field, wrap):
    assert round_trip_error(field(size), wrap) < 0.025 * 64 / size


@pytest.mark.parametrize("period", [3, 4, 8, 40])
def test_exact_slopes_of_heights_that_repeat_come_back_from_waves_of_any_length(period):
    v, u = 2 * np.pi * np.mgrid[:120, :120] / period
    slopes = exact_gradient((np.sin(u + 0.3) + np.sin(v) + np.sin(u + v)).astype(np.float32), BOTH)
    for slope, again in zip(slopes, exact_gradient(height_map(*slopes, BOTH, are_exact=True), BOTH), strict=True):
        np.testing.assert_allclose(again, slope, atol=0.005 * np.abs(slope).max())


@pytest.mark.parametrize("wrap", [Wrap(), Wrap(x=True)])
def test_exact_slopes_have_no_stairs_at_open_borders_either(wrap):
    heights = height_map(np.zeros((64, 48), np.float32), np.ones((64, 48), np.float32), wrap, are_exact=True)
    np.testing.assert_allclose(np.diff(heights, axis=0), 1, atol=0.3)


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
    encoded = np.rint(values * 65535) / 65535
    restored = (encoded - 0.5) * scale * min(rows, columns)
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
