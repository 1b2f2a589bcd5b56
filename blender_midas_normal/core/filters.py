"""Filters on height fields: gradient, blur and resize, each with borders that repeat or do not.

All are separable.  Blur and resize are one operation, a weighted sum of a few input rows for each output row, carried out
strip by strip so that the working set stays in the processor's cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .picture import Wrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .picture import Array

STRIP = 1 << 17
"""Values handled at a time: half a megabyte of float32, the size of a common second-level cache."""


def gradient(field: Array, wrap: Wrap) -> tuple[Array, Array]:
    """(d/dx, d/dy) per pixel of an H x W field, y downwards: the 3x3 Sobel operator divided by 8.

    A border that repeats continues on the other side; one that does not continues its own slope (odd reflection), so that
    a plane has one gradient everywhere, border included.
    """
    padded = _bordered(_bordered(field, wrap.x, axis=1), wrap.y, axis=0)
    gx, gy = _sobel(padded)
    gx *= np.float32(1 / 8)
    gy *= np.float32(1 / 8)
    return gx, gy


def node_gradient(field: Array, wrap: Wrap) -> tuple[Array, Array]:
    """The MiDaS node's own x and y: the 3x3 Sobel operator, not divided, borders reflected about the border pixel."""
    def border(values: Array, repeats: bool, axis: int) -> Array:
        mode = "wrap" if repeats else "reflect" if values.shape[axis] > 1 else "edge"
        return np.pad(values, [(1, 1) if i == axis else (0, 0) for i in range(2)], mode=mode)  # type: ignore[call-overload]

    return _sobel(border(border(field, wrap.x, 1), wrap.y, 0))


def blur(field: Array, sigma_x: float, sigma_y: float, wrap: Wrap) -> Array:
    """Gaussian blur of an H x W (x C) field; the deviations are in pixels, 0 leaves a direction as it is."""
    down = _blur_rows(field, sigma_y, wrap.y)
    return _turned(_blur_rows(_turned(down), sigma_x, wrap.x))


def resize(field: Array, width: int, height: int, wrap: Wrap) -> Array:
    """Lanczos resize (3 lobes) of an H x W (x C) field; the kernel widens when the field is made smaller.

    Pixel centres stay where they are on the picture: pixel i covers i..i+1.
    """
    down = _resize_rows(field, height, wrap.y)
    return _turned(_resize_rows(_turned(down), width, wrap.x))


def _turned(field: Array) -> Array:
    return np.ascontiguousarray(field.swapaxes(0, 1))


def _sobel(padded: Array) -> tuple[Array, Array]:
    """The 3x3 Sobel operator, not divided, on a field with one pixel of border on each side."""
    down = padded[:-2] + padded[2:]
    down += 2 * padded[1:-1]
    across = padded[:, :-2] + padded[:, 2:]
    across += 2 * padded[:, 1:-1]
    return down[:, 2:] - down[:, :-2], across[2:] - across[:-2]


def _bordered(field: Array, repeats: bool, axis: int) -> Array:
    width = [(1, 1) if i == axis else (0, 0) for i in range(field.ndim)]
    if repeats:
        return np.pad(field, width, mode="wrap")
    if field.shape[axis] == 1:
        return np.pad(field, width, mode="edge")
    return np.pad(field, width, mode="reflect", reflect_type="odd")


def _blur_rows(field: Array, sigma: float, repeats: bool) -> Array:
    if sigma <= 0:
        return field
    reach = max(1, int(np.ceil(3 * sigma)))
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    count = field.shape[0]
    rows = np.arange(count)[:, None] + offsets[None, :]
    weights = np.broadcast_to(kernel / kernel.sum(), rows.shape)
    return _weighted_rows(field, _inside(rows, count, repeats), weights)


def _resize_rows(field: Array, count: int, repeats: bool) -> Array:
    before = field.shape[0]
    if before == count:
        return field
    ratio = before / count
    spread = max(1.0, ratio)
    centres = (np.arange(count) + 0.5) * ratio - 0.5
    first = np.floor(centres - 3 * spread).astype(np.int64) + 1
    rows = first[:, None] + np.arange(int(np.ceil(6 * spread)))[None, :]
    distance = (rows - centres[:, None]) / spread
    weights = np.where(np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return _weighted_rows(field, _inside(rows, before, repeats), weights)


def _inside(rows: NDArray, count: int, repeats: bool) -> NDArray:
    """Row numbers beyond the border: the other side where it repeats, else the mirror image about the border."""
    if repeats:
        return rows % count
    period = rows % (2 * count)
    return np.where(period < count, period, 2 * count - 1 - period)


def _weighted_rows(field: Array, rows: NDArray, weights: NDArray) -> Array:
    """out[i] = sum over k of weights[i, k] * field[rows[i, k]], float32."""
    out = np.empty((rows.shape[0], *field.shape[1:]), np.float32)
    weights = weights.astype(np.float32).reshape(*weights.shape, *[1] * (field.ndim - 1))
    step = max(1, STRIP // max(1, int(np.prod(field.shape[1:]))))
    for start in range(0, len(out), step):
        part = slice(start, start + step)
        total = out[part]
        np.multiply(field[rows[part, 0]], weights[part, 0], out=total)
        for k in range(1, rows.shape[1]):
            total += field[rows[part, k]] * weights[part, k]
    return out
