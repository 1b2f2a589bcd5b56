"""Depths upsampled along the edges of their picture, compared with true depths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_midas_normal.core.colour import luma
from blender_midas_normal.core.edges import upsample_along_edges
from blender_midas_normal.core.filters import blur, resize, upsampled_strips
from blender_midas_normal.core.gradients import gradient
from blender_midas_normal.core.picture import Wrap

SIDE, FACTOR = 512, 4
BOTH = Wrap(True, True)


def scene(texture=0.0, blurred=2.0):
    """(picture's luma, true depth, the depth that a network gives): curved edges between plateaus that slope a little."""
    v, u = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
    near = np.abs(u - 0.5 + 0.05 * np.sin(2 * np.pi * v)) < 0.2
    depth = (0.1 * np.sin(2 * np.pi * u) + 0.5 * near).astype(np.float32)
    grain = blur(np.random.default_rng(0).standard_normal((SIDE, SIDE)).astype(np.float32), 1, 1, BOTH)
    picture = (0.3 + 0.4 * near + texture * grain / grain.std()).astype(np.float32)
    return picture, depth, upsample(depth, blurred, BOTH)


def upsample(depth, blurred, wrap):
    rows, columns = depth.shape
    return blur(resize(depth, columns // FACTOR, rows // FACTOR, wrap), blurred, blurred, wrap)


def slopes(depth, wrap=BOTH):
    return np.stack(gradient(depth, wrap))


def enlarged(small, wrap=BOTH):
    return resize(small, SIDE, SIDE, wrap)


def test_an_edge_is_as_narrow_as_the_pictures():
    picture, depth, small = scene()
    is_flat = np.abs(np.diff(depth, axis=1)) < 0.3
    edges = np.argsort(is_flat, axis=1, kind="stable")[:, :2]
    distance = np.abs(np.arange(SIDE - 1)[None, :, None] - edges[:, None]).min(axis=2)
    across = [np.abs(np.diff(field, axis=1)) for field in (upsample_along_edges(small, picture, BOTH), enlarged(small))]
    close, near, far = distance <= 2, (distance > 2) & (distance < 60), distance >= 60
    share = [steep[close].sum() / steep[~far].sum() for steep in across]
    assert share[0] > 0.7 and share[1] < 0.35
    assert across[0][near].mean() < 0.5 * across[1][near].mean()
    np.testing.assert_allclose(across[0][far], across[1][far], atol=1e-5)


@pytest.mark.parametrize(("texture", "blurred", "most"), [
    (0.0, 1.5, 0.35), (0.0, 3.0, 0.45), (0.05, 1.5, 0.85), (0.05, 3.0, 0.95)])
def test_slopes_are_nearer_to_the_true_ones_than_those_of_splines(texture, blurred, most):
    picture, depth, small = scene(texture, blurred)
    errors = [np.abs(slopes(field) - slopes(depth)).mean()
              for field in (upsample_along_edges(small, picture, BOTH), enlarged(small))]
    assert errors[0] < most * errors[1]


def test_a_photograph_with_measured_depth_loses_nothing():
    """Its edges have shadows and texture on both sides; a plain guided filter makes these slopes 30 percent worse."""
    data = pytest.importorskip("skimage.data")
    ndimage = pytest.importorskip("scipy.ndimage")
    left, _, disparity = data.stereo_motorcycle()
    nearest = ndimage.distance_transform_edt(~np.isfinite(disparity), return_distances=False, return_indices=True)
    depth = ndimage.median_filter(disparity[tuple(nearest)], 5).astype(np.float32)
    depth = (depth - depth.min()) / np.ptp(depth)
    small = upsample(depth, 1.0, Wrap())
    along = upsample_along_edges(small, luma(left.astype(np.float32) / 255), Wrap())
    plain = resize(small, depth.shape[1], depth.shape[0], Wrap())
    errors = [np.abs(slopes(field, Wrap()) - slopes(depth, Wrap())).mean() for field in (along, plain)]
    assert errors[0] < 1.01 * errors[1] and np.abs(along - plain).max() > 0.01


def test_texture_without_an_edge_in_the_depth_adds_no_relief():
    picture, _, _ = scene(texture=0.2)
    v, u = (np.mgrid[:SIDE // FACTOR, :SIDE // FACTOR] + 0.5) / (SIDE // FACTOR)
    ramp = (0.4 * np.sin(2 * np.pi * u) + 0.3 * np.cos(2 * np.pi * v)).astype(np.float32)
    added = slopes(upsample_along_edges(ramp, picture, BOTH)) - slopes(enlarged(ramp))
    assert np.abs(added).mean() < 0.02 * np.abs(slopes(enlarged(ramp))).mean()


@given(st.floats(-1, 2, width=32))
@settings(max_examples=10)
def test_flat_stays_flat(level):
    flat = np.full((40, 50), level, np.float32)
    picture = np.random.default_rng(1).random((80, 150), np.float32)
    np.testing.assert_allclose(upsample_along_edges(flat, picture, Wrap()), level, atol=1e-5)


def test_a_depth_as_large_as_the_picture_is_kept():
    depth = np.random.default_rng(2).random((30, 40), np.float32)
    assert upsample_along_edges(depth, depth, Wrap()) is depth


@given(st.integers(0, 31), st.integers(0, 31))
@settings(max_examples=10)
def test_what_repeats_does_not_know_where_the_border_is(down, across):
    depth, picture = (np.random.default_rng(3).random((side, side), np.float32) for side in (32, 96))
    picture += np.mgrid[:96, :96][0] // 48
    def rolled(field, by):
        return np.roll(field, (by * down, by * across), (0, 1))

    np.testing.assert_allclose(rolled(upsample_along_edges(depth, picture, BOTH), 3),
                               upsample_along_edges(rolled(depth, 1), rolled(picture, 3), BOTH), atol=1e-4)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 300), st.integers(0, 300), st.booleans())
@settings(max_examples=30)
def test_strips_are_what_resize_gives(rows, columns, more_rows, more_columns, repeats):
    field = np.random.default_rng(4).random((rows, columns, 3), np.float32)
    wrap, size = Wrap(repeats, not repeats), (columns + more_columns, rows + more_rows)
    out = np.empty((size[1], size[0], 3), np.float32)
    for part, strip in upsampled_strips(field, *size, wrap):
        out[part] = np.moveaxis(strip, 0, 2)
    np.testing.assert_allclose(out, resize(field, *size, wrap), atol=1e-4)
