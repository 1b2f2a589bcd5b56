"""Heights from slopes: the field whose own slopes are nearest, by least squares (Frankot and Chellappa, 1988)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .strips import in_strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array
    from .picture import Wrap

UNSEEN = 1e-9
"""Waves of which central differences see a smaller share than this get no height."""


def height_from_slopes(gx: Array, gy: Array, wrap: Wrap) -> Array:
    """H x W float32 heights in pixels, of mean 0, whose central differences are nearest to the slopes.

    gx, gy: H x W each, dh/dx and dh/dy per pixel, rows downwards.  A direction that does not repeat is continued by its
    mirror image.  Waves of 2 pixels get no height, since central differences cannot see them.

    The heights' second differences are the slopes' differences; waves of the former are those of the heights times `sight`.
    """
    rows, columns = gx.shape
    to_right, to_bottom = ring(columns, wrap.x), ring(rows, wrap.y)
    across, down = sight(columns, wrap.x)[:columns // 2 + 1], sight(rows, wrap.y)
    waves = np.empty((rows, columns // 2 + 1), np.complex64)
    height = np.empty((rows, columns), np.float32)
    rises = _with_border(gy, wrap.y, axis=0)

    def rows_to_waves(part: slice) -> None:
        bend = np.subtract(rises[part.start + 2:part.stop + 2], rises[part], dtype=np.float64)
        runs = _with_border(gx[part], wrap.x, axis=1)
        bend += runs[:, 2:]
        bend -= runs[:, :-2]
        waves[part] = np.fft.rfft(bend[:, to_right])

    def columns_of_waves(part: slice) -> None:
        lines = np.fft.fft(waves[to_bottom, part].T)
        lines *= heights_of_waves(across[part, None], down)
        waves[to_bottom, part] = np.fft.ifft(lines).T

    def waves_to_rows(part: slice) -> None:
        height[part, to_right] = np.fft.irfft(waves[part], columns)

    in_strips(rows_to_waves, rows, columns)
    in_strips(columns_of_waves, columns // 2 + 1, rows)
    in_strips(waves_to_rows, rows, columns)
    return height


def ring(length: int, repeats: bool) -> NDArray[np.int64]:
    """The pixels of a line in an order in which central differences go round, as Fourier's waves do.

    A line that repeats goes round as it is.  In one that is mirrored central differences compare every second pixel: they
    go there by the even ones and, behind the mirror, back by the odd ones.
    """
    pixels = np.arange(length, dtype=np.int64)
    return pixels if repeats else np.concatenate([pixels[::2], pixels[1::2][::-1]])


def sight(length: int, repeats: bool) -> NDArray[np.float64]:
    """The square of what a central difference makes of each wave around the `ring`: sin^2 w, w radians per pixel."""
    return np.sin((2 if repeats else 1) * np.pi * np.arange(length) / length) ** 2


def heights_of_waves(across: NDArray, down: NDArray) -> NDArray[np.float64]:
    """What waves of the slopes' differences, which are twice as large as central ones, are multiplied by."""
    seen = across + down
    return np.divide(-0.5, seen, out=np.zeros_like(seen), where=seen > UNSEEN)


def _with_border(slope: Array, repeats: bool, axis: int) -> Array:
    """The slopes with one more on both sides: those of the other side, or, mirrored, the same the other way up."""
    first, last = np.take(slope, [0], axis), np.take(slope, [-1], axis)
    return np.concatenate([last, slope, first] if repeats else [-first, slope, -last], axis)
