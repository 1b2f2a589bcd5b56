"""What was pressed or folded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import shapes
from ..noise import band, between, blur, fractal, pick
from .making import Kind, Relief, entering, feature_size, whole

if TYPE_CHECKING:
    from numpy.random import Generator

KINDS: dict[str, Kind] = {}
kind = entering(KINDS)


@kind((2, 13), 1.2)
def embossed(rng: Generator, size: int) -> Relief:
    radius = feature_size(rng, size, 6, 60)
    if rng.random() < 0.3:
        mask = shapes.text(rng, size, whole(size, 4 * radius, 2) ** 2, radius)
    else:
        mask = shapes.motif(rng, size, radius)
    raised = blur(mask, between(rng, 0.7, 3))
    if rng.random() < 0.3:
        raised = raised + blur(mask, 0.25 * radius)
    sign = np.float32(pick(rng, [-1, 1]))
    families = ("metal", "paint", "leather", "plaster", "fabric", "stone", "wood")
    return Relief("embossed", sign * raised * np.float32(between(rng, 1, 5)), families)


@kind((2, 9), 0.4)
def folds(rng: Generator, size: int) -> Relief:
    """Make creased cloth or foil: soft hills with sharper lines."""
    wide = feature_size(rng, size, 40, 200)
    hills = fractal(rng, size, wide, 3.5, (1, rng.uniform(1, 3)))
    creases = -np.exp(-np.abs(band(rng, size, wide, 0.5, (1, rng.uniform(1, 3)))) * np.float32(rng.uniform(3, 8)))
    height = hills + np.float32(rng.uniform(0, 1)) * creases
    return Relief("folds", 0.05 * wide * height, ("fabric", "fabric", "metal", "leather"))
