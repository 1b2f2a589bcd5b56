"""Heights of neighbouring tiles on levels that agree at the borders that they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .picture import Array

Place = tuple[int, int]
"""Columns to the right and rows up, of a tile."""

LEFT, RIGHT, BELOW, ABOVE = "left", "right", "below", "above"

SHARED = ((1, 0, RIGHT, LEFT), (0, 1, ABOVE, BELOW))
"""Columns and rows to a neighbour, and what the border between both is called by the tile and by the neighbour."""


@dataclass(frozen=True)
class Outline:
    """The mean height of a tile, and how much higher than that each of its borders is on average."""

    mean: float
    borders: Mapping[str, float]


def outline(heights: Array) -> Outline:
    """Of H x W heights, rows from the top down; a border lies half a pixel outside, where the slope leads to."""
    mean = _mean(heights)
    from_borders = {LEFT: heights.T, RIGHT: heights.T[::-1], BELOW: heights[::-1], ABOVE: heights}
    return Outline(mean, {side: 1.5 * _mean(lines[0]) - 0.5 * _mean(lines[:2][-1]) - mean
                          for side, lines in from_borders.items()})


def agreeing_levels(tiles: Mapping[Place, Outline]) -> dict[Place, float]:
    """What is to be added to each tile's heights so that the mean steps at shared borders are least, by least squares.

    Tiles that hang together have a mean height of 0 then.
    """
    places = list(tiles)
    climbs: list[list[float]] = []
    steps: list[float] = []
    for column, row in places:
        for right, up, side, opposite in SHARED:
            other = column + right, row + up
            if other in tiles:
                climbs.append([float(place == other) - float(place == (column, row)) for place in places])
                steps.append(tiles[column, row].borders[side] - tiles[other].borders[opposite])
    levels = np.linalg.lstsq(np.reshape(climbs, (len(steps), len(places))), np.array(steps), rcond=None)[0]
    # lstsq finds the shortest of all solutions: no sum is left over tiles that hang together.
    return {place: float(level) - tiles[place].mean for place, level in zip(places, levels, strict=True)}


def _mean(heights: Array) -> float:
    return float(heights.mean(dtype=np.float64))
