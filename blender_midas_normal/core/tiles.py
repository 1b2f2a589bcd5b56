"""A large field made from overlapping tiles, each fitted to one global pass over the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Array


@dataclass(frozen=True)
class Tile:
    """A rectangle of the field, in pixels: columns left..right, rows top..bottom, ends not included."""

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


def plan(width: int, height: int, tile: int, overlap: int) -> list[Tile]:
    """Tiles of at most `tile` pixels a side that cover width x height, overlapping by at least `overlap`, row by row."""
    return [Tile(left, top, right, bottom)
            for top, bottom in _spans(height, tile, overlap) for left, right in _spans(width, tile, overlap)]


def _spans(length: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    if length <= tile:
        return [(0, length)]
    count = -(-(length - overlap) // (tile - overlap))
    starts = np.rint(np.linspace(0, length - tile, count)).astype(int)
    return [(int(start), int(start) + tile) for start in starts]


def fitted(field: Array, reference: Array) -> Array:
    """The field scaled and shifted to the reference, by least squares over the pixels that fit best.

    Three rounds, each without the fifth of the pixels that fitted worst in the round before.  A scale that is not
    positive would turn bumps into dents: then only the shift is fitted.
    """
    kept = np.ones(field.shape, bool)
    scale, shift = 1.0, 0.0
    for _ in range(3):
        scale, shift = _line(field[kept], reference[kept])
        misfit = np.abs(field * scale + shift - reference)
        kept = misfit <= np.quantile(misfit, 0.8)
    return (field * scale + shift).astype(np.float32)


def _line(x: Array, y: Array) -> tuple[float, float]:
    x_mean, y_mean = float(x.mean(dtype=np.float64)), float(y.mean(dtype=np.float64))
    spread = float(((x - x_mean) ** 2).mean(dtype=np.float64))
    scale = float(((x - x_mean) * (y - y_mean)).mean(dtype=np.float64)) / spread if spread > 1e-12 else 0.0
    if scale <= 0:
        scale = 1.0
    return scale, y_mean - scale * x_mean


def tiled(reference: Array, tiles: list[Tile], run: Callable[[Tile], Array]) -> Array:
    """H x W field whose detail comes from `run(tile)` and whose level and scale come from the H x W reference.

    Overlapping tiles are averaged with weights that fall to nothing at each tile's border.
    """
    total = np.zeros_like(reference)
    weight = np.zeros_like(reference)
    for tile in tiles:
        answer = fitted(run(tile), reference[tile.area])
        share = _hat(tile.bottom - tile.top)[:, None] * _hat(tile.right - tile.left)[None, :]
        total[tile.area] += answer * share
        weight[tile.area] += share
    return np.divide(total, weight, dtype=np.float32)


def _hat(length: int) -> Array:
    """Weights that rise linearly from the border to the middle and never reach zero."""
    position = np.arange(length, dtype=np.float32)
    return np.minimum((position + 1) / length, (length - position) / length).astype(np.float32)
