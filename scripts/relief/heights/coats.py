"""Plaster, concrete, and what has dried and cracked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..cells import courses, voronoi
from ..noise import band, between, coordinates, fractal, warp
from .making import Kind, Relief, crack, entering, feature_size, lay_stones, rivets, whole

if TYPE_CHECKING:
    from numpy.random import Generator

    from blender_midas_normal.core.arrays import Array

KINDS: dict[str, Kind] = {}
kind = entering(KINDS)


@kind((0.8, 11), 1.3)
def plaster(rng: Generator, size: int) -> Relief:
    rough = fractal(rng, size, feature_size(rng, size, 6, 120), rng.uniform(1.5, 2.8))
    style = rng.integers(3)
    if style == 1:  # trowel strokes
        rough = np.maximum(rough, fractal(rng, size, feature_size(rng, size, 20, 100), 2.6, (rng.uniform(1, 3), 1)))
    elif style == 2:  # roughcast
        rough = np.maximum(band(rng, size, between(rng, 4, 14), 0.3), np.float32(rng.uniform(-0.5, 0.8)))
    return Relief("plaster", rough.astype(np.float32), ("plaster", "plaster", "paint", "concrete"))


@kind((0.5, 7), 1.2)
def concrete(rng: Generator, size: int) -> Relief:
    height = np.float32(0.3) * fractal(rng, size, feature_size(rng, size, 30, 150), 2.5)
    pores = np.maximum(band(rng, size, between(rng, 4, 14), 0.35) - np.float32(rng.uniform(1.8, 2.6)), 0)
    height = height - np.float32(rng.uniform(0.5, 3)) * pores
    if rng.random() < 0.5:
        height = height - np.float32(between(rng, 0.5, 3)) * crack(rng, size)
    if rng.random() < 0.4:
        return _formwork(rng, size, height.astype(np.float32))
    return Relief("concrete", height.astype(np.float32), ("concrete", "concrete", "plaster", "stone"))


def _formwork(rng: Generator, size: int, surface: Array) -> Relief:
    """Make slabs with tie holes, as of cast walls."""
    wide = feature_size(rng, size, 70, 240)
    cells = courses(rng, *coordinates(size), whole(size, wide), whole(size, wide), 0.0, 0.0, 0)
    stones = lay_stones(rng, cells, "concrete", ("concrete",), rng.uniform(1, 5), between(rng, 1.5, 4), 0, 0.02, 0.1)
    holes = np.minimum(rivets(rng, cells), 0) if rng.random() < 0.7 else 0
    return replace(stones, height=(stones.height + 0.5 * surface + 2 * holes).astype(np.float32))


@kind((5, 20), 0.8)
def cracked(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 14, 110)
    u, v = warp(rng, size, wide * rng.uniform(0.05, 0.15), wide * 0.5)
    cells = voronoi(rng, u, v, whole(size, wide, 2), whole(size, wide, 2), 0.9)
    stones = lay_stones(rng, cells, "cracked", ("soil", "soil", "paint", "stone", "plaster"), rng.uniform(1, 0.1 * wide + 1),
                        between(rng, 1.5, 6), rng.uniform(-0.5, 0.5), 0.4, 0.3)
    return replace(stones, piece=None)
