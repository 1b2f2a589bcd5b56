"""Wood, sawn and as it grew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..cells import courses, voronoi
from ..noise import band, between, coordinates, fractal, pick
from .making import Kind, Relief, entering, feature_size, lay_stones, whole

if TYPE_CHECKING:
    from numpy.random import Generator

    from blender_midas_normal.core.arrays import Array

KINDS: dict[str, Kind] = {}
kind = entering(KINDS)


def _wood(rng: Generator, u: Array, v: Array, size: int, feature: float) -> Array:
    """Make grain along x: fibres and rings, deviation about 1; u and v are periodic coordinates."""
    fibres = band(rng, size, between(rng, 2.5, 8), 0.5, (rng.uniform(8, 25), 1))
    rings = fractal(rng, size, feature, 3, (rng.uniform(3, 8), 1))
    count = rng.uniform(1, 4)
    saw = np.abs(((rings * np.float32(count)) % 1) - 0.5) * 2
    return (np.float32(rng.uniform(0.2, 1)) * fibres + np.float32(rng.uniform(0.3, 1.5)) * saw).astype(np.float32)


@kind((2, 10), 1.4)
def planks(rng: Generator, size: int) -> Relief:
    high = feature_size(rng, size, 16, 130)
    x, y = coordinates(size)
    cells = courses(rng, x, y, whole(size, high), whole(size, high * rng.uniform(3, 9)), None, pick(rng, [0, 0.3]), 0)
    gap, bevel = max(1.0, high * rng.uniform(0.01, 0.06)), between(rng, 1, 4)
    families = ("wood", "wood", "wood", "paint")
    boards = lay_stones(rng, cells, "planks", families, gap, bevel, pick(rng, [0, 0.2]), rng.uniform(0, 0.4), 0.1)
    grain = _wood(rng, x, y, size, high)
    deep = np.float32(between(rng, 0.02, 0.35) * bevel) * (1 - boards.joint)
    return replace(boards, height=boards.height - deep * grain, grain=grain)


@kind((3, 12), 0.8)
def wood(rng: Generator, size: int) -> Relief:
    grain = _wood(rng, *coordinates(size), size, feature_size(rng, size, 30, 160))
    cracks = np.maximum(band(rng, size, between(rng, 6, 20), 0.4, (rng.uniform(6, 15), 1)) - 1.3, 0)
    return Relief("wood", -grain - np.float32(pick(rng, [0, 1.5, 4])) * cracks, ("wood",), grain=grain)


@kind((10, 26), 0.7)
def bark(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 12, 60)
    x, y = coordinates(size)
    u = x + np.float32(0.2 * wide) * fractal(rng, size, 2 * wide, 2.6, (1, 2))
    cells = voronoi(rng, u, y, whole(size, wide, 2), whole(size, wide * rng.uniform(3, 6), 1), 0.9)
    boards = lay_stones(rng, cells, "bark", ("wood", "wood", "soil"), 0.15 * wide, 0.35 * wide, 0.5, 0.5, 0.2)
    ridges = -np.abs(fractal(rng, size, 0.6 * wide, 1.9, (1, rng.uniform(3, 6))))
    return replace(boards, height=boards.height + np.float32(0.07 * wide) * ridges, joint=None, piece=None)
