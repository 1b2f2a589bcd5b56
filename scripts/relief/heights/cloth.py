"""Cloth and leather."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..cells import voronoi
from ..noise import band, pick, step, warp
from .making import Kind, Relief, entering, feature_size, whole

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from blender_midas_normal.core.arrays import Array

KINDS: dict[str, Kind] = {}
kind = entering(KINDS)


@kind((8, 24), 1.6)
def weave(rng: Generator, size: int) -> Relief:
    thread = feature_size(rng, size, 4, 40)
    count = whole(size, thread, 1, 4)
    u, v = warp(rng, size, thread * pick(rng, [0, 0.04, 0.1]), 5 * thread)
    p, q = u * np.float32(count / size), v * np.float32(count / size)
    i, j = np.floor(p).astype(np.int32), np.floor(q).astype(np.int32)
    style = rng.integers(3)
    over = [(i + j) % 2 == 0, (i + j) % 4 < 2, (i // 2 + j // 2) % 2 == 0][style]
    fx, fy = p - i - np.float32(0.5), q - j - np.float32(0.5)
    run = [1.0, 2.0, 2.0][style]
    round_x, round_y = np.sqrt(np.maximum(1 - (1.9 * fx) ** 2, 0)), np.sqrt(np.maximum(1 - (1.9 * fy) ** 2, 0))
    swell = np.float32(rng.uniform(0.2, 0.8))
    along = [fy, _bow((j - i) % 4, fy), (j % 2 + fy) / 2 - np.float32(0.25)][style]
    across = [fx, _bow((i + j) % 4 - 2, fx), (i % 2 + fx) / 2 - np.float32(0.25)][style]
    rise = np.where(over, round_x * (1 - swell * (2 * along) ** 2), round_y * (1 - swell * (2 * across) ** 2))
    fibre = np.float32(pick(rng, [0, 0.1, 0.2])) * np.cos(2 * np.pi * 4 * np.where(over, fx + 0.3 * fy, fy + 0.3 * fx))
    number = np.where(over, i % count, count + j % count).astype(np.int32)
    return Relief("weave", (thread * 0.3 * (rise * (1 + fibre)) * np.float32(run ** 0.3)).astype(np.float32),
                  ("fabric", "fabric", "fabric", "plant", "metal"), number, step(rise.astype(np.float32), 0.45, 0.0))


def _bow(step_in_run: NDArray, fraction: Array) -> Array:
    """Return the position along a thread that runs over two others, -0.5..0.5."""
    return ((step_in_run % 2 + fraction) / 2 - np.float32(0.25)).astype(np.float32)


@kind((8, 20), 0.5)
def knit(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 7, 36)
    columns, rows = whole(size, wide), whole(size, wide * rng.uniform(0.7, 1))
    u, v = warp(rng, size, 0.03 * wide, 6 * wide)
    p, q = u * np.float32(columns / size), v * np.float32(rows / size)
    column = np.floor(p)
    side = p - column - np.float32(0.5)
    slant = q - np.abs(side) * np.float32(rng.uniform(0.8, 1.6))
    stitch = np.abs(np.sin(np.pi * slant)) ** np.float32(0.7)
    lobe = np.sqrt(np.maximum(1 - ((np.abs(side) - 0.25) * 3.9) ** 2, 0))
    return Relief("knit", (0.3 * wide * stitch * lobe).astype(np.float32), ("fabric",), None, None)


@kind((5, 16), 0.8)
def leather(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 4, 24)
    u, v = warp(rng, size, wide * 0.15, 1.5 * wide)
    cells = voronoi(rng, u, v, whole(size, wide), whole(size, wide * rng.uniform(0.7, 1.2)), 0.85)
    bump = 1 - (1 - np.clip(cells.edge / np.float32(0.35 * wide), 0, 1)) ** 2
    folds = -np.exp(-np.abs(band(rng, size, 8 * wide, 0.5)) * 8)
    return Relief("leather", (wide * (0.2 * bump + np.float32(rng.uniform(0, 0.4)) * folds)).astype(np.float32),
                  ("leather", "leather", "fabric"))
