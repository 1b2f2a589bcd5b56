"""Colour conversions (sRGB, exposure, luma), and inpainting of transparent pixels from their surroundings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .arrays import parallel_rows

if TYPE_CHECKING:
    from .arrays import Array

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of red, green and blue in ITU-R BT.709."""

MIN_CONTRAST = 1e-3
"""Range of the pixels, 0..1, below which a picture counts as one colour: a quarter of a step of 8 bits."""

MIDDLE_GREY = np.float32(0.5)


def apply_exposure(linear: Array, stops: float) -> Array:
    """Multiply scene-linear values by 2 for each stop; what grows too large for float32 becomes infinite.

    >>> apply_exposure(np.array([0.25, 1], np.float32), 1.0).tolist()
    [0.5, 2.0]
    """
    with np.errstate(over="ignore"):
        return linear * np.float32(2.0 ** stops)


def linear_to_srgb(linear: Array) -> Array:
    """Convert scene-linear values to display-referred sRGB, float32 0..1 (IEC 61966-2-1); brighter than 1 is clipped.

    >>> print(linear_to_srgb(np.array([0, 0.5, 1, 2], np.float32)).round(3))
    [0.    0.735 1.    1.   ]
    """
    clipped = np.clip(linear, 0.0, 1.0, dtype=np.float32)
    bright = np.float32(1.055) * np.power(clipped, np.float32(1 / 2.4)) - np.float32(0.055)
    return np.where(clipped <= 0.0031308, clipped * np.float32(12.92), bright)


def srgb_to_linear(encoded: Array) -> Array:
    """Convert display-referred sRGB values, 0..1, to linear ones, float32 (IEC 61966-2-1).

    >>> print(srgb_to_linear(np.array([0, 0.735, 1], np.float32)).round(2))
    [0.  0.5 1. ]
    """
    bright = np.power((encoded + np.float32(0.055)) / np.float32(1.055), np.float32(2.4))
    return np.where(encoded <= 0.04045, encoded / np.float32(12.92), bright)


def luma(rgb: Array) -> Array:
    """Return the H x W luma of H x W x 3 display-referred sRGB values, 0..1 (BT.709 weights on the encoded values).

    >>> print(luma(np.array([[[1, 1, 1], [0, 1, 0]]], np.float32)).round(2))
    [[1.   0.72]]
    """
    return rgb @ LUMA


def is_single_colour(rgb: Array) -> bool:
    """Tell whether H x W x 3 pixels, 0..1, differ by less than can be seen."""
    return float(np.ptp(rgb.reshape(-1, 3), axis=0).max()) < MIN_CONTRAST


def inpaint_transparent(rgb: Array, alpha: Array) -> Array:
    """Fill transparent pixels smoothly with the colours around them, so that engines see no edge there.

    Pull-push: averages over squares of 2, 4, 8, ... pixels, weighted by alpha, fill what the finer level lacks.
    A picture without any opaque pixel becomes middle grey.

    Args:
        rgb: H x W x 3 float32, 0..1.
        alpha: H x W, 0..1.

    Returns:
        H x W x 3 float32, every pixel opaque.

    >>> inpaint_transparent(np.float32([[[1, 0, 0], [0, 0, 0]]]), np.float32([[1, 0]])).tolist()
    [[[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]]
    """
    alpha = np.clip(alpha, 0.0, 1.0)[..., None]
    if max(alpha.shape) == 1:
        return np.where(alpha > 0, rgb, MIDDLE_GREY).astype(np.float32)
    weighted = rgb * alpha
    coarse, coarse_alpha = _downsample_by_two(weighted), _downsample_by_two(alpha)
    np.divide(coarse, coarse_alpha, out=coarse, where=coarse_alpha > 0)
    behind = inpaint_transparent(coarse, np.minimum(coarse_alpha[..., 0] * 4, 1.0))

    def fill(rows: slice) -> None:
        weighted[rows] += (1 - alpha[rows]) * _upsample_by_two(behind, rows)[:, :weighted.shape[1]]

    parallel_rows(fill, len(weighted), weighted[0].size)
    return weighted


def _downsample_by_two(field: Array) -> Array:
    """Average each 2 x 2 square; an odd last row or column is repeated."""
    rows, columns = field.shape[:2]
    even = np.pad(field, [(0, rows % 2), (0, columns % 2), (0, 0)], mode="edge")
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) * np.float32(0.25)


def _upsample_by_two(field: Array, rows: slice) -> Array:
    """Return some rows of the field at twice its size, interpolated linearly."""
    down = np.arange(rows.start // 2 - 1, (rows.stop + 1) // 2 + 1).clip(0, len(field) - 1)
    across = np.arange(-1, field.shape[1] + 1).clip(0, field.shape[1] - 1)
    tall = _interpolate_by_two(field[down], 0)[rows.start % 2:][:rows.stop - rows.start]
    return _interpolate_by_two(tall[:, across], 1)


def _interpolate_by_two(field: Array, axis: int) -> Array:
    """Make two values of each but the first and last: a quarter of the way to the one before, and to the one after."""
    lines = np.moveaxis(field, axis, 0)
    near = lines[1:-1] * np.float32(0.75)
    doubled = np.empty((2 * len(near), *near.shape[1:]), np.float32)
    for start, neighbours in enumerate((lines[:-2], lines[2:])):
        np.multiply(neighbours, np.float32(0.25), out=doubled[start::2])
        doubled[start::2] += near
    return np.moveaxis(doubled, 0, axis)
