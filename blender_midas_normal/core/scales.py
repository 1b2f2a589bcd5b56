"""Height fields seen more coarsely, at every pixel: no smaller field, whose pixels would tell where the border is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .filters import continued_along
from .strips import in_strips

if TYPE_CHECKING:
    from .arrays import Array
    from .picture import Wrap


def coarser(field: Array, deviation: float, wrap: Wrap) -> Array:
    """An H x W field smoothed by a deviation in pixels, more than 0, with the weights of `a_trous`.

    The field is smoothed already by a deviation of half as much, or the one asked for is 1.
    """
    step, weights = a_trous(deviation)
    return weighted(continued(field, 2 * step, wrap), weights, step)


def a_trous(deviation: float) -> tuple[int, Array]:
    """(pixels between weights, five weights) that smooth by a deviation in pixels, but leave what lies between the weights.

    They take as long for 8 pixels as for 1 (Starck and Murtagh, "Astronomical Image and Data Analysis", 2006, appendix A).
    """
    step = math.ceil(deviation)
    side = deviation ** 2 / (4 * step ** 2)
    return step, np.convolve([side, 1 - 2 * side, side], [side, 1 - 2 * side, side]).astype(np.float32)


def continued(field: Array, margin: int, wrap: Wrap) -> Array:
    """An H x W field with `margin` more pixels on each side: (H + 2 margin) x (W + 2 margin)."""
    for axis, repeats in enumerate((wrap.y, wrap.x)):
        field = continued_along(field, margin, repeats, axis)
    return field


def weighted(bordered: Array, weights: Array, step: int) -> Array:
    """The sum of five times five pixels of a field, `step` apart, around each pixel.

    weights: five, the same for rows and columns; the first is the last's and the second the fourth's.  The field has
    2 * step more pixels on each side than what is returned.
    """
    rows, columns = (length - 4 * step for length in bordered.shape)
    found = np.empty((rows, columns), np.float32)

    def work(part: slice) -> None:
        down = _sum_of_five([bordered[part.start + i * step:part.stop + i * step] for i in range(5)], weights)
        found[part] = _sum_of_five([down[:, i * step:i * step + columns] for i in range(5)], weights)

    in_strips(work, rows, columns)
    return found


def _sum_of_five(shifted: list[Array], weights: Array) -> Array:
    total = shifted[0] + shifted[4]
    total *= weights[0]
    near = shifted[1] + shifted[3]
    near *= weights[1]
    total += near
    total += shifted[2] * weights[2]
    return total
