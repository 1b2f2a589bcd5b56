"""Walls and floors of bricks, stones and tiles, with joints."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..cells import basket, courses, herringbone, voronoi
from ..noise import coordinates, pick, warp
from .making import FLOORS, STONY, WALLS, Kind, Relief, entering, feature_size, joint_of, lay_stones, whole

if TYPE_CHECKING:
    from numpy.random import Generator

KINDS: dict[str, Kind] = {}
kind = entering(KINDS)


@kind((3, 12), 2.5)
def bricks(rng: Generator, size: int) -> Relief:
    high = feature_size(rng, size, 9, 80)
    long = high * rng.uniform(1.6, 3.6)
    u, v = warp(rng, size, high * pick(rng, [0, 0.015, 0.04]), 2 * high)
    rows = whole(size, high, 2, 2)
    shift = [0.5, 0.5, 0.5, 0.25, 1 / 3, 0.0, None][rng.integers(7)]
    rows = rows if shift != 1 / 3 else max(3, rows // 3 * 3)
    rows = rows if shift != 0.25 else max(4, rows // 4 * 4)
    cells = courses(rng, u, v, rows, whole(size, long), shift, pick(rng, [0, 0.1, 0.4]), rng.uniform(0, 0.2) * high)
    gap, bevel = joint_of(rng, high)
    return lay_stones(rng, cells, "bricks", WALLS, gap, bevel, pick(rng, [0, 0.1, 0.5]), pick(rng, [0.05, 0.3, 0.8]))


@kind((3, 11), 1.0)
def ashlar(rng: Generator, size: int) -> Relief:
    high = feature_size(rng, size, 16, 110)
    u, v = warp(rng, size, high * pick(rng, [0, 0.02, 0.05]), high)
    cells = courses(rng, u, v, whole(size, high), whole(size, high * rng.uniform(0.9, 2.2)), None, rng.uniform(0.4, 1),
                    rng.uniform(0, 0.15) * high)
    gap, bevel = joint_of(rng, high)
    families = ("stone", "stone", "sand", "concrete")
    return lay_stones(rng, cells, "ashlar", families, gap, bevel, rng.uniform(0, 0.6), rng.uniform(0, 1))


@kind((1, 9), 1.8)
def tiles(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 8, 200)
    x, y = coordinates(size)
    flat = rng.random() < 0.7
    cells = courses(rng, x, y, whole(size, wide * pick(rng, [0.5, 1, 1])), whole(size, wide), 0.0, 0.0,
                    wide * pick(rng, [0, 0.03, 0.12]))
    gap, bevel = joint_of(rng, 0.6 * wide)
    return lay_stones(rng, cells, "tiles", FLOORS, gap, min(bevel, 4), 0 if flat else rng.uniform(0.1, 0.8),
                      pick(rng, [0, 0.05, 0.4]), pick(rng, [0, 0, 0.2]))


@kind((2, 9), 0.7)
def pavers(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 12, 70)
    u, v = warp(rng, size, wide * pick(rng, [0, 0.01, 0.03]), 2 * wide)
    style = rng.integers(3)
    if style == 0:
        cells = herringbone(u, v, whole(size, wide / 2, 1, 4), rng.uniform(0, 0.1) * wide)
    elif style == 1:
        cells = basket(u, v, whole(size, wide, 1, 2), int(rng.integers(2, 5)), rng.uniform(0, 0.05) * wide)
    else:
        cells = voronoi(rng, u, v, whole(size, wide), whole(size, 0.87 * wide, 1, 2), 0.0, staggered=True)
    gap, bevel = joint_of(rng, 0.5 * wide)
    families = ("concrete", "concrete", "brick", "stone")
    return lay_stones(rng, cells, "pavers", families, gap, bevel, pick(rng, [0, 0.3]), rng.uniform(0, 0.6))


@kind((5, 20), 2.0)
def cobbles(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 9, 80)
    u, v = warp(rng, size, wide * rng.uniform(0.03, 0.09), wide)
    if rng.random() < 0.5:
        rows, columns = whole(size, wide, 2), whole(size, wide * rng.uniform(0.9, 1.5))
        cells = courses(rng, u, v, rows, columns, None, rng.uniform(0.3, 0.8), rng.uniform(0.15, 0.4) * wide)
    else:
        cells = voronoi(rng, u, v, whole(size, wide, 2), whole(size, wide, 2), rng.uniform(0.3, 0.8), staggered=False)
    gap, bevel = joint_of(rng, wide)
    return lay_stones(rng, cells, "cobbles", STONY, gap * 1.2, bevel * 1.3, rng.uniform(0.4, 2.5), rng.uniform(0.1, 0.8))


@kind((5, 22), 2.0)
def rubble_wall(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 14, 130)
    u, v = warp(rng, size, wide * rng.uniform(0.02, 0.07), wide * 0.6)
    cells = voronoi(rng, u, v, whole(size, wide, 2), whole(size, wide * rng.uniform(0.4, 1), 2), rng.uniform(0.6, 0.95))
    gap, bevel = joint_of(rng, 0.8 * wide)
    stones = lay_stones(rng, cells, "rubble_wall", STONY, gap * 1.3, bevel * 1.3, pick(rng, [0.2, 0.8, 2.0]),
                        rng.uniform(0.2, 1.2), rng.uniform(0.2, 0.7))
    if rng.random() < 0.12:  # mortar that was pressed out stands above the stones
        return replace(stones, height=-stones.height)
    return stones


@kind((2, 10), 0.8)
def crazy_paving(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 25, 150)
    u, v = warp(rng, size, wide * rng.uniform(0.005, 0.03), wide * 0.4)
    cells = voronoi(rng, u, v, whole(size, wide, 2), whole(size, wide, 2), rng.uniform(0.7, 1.0))
    gap, bevel = joint_of(rng, 0.6 * wide)
    return lay_stones(rng, cells, "crazy_paving", ("stone", "concrete", "sand"), gap, bevel, 0, rng.uniform(0, 0.5))
