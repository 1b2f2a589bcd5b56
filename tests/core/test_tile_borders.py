"""Heights of UDIM tiles that continue across the borders they share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.core.tile_borders import (
    border_corrections,
    border_profile,
    border_steps,
    margin_width,
    solve_levels,
)

position_lists = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=9, unique=True)
sides = st.integers(4, 80)
seeds = st.integers(0, 2**32 - 1)


def slanted(position, width, height):
    """What a tile has of one slanted plane, rows from the top down; lengths are in sides of tiles."""
    column, row = position
    u, v = column + (np.arange(width) + 0.5) / width, row + 1 - (np.arange(height) + 0.5) / height
    return (0.3 * u[None, :] - 0.2 * v[:, None]).astype(np.float32)


def twisted(rng, width, height):
    """A plane twisted at random: straight along each border, but not level."""
    u, v = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    level, across, down, twist = rng.uniform(-1, 1, 4)
    return (level + across * u[None, :] + down * v[:, None] + twist * u[None, :] * v[:, None]).astype(np.float32)


def rough(rng, width, height):
    return rng.standard_normal((height, width)).astype(np.float32)


def correct_borders(tiles):
    rises = border_corrections({position: border_profile(heights) for position, heights in tiles.items()})
    return {position: heights + rises[position].to_field() for position, heights in tiles.items()}


def steps_of(tiles):
    """The steps at shared borders, levels counted in, on one line."""
    outlines = {position: border_profile(heights) for position, heights in tiles.items()}
    steps = [step + outlines[b].mean - outlines[a].mean for (a, b), step in border_steps(outlines).items()]
    return np.concatenate([np.zeros(1), *steps])


def islands(positions):
    """The places that hang together, each as a set."""
    rest, connected = set(positions), []
    while rest:
        island = {rest.pop()}
        while near := {(x, y) for x, y in rest if any(abs(x - a) + abs(y - b) == 1 for a, b in island)}:
            island |= near
            rest -= near
        connected.append(island)
    return connected


@given(position_lists, seeds)
def test_tiles_of_any_sizes_and_levels_go_on_in_each_other(positions, seed):
    """Whatever was added to each tile, of each island only one constant is left, with which its mean height is 0.

    Lines brought to a smaller size are not quite as steep as before.
    """
    rng = np.random.default_rng(seed)
    true = {position: slanted(position, *rng.integers(2, 40, 2)) for position in positions}
    connected = correct_borders({position: heights + np.float32(rng.uniform(-1, 1)) for position, heights in true.items()})
    for island in islands(positions):
        assert np.mean([connected[position].mean() for position in island]) == pytest.approx(0, abs=1e-5)
        assert np.ptp(np.concatenate([(connected[position] - true[position]).ravel() for position in island])) < 1e-3


@given(position_lists, sides, sides, seeds)
def test_borders_meet_all_along_and_at_corners(positions, width, height, seed):
    """Also around corners at which only two or three tiles meet."""
    rng = np.random.default_rng(seed)
    assert np.abs(steps_of(correct_borders({position: twisted(rng, width, height) for position in positions}))).max() < 2e-5


@given(position_lists, seeds)
def test_borders_of_tiles_of_different_sizes_nearly_meet(positions, seed):
    """A line brought to a smaller size is off by a share of what it rises by, however small the step was."""
    rng = np.random.default_rng(seed)
    tiles = {position: twisted(rng, *rng.integers(40, 120, 2)) for position in positions}
    rise = max(np.ptp(heights) for heights in tiles.values())
    assert np.abs(steps_of(correct_borders(tiles))).max() <= 0.03 * (np.abs(steps_of(tiles)).max() + rise)


@given(st.integers(1, 4), st.floats(0, 7))
def test_a_step_that_changes_slowly_is_closed(waves, phase):
    step = np.cos(np.pi * waves * (np.arange(256) + 0.5) / 256 + phase).astype(np.float32)
    flat = np.zeros((256, 16), np.float32)
    tiles = {(0, 0): flat, (1, 0): flat + step[:, None]}
    assert steps_of(correct_borders(tiles)).std() < 0.12 * np.abs(step).max()


@given(seeds)
def test_the_steps_of_fine_detail_stay(seed):
    """They are the picture's own: closing them made streaks as high as the detail itself."""
    rng = np.random.default_rng(seed)
    tiles = {(0, 0): rough(rng, 64, 256), (1, 0): rough(rng, 64, 256)}
    rises = border_corrections({position: border_profile(heights) for position, heights in tiles.items()})
    assert all(rise.to_field().std(axis=0).max() < 0.5 for rise in rises.values())


@given(position_lists, seeds)
def test_what_lies_deeper_than_the_margin_changes_by_a_constant_and_nothing_by_more_than_said(positions, seed):
    rng = np.random.default_rng(seed)
    tiles = {position: rough(rng, *rng.integers(3, 60, 2)) for position in positions}
    corrections = border_corrections({position: border_profile(heights) for position, heights in tiles.items()})
    for position, rise in corrections.items():
        field, (down, across) = rise.to_field(), map(margin_width, tiles[position].shape)
        assert field.shape == tiles[position].shape and field.dtype == np.float32
        assert (field[down:-down, across:-across] == np.float32(rise.level)).all()
        assert np.abs(field).max() <= rise.max_change * 1.000001


@given(sides, sides, seeds)
def test_tiles_without_neighbours_keep_their_shape(width, height, seed):
    """Two that have only a corner in common, too."""
    rng = np.random.default_rng(seed)
    tiles = {position: rough(rng, width, height) for position in [(0, 0), (1, 1), (3, 0), (0, 2)]}
    corrections = border_corrections({position: border_profile(heights) for position, heights in tiles.items()})
    for position, rise in corrections.items():
        assert (rise.to_field() == np.float32(-tiles[position].mean(dtype=np.float64))).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (2, 300)])
def test_tiles_of_a_few_pixels_have_finite_heights(shape):
    tiles = {(x, y): np.full(shape, x + 3 * y, np.float32) for x in range(2) for y in range(2)}
    for heights in correct_borders(tiles).values():
        np.testing.assert_allclose(heights, 0, atol=1e-5)


@pytest.mark.parametrize("step", [0.1, -0.4])
def test_places_that_cannot_agree_share_the_steps(step):
    """Around the corner of four tiles that form a winding stair each border has a quarter of the whole way."""
    ring = [(0, 0), (1, 0), (1, 1), (0, 1)]
    pairs = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    levels = solve_levels(dict.fromkeys(pairs, 0.0) | {pairs[-1]: step}, ring)
    around = [levels[after] - levels[before] for before, after in pairs]
    assert around == pytest.approx([step / 4] * 3 + [-3 * step / 4])


def test_places_without_steps_stay_and_no_places_have_no_levels():
    assert solve_levels({}, [(0, 0), (1, 1)]) == {(0, 0): 0, (1, 1): 0}
    assert solve_levels({}, []) == {}
