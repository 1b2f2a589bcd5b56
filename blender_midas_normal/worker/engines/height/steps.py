"""Smoothing of heights that were rounded to steps, as files of 8 bits hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ....core.arrays import parallel_rows
from ....core.filters import pad_axis, pad_field, pad_strip

if TYPE_CHECKING:
    from ....core.arrays import Array
    from ....core.picture import Wrap

MIN_SIDE = 8
"""Pixels of the shorter side below which heights are left as they are."""

AROUND = 2
"""Pixels on each side of a pixel over which the square of its detail is averaged."""


def smooth_steps(height: Array, step: float, wrap: Wrap) -> Array:
    """Smooth heights that were rounded to steps: each stays within half a step of what it was.

    The heights are taken apart into a copy of half their size, smoothed in the same way, and the detail that is missing
    there (a Laplacian pyramid: Burt and Adelson, "The Laplacian pyramid as a compact image code", 1983).  Detail is left out
    as far as it may be rounding, whose mean square is step^2 / 12: the share that is left out is the ratio of that and the
    mean square around the pixel (a local Wiener filter: Lee, "Digital image enhancement and noise filtering by use of local
    statistics", 1980).  So terraces become slopes, however long they are, while texture and edges stay.

    Args:
        height: H x W float32.
        step: distance of two values.
        wrap: the directions that repeat.

    Returns:
        H x W float32.
    """
    if min(height.shape) < MIN_SIDE:
        return height
    even = _pad_to_even(height, wrap)
    half = _half_size(even)
    taken_from_half = pad_field(half - smooth_steps(half, step, wrap), 2, wrap)
    half = pad_field(half, 3, wrap)
    smooth = np.empty_like(even)
    rounding, largest = np.float32(step ** 2 / 12 * (2 * AROUND + 1) ** 2), np.float32(step / 2)

    def work(rows: slice) -> None:
        before = pad_strip(even, slice(2 * rows.start, 2 * rows.stop), AROUND, wrap)
        detail = before - _double_size(half[rows.start:rows.stop + 6])
        squares = _sum_around(detail * detail)
        np.maximum(squares, rounding, out=squares)
        detail, before = (field[AROUND:-AROUND, AROUND:-AROUND] for field in (detail, before))
        change = _double_size(taken_from_half[rows.start:rows.stop + 4])
        change += np.multiply(detail, np.divide(rounding, squares, out=squares), out=squares)
        np.clip(change, -largest, largest, out=change)
        np.subtract(before, change, out=smooth[2 * rows.start:2 * rows.stop])

    parallel_rows(work, len(even) // 2, 2 * even.shape[1])
    return smooth[:len(height), :height.shape[1]]


def _pad_to_even(field: Array, wrap: Wrap) -> Array:
    """Continue a field of an odd length by one row or column."""
    for axis, repeats in enumerate((wrap.y, wrap.x)):
        if field.shape[axis] % 2:
            field = np.delete(pad_axis(field, 1, repeats, axis), 0, axis)
    return field


def _half_size(field: Array) -> Array:
    """Return the means of 2 x 2 pixels of a field of even length."""
    half = np.empty((len(field) // 2, field.shape[1] // 2), np.float32)

    def work(rows: slice) -> None:
        pairs = field[2 * rows.start:2 * rows.stop:2] + field[2 * rows.start + 1:2 * rows.stop:2]
        np.add(pairs[:, ::2], pairs[:, 1::2], out=half[rows])
        half[rows] *= np.float32(1 / 4)

    parallel_rows(work, *half.shape)
    return half


def _double_size(padded: Array) -> Array:
    """Return a smooth field, the means of whose 2 x 2 pixels are nearly those given: 2 H x 2 W of (H + 4) x (W + 4)."""
    return _double_rows(_double_rows(padded.T).T)


def _double_rows(padded: Array) -> Array:
    """Double n + 4 rows to 2 n.

    They become the coefficients of a quartic B-spline, which is subdivided by the weights (5, 10, 1) / 16 and
    (1, 10, 5) / 16.  Before that (-3, 22, -3) / 16 undoes what this and the mean of two pixels take of long waves, up to
    the fourth power of their frequency.
    """
    coefficients = np.float32(22 / 16) * padded[1:-1]
    coefficients -= np.float32(3 / 16) * (padded[:-2] + padded[2:])
    before, after = coefficients[:-2], coefficients[2:]
    level = np.float32(10 / 16) * coefficients[1:-1]
    level += np.float32(3 / 16) * (before + after)
    tilt = np.float32(2 / 16) * (before - after)
    double = np.empty_like(padded, shape=(2 * len(level), padded.shape[1]))
    np.add(level, tilt, out=double[::2])
    np.subtract(level, tilt, out=double[1::2])
    return double


def _sum_around(padded: Array) -> Array:
    """Add up the 5 x 5 pixels around each of a field that is padded by two."""
    pairs = padded[:-1] + padded[1:]
    down = pairs[:-3] + pairs[2:-1]
    down += padded[4:]
    pairs = down[:, :-1] + down[:, 1:]
    total = pairs[:, :-3] + pairs[:, 2:-1]
    total += down[:, 4:]
    return total
