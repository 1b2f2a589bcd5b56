"""Levels of neighbouring tiles at which their heights agree at the borders that they share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .filters import resize
from .picture import Wrap

if TYPE_CHECKING:
    from .arrays import Array

Place = tuple[int, int]
"""Columns to the right and rows up, of a tile."""

Pair = tuple[Place, Place]

LEFT, RIGHT, BELOW, ABOVE = "left", "right", "below", "above"

NEXT = {LEFT: (-1, 0, RIGHT), RIGHT: (1, 0, LEFT), BELOW: (0, -1, ABOVE), ABOVE: (0, 1, BELOW)}
"""Columns and rows from a tile to its neighbour there, and what that calls the border between both."""


@dataclass(frozen=True)
class Outline:
    """The mean height of a tile, and how much higher than that it is along each border, from the top down or the left on."""

    mean: float
    borders: Mapping[str, Array]


def outline(heights: Array) -> Outline:
    """Of H x W heights, rows from the top down."""
    mean = float(heights.mean(dtype=np.float64))
    from_borders = {LEFT: heights.T, RIGHT: heights.T[::-1], BELOW: heights[::-1], ABOVE: heights}
    return Outline(mean, {side: at_border(lines) - np.float32(mean) for side, lines in from_borders.items()})


def at_border(lines: Array) -> Array:
    """Of lines from a border on, what there is at the border: half a pixel before the first, where the slope leads to."""
    return np.float32(1.5) * lines[0] - np.float32(0.5) * lines[:2][-1]


def steps_at_borders(tiles: Mapping[Place, Outline]) -> dict[Pair, Array]:
    """How much higher the second tile of a pair of neighbours is along their border than the first, if both means are 0.

    A line of another resolution is brought to that of the first tile.
    """
    steps = {}
    for (column, row), tile in tiles.items():
        for side, (right, up, opposite) in NEXT.items():
            other = column + right, row + up
            if other in tiles:
                own, beyond = tile.borders[side], tiles[other].borders[opposite]
                steps[(column, row), other] = resize(beyond[:, None], 1, len(own), Wrap())[:, 0] - own
    return steps


def agreeing_levels(steps: Mapping[Pair, float], places: Collection[Place]) -> dict[Place, float]:
    """What is to be added at each place so that the steps between pairs are least, by least squares.

    Nothing is added on the whole to places that hang together.
    """
    order = list(places)
    climbs = [[float(place == second) - float(place == first) for place in order] for first, second in steps]
    falls = -np.array([*steps.values()], np.float64)
    # lstsq finds the shortest of all solutions: no sum is left over places that hang together.
    added = np.linalg.lstsq(np.reshape(climbs, (len(steps), len(order))), falls, rcond=None)[0]
    return dict(zip(order, map(float, added), strict=True))
