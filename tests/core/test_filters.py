"""Gradients, blurs, resizing and a-trous smoothing, at periodic and open borders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_midas_normal.core.filters import (
    a_trous_smooth,
    blur,
    blur_around_plane,
    pad_field,
    pad_strip,
    resize,
    resize_mask,
)
from blender_midas_normal.core.gradients import gradient, node_gradient
from blender_midas_normal.core.picture import Wrap

BOTH = Wrap(True, True)
sides = st.integers(1, 40)
WRAPS = [Wrap(), Wrap(x=True), Wrap(y=True), BOTH]
deviations = st.floats(0.3, 40)
shifts = st.integers(0, 40)


def noise(height, width, seed=0):
    return np.random.default_rng(seed).random((height, width), np.float32)


@given(sides, sides, st.floats(-3, 3), st.floats(-3, 3))
def test_a_plane_has_one_gradient_everywhere(height, width, p, q):
    y, x = np.mgrid[:height, :width].astype(np.float32)
    gx, gy = gradient((p * x + q * y).astype(np.float32), Wrap())
    np.testing.assert_allclose(gx, p if width > 1 else 0, atol=2e-4)
    np.testing.assert_allclose(gy, q if height > 1 else 0, atol=2e-4)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 29), st.integers(0, 29))
def test_filters_with_wrapped_borders_do_not_know_where_the_border_is(height, width, dy, dx):
    field = noise(height, width)
    rolled = np.roll(field, (dy, dx), (0, 1))
    for function in (lambda f: gradient(f, BOTH)[0], lambda f: gradient(f, BOTH)[1], lambda f: blur(f, 1.3, 2.1, BOTH)):
        np.testing.assert_allclose(np.roll(function(field), (dy, dx), (0, 1)), function(rolled), atol=1e-5)


def test_gradient_agrees_with_opencv_inside():
    cv2 = pytest.importorskip("cv2")
    field = noise(30, 40)
    for mine, axis in zip(gradient(field, Wrap()), ((1, 0), (0, 1)), strict=True):
        theirs = cv2.Sobel(field, cv2.CV_32F, *axis, ksize=3) / 8
        np.testing.assert_allclose(mine[1:-1, 1:-1], theirs[1:-1, 1:-1], atol=1e-6)


@pytest.mark.parametrize("size", [(30, 40), (1, 7), (2, 1), (2, 2)])
def test_the_nodes_gradient_is_opencvs_sobel_to_the_border(size):
    cv2 = pytest.importorskip("cv2")
    field = noise(*size)
    for mine, axis in zip(node_gradient(field, Wrap()), ((1, 0), (0, 1)), strict=True):
        np.testing.assert_allclose(mine, cv2.Sobel(field, cv2.CV_32F, *axis, ksize=3), atol=1e-5)


def test_blur_agrees_with_opencv():
    cv2 = pytest.importorskip("cv2")
    field = noise(60, 50)
    theirs = cv2.GaussianBlur(field, (0, 0), 2.0, borderType=cv2.BORDER_REFLECT)
    np.testing.assert_allclose(blur(field, 2.0, 2.0, Wrap()), theirs, atol=2e-3)


@given(sides, sides, st.floats(0.1, 20), st.booleans())
def test_blur_keeps_a_constant_and_the_range(height, width, sigma, wrap):
    wrapped = Wrap(wrap, wrap)
    np.testing.assert_allclose(blur(np.full((height, width), 0.3, np.float32), sigma, sigma, wrapped), 0.3, atol=1e-5)
    field = noise(height, width)
    blurred = blur(field, sigma, sigma, wrapped)
    assert blurred.min() >= field.min() - 1e-5 and blurred.max() <= field.max() + 1e-5


@given(sides, sides, sides, sides)
@settings(max_examples=50)
def test_resize_gives_the_size_asked_for_and_keeps_a_constant(height, width, new_height, new_width):
    out = resize(np.full((height, width), 0.7, np.float32), new_width, new_height, Wrap())
    assert out.shape == (new_height, new_width)
    np.testing.assert_allclose(out, 0.7, atol=1e-5)


@given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 60), st.integers(1, 60))
@settings(max_examples=50)
def test_resize_keeps_a_plane_up_to_the_border(height, width, new_height, new_width):
    def plane(rows, columns):
        v, u = (np.mgrid[:rows, :columns] + 0.5) / np.array([rows, columns])[:, None, None]
        return (0.3 * u - 0.2 * v).astype(np.float32)
    np.testing.assert_allclose(resize(plane(height, width), new_width, new_height, Wrap()), plane(new_height, new_width),
                               atol=1e-4 if new_height >= height and new_width >= width
                               else 0.06 / min(new_height, new_width))


def test_resize_of_a_periodic_field_is_periodic():
    v, u = (np.mgrid[:64, :64] + 0.5) / 64
    field = np.sin(2 * np.pi * (2 * u + 3 * v)).astype(np.float32)
    big = resize(field, 200, 150, BOTH)
    v, u = (np.mgrid[:150, :200] + 0.5) / np.array([150, 200])[:, None, None]
    np.testing.assert_allclose(big, np.sin(2 * np.pi * (2 * u + 3 * v)), atol=2e-3)


@given(st.integers(50, 200), st.floats(8.5, 60), st.booleans())
@settings(max_examples=30)
def test_a_wide_blur_is_the_gaussian_it_stands_for(size, sigma, wrap):
    field = noise(size, size)
    distance = np.arange(-np.ceil(5 * sigma), np.ceil(5 * sigma) + 1)
    kernel = np.exp(-0.5 * (distance / sigma) ** 2)
    padded = np.pad(field, len(kernel) // 2, mode="wrap" if wrap else "symmetric")
    for _ in range(2):
        padded = np.apply_along_axis(np.convolve, 0, padded, kernel / kernel.sum(), "valid").T
    assert np.abs(blur(field, sigma, sigma, Wrap(wrap, wrap)) - padded).max() < (0.001 if wrap else 0.01)


@given(st.integers(8, 60), st.integers(8, 60), st.floats(-2, 2), st.floats(-2, 2), st.floats(1, 40))
def test_a_plane_is_a_large_shape(height, width, p, q, sigma):
    y, x = np.mgrid[:height, :width].astype(np.float32)
    plane = (p * x + q * y).astype(np.float32)
    left = plane - blur_around_plane(plane, sigma, sigma, Wrap())
    assert np.ptp(left) < 2e-3 * max(1, np.ptp(plane))


@given(sides, sides, sides, sides, st.booleans())
def test_shares_at_another_size_are_nowhere_more_or_less(height, width, new_height, new_width, repeats):
    field = noise(height, width)
    out = resize_mask(field, new_width, new_height, Wrap(repeats, repeats))
    assert out.shape == (new_height, new_width)
    assert field.min() - 1e-6 <= out.min() <= out.max() <= field.max() + 1e-6


@pytest.mark.parametrize("side", [30, 90, 300])
def test_shares_stay_where_they_are_on_the_picture(side):
    v, u = (np.mgrid[:side, :side] + 0.5) / side
    def wave(u, v):
        return (0.5 + 0.5 * np.sin(2 * np.pi * u) * np.cos(2 * np.pi * v)).astype(np.float32)
    y, x = (np.mgrid[:90, :90] + 0.5) / 90
    np.testing.assert_allclose(resize_mask(wave(x, y), side, side, BOTH), wave(u, v), atol=0.01)


def plane(rows, columns, first=0):
    y, x = np.mgrid[first:rows - first, first:columns - first].astype(np.float32)
    return 0.5 * x - 0.25 * y


@given(st.integers(2, 30), st.integers(2, 30), deviations)
def test_a_trous_smoothing_keeps_a_plane(rows, columns, deviation):
    margin = int(deviation)
    np.testing.assert_allclose(pad_field(plane(rows, columns), margin, Wrap()), plane(rows, columns, -margin), atol=1e-4)
    np.testing.assert_allclose(a_trous_smooth(plane(rows, columns), deviation, Wrap()), plane(rows, columns), atol=1e-3)


@given(sides, sides, deviations, st.sampled_from(WRAPS), st.floats(-100, 100, width=32, allow_subnormal=False))
def test_a_trous_smoothing_keeps_a_constant(rows, columns, deviation, wrap, level):
    np.testing.assert_allclose(a_trous_smooth(
        np.full((rows, columns), level, np.float32), deviation, wrap), level, rtol=1e-5)


@given(sides, sides, shifts, shifts, deviations)
def test_a_trous_smoothing_with_wrapped_borders_does_not_know_where_the_border_is(rows, columns, down, right, deviation):
    field = noise(rows, columns)
    rolled = a_trous_smooth(np.roll(field, (down, right), (0, 1)), deviation, BOTH)
    np.testing.assert_array_equal(rolled, np.roll(a_trous_smooth(field, deviation, BOTH), (down, right), (0, 1)))


@pytest.mark.parametrize("field, wrap", [(0, Wrap(y=True)), (1, Wrap(x=True))])
def test_only_a_direction_that_repeats_is_padded_with_the_opposite_side(field, wrap):
    values = np.broadcast_to(np.arange(5, dtype=np.float32), (5, 5))
    values = values if field else values.T
    wrapped, open_ = pad_field(values, 1, wrap), pad_field(values, 1, Wrap())
    np.testing.assert_array_equal(np.sort(np.unique(wrapped)), np.arange(5))
    np.testing.assert_array_equal(np.sort(np.unique(open_)), np.arange(-1, 6))


@pytest.mark.parametrize("deviation", [0.4, 1, 1.7, 5])
def test_a_trous_smoothing_spreads_a_point_by_the_deviation(deviation):
    point = np.zeros((41, 41), np.float32)
    point[20, 20] = 1
    spread = a_trous_smooth(point, deviation, Wrap())
    y, x = np.mgrid[-20:21, -20:21]
    assert spread.min() >= 0 and spread.sum() == pytest.approx(1)
    assert (spread * x ** 2).sum() == pytest.approx(deviation ** 2, rel=1e-5)
    assert (spread * y ** 2).sum() == pytest.approx(deviation ** 2, rel=1e-5)


@given(sides, sides, st.integers(0, 39), st.integers(1, 40), st.integers(1, 3), st.sampled_from(WRAPS))
def test_a_padded_strip_is_that_of_the_padded_field(height, width, start, length, margin, wrap):
    start = min(start, height - 1)
    rows = slice(start, min(height, start + length))
    whole = pad_field(noise(height, width), margin, wrap)[rows.start:rows.stop + 2 * margin]
    np.testing.assert_allclose(pad_strip(noise(height, width), rows, margin, wrap), whole, atol=1e-5)
