"""Tiles, changed regions and intervals of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_midas_normal.core.filters import resize
from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.core.regions import Interval, changed_region, fit_to_reference, merge_tiles, plan_tiles


def terrain(height, width, seed=0):
    """Bumps of all sizes, the large ones strongest, 0..100 or so."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for cells in (3, 9, 27, 81):
        total += resize(random.random((cells, cells), np.float32), width, height, Wrap()) * 100 / cells
    return total


@settings(deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(64, 700), st.floats(0, 0.5))
def test_tiles_cover_everything_and_overlap(width, height, side, share):
    overlap = int(side * share)
    covered_columns, covered_rows = np.zeros(width, int), np.zeros(height, int)
    tiles = plan_tiles(width, height, side, overlap)
    for tile in tiles:
        assert 0 <= tile.left < tile.right <= width and 0 <= tile.top < tile.bottom <= height
        assert tile.right - tile.left == min(side, width) and tile.bottom - tile.top == min(side, height)
        covered_rows[tile.area[0]] += 1
        covered_columns[tile.area[1]] += 1
    assert covered_columns.min() > 0 and covered_rows.min() > 0
    lefts = sorted({tile.left for tile in tiles})
    assert (np.diff(lefts) <= side - overlap).all()


@settings(deadline=None)
@given(st.floats(0.05, 20), st.floats(-500, 500))
def test_a_tile_is_fitted_whatever_its_scale_and_shift(scale, shift):
    reference = terrain(40, 50)
    fitted = fit_to_reference(reference * np.float32(scale) + np.float32(shift), reference)
    np.testing.assert_allclose(fitted, reference, atol=0.02)


def test_a_fit_is_not_fooled_by_a_detail_that_the_reference_lacks():
    reference = terrain(60, 60)
    detailed = reference * 2 + 30
    detailed[10:20, 10:20] += 300
    kept = np.ones((60, 60), bool)
    kept[10:20, 10:20] = False
    np.testing.assert_allclose(fit_to_reference(detailed, reference)[kept], reference[kept], atol=0.1)


@pytest.mark.parametrize("tile", [np.zeros((20, 20), np.float32), -terrain(20, 20)])
def test_a_tile_that_fits_only_upside_down_or_not_at_all_stays_upright(tile):
    answer = fit_to_reference(tile, terrain(20, 20))
    np.testing.assert_allclose(np.diff(answer, axis=0), np.diff(tile, axis=0), atol=1e-4)
    assert abs(float(np.median(answer) - np.median(terrain(20, 20)))) < 40


def test_tiles_with_scales_and_shifts_of_their_own_make_no_chessboard():
    whole = terrain(300, 700)
    blurred = resize(resize(whole, 175, 75, Wrap()), 700, 300, Wrap())
    random = np.random.default_rng(1)
    own = {tile: (random.uniform(0.2, 5), random.uniform(-300, 300)) for tile in plan_tiles(700, 300, 256, 64)}
    answer = merge_tiles(blurred, list(own),
                         lambda tile: whole[tile.area] * np.float32(own[tile][0]) + np.float32(own[tile][1]))
    assert np.abs(answer - whole).max() < 0.05 * np.ptp(whole)
    steps = np.abs(np.diff(answer, axis=1)).mean(axis=0)
    true_steps = np.abs(np.diff(whole, axis=1)).mean(axis=0)
    borders = sorted({tile.left for tile in own} | {tile.right - 1 for tile in own})[1:-1]
    assert all(steps[border - 1] < 1.5 * true_steps[border - 1] + 0.01 for border in borders)


booleans = st.booleans()


def pixels_of(interval, length):
    return {position % length for position in range(interval.start, interval.stop)}


@given(st.integers(1, 12), st.integers(1, 12), st.data(), booleans, booleans)
def test_the_changed_region_is_the_smallest_one(height, width, data, x, y):
    before = np.zeros((height, width, 3), np.uint8)
    after = before.copy()
    pixels = data.draw(st.sets(st.tuples(st.integers(0, height - 1), st.integers(0, width - 1)), max_size=5))
    for number, pixel in enumerate(pixels):
        after[pixel][number % 3] = 1
    region = changed_region(before, after, Wrap(x, y))
    if not pixels:
        assert region is None
        return
    for axis, (interval, length, repeats) in enumerate(((region.rows, height, y), (region.columns, width, x))):
        changed = {pixel[axis] for pixel in pixels}
        assert changed <= pixels_of(interval, length) and interval.stop - interval.start <= length
        assert {interval.start % length, (interval.stop - 1) % length} <= changed
        assert repeats or 0 <= interval.start < interval.stop <= length


def test_a_change_across_a_periodic_border_is_a_small_region():
    before = np.zeros((20, 30, 3), np.float32)
    after = before.copy()
    after[[19, 0, 1], 5:7] = 0.5
    region = changed_region(before, after, Wrap(y=True))
    assert (region.rows, region.columns) == (Interval(19, 22), Interval(5, 7))
    assert changed_region(before, after, Wrap()).rows == Interval(0, 20)


@given(st.integers(1, 40), st.data(), st.integers(0, 50), booleans)
def test_an_expanded_interval_has_each_near_pixel_once(length, data, margin, repeats):
    start = data.draw(st.integers(0, length - 1))
    stop = start + data.draw(st.integers(1, length if repeats else length - start))
    pieces = Interval(start, stop).expand(margin, length, repeats)
    pixels = [pixel for piece in pieces for pixel in range(piece.start, piece.stop)]
    near = {position % length if repeats else min(max(position, 0), length - 1)
            for position in range(start - margin, stop + margin)}
    assert sorted(pixels) == sorted(near)
