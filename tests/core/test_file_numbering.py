"""The numbers of frames and tiles, in file names and in lists, and the weights of neighbouring frames."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.core.file_numbering import (
    fill_udim_token,
    format_ranges,
    missing_ranges,
    missing_tiles,
    number_ranges,
    parse_udim_name,
    temporal_weights,
    udim_position,
)

NUMBERS = st.sets(st.integers(0, 60), min_size=1)
TILES = st.sets(st.integers(1001, 1049), min_size=1)


def spread(runs):
    return {number for first, last in runs for number in range(first, last + 1)}


@given(NUMBERS)
def test_runs_and_holes_are_all_numbers_from_the_first_to_the_last(numbers):
    assert spread(number_ranges(numbers)) == numbers and not spread(missing_ranges(numbers)) & numbers
    assert spread(missing_ranges(numbers)) | numbers == set(range(min(numbers), max(numbers) + 1))


def test_a_list_is_short_however_many_lack():
    assert format_ranges(missing_ranges({1, 3, 10**17})) == f"2, 4 to {10**17 - 1}"


@given(st.integers(1001, 2000), st.sampled_from(["<UDIM>", "<UVTILE>"]), st.sampled_from(["wall.", "a_1_", ""]),
       st.sampled_from(["", "_col", ".x"]))
def test_a_tile_is_found_in_the_name_that_a_set_gives_it(number, token, before, after):
    assert parse_udim_name(fill_udim_token(f"{before}{token}{after}", number)) == (before, token, after, number)


@given(TILES)
def test_a_tile_lacks_where_others_lie_on_both_sides(numbers):
    places = {udim_position(number) for number in numbers}
    for number in range(1001, 1050):
        column, row = udim_position(number)
        in_row, in_column = [x for x, y in places if y == row], [y for x, y in places if x == column]
        lies_between = any(line and min(line) < at < max(line) for line, at in ((in_row, column), (in_column, row)))
        assert (number in missing_tiles(numbers)) == (lies_between and number not in numbers)


@given(st.sets(st.integers(0, 40), min_size=1), st.integers(0, 8), st.data())
def test_temporal_weights_have_the_sum_one_and_fall_with_the_distance(numbers, radius, data):
    middle = data.draw(st.sampled_from(sorted(numbers)))
    weights = temporal_weights(numbers, middle, radius)
    assert set(weights) == {number for number in numbers if abs(number - middle) <= radius}
    assert sum(weights.values()) == pytest.approx(1) and max(weights.values()) == weights[middle]
    by_distance = sorted(weights, key=lambda number: abs(number - middle))
    assert all(weights[near] >= weights[far] for near, far in itertools.pairwise(by_distance))


@pytest.mark.parametrize(("radius", "expected"), [(1, 0.375), (2, 0.2346), (3, 0.1719)])
def test_temporal_weights_reduce_the_variance(radius, expected):
    variance = sum(weight ** 2 for weight in temporal_weights(range(20), 10, radius).values())
    assert variance == pytest.approx(expected, abs=1e-4)
