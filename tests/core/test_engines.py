"""One depth range for several pictures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.core.engines import shared_range_strengths


@given(st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1))
def test_depths_times_their_factor_are_what_the_widest_range_makes_them(ranges):
    factors = shared_range_strengths(dict(enumerate(ranges)))
    for number, own in enumerate(ranges):
        assert 0 <= factors[number] <= 1 and factors[number] * max(ranges) == pytest.approx(own)


def test_nothing_changes_where_no_picture_has_a_range():
    assert shared_range_strengths({"a": 0.0, "b": 0.0}) == {"a": 1.0, "b": 1.0} and shared_range_strengths({}) == {}
