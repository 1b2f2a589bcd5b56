"""Heights out of slopes, and heights as the picture of a displacement: 0..1 about a middle level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .integration import height_from_slopes
from .scales import weighted

if TYPE_CHECKING:
    from .arrays import Array
    from .picture import Wrap

MIDDLE = 0.5
"""The value of the mean height: `Midlevel` of Blender's Displacement node and modifier."""

UNRIPPLED = np.array([-1, 4, 10, 4, -1], np.float32) / np.float32(16)
"""Weights that keep all but the shortest waves: 1 - sin(w/2)^4, nothing of a wave of 2 pixels.  Central differences cannot
see those, so that least squares puts them wherever slopes end at a border that does not repeat: a ramp became stairs."""


def height_map(gx: Array, gy: Array, wrap: Wrap) -> Array:
    """H x W float32 heights in pixels, of mean 0, whose slopes are nearest to the ones given, by least squares.

    gx, gy: H x W float32, dimensionless dh/du and dh/dv, v downwards: a slope of 1 rises a pixel's width in a pixel.
    Source: Frankot and Chellappa, "A method for enforcing integrability in shape from shading algorithms", 1988.
    """
    height = height_from_slopes(gx, gy, wrap)
    for axis, repeats in enumerate((wrap.y, wrap.x)):
        height = _reflected(height, len(UNRIPPLED) // 2, repeats, axis)
    return weighted(height, UNRIPPLED, 1)


def encoded_height(height: Array) -> tuple[Array, float]:
    """(H x W float32 values of 0..1, scale): height less its mean = (value - 0.5) * scale, in shorter sides of the picture.

    height: H x W float32 in pixels.  The pixel farthest from the mean gets 0 or 1; heights that are constant get 0.5
    everywhere and scale 0.
    """
    centred = _centred(height)
    farthest = float(np.abs(centred).max())
    if farthest == 0:
        return np.full_like(centred, MIDDLE), 0.0
    centred *= np.float32(0.5 / farthest)
    centred += np.float32(MIDDLE)
    return centred, 2 * farthest / min(height.shape)


def at_scale(values: Array, before: float, now: float, rise: float | Array = 0.0) -> Array:
    """The values 0..1 of the same heights, raised by so much, for another, larger scale (see `encoded_height`)."""
    return (values - np.float32(MIDDLE)) * np.float32(before / now) + np.float32(MIDDLE + rise / now)


def _reflected(height: Array, count: int, repeats: bool, axis: int) -> Array:
    width = [(count, count) if i == axis else (0, 0) for i in range(2)]
    return np.pad(height, width, mode="wrap" if repeats else "symmetric")


def _centred(height: Array) -> Array:
    return height - np.float32(height.mean(dtype=np.float64))
