"""Stones and leaves that lie on the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import shapes
from ..noise import fractal, step
from .making import Kind, Relief, entering, feature_size

if TYPE_CHECKING:
    from numpy.random import Generator

KINDS: dict[str, Kind] = {}
kind = entering(KINDS)


@kind((13, 32), 1.6)
def gravel(rng: Generator, size: int) -> Relief:
    radius = feature_size(rng, size, 4, 26)
    piece = [shapes.rubble, shapes.pebble][int(rng.random() < 0.4)]
    height, number = shapes.pile(rng, size, radius, rng.uniform(1.5, 3.5), rng.uniform(0.6, 2.0), piece)
    return Relief("gravel", height, ("stone", "stone", "concrete", "brick", "soil"), number,
                  step(-height, -0.25 * radius, 0.05 * radius))


@kind((5, 18), 1.4)
def pebbles(rng: Generator, size: int) -> Relief:
    radius = feature_size(rng, size, 4, 30)
    height, number = shapes.pile(rng, size, radius, rng.uniform(0.2, 1.0), rng.uniform(0.1, 0.5), shapes.pebble)
    bed = np.float32(0.12 * radius) * fractal(rng, size, 3 * radius, 2)
    free = step(height - bed, 1.0, 0.0)
    return Relief("pebbles", np.maximum(height, bed), ("stone", "stone", "soil", "concrete"), number, free)


@kind((8, 24), 0.7)
def litter(rng: Generator, size: int) -> Relief:
    radius = feature_size(rng, size, 7, 40)
    piece = [shapes.leaf, shapes.chip][int(rng.random() < 0.5)]
    height, number = shapes.pile(rng, size, radius, rng.uniform(1, 2.5), rng.uniform(0.3, 1), piece)
    return Relief("litter", height, ("plant", "plant", "wood"), number)
