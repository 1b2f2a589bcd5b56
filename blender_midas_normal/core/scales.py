"""Height fields seen more coarsely, at every pixel: no smaller field, whose pixels would tell where the border is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .filters import continued_along

if TYPE_CHECKING:
    from .picture import Array, Wrap


def coarser(field: Array, deviation: float, wrap: Wrap) -> Array:
    """An H x W field smoothed by five weights a few pixels apart, which have the deviation given, in pixels, more than 0.

    It takes as long for 8 pixels as for 1 ("à trous"; Starck and Murtagh, "Astronomical Image and Data Analysis", 2006,
    appendix A), but leaves what lies between the weights: the field is smoothed already by a deviation of half as much, or
    the one asked for is 1.
    """
    step = math.ceil(deviation)
    side = deviation ** 2 / (4 * step ** 2)
    weights = np.convolve([side, 1 - 2 * side, side], [side, 1 - 2 * side, side]).astype(np.float32)
    rows, columns = field.shape
    padded = continued(field, 2 * step, wrap)
    down = _weighted([padded[i * step:i * step + rows] for i in range(5)], weights)
    return _weighted([down[:, i * step:i * step + columns] for i in range(5)], weights)


def continued(field: Array, margin: int, wrap: Wrap) -> Array:
    """An H x W field with `margin` more pixels on each side: (H + 2 margin) x (W + 2 margin)."""
    for axis, repeats in enumerate((wrap.y, wrap.x)):
        field = continued_along(field, margin, repeats, axis)
    return field


def _weighted(shifted: list[Array], weights: Array) -> Array:
    """The sum of five fields, the first weighted like the last and the second like the fourth."""
    total = shifted[0] + shifted[4]
    total *= weights[0]
    near = shifted[1] + shifted[3]
    near *= weights[1]
    total += near
    total += shifted[2] * weights[2]
    return total
