"""The curvature map: where a surface bulges like an edge, and where it is hollow like a groove."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .filters import blur
from .picture import Wrap
from .scales import coarser, continued
from .strips import in_strips

if TYPE_CHECKING:
    from .arrays import Array

SCALES = 3
"""Smoothings whose curvatures are averaged, each twice as wide as the one before: sharp edges and broader forms."""

CREASE = 2 * math.sqrt(2 * math.pi)
"""A crease, where the slope falls by m, has the mean curvature m / (CREASE * sigma) once it is smoothed by sigma: half of m
times the Gaussian's highest value.  So CREASE * sigma * curvature has no unit, and says m for a crease at every sigma."""


def curvature(height: Array, wrap: Wrap, radius: float) -> Array:
    """H x W float32, 0..1: 0.5 where flat, more where convex (edges), less where concave (cavities).

    height: H x W float32 in pixels, rows from the top down.  radius: pixels, more than 0; details much finer do not count.
    With a radius that is a share of the picture's sides the map does not depend on the resolution, from a pixel's radius on.
    An edge between slopes that differ by 1 gives 0.5 + 0.5 tanh(1) = 0.88.
    """
    field, sigma = _smoothed(height, radius, wrap), radius
    total = np.zeros_like(field)
    _add_curvature(total, field, sigma, wrap)
    for _ in range(SCALES - 1):
        field, sigma = coarser(field, math.sqrt(3) * sigma, wrap), 2 * sigma
        _add_curvature(total, field, sigma, wrap)

    def to_values(part: slice) -> None:
        values = total[part]
        values *= np.float32(1 / SCALES)
        np.tanh(values, out=values)
        values *= np.float32(0.5)
        values += np.float32(0.5)

    in_strips(to_values, *total.shape)
    return total


def mean_curvature(height: Array) -> Array:
    """(H - 2) x (W - 2) float32: the mean of the principal curvatures, per pixel, inside an H x W height field in pixels.

    Positive where convex: 1 / R on a ball of radius R.  Source: do Carmo, "Differential Geometry of Curves and Surfaces",
    section 3.3, the graph of a function; the derivatives are central differences.
    """
    middle = height[1:-1, 1:-1]
    x = (height[1:-1, 2:] - height[1:-1, :-2]) * np.float32(1 / 2)
    y = (height[2:, 1:-1] - height[:-2, 1:-1]) * np.float32(1 / 2)
    xx = height[1:-1, 2:] + height[1:-1, :-2] - 2 * middle
    yy = height[2:, 1:-1] + height[:-2, 1:-1] - 2 * middle
    xy = (height[2:, 2:] - height[2:, :-2] - height[:-2, 2:] + height[:-2, :-2]) * np.float32(1 / 4)
    bulge = 2 * x * y * xy - (1 + y * y) * xx - (1 + x * x) * yy
    steep = 1 + x * x + y * y
    steep *= 2 * np.sqrt(steep)
    bulge /= steep
    return bulge


def _add_curvature(total: Array, field: Array, sigma: float, wrap: Wrap) -> None:
    """Adds the curvature of a field that has been smoothed by sigma, without a unit."""
    bordered = continued(field, 1, wrap)

    def add(part: slice) -> None:
        found = mean_curvature(bordered[part.start:part.stop + 2])
        found *= np.float32(CREASE * sigma)
        total[part] += found

    in_strips(add, *total.shape)


def _smoothed(height: Array, sigma: float, wrap: Wrap) -> Array:
    """Gaussian blur by which a plane stays a plane, at the borders too."""
    reach = math.ceil(3 * sigma)
    return blur(continued(height, reach, wrap), sigma, sigma, Wrap())[reach:-reach, reach:-reach]
