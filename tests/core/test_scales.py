import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.core.filters import a_trous_smooth, pad_field
from blender_midas_normal.core.picture import Wrap

BOTH = Wrap(True, True)
WRAPS = [Wrap(), Wrap(x=True), Wrap(y=True), BOTH]
sides = st.integers(1, 30)
deviations = st.floats(0.3, 40)
shifts = st.integers(0, 40)


def noise(rows, columns, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


def plane(rows, columns, first=0):
    y, x = np.mgrid[first:rows - first, first:columns - first].astype(np.float32)
    return 0.5 * x - 0.25 * y


@given(st.integers(2, 30), st.integers(2, 30), deviations)
def test_a_plane_goes_on_and_stays_as_it_is(rows, columns, deviation):
    margin = int(deviation)
    np.testing.assert_allclose(pad_field(plane(rows, columns), margin, Wrap()), plane(rows, columns, -margin), atol=1e-4)
    np.testing.assert_allclose(a_trous_smooth(plane(rows, columns), deviation, Wrap()), plane(rows, columns), atol=1e-3)


@given(sides, sides, deviations, st.sampled_from(WRAPS), st.floats(-100, 100, width=32, allow_subnormal=False))
def test_a_constant_stays_as_it_is(rows, columns, deviation, wrap, level):
    np.testing.assert_allclose(a_trous_smooth(
        np.full((rows, columns), level, np.float32), deviation, wrap), level, rtol=1e-5)


@given(sides, sides, shifts, shifts, deviations)
def test_where_it_repeats_the_border_is_nowhere(rows, columns, down, right, deviation):
    field = noise(rows, columns)
    rolled = a_trous_smooth(np.roll(field, (down, right), (0, 1)), deviation, BOTH)
    np.testing.assert_array_equal(rolled, np.roll(a_trous_smooth(field, deviation, BOTH), (down, right), (0, 1)))


@pytest.mark.parametrize("field, wrap", [(0, Wrap(y=True)), (1, Wrap(x=True))])
def test_only_the_direction_that_repeats_goes_on_with_the_other_side(field, wrap):
    values = np.broadcast_to(np.arange(5, dtype=np.float32), (5, 5))
    values = values if field else values.T
    wrapped, open_ = pad_field(values, 1, wrap), pad_field(values, 1, Wrap())
    np.testing.assert_array_equal(np.sort(np.unique(wrapped)), np.arange(5))
    np.testing.assert_array_equal(np.sort(np.unique(open_)), np.arange(-1, 6))


@pytest.mark.parametrize("deviation", [0.4, 1, 1.7, 5])
def test_a_point_is_spread_by_the_deviation(deviation):
    point = np.zeros((41, 41), np.float32)
    point[20, 20] = 1
    spread = a_trous_smooth(point, deviation, Wrap())
    y, x = np.mgrid[-20:21, -20:21]
    assert spread.min() >= 0 and spread.sum() == pytest.approx(1)
    assert (spread * x ** 2).sum() == pytest.approx(deviation ** 2, rel=1e-5)
    assert (spread * y ** 2).sum() == pytest.approx(deviation ** 2, rel=1e-5)
