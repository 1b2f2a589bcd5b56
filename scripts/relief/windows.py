"""What the network learns from: windows of one picture at 1, 2, 4, ... times a base size, each inside the one before.

The engine runs the network over a picture at several sizes, smallest first, and gives each run the slopes of the one before.
A training sample is the same in small: a window of the base size, then a window of the same number of pixels at twice the
size that lies inside it, and so on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from blender_midas_normal.core.arrays import Array

SLOPE_STEP = 1 / 4096
"""Slopes are held as 16-bit whole numbers of this unit: up to 8, in steps of 0.014 degrees."""

SIZES = (2, 3, 4)
SHARES = (0.3, 0.55, 0.15)
"""Sizes of a batch, and how often."""

SMALLEST, LARGEST_BASE, LARGEST = 1 / 6, 0.5, 2.7
"""Scales of a picture: the smallest one, the largest of the base size, and the largest of all."""

ENLARGED = 0.2
"""Share of the batches of fewer than all sizes in which pictures may be enlarged: sharp ones are what users mostly have."""

ANY_ANGLE = 0.25
"""Share of the samples that are turned by any angle, where the picture repeats or is large enough; else by quarters."""


@dataclass(frozen=True)
class Plate:
    """A picture with its slopes: rgb H x W x 3 uint8, slopes H x W x 2 int16 in SLOPE_STEP; repeats: in x and y."""

    rgb: NDArray[np.uint8]
    slopes: NDArray[np.int16]
    repeats: bool

    @property
    def side(self) -> int:
        """The shorter side."""
        return min(self.rgb.shape[:2])

    def halve(self, times: int) -> Plate:
        """Return the plate at 1/2, 1/4, ... of its size, each pixel the mean of those it covers."""
        if times == 0:
            return self
        size = self.rgb.shape[1] >> times, self.rgb.shape[0] >> times
        rgb, slopes = (cv2.resize(values, size, interpolation=cv2.INTER_AREA) for values in (self.rgb, self.slopes))
        return Plate(rgb, slopes, self.repeats)


@dataclass(frozen=True)
class Windows:
    """One size of a batch.

    rgb: N x S x S x 3 uint8.  slopes: N x S x S x 2 float32.  inside: row and column in the window before, of whose pixels
    S/2 x S/2 are seen; (0, 0) for the first.
    """

    rgb: NDArray[np.uint8]
    slopes: Array
    inside: tuple[int, int]


def slope_steps(slopes: Array) -> NDArray[np.int16]:
    """Quantise slopes as they are stored."""
    return np.clip(np.rint(slopes / SLOPE_STEP), -32767, 32767).astype(np.int16)


def draw(rng: Generator, plates: Sequence[Plate], side: int) -> list[Windows]:
    """Draw a batch of nested windows of `side` pixels, one sample of each plate, smallest size first."""
    count = int(rng.choice(SIZES, p=SHARES))
    inside = [(0, 0), *((int(rng.integers(side // 2 + 1)), int(rng.integers(side // 2 + 1))) for _ in range(count - 1))]
    largest = LARGEST if count == SIZES[-1] or rng.random() < ENLARGED else 1.0
    samples = [_nest(rng, one, side, inside, largest) for one in plates]
    return [Windows(np.stack([sample[i][0] for sample in samples]), np.stack([sample[i][1] for sample in samples]), place)
            for i, place in enumerate(inside)]


def whole(rng: Generator, plates: Sequence[Plate], side: int) -> Windows:
    """Return whole square pictures that repeat, cut anywhere and rotated by quarters, at `side` pixels."""
    samples = []
    for one in plates:
        full = one.rgb.shape[0]
        samples.append(_window(one, side / full, rng.uniform(0, full, 2), _quarter_turn(rng), side))
    return Windows(np.stack([rgb for rgb, _ in samples]), np.stack([slopes for _, slopes in samples]), (0, 0))


def _nest(rng: Generator, one: Plate, side: int, inside: Sequence[tuple[int, int]],
          largest: float) -> list[tuple[NDArray[np.uint8], Array]]:
    base = _base_scale(rng, one, side, largest / 2 ** (len(inside) - 1))
    turn = _turn(rng, one, side / base)
    half = side / base / 2 * float(np.abs(turn).sum(1).max())
    rows, columns = one.rgb.shape[:2]
    margin_x, margin_y = (0.0, 0.0) if one.repeats else (min(half, columns / 2), min(half, rows / 2))
    centre = np.array([rng.uniform(margin_x, columns - margin_x), rng.uniform(margin_y, rows - margin_y)])
    nested = []
    for i, (row, column) in enumerate(inside):
        scale = base * 2 ** i
        if i > 0:
            offset = np.array([column, row]) - side / 4
            centre = centre + turn @ offset / (scale / 2)
        nested.append(_window(one, scale, centre, turn, side))
    return nested


def _base_scale(rng: Generator, one: Plate, side: int, largest: float) -> float:
    """Return a scale of the base size, up to `largest`, at which the window fits into the picture."""
    lowest = SMALLEST if one.repeats else max(SMALLEST, side / one.side)
    highest = max(lowest, min(LARGEST_BASE, largest))
    return math.exp(rng.uniform(math.log(lowest), math.log(highest)))


def _turn(rng: Generator, one: Plate, extent: float) -> NDArray[np.float64]:
    """Return a matrix whose columns are the directions of the window's x and y in the picture."""
    free = one.repeats or extent * math.sqrt(2) < one.side
    turn = _quarter_turn(rng)
    if not (free and rng.random() < ANY_ANGLE):
        return turn
    angle = rng.uniform(0, 2 * math.pi)
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) @ turn


def _quarter_turn(rng: Generator) -> NDArray[np.float64]:
    """Return one of the eight ways to lay a square on itself."""
    turn = np.array([[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]]][rng.integers(4)], float)
    return turn * np.array([-1, 1]) if rng.random() < 0.5 else turn


def _window(one: Plate, scale: float, centre: NDArray[np.float64], turn: NDArray[np.float64],
            side: int) -> tuple[NDArray[np.uint8], Array]:
    """Return side x side pixels around a point of the picture, rotated and scaled, and their slopes."""
    level = max(0, round(-math.log2(scale)))
    smaller = one.halve(level)
    place = centre / 2 ** level - 0.5
    matrix = turn / (scale * 2 ** level)
    affine = np.column_stack([matrix, place - matrix @ np.full(2, (side - 1) / 2)])
    border = cv2.BORDER_WRAP if one.repeats else cv2.BORDER_REFLECT

    def warp(picture: NDArray) -> NDArray:
        return cv2.warpAffine(picture, affine, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                              borderMode=border)

    slopes = warp(smaller.slopes).astype(np.float32) * np.float32(SLOPE_STEP)
    return warp(smaller.rgb), slopes @ turn.astype(np.float32)
