"""The network over a picture in all its orientations: the mean of their answers is nearer to the truth than any one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ....core.picture import Wrap
from .pyramid import infer

if TYPE_CHECKING:
    from ....core.arrays import Array
    from .. import Report
    from .pyramid import Network

ORIENTATIONS = tuple((mirrored, transposed, upside_down) for mirrored in (False, True) for transposed in (False, True)
                     for upside_down in (False, True))
"""The eight ways to lay a rectangle on itself or on its transpose."""


def infer_orientations(network: Network, rgb: Array, wrap: Wrap, report: Report) -> Array:
    """H x W x 2 float32 slopes of H x W x 3 float32 sRGB, 0..1: the mean over the eight orientations, turned back."""
    total = np.zeros((*rgb.shape[:2], 2), np.float32)
    for number, orientation in enumerate(ORIENTATIONS):
        def part(stage: str, done: float, number: int = number) -> None:
            report(stage, (number + done) / len(ORIENTATIONS))

        mirrored, transposed, upside_down = orientation
        turned = np.ascontiguousarray(_laid(rgb, *orientation))
        seen = Wrap(wrap.y, wrap.x) if transposed else wrap
        slopes = infer(network, turned, seen, part).full
        back = slopes.swapaxes(0, 1)[..., ::-1] if transposed else slopes
        sign = np.array([-1 if mirrored else 1, -1 if upside_down else 1], np.float32)
        total += _laid(back, mirrored, False, upside_down) * sign
    total /= len(ORIENTATIONS)
    return total


def _laid(field: Array, mirrored: bool, transposed: bool, upside_down: bool) -> Array:
    """An H x W x C field mirrored left to right, turned upside down, and then transposed."""
    field = field[:, ::-1] if mirrored else field
    field = field[::-1] if upside_down else field
    return field.swapaxes(0, 1) if transposed else field
