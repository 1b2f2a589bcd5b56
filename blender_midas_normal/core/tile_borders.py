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
"""(column, row) of a tile, to the right and up."""

TilePair = tuple[TilePosition, TilePosition]

LEFT, RIGHT, BELOW, ABOVE = "left", "right", "below", "above"

NEIGHBOURS = {LEFT: (-1, 0, RIGHT), RIGHT: (1, 0, LEFT), BELOW: (0, -1, ABOVE), ABOVE: (0, 1, BELOW)}
"""For each border: columns and rows to the neighbour across it, and the neighbour's name for that border."""

FADE_SHARE = 1 / 8
"""Share of a tile's side over which a correction fades: as far as ambient occlusion reaches."""

DETAIL_SIGMA = 8
"""Pixels: finer changes of a step along a border are the picture's own detail and stay.  Corrected as well, they made
streaks across the border."""


@dataclass(frozen=True)
class BorderProfile:
    """The mean height of a tile, and the heights above it along each border, from the top down or from left to right."""

    mean: float
    borders: Mapping[str, Array]


def border_profile(heights: Array) -> BorderProfile:
    """Measure the border profile of H x W heights, rows from the top down."""
    mean = float(heights.mean(dtype=np.float64))
    from_borders = {LEFT: heights.T, RIGHT: heights.T[::-1], BELOW: heights[::-1], ABOVE: heights}
    return BorderProfile(mean, {side: extrapolate_to_border(lines) - np.float32(mean)
                                for side, lines in from_borders.items()})


def extrapolate_to_border(lines: Array) -> Array:
    """Extrapolate lines of pixels linearly to the border, half a pixel before the first line.

    >>> float(extrapolate_to_border(np.float32([1, 2, 3])))
    0.5
    """
    return np.float32(1.5) * lines[0] - np.float32(0.5) * lines[:2][-1]


def border_steps(tiles: Mapping[TilePosition, BorderProfile]) -> dict[TilePair, Array]:
    """Return for each pair of neighbours how much higher the second is along their border, if both means are 0.

    A profile of another resolution is resized to that of the first tile.
    """
    steps = {}
    for (column, row), tile in tiles.items():
        for side, (right, up, opposite) in NEIGHBOURS.items():
            other = column + right, row + up
            if other in tiles:
                border, opposite_border = tile.borders[side], tiles[other].borders[opposite]
                steps[(column, row), other] = resize(opposite_border[:, None], 1, len(border), Wrap())[:, 0] - border
    return steps


def solve_levels(steps: Mapping[TilePair, float], positions: Collection[TilePosition]) -> dict[TilePosition, float]:
    """Return the offset of each position that makes the steps between pairs smallest, by least squares.

    The offsets of connected positions have the sum 0.

    Args:
        steps: for pairs of positions, how much higher the second is than the first.
        positions: of all tiles.

    >>> {key: round(offset, 6) for key, offset in solve_levels({((0, 0), (1, 0)): 4.0}, [(0, 0), (1, 0)]).items()}
    {(0, 0): 2.0, (1, 0): -2.0}
    """
    order = list(positions)
    differences = [[float(position == second) - float(position == first) for position in order]
                   for first, second in steps]
    targets = -np.array([*steps.values()], np.float64)
    # Of all solutions lstsq finds the shortest, in which the offsets of connected positions have the sum 0.
    offsets = np.linalg.lstsq(np.reshape(differences, (len(steps), len(order))), targets, rcond=None)[0]
    return dict(zip(order, map(float, offsets), strict=True))


def margin_width(length: int) -> int:
    """Return over how many pixels from a border a correction fades, for a side of `length` pixels."""
    return max(1, int(length * FADE_SHARE))


