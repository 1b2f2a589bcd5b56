"""Where two pictures differ, compared with what is found pixel by pixel."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.core.regions import Interval, changed_region

BOTH_WAYS = st.booleans()


def pixels_of(stretch, length):
    return {position % length for position in range(stretch.start, stretch.stop)}


@given(st.integers(1, 12), st.integers(1, 12), st.data(), BOTH_WAYS, BOTH_WAYS)
def test_the_area_has_all_that_differs_and_begins_and_ends_with_it(height, width, data, x, y):
    before = np.zeros((height, width, 3), np.uint8)
    after = before.copy()
    places = data.draw(st.sets(st.tuples(st.integers(0, height - 1), st.integers(0, width - 1)), max_size=5))
    for number, place in enumerate(places):
        after[place][number % 3] = 1
    area = changed_region(before, after, Wrap(x, y))
    if not places:
        assert area is None
        return
    for axis, (stretch, length, repeats) in enumerate(((area.rows, height, y), (area.columns, width, x))):
        changed = {place[axis] for place in places}
        assert changed <= pixels_of(stretch, length) and stretch.stop - stretch.start <= length
        assert {stretch.start % length, (stretch.stop - 1) % length} <= changed
        assert repeats or 0 <= stretch.start < stretch.stop <= length


def test_a_change_across_the_border_of_a_tile_is_a_small_area():
    before = np.zeros((20, 30, 3), np.float32)
    after = before.copy()
    after[[19, 0, 1], 5:7] = 0.5
    area = changed_region(before, after, Wrap(y=True))
    assert (area.rows, area.columns) == (Interval(19, 22), Interval(5, 7))
    assert changed_region(before, after, Wrap()).rows == Interval(0, 20)


@given(st.integers(1, 40), st.data(), st.integers(0, 50), BOTH_WAYS)
def test_the_pieces_are_the_stretch_and_what_is_near_without_any_pixel_twice(length, data, reach, repeats):
    start = data.draw(st.integers(0, length - 1))
    stop = start + data.draw(st.integers(1, length if repeats else length - start))
    pieces = Interval(start, stop).expand(reach, length, repeats)
    found = [pixel for piece in pieces for pixel in range(piece.start, piece.stop)]
    near = {position % length if repeats else min(max(position, 0), length - 1)
            for position in range(start - reach, stop + reach)}
    assert sorted(found) == sorted(near)
