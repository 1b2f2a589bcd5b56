"""The sRGB curve, luma, and transparent parts filled from their surroundings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.core.colour import inpaint_transparent, linear_to_srgb, luma


def test_srgb_at_known_points():
    linear = np.array([-1, 0, 0.0031308, 0.21404114, 1, 20], np.float32)
    np.testing.assert_allclose(linear_to_srgb(linear), [0, 0, 0.04045, 0.5, 1, 1], atol=1e-4)


def test_luma_weights_sum_to_one():
    assert luma(np.ones((1, 1, 3), np.float32))[0, 0] == pytest.approx(1)


def test_inpainted_parts_have_no_edges():
    """A hole in a picture that grows brighter evenly: an engine would see each step as relief."""
    down, across = np.mgrid[:256, :256]
    rgb = np.repeat((across / 255)[..., None], 3, axis=2).astype(np.float32)
    alpha = (np.hypot(down - 128, across - 128) > 50).astype(np.float32)
    out = inpaint_transparent(rgb, alpha)
    assert max(np.abs(np.diff(out, axis=axis)).max() for axis in (0, 1)) < 0.01


def test_transparent_pixels_take_their_surroundings_colour():
    """CONVENTIONS, section 4: composited on white, a dark leaf would get a bright edge."""
    rgb = np.full((40, 40, 3), 0.2, np.float32)
    alpha = np.ones((40, 40), np.float32)
    rgb[10:30, 10:30] = 1.0
    alpha[10:30, 10:30] = 0.0
    np.testing.assert_allclose(inpaint_transparent(rgb, alpha), 0.2, atol=1e-6)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_inpainting_keeps_opaque_pixels_and_the_range(height, width, seed):
    rng = np.random.default_rng(seed)
    rgb = rng.random((height, width, 3), np.float32)
    alpha = rng.choice(np.array([0, 0.4, 1], np.float32), (height, width))
    out = inpaint_transparent(rgb, alpha)
    np.testing.assert_array_equal(out[alpha == 1], rgb[alpha == 1])
    assert out.min() >= -1e-6 and out.max() <= 1 + 1e-5


def test_a_picture_without_any_opaque_pixel_is_one_colour():
    out = inpaint_transparent(np.random.default_rng(0).random((9, 5, 3), np.float32), np.zeros((9, 5), np.float32))
    assert np.ptp(out) == 0
