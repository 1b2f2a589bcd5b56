"""Depth in any units becomes the same heights."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_midas_normal.core.heights import fill_non_finite, normalise_depth


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
