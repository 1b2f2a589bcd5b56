"""Average maps over neighbouring frames: which frames count, how much, and the mean of their normals."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array

LONGEST_REACH = 16
"""Frames on either side."""


def temporal_weights(numbers: Collection[int], middle: int, reach: int) -> dict[int, float]:
    """How much each of the frames within `reach` of the middle one counts, together 1: a triangle, cut where frames lack.

    The noise of whole triangles has the variance of a single frame's times the sum of the squared shares: 0.38 for a reach
    of 1, 0.23 for 2, 0.17 for 3.
    """
    counted = {number: reach + 1 - abs(number - middle) for number in numbers if abs(number - middle) <= reach}
    return {number: count / sum(counted.values()) for number, count in counted.items()}


STEEPEST = 1000
"""Slope that a pixel of a normal map can stand for: one that lies on its side has none."""


def mean_of_normal_maps(maps: Iterable[tuple[float, NDArray[np.uint16]]], out: int | None) -> NDArray[np.uint16]:
    """The mean of maps of one size, each with its share: H x W x 3 or H x W of 0..65535.  They are looked at one by one.

    out: of normal maps the channel of the component that points out of the surface; their slopes are averaged, as heights
    are, and not their directions.  None for maps of values.
    """
    total = reduce(np.add, (np.float32(share) * (values if out is None else _slopes(values, out)) for share, values in maps))
    return np.rint(total if out is None else _encoded(total)).astype(np.uint16)


def _slopes(values: NDArray[np.uint16], out: int) -> Array:
    """H x W x 3: the directions, as long as their component that points out of the surface is 1."""
    directions = values * np.float32(2 / 65535) - 1
    return directions / np.maximum(directions[..., out, None], np.float32(1 / STEEPEST))


def _encoded(directions: Array) -> Array:
    length = np.sqrt(np.einsum("ijk,ijk->ij", directions, directions))
    return (directions / length[..., None] + 1) * np.float32(65535 / 2)
