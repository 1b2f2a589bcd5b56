"""Divisions of the canvas into cells: bricks, tiles, stones, scales.  Periodic where the coordinates are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .noise import step

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from blender_midas_normal.core.arrays import Array


@dataclass(frozen=True)
class Cells:
    """What each pixel knows about the cell it lies in; lengths are in pixels.

    index: number of the cell, 0..count-1.  edge: distance to the cell's border.  x, y: place relative to its middle.
    radius: distance from the middle to the nearest border (one number a pixel, or one for all).
    """

    index: NDArray[np.int32]
    edge: Array
    x: Array
    y: Array
    radius: Array | float
    count: int

    def each(self, values: NDArray) -> Array:
        """Spread one value per cell over the pixels."""
        return values.astype(np.float32)[self.index]


def courses(rng: Generator, u: Array, v: Array, rows: int, columns: int, shift: float | None, uneven: float,
            corner: float) -> Cells:
    """Make rows of rectangles.  shift: offset of each row against the one before, in widths (None: random).

    uneven: how much widths and heights vary, 0..1.  corner: radius of the corners in pixels.
    """
    size = np.float32(u.shape[0])
    heights = _portions(rng, rows, uneven * 0.5) * size
    tops = np.concatenate([[0], np.cumsum(heights)])[:-1]
    widths = np.stack([_portions(rng, columns, uneven) for _ in range(rows)]) * size
    lefts = np.cumsum(widths, axis=1) - widths
    offsets = rng.random(rows) if shift is None else (np.arange(rows) * shift) % 1
    row = np.searchsorted(tops, v % size, side="right").astype(np.int32) - 1
    along = (u - (offsets * size / columns).astype(np.float32)[row]) % size
    starts = (lefts + np.arange(rows)[:, None] * float(size)).ravel()
    index = np.searchsorted(starts, along + row * size, side="right").astype(np.int32) - 1
    index = np.clip(index, row * columns, row * columns + columns - 1)
    half_width = (widths.ravel() / 2).astype(np.float32)[index]
    half_height = (heights / 2).astype(np.float32)[row]
    x = along - lefts.ravel().astype(np.float32)[index] - half_width
    y = v % size - tops.astype(np.float32)[row] - half_height
    edge = box(x, y, half_width, half_height, corner)
    return Cells(index, edge, x, y, np.minimum(half_width, half_height), rows * columns)


def _portions(rng: Generator, count: int, uneven: float) -> NDArray:
    """Return random parts that add up to 1."""
    parts = 1 + 0.7 * uneven * rng.uniform(-1, 1, count)
    return parts / parts.sum()


def box(x: Array, y: Array, half_width: Array | float, half_height: Array | float, corner: float) -> Array:
    """Return the distance to the border of a rectangle with round corners, positive inside."""
    qx = np.abs(x) - half_width + np.float32(corner)
    qy = np.abs(y) - half_height + np.float32(corner)
    outside = np.hypot(np.maximum(qx, 0), np.maximum(qy, 0))
    return np.float32(corner) - outside - np.minimum(np.maximum(qx, qy), 0)


def basket(u: Array, v: Array, blocks: int, strips: int, corner: float) -> Cells:
    """Make square blocks of bricks, lying and standing in turn; `blocks` (even) per side, `strips` bricks in each."""
    size = u.shape[0]
    side = np.float32(size / blocks)
    column, row = (np.floor(t / side).astype(np.int32) for t in (u, v))
    standing = (column + row) % 2 == 1
    across, along = u - column * side, v - row * side
    across, along = np.where(standing, along, across), np.where(standing, across, along)
    strip = np.minimum((along * strips / side).astype(np.int32), strips - 1)
    x, y = across - side / 2, along - (strip + np.float32(0.5)) * side / strips
    index = ((row % blocks) * blocks + column % blocks) * strips + strip
    return Cells(index, box(x, y, side / 2, side / strips / 2, corner), np.where(standing, y, x), np.where(standing, x, y),
                 float(side / strips / 2), blocks * blocks * strips)


def herringbone(u: Array, v: Array, units: int, corner: float) -> Cells:
    """Make bricks of 2 x 1 units, lying and standing; `units` (a multiple of 4) per side."""
    unit = np.float32(u.shape[0] / units)
    column, row = (np.floor(t / unit).astype(np.int32) for t in (u, v))
    turn = (column - row) % 4
    lying = turn < 2
    first_column, first_row = column - (turn == 1), row - (turn == 2)
    half_width, half_height = np.where(lying, unit, unit / 2), np.where(lying, unit / 2, unit)
    x = u - first_column * unit - half_width
    y = v - first_row * unit - half_height
    index = (first_row % units) * units + first_column % units
    return Cells(index, box(x, y, half_width, half_height, corner), x, y, float(unit / 2), units * units)


def voronoi(rng: Generator, u: Array, v: Array, columns: int, rows: int, jitter: float, staggered: bool = False) -> Cells:
    """Make the regions nearest to one point in each box of a grid; staggered without jitter gives hexagons (rows even)."""
    size = u.shape[0]
    wide, high = np.float32(size / columns), np.float32(size / rows)
    offsets = 0.5 + jitter * rng.uniform(-0.5, 0.5, (2, rows, columns))
    if staggered:
        offsets[0] += np.where(np.arange(rows) % 2, 0.25, -0.25)[:, None]
    px, py = offsets[0].ravel().astype(np.float32), offsets[1].ravel().astype(np.float32)
    column, row = np.floor(u / wide).astype(np.int32), np.floor(v / high).astype(np.int32)
    to_x, to_y, numbers = [], [], []
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            number = (row + dy) % rows * columns + (column + dx) % columns
            to_x.append(u - (column + dx + px[number]) * wide)
            to_y.append(v - (row + dy + py[number]) * high)
            numbers.append(number)
    return _nearest(to_x, to_y, numbers, rows * columns, float(min(wide, high)) / 2)


def _nearest(to_x: list[Array], to_y: list[Array], numbers: list[NDArray], count: int, radius: float) -> Cells:
    far = [x * x + y * y for x, y in zip(to_x, to_y)]
    index, x, y, nearest = (a.copy() for a in (numbers[0], to_x[0], to_y[0], far[0]))
    for number, other_x, other_y, distance in list(zip(numbers, to_x, to_y, far))[1:]:
        closer = distance < nearest
        for values, new in ((index, number), (x, other_x), (y, other_y), (nearest, distance)):
            np.copyto(values, new, where=closer)
    edge = np.full_like(x, 1e6)
    for number, other_x, other_y, distance in zip(numbers, to_x, to_y, far):
        apart = np.hypot(other_x - x, other_y - y)
        np.minimum(edge, (distance - nearest) / np.maximum(2 * apart, 1e-3), out=edge, where=number != index)
    return Cells(index.astype(np.int32), edge, x, y, radius, count)


def scales(u: Array, v: Array, rows: int, columns: int, overlap: float, point: float) -> Cells:
    """Make rows of tiles, each over the row below by `overlap` row heights; outline from straight to round to pointed.

    `y` runs from 0 at a tile's upper end to its lower edge; `radius` is half its width.
    """
    size = u.shape[0]
    high, wide = np.float32(size / rows), np.float32(size / columns)
    row = np.floor(v / high).astype(np.int32)
    upper = _scale_row(u, v, row - 1, rows, columns, high, wide, overlap, point)
    lower = _scale_row(u, v, row, rows, columns, high, wide, overlap, point)
    on_top = upper[1] > 0
    index, edge, x, y = (np.where(on_top, a, b) for a, b in zip(upper, lower))
    return Cells(index, edge.astype(np.float32), x, y, float(wide / 2), rows * columns)


def _scale_row(u: Array, v: Array, row: NDArray, rows: int, columns: int, high: float, wide: float, overlap: float,
               point: float) -> tuple[NDArray, Array, Array, Array]:
    across = u / wide + np.where(row % 2, np.float32(0.5), np.float32(0))
    column = np.floor(across).astype(np.int32)
    x = (across - column - np.float32(0.5)) * wide
    y = v - row * high
    out = np.abs(2 * x / wide)
    outline = high * (1 + np.float32(overlap) * (1 - step(out, 0, 1) * np.float32(point) - out ** 4 * np.float32(1 - point)))
    return (row % rows) * columns + column % columns, np.minimum(outline - y, wide), x, y