@dataclass(frozen=True)
class BorderCorrection:
    """What is added to a tile's heights: a level, and lines along its borders that fade over the margins.

    Attributes:
        level: added everywhere.
        across: H x 2 float32, along the left and the right border.
        up: 2 x W float32, along the upper and the lower border, minus what `across` adds there.
    """

    level: float
    across: Array
    up: Array

    @property
    def max_change(self) -> float:
        """Upper limit of the change of any height."""
        return abs(self.level) + float(np.abs(self.across).max() + np.abs(self.up).max())

    def to_field(self) -> Array:
        """Return the correction of each pixel, H x W float32."""
        height, width = len(self.across), self.up.shape[1]
        # across @ fades + fades.T @ up as one product, since a tile may be large.
        field = np.hstack([self.across, _fade_weights(height).T]) @ np.vstack([_fade_weights(width), self.up])
        field += np.float32(self.level)
        return field


def border_corrections(tiles: Mapping[TilePosition, BorderProfile]) -> dict[TilePosition, BorderCorrection]:
    """Return the corrections that bring tiles to common levels, and then add half of each remaining step on both sides.

    The lines along the borders are blended by transfinite interpolation (Gordon and Hall, "Transfinite element methods",
    1973).
    """
    steps = border_steps(tiles)
    levels = solve_levels({pair: float(step.mean()) for pair, step in steps.items()}, tiles)
    remaining = {(one, other): _smooth_step(step + np.float32(levels[other] - levels[one]))
                 for (one, other), step in steps.items()}
    corners = _corner_corrections(remaining, tiles)
    return {position: _border_correction(position, tile, levels[position] - tile.mean, corners[position], remaining)
            for position, tile in tiles.items()}


def _smooth_step(step: Array) -> Array:
    """Blur a step along its border, but keep straight lines."""
    return blur_around_plane(step[:, None], 0, DETAIL_SIGMA, Wrap())[:, 0]


def _corner_corrections(steps: Mapping[TilePair, Array], positions: Collection[TilePosition]) -> dict[TilePosition, Array]:
    """Return corrections at the corners of each tile with the smallest steps there: (upper, lower) x (left, right)."""
    corners = {position: np.zeros((2, 2), np.float32) for position in positions}
    for column, row in {(column + right, row + up) for column, row in positions for right, up in np.ndindex(2, 2)}:
        around = {(column - right, row - up): (1 - up, right) for right, up in np.ndindex(2, 2)}
        corner_steps = {(one, other): float(_line_ends(steps[one, other])[lower if one[1] == other[1] else right])
                        for (one, (lower, right)), other in product(around.items(), around) if (one, other) in steps}
        for position, added in solve_levels(corner_steps, around.keys() & corners.keys()).items():
            corners[position][around[position]] = added
    return corners


def _border_correction(position: TilePosition, tile: BorderProfile, level: float, corners: Array,
                       steps: Mapping[TilePair, Array]) -> BorderCorrection:
    """Return the correction of one tile: half of each step along its borders, adjusted to end in those of its corners."""
    lines = {}
    for side, ends in zip((LEFT, RIGHT, ABOVE, BELOW), (*corners.T, *corners), strict=True):
        right, up, _ = NEIGHBOURS[side]
        step = steps.get((position, (position[0] + right, position[1] + up)), np.zeros_like(tile.borders[side]))
        lines[side] = step / np.float32(2)
        lines[side] += (ends - _line_ends(lines[side])) @ _fade_weights(len(step))
    up_and_down = np.stack([lines[ABOVE], lines[BELOW]]) - corners @ _fade_weights(len(lines[ABOVE]))
    return BorderCorrection(level, np.stack([lines[LEFT], lines[RIGHT]], axis=1), up_and_down)


def _line_ends(line: Array) -> Array:
    return np.stack([extrapolate_to_border(line), extrapolate_to_border(line[::-1])])


def _fade_weights(length: int) -> Array:
    """Return 2 x length weights that fall from 1 at the first or the last border to 0 at the margin's end.

    The weights of two neighbours, one negated, join smoothly at the border, so that a step is closed in one smooth curve.
    """
    t = np.minimum((np.arange(length) + 0.5) / margin_width(length), 1)
    fade = (1 - 1.5 * t + 0.5 * t ** 3).astype(np.float32)
    fade /= extrapolate_to_border(fade)
    return np.stack([fade, fade[::-1]])
