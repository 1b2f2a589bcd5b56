"""Curvature maps of surfaces whose curvature is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_midas_normal.core.filters import blur
from blender_midas_normal.core.maps import curvature, mean_curvature
from blender_midas_normal.core.picture import Wrap

BOTH = Wrap(True, True)
WRAPS = st.builds(Wrap, st.booleans(), st.booleans())
sides = st.integers(1, 40)
radii = st.floats(0.3, 6)
seeds = st.integers(0, 2**32 - 1)


def noise(rows, columns, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


def centred(size):
    """(y, x) in pixels from the centre."""
    return np.mgrid[:size, :size].astype(np.float32) - (size - 1) / 2


def ball(size, radius):
    y, x = centred(size)
    return np.sqrt(np.maximum(radius ** 2 - x ** 2 - y ** 2, 0))


def roof(size, steepness):
    """A ridge from top to bottom whose slopes differ by `steepness`."""
    return (-0.5 * steepness * np.abs(centred(size)[1])).astype(np.float32)


@pytest.mark.parametrize("radius", [50, 100, 400])
def test_a_ball_is_curved_by_one_over_its_radius_everywhere(radius):
    """Also where it is steep: the formula holds on slopes."""
    y, x = centred(61)
    computed = mean_curvature(ball(61, radius))
    inside = (np.hypot(y, x) < 0.8 * radius)[1:-1, 1:-1]
    np.testing.assert_allclose(computed[inside], 1 / radius, rtol=0.03)


def test_a_cylinder_is_half_as_curved_as_a_ball_and_a_saddle_not_at_all():
    y, x = centred(31)
    np.testing.assert_allclose(mean_curvature(np.sqrt(100 ** 2 - x ** 2))[15], 1 / 200, rtol=0.01)
    assert abs(mean_curvature(0.01 * x * y)[15, 15]) < 1e-6
    assert abs(mean_curvature(0.01 * (x ** 2 - y ** 2))[14, 14]) < 1e-5


def test_a_saddle_turned_on_a_slope_has_the_curvature_of_the_formula():
    """h = xy has the mean curvature xy / (1 + x^2 + y^2)^1.5, positive where the saddle is convex across its slope."""
    step = 1 / 64
    y, x = centred(129) * step
    computed = mean_curvature(((x * y) / step).astype(np.float32)) / step
    expected = (x * y / (1 + x ** 2 + y ** 2) ** 1.5)[1:-1, 1:-1]
    np.testing.assert_allclose(computed, expected, atol=0.02)


@given(st.integers(2, 40), st.integers(2, 40), st.floats(-2, 2), st.floats(-2, 2), radii)
@settings(max_examples=40)
def test_planes_are_in_the_middle_up_to_their_borders(rows, columns, across, down, radius):
    y, x = np.mgrid[:rows, :columns]
    computed = curvature((across * x + down * y).astype(np.float32), Wrap(), radius)
    assert computed.dtype == np.float32 and computed.shape == (rows, columns)
    np.testing.assert_allclose(computed, 0.5, atol=2e-3)


@pytest.mark.parametrize("steepness", [0.25, 1.0])
@pytest.mark.parametrize("radius", [1, 2, 4])
def test_an_edge_has_the_value_promised_at_every_radius(radius, steepness):
    expected = 0.5 + 0.5 * np.tanh(steepness)
    assert curvature(roof(129, steepness), Wrap(), radius)[64, 64] == pytest.approx(expected, abs=0.03)
    assert curvature(roof(129, -steepness), Wrap(), radius)[64, 64] == pytest.approx(1 - expected, abs=0.03)


def test_details_far_finer_than_the_radius_do_not_count():
    height = 0.2 * noise(128, 128)
    assert curvature(height, BOTH, 0.5).std() > 5 * curvature(height, BOTH, 4).std()


@pytest.mark.parametrize("radius", [1, 1.5, 2])
def test_the_map_does_not_depend_on_the_resolution(radius):
    def hills(size):
        v, u = 2 * np.pi * (np.mgrid[:size, :size] + 0.5) / size
        return (size / 20 * (np.sin(2 * u + v) + np.cos(3 * v - u))).astype(np.float32)
    small, large = curvature(hills(128), BOTH, radius), curvature(hills(256), BOTH, 2 * radius)
    assert np.ptp(small) > 0.3
    np.testing.assert_allclose(large.reshape(128, 2, 128, 2).mean((1, 3)), small, atol=0.02)


@given(sides, sides, WRAPS, radii, seeds)
@settings(max_examples=40)
def test_what_was_convex_is_concave_upside_down(rows, columns, wrap, radius, seed):
    height = noise(rows, columns, seed)
    np.testing.assert_allclose(curvature(-height, wrap, radius), 1 - curvature(height, wrap, radius), atol=1e-6)


@given(sides, sides, st.integers(0, 39), st.integers(0, 39), radii, seeds)
@settings(max_examples=40)
def test_where_it_repeats_the_border_is_nowhere(rows, columns, down, right, radius, seed):
    height = noise(rows, columns, seed)
    rolled = curvature(np.roll(height, (down, right), (0, 1)), BOTH, radius)
    np.testing.assert_array_equal(rolled, np.roll(curvature(height, BOTH, radius), (down, right), (0, 1)))


@given(sides, sides, WRAPS, radii, seeds)
@settings(max_examples=40)
def test_a_mirror_or_a_turn_of_the_heights_is_one_of_the_map(rows, columns, wrap, radius, seed):
    height = noise(rows, columns, seed)
    computed = curvature(height, wrap, radius)
    assert computed.min() >= 0 and computed.max() <= 1
    np.testing.assert_allclose(curvature(height[:, ::-1], wrap, radius), computed[:, ::-1], atol=1e-4)
    np.testing.assert_allclose(curvature(np.rot90(height), Wrap(wrap.y, wrap.x), radius), np.rot90(computed), atol=1e-4)


def test_huge_heights_are_finite():
    assert np.isfinite(curvature(1e6 * noise(64, 64), Wrap(), 1)).all()


def test_edges_are_brighter_than_what_lies_between_them():
    block = blur(np.pad(np.full((32, 32), 10, np.float32), 48), 3, 3, Wrap())
    computed = curvature(block, Wrap(), 1)
    assert computed[64, 51] > 0.7 > 0.3 > computed[64, 44]
    assert computed[64, 64] == pytest.approx(0.5, abs=0.03) == pytest.approx(computed[10, 10], abs=0.03)
