from __future__ import annotations

import pytest

from blender_midas_normal.core.tile_borders import solve_levels


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
