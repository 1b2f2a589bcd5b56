"""A picture cut into tiles, each seen with as much around it as its slopes depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ....core.difference import Stretch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ....core.arrays import Array
    from ....core.difference import Area
    from ....core.picture import Wrap
    from .architecture import Architecture

LARGEST_TILE = (2048, 4096)
"""Rows and columns of the picture that are worked on at once.  At 4096 x 4096 what each tile sees around it costs 14% more
time."""


@dataclass(frozen=True)
class TileSpan:
    """A stretch of one axis that the network sees at once.

    seen: indices of the picture's pixels, in the order seen.  sign: -1 where they are seen in the mirror, which turns slopes
    along this axis around, else 1.  kept: which of the seen pixels are answered for.  place: where those lie in the answer.
    closed: the last pixel seen is followed by the first one.
    """

    seen: NDArray[np.intp]
    sign: Array
    kept: slice
    place: slice
    closed: bool


@dataclass(frozen=True)
class Tiling:
    """The tiles that cover a picture, or a part of it: all pairs of a row span and a column span."""

    rows: list[TileSpan]
    columns: list[TileSpan]

    @property
    def pixels(self) -> int:
        """That the network sees in all tiles together."""
        return sum(len(row.seen) for row in self.rows) * sum(len(column.seen) for column in self.columns)


def tile_whole(shape: tuple[int, ...], wrap: Wrap, architecture: Architecture,
               largest: tuple[int, int] = LARGEST_TILE) -> Tiling:
    """The tiles of a whole picture of H x W (x C) pixels, each of `largest` rows and columns at most."""
    return Tiling(*(spans(length, repeats, side, architecture.stride, architecture.receptive_field)
                    for length, repeats, side in zip(shape[:2], (wrap.y, wrap.x), largest, strict=True)))


def tile_changed(changed: Area, shape: tuple[int, ...], wrap: Wrap, architecture: Architecture, margin: int,
                 largest: tuple[int, int] = LARGEST_TILE) -> Tiling:
    """The tiles that cover what lies within `margin` pixels of a changed area, each seen with `margin` pixels around it."""
    axes = zip((changed.rows, changed.columns), shape[:2], (wrap.y, wrap.x), largest, strict=True)
    return Tiling(*(spans_over(stretch, length, repeats, side, architecture.stride, margin)
                    for stretch, length, repeats, side in axes))


def spans(length: int, repeats: bool, largest: int, stride: int, margin: int) -> list[TileSpan]:
    """The stretches that cover an axis of `length` pixels, each beginning and ending at a multiple of the stride.

    An axis that repeats and whose length is a multiple of the stride is closed on itself.  Any other length that repeats is
    continued by `margin` pixels of its repetition, so that no slope depends on where the repetition was cut.  An axis that
    does not repeat is mirrored up to the next multiple.
    """
    end = -(-length // stride) * stride
    if length <= largest and (end == length or not repeats):
        return [TileSpan(*_seen(0, end, length, repeats), slice(0, length), slice(0, length), repeats)]
    return _spans_of(Stretch(0, length), length, repeats, largest, stride, margin)


def spans_over(changed: Stretch, length: int, repeats: bool, largest: int, stride: int, margin: int) -> list[TileSpan]:
    """The stretches that cover, of an axis of `length` pixels, those within `margin` of the changed ones."""
    pieces = changed.pieces(margin, length, repeats)
    if pieces == [Stretch(0, length)]:
        return spans(length, repeats, largest, stride, margin)
    return [span for piece in pieces for span in _spans_of(piece, length, repeats, largest, stride, margin)]


def _spans_of(piece: Stretch, length: int, repeats: bool, largest: int, stride: int, margin: int) -> list[TileSpan]:
    end, parts = -(-length // stride) * stride, []
    for start in range(piece.start, piece.stop, largest):
        stop = min(piece.stop, start + largest)
        first, last = (start - margin) // stride * stride, -(-(stop + margin) // stride) * stride
        if not repeats:
            first, last = max(first, 0), min(last, end)
        kept, place = slice(start - first, stop - first), slice(start, stop)
        parts.append(TileSpan(*_seen(first, last, length, repeats), kept, place, False))
    return parts


def _seen(first: int, last: int, length: int, repeats: bool) -> tuple[NDArray[np.intp], Array]:
    """Which pixel stands at each position first..last of a line that repeats, or is mirrored at its ends; and the sign."""
    positions = np.arange(first, last)
    if repeats:
        return positions % length, np.ones(len(positions), np.float32)
    inside = positions % (2 * length)
    return np.minimum(inside, 2 * length - 1 - inside), np.where(inside < length, 1, -1).astype(np.float32)
