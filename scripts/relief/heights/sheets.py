"""Roofs, sheets and plates, most of them of metal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .. import shapes
from ..cells import box, courses, scales
from ..noise import band, between, blur, coordinates, fractal, pick, share, step, warp
from .making import Kind, Relief, entering, feature_size, lay_stones, rivets, whole

if TYPE_CHECKING:
    from numpy.random import Generator

    from blender_midas_normal.core.arrays import Array

KINDS: dict[str, Kind] = {}
kind = entering(KINDS)


@kind((4, 16), 1.0)
def roof_tiles(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 10, 80)
    columns = whole(size, wide)
    rows = whole(size, wide * rng.uniform(0.6, 1.3), 1, 2)
    u, v = warp(rng, size, wide * pick(rng, [0, 0.02]), wide)
    base = scales(u, v, rows, columns, pick(rng, [0, 0.4, 0.8]), rng.uniform(0, 1))
    high = size / rows
    thick = np.float32(between(rng, 1, 0.15 * wide))
    cross = 1 - (base.x / base.radius) ** 2
    out = base.each(rng.normal(0, 0.15, base.count))
    gap = np.clip(base.edge / np.float32(max(1.2, 0.4 * thick)), 0, 1)
    seam = np.clip((base.radius - np.abs(base.x)) / np.float32(1.5), 0, 1)
    lying = (0.5 + 0.5 * base.y / np.float32(high) + out) * gap - 0.3 * (1 - seam)
    height = thick * (lying + np.float32(pick(rng, [0, 0.5, 2])) * cross)
    families = ("brick", "brick", "stone", "wood", "metal", "glaze", "paint")
    return Relief("roof_tiles", height.astype(np.float32), families, base.index)


@kind((8, 28), 0.7)
def corrugation(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 6, 70)
    u, _ = warp(rng, size, wide * pick(rng, [0, 0.02]), 100)
    wave = np.cos(2 * np.pi * whole(size, wide) * u / np.float32(size))
    sharp = rng.uniform(0, 1)
    if sharp > 0.4:
        wave = np.clip(wave * np.float32(1 + 3 * sharp), -1, 1)
    height = blur((wide * 0.25 * wave).astype(np.float32), 1 + 0.02 * wide)
    return Relief("corrugation", height, ("metal", "metal", "paint", "concrete", "fabric"))


@kind((0.7, 8), 1.6)
def panels(rng: Generator, size: int) -> Relief:
    wide = feature_size(rng, size, 40, 240)
    x, y = coordinates(size)
    rows, columns = whole(size, wide), whole(size, wide * rng.uniform(0.6, 2))
    shift = pick(rng, [0.0, None] if rows % 2 else [0.0, 0.5, None])
    cells = courses(rng, x, y, rows, columns, shift, pick(rng, [0, 0.6]), pick(rng, [0, 4, 10]))
    base = lay_stones(rng, cells, "panels", ("metal", "metal", "paint", "concrete", "plaster", "leather"), rng.uniform(1, 6),
                      between(rng, 1.2, 4), 0, pick(rng, [0, 0.2]), 0)
    depth = np.float32(max(float(np.ptp(base.height)), 0.5))
    height = base.height + depth * np.float32(pick(rng, [-1, 0, 0, 1])) * step(cells.edge, 6, 7 + 0.05 * wide)
    height = height + depth * np.float32(pick(rng, [0, 0.3, 1])) * rivets(rng, cells)
    if rng.random() < 0.4:
        height = height + depth * _dents(rng, size, wide)
    return replace(base, height=height.astype(np.float32), families=base.families)


def _dents(rng: Generator, size: int, wide: float) -> Array:
    return -np.maximum(band(rng, size, min(wide, 90) * rng.uniform(0.4, 1), 0.5) - np.float32(rng.uniform(0.3, 1.3)), 0)


@kind((0.5, 8), 1.0)
def worn_metal(rng: Generator, size: int) -> Relief:
    scratches = shapes.lines(rng, size, int(rng.integers(5, 60)), size * rng.uniform(0.1, 0.7), (1, 2), 0.05)
    buckled = fractal(rng, size, feature_size(rng, size, 60, 200), 3.5)
    height = 2 * buckled * np.float32(rng.uniform(0, 1)) + 3 * _dents(rng, size, 60) * np.float32(pick(rng, [0, 1]))
    height = height - scratches * np.float32(rng.uniform(0.2, 1))
    if rng.random() < 0.5:
        flaked = share(fractal(rng, size, feature_size(rng, size, 20, 120), 2), rng.uniform(0.1, 0.6), 0.1)
        rust = fractal(rng, size, between(rng, 3, 12), 1.7)
        return Relief("worn_metal", height - flaked * (1 - 0.3 * rust), ("metal", "paint"), grain=flaked)
    return Relief("worn_metal", height.astype(np.float32), ("metal", "metal", "paint"))


@kind((3, 15), 1.0)
def studs(rng: Generator, size: int) -> Relief:
    """Make tread plates, perforated plates, buttons, waffles."""
    wide = feature_size(rng, size, 6, 50)
    count = whole(size, wide, 1, 2)
    x, y = coordinates(size)
    p, q = x * np.float32(count / size), y * np.float32(count / size)
    column, row = np.floor(p), np.floor(q)
    fx, fy = p - column - np.float32(0.5), q - row - np.float32(0.5)
    style = rng.integers(4)
    odd = (column + row) % 2 == 1
    edge = np.float32(min(between(rng, 1, 4) / wide * 1.5, 0.35))
    if style == 0:
        bar = rng.uniform(0.08, 0.18)
        a, b = (fx + fy) * np.float32(0.7071), (fx - fy) * np.float32(0.7071)
        far = box(np.where(odd, a, b), np.where(odd, b, a), np.float32(rng.uniform(0.35, 0.5)), np.float32(bar), bar)
    elif style == 1:
        far = np.float32(rng.uniform(0.2, 0.42)) - np.hypot(fx, fy)
    elif style == 2:
        far = box(fx, fy, *[np.float32(rng.uniform(0.25, 0.42))] * 2, rng.uniform(0, 0.2))
    else:
        far = np.where(odd, 0.4 - np.hypot(fx, fy), np.float32(-0.2))
    bump = step(far, -edge / 2, edge / 2)
    if rng.random() < 0.5:
        bump = np.sqrt(np.clip(far / np.maximum(far.max(), edge), 0, 1))
    sign = np.float32(pick(rng, [-1, 1], [0.35, 0.65]))
    number = (odd * 1).astype(np.int32)
    families = ("metal", "metal", "metal", "paint", "leather", "fabric", "plaster")
    base = Relief("studs", (sign * wide * 0.2 * bump).astype(np.float32), families)
    return replace(base, piece=number) if rng.random() < 0.2 else base
