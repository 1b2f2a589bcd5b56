"""Rock, sand and soil."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..cells import voronoi
from ..noise import band, blur, coordinates, fractal, step, warp
from .making import Kind, Relief, crack, entering, feature_size, whole

if TYPE_CHECKING:
    from numpy.random import Generator

KINDS: dict[str, Kind] = {}
kind = entering(KINDS)


@kind((8, 27), 1.2)
def rock(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 20, 170)
    height = fractal(rng, size, wide, rng.uniform(1.9, 2.6), (1, rng.uniform(1, 2)))
    style = rng.integers(3)
    if style == 0:
        height = -np.abs(height) + 0.4 * fractal(rng, size, wide / 2, 2)
    elif style == 1:
        levels = height * np.float32(rng.uniform(2, 5))
        part = levels - np.floor(levels)
        height = np.floor(levels) + step(part, 0.5, 1.0) + 0.3 * part
    else:
        u, v = warp(rng, size, wide * 0.1, wide)
        facets = voronoi(rng, u, v, whole(size, wide, 2), whole(size, wide, 2), 0.95)
        lean_x, lean_y = (facets.each(rng.normal(0, 1, facets.count)) for _ in range(2))
        plane = lean_x * facets.x + lean_y * facets.y
        height = 0.5 * height + 1.5 * plane / np.float32(wide) + facets.each(rng.normal(0, 0.3, facets.count))
    return Relief("rock", blur(height.astype(np.float32), 0.7), ("stone", "stone", "sand", "soil", "plaster"))


@kind((4, 16), 0.7)
def sand(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 8, 80)
    wave = band(rng, size, wide, rng.uniform(0.1, 0.3), (rng.uniform(1, 5), 1))
    sharp = np.where(wave > 0, wave, wave * np.float32(0.6))
    return Relief("sand", (wide * 0.1 * sharp).astype(np.float32), ("sand", "sand", "soil", "plaster", "fabric"))


@kind((3, 18), 1.3)
def ground(rng: Generator, size: int) -> Relief:
    """Make soil, asphalt, carpet, stone chippings: fine grains on gentle waves."""
    grain = feature_size(rng, size, 4, 14)
    cells = voronoi(rng, *coordinates(size), whole(size, grain), whole(size, grain), 0.95)
    size_of = cells.each(rng.uniform(0.1, 1, cells.count))
    stones = np.sqrt(np.clip(cells.edge / np.float32(0.4 * grain), 0, 1)) * size_of
    height = np.float32(rng.uniform(0.1, 0.4) * grain) * stones
    height = height + np.float32(rng.uniform(0, 0.1) * grain) * fractal(rng, size, feature_size(rng, size, 20, 150), 2.3)
    if rng.random() < 0.3:
        height = height - np.float32(rng.uniform(1, 3)) * crack(rng, size)
    return Relief("ground", height.astype(np.float32), ("soil", "concrete", "stone", "fabric", "plant"), cells.index)


@kind((6, 20), 0.6)
def lumps(rng: Generator, size: int) -> Relief:
    """Make moss, grass from above, foam, popcorn plaster."""
    wide = feature_size(rng, size, 5, 50)
    height = band(rng, size, wide, rng.uniform(0.2, 0.6)) + rng.uniform(0, 0.5) * fractal(rng, size, 3 * wide, 2)
    if rng.random() < 0.5:
        height = -np.abs(height)
    return Relief("lumps", (0.2 * wide * height).astype(np.float32), ("plant", "plant", "plaster", "fabric", "soil"))
