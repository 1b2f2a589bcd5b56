from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.core.levels import agreeing_levels, outline

places = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=9, unique=True)
seeds = st.integers(0, 2**32 - 1)


def slanted(place, width, height):
    """What a tile has of one slanted plane, rows from the top down; lengths are in sides of tiles."""
    column, row = place
    u, v = column + (np.arange(width) + 0.5) / width, row + 1 - (np.arange(height) + 0.5) / height
    return (0.3 * u[None, :] - 0.2 * v[:, None]).astype(np.float32)


def islands(wanted):
    """The places that hang together, each as a set."""
    rest, found = set(wanted), []
    while rest:
        island = {rest.pop()}
        while near := {(x, y) for x, y in rest if any(abs(x - a) + abs(y - b) == 1 for a, b in island)}:
            island |= near
            rest -= near
        found.append(island)
    return found


@given(places, seeds)
def test_tiles_of_any_sizes_and_levels_go_on_in_each_other(wanted, seed):
    """Whatever was added to each tile, of each island only one constant is left, with which its mean height is 0."""
    rng = np.random.default_rng(seed)
    true = {place: slanted(place, *rng.integers(2, 40, 2)) for place in wanted}
    moved = {place: heights + np.float32(rng.uniform(-1, 1)) for place, heights in true.items()}
    levels = agreeing_levels({place: outline(heights) for place, heights in moved.items()})
    for island in islands(wanted):
        found = {place: moved[place] + levels[place] for place in island}
        assert np.mean([heights.mean() for heights in found.values()]) == pytest.approx(0, abs=1e-5)
        constants = [float((found[place] - true[place]).mean()) for place in island]
        assert np.ptp(constants) < 1e-5


@pytest.mark.parametrize("step", [0.1, -0.4])
def test_tiles_that_cannot_agree_share_the_steps(step):
    """Around the corner of four tiles that form a winding stair each border has a quarter of the whole way."""
    ring = [(0, 0), (1, 0), (1, 1), (0, 1)]
    flat = np.zeros((4, 4), np.float32)
    tiles = {place: outline(flat) for place in ring}
    tiles[0, 0].borders["above"] += step
    levels = agreeing_levels(tiles)
    around = [levels[after] - levels[before] for before, after in zip(ring, [*ring[1:], ring[0]], strict=True)]
    assert sum(around) == pytest.approx(0, abs=1e-9)
    assert [abs(step) / 4] * 3 == pytest.approx([abs(climb) for climb in around[:3]])


def test_no_tiles_have_no_levels():
    assert agreeing_levels({}) == {}
