"""Parts of pictures: overlapping tiles, merged into one field, and the region in which two pictures differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array
    from .picture import Wrap


@dataclass(frozen=True)
class Tile:
    """A rectangle in pixels: columns left..right, rows top..bottom, ends not included."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.right - self.left, self.bottom - self.top

    @property
    def area(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)


def plan_tiles(width: int, height: int, tile: int, overlap: int) -> list[Tile]:
    """Cover width x height with tiles of at most `tile` pixels a side that overlap by at least `overlap`, row by row.

    >>> [(tile.left, tile.right) for tile in plan_tiles(10, 4, tile=6, overlap=2)]
    [(0, 6), (4, 10)]
    """
    return [Tile(left, top, right, bottom)
            for top, bottom in _tile_spans(height, tile, overlap) for left, right in _tile_spans(width, tile, overlap)]


def _tile_spans(length: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    if length <= tile:
        return [(0, length)]
    count = -(-(length - overlap) // (tile - overlap))
    starts = np.rint(np.linspace(0, length - tile, count)).astype(int)
    return [(int(start), int(start) + tile) for start in starts]


def fit_to_reference(field: Array, reference: Array) -> Array:
    """Scale and shift a field to fit a reference of the same shape, by trimmed least squares.

    Three rounds, each without the fifth of the pixels that fitted worst in the round before.  A scale that is not
    positive would turn bumps into dents: then only the shift is fitted.

    >>> fit_to_reference(np.float32([[0, 1, 2]]), np.float32([[10, 12, 14]])).tolist()
    [[10.0, 12.0, 14.0]]
    """
    kept = np.ones(field.shape, bool)
    scale, shift = 1.0, 0.0
    for _ in range(3):
        scale, shift = _fit_line(field[kept], reference[kept])
        misfit = np.abs(field * scale + shift - reference)
        kept = misfit <= np.quantile(misfit, 0.8)
    return (field * scale + shift).astype(np.float32)


def _fit_line(x: Array, y: Array) -> tuple[float, float]:
    x_mean, y_mean = float(x.mean(dtype=np.float64)), float(y.mean(dtype=np.float64))
    spread = float(((x - x_mean) ** 2).mean(dtype=np.float64))
    scale = float(((x - x_mean) * (y - y_mean)).mean(dtype=np.float64)) / spread if spread > 1e-12 else 0.0
    if scale <= 0:
        scale = 1.0
    return scale, y_mean - scale * x_mean


def merge_tiles(reference: Array, tiles: list[Tile], run: Callable[[Tile], Array]) -> Array:
    """Merge the fields of tiles, each fitted to a reference for the whole (see `fit_to_reference`).

    Overlapping tiles are averaged with weights that fall linearly towards each tile's border.

    Args:
        reference: H x W float32, with the level and scale of the result.
        tiles: cover H x W.
        run: returns the field of a tile, with its detail.
    """
    total = np.zeros_like(reference)
    weight = np.zeros_like(reference)
    for tile in tiles:
        field = fit_to_reference(run(tile), reference[tile.area])
        tile_weight = _triangle_weights(tile.bottom - tile.top)[:, None] * _triangle_weights(tile.right - tile.left)[None, :]
        total[tile.area] += field * tile_weight
        weight[tile.area] += tile_weight
    return np.divide(total, weight, dtype=np.float32)


def _triangle_weights(length: int) -> Array:
    """Return weights that rise linearly from both ends to the middle and never reach zero."""
    position = np.arange(length, dtype=np.float32)
    return np.minimum((position + 1) / length, (length - position) / length).astype(np.float32)


@dataclass(frozen=True)
class Interval:
    """Pixels start..stop of an axis, the end not included; beyond the length of a periodic axis it continues at 0."""

    start: int
    stop: int

    def expand(self, margin: int, length: int, repeats: bool) -> list[Interval]:
        """Add `margin` pixels on each side, and return one or two intervals within 0..length.

        >>> Interval(1, 3).expand(2, 10, repeats=True)
        [Interval(start=0, stop=5), Interval(start=9, stop=10)]
        """
        start, stop = self.start - margin, self.stop + margin
        if not repeats:
            return [Interval(max(start, 0), min(stop, length))]
        if stop - start >= length:
            return [Interval(0, length)]
        start, stop = start % length, (stop - 1) % length + 1
        return [Interval(start, stop)] if start < stop else [Interval(0, stop), Interval(start, length)]


@dataclass(frozen=True)
class Region:
    """Rows and columns of a picture, which may go on across borders that repeat; a `Tile` lies within its borders."""

    rows: Interval
    columns: Interval


def changed_region(before: NDArray, after: NDArray, wrap: Wrap) -> Region | None:
    """Return the smallest region outside of which two H x W x C pictures are equal; None where they are equal everywhere."""
    different = before != after
    rows = different.any(axis=(1, 2))
    if not rows.any():
        return None
    return Region(_covering_interval(rows, wrap.y), _covering_interval(different[rows].any(axis=(0, 2)), wrap.x))


def _covering_interval(marked: NDArray[np.bool_], repeats: bool) -> Interval:
    """Return the shortest interval with all marked pixels; on a periodic axis it leaves out the widest gap."""
    indices = np.flatnonzero(marked)
    if not repeats:
        return Interval(int(indices[0]), int(indices[-1]) + 1)
    gaps = np.diff(indices, append=indices[0] + len(marked))
    widest = int(gaps.argmax())
    start = int(indices[(widest + 1) % len(indices)])
    return Interval(start, start + len(marked) - int(gaps[widest]) + 1)
