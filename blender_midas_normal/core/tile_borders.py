"""Join the heights of neighbouring UDIM tiles: levels that agree at shared borders, and corrections for what is left."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from .filters import blur_around_plane, resize
from .picture import Wrap

if TYPE_CHECKING:
    from .arrays import Array

TilePosition = tuple[int, int]
"""Columns to the right and rows up, of a tile."""

TilePair = tuple[TilePosition, TilePosition]

LEFT, RIGHT, BELOW, ABOVE = "left", "right", "below", "above"

NEIGHBOURS = {LEFT: (-1, 0, RIGHT), RIGHT: (1, 0, LEFT), BELOW: (0, -1, ABOVE), ABOVE: (0, 1, BELOW)}
"""Columns and rows from a tile to its neighbour there, and what that calls the border between both."""


@dataclass(frozen=True)
class BorderProfile:
    """The mean height of a tile, and how much higher than that it is along each border, from the top down or the left on."""

    mean: float
    borders: Mapping[str, Array]


def border_profile(heights: Array) -> BorderProfile:
    """Of H x W heights, rows from the top down."""
    mean = float(heights.mean(dtype=np.float64))
    from_borders = {LEFT: heights.T, RIGHT: heights.T[::-1], BELOW: heights[::-1], ABOVE: heights}
    return BorderProfile(mean, {side: extrapolate_to_border(lines) - np.float32(mean)
                                for side, lines in from_borders.items()})


def extrapolate_to_border(lines: Array) -> Array:
    """Of lines from a border on, what there is at the border: half a pixel before the first, where the slope leads to."""
    return np.float32(1.5) * lines[0] - np.float32(0.5) * lines[:2][-1]


def border_steps(tiles: Mapping[TilePosition, BorderProfile]) -> dict[TilePair, Array]:
    """How much higher the second tile of a pair of neighbours is along their border than the first, if both means are 0.

    A line of another resolution is brought to that of the first tile.
    """
    steps = {}
    for (column, row), tile in tiles.items():
        for side, (right, up, opposite) in NEIGHBOURS.items():
            other = column + right, row + up
            if other in tiles:
                own, beyond = tile.borders[side], tiles[other].borders[opposite]
                steps[(column, row), other] = resize(beyond[:, None], 1, len(own), Wrap())[:, 0] - own
    return steps


def solve_levels(steps: Mapping[TilePair, float], places: Collection[TilePosition]) -> dict[TilePosition, float]:
    """What is to be added at each place so that the steps between pairs are least, by least squares.

    Nothing is added on the whole to places that hang together.
    """
    order = list(places)
    climbs = [[float(place == second) - float(place == first) for place in order] for first, second in steps]
    falls = -np.array([*steps.values()], np.float64)
    # lstsq finds the shortest of all solutions: no sum is left over places that hang together.
    added = np.linalg.lstsq(np.reshape(climbs, (len(steps), len(order))), falls, rcond=None)[0]
    return dict(zip(order, map(float, added), strict=True))


MARGIN_SHARE = 1 / 8
"""Of the tile's side: as far as ambient occlusion reaches."""

DETAIL_SIGMA = 8
"""Pixels: what changes sooner along a border is the picture's own detail and stays.  Closed as well, it made streaks across
the border, and steps there a quarter lower than the whole picture's."""


def margin_width(length: int) -> int:
    """Pixels from a border on in which the neighbour counts, of a side of so many."""
    return max(1, int(length * MARGIN_SHARE))


@dataclass(frozen=True)
class BorderCorrection:
    """What is to be added to a tile's heights: a level, and lines along its borders that fade over the margins.

    across: H x 2 float32, along the left and the right border; up: 2 x W, along the upper and the lower one, less what
    `across` adds there.
    """

    level: float
    across: Array
    up: Array

    @property
    def max_change(self) -> float:
        """No height is changed by more."""
        return abs(self.level) + float(np.abs(self.across).max() + np.abs(self.up).max())

    def to_field(self) -> Array:
        """H x W float32."""
        height, width = len(self.across), self.up.shape[1]
        # One product, as a tile may be large: across @ fades + fades.T @ up.
        field = np.hstack([self.across, _fade_weights(height).T]) @ np.vstack([_fade_weights(width), self.up])
        field += np.float32(self.level)
        return field


def border_corrections(tiles: Mapping[TilePosition, BorderProfile]) -> dict[TilePosition, BorderCorrection]:
    """What brings tiles to levels that agree at their borders, and then closes half of what is left of each step.

    Source of the sum over borders: Gordon and Hall, "Transfinite element methods", 1973.
    """
    steps = border_steps(tiles)
    levels = solve_levels({pair: float(step.mean()) for pair, step in steps.items()}, tiles)
    left = {(one, other): _smooth_step(step + np.float32(levels[other] - levels[one]))
            for (one, other), step in steps.items()}
    corners = _corner_corrections(left, tiles)
    return {place: _border_correction(place, tile, levels[place] - tile.mean, corners[place], left)
            for place, tile in tiles.items()}


def _smooth_step(step: Array) -> Array:
    """What is to be closed of a step: straight lines stay as they are."""
    return blur_around_plane(step[:, None], 0, DETAIL_SIGMA, Wrap())[:, 0]


def _corner_corrections(steps: Mapping[TilePair, Array], places: Collection[TilePosition]) -> dict[TilePosition, Array]:
    """What is to be added at the corners of each tile so that steps there are least, 2 x 2: upper, lower by left, right."""
    corners = {place: np.zeros((2, 2), np.float32) for place in places}
    for column, row in {(column + right, row + up) for column, row in places for right, up in np.ndindex(2, 2)}:
        around = {(column - right, row - up): (1 - up, right) for right, up in np.ndindex(2, 2)}
        there = {(one, other): float(_line_ends(steps[one, other])[lower if one[1] == other[1] else right])
                 for (one, (lower, right)), other in product(around.items(), around) if (one, other) in steps}
        for place, added in solve_levels(there, around.keys() & corners.keys()).items():
            corners[place][around[place]] = added
    return corners


def _border_correction(place: TilePosition, tile: BorderProfile, level: float, corners: Array,
                       steps: Mapping[TilePair, Array]) -> BorderCorrection:
    """The lines along the borders of one tile: half of each step, bent so that they end in what is added at the corners."""
    lines = {}
    for side, ends in zip((LEFT, RIGHT, ABOVE, BELOW), (*corners.T, *corners), strict=True):
        right, up, _ = NEIGHBOURS[side]
        step = steps.get((place, (place[0] + right, place[1] + up)), np.zeros_like(tile.borders[side]))
        lines[side] = step / np.float32(2)
        lines[side] += (ends - _line_ends(lines[side])) @ _fade_weights(len(step))
    up_and_down = np.stack([lines[ABOVE], lines[BELOW]]) - corners @ _fade_weights(len(lines[ABOVE]))
    return BorderCorrection(level, np.stack([lines[LEFT], lines[RIGHT]], axis=1), up_and_down)


def _line_ends(line: Array) -> Array:
    return np.stack([extrapolate_to_border(line), extrapolate_to_border(line[::-1])])


def _fade_weights(length: int) -> Array:
    """2 x length: 1 at one border and at the other, 0 beyond the margin.

    Two tiles that close a step do so in one smooth bend: the fade of the one, turned over, goes on in that of the other.
    """
    t = np.minimum((np.arange(length) + 0.5) / margin_width(length), 1)
    fade = (1 - 1.5 * t + 0.5 * t ** 3).astype(np.float32)
    fade /= extrapolate_to_border(fade)
    return np.stack([fade, fade[::-1]])
