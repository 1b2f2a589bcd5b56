"""What all kinds of relief are made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..cells import voronoi
from ..noise import between, fractal, gradient, share, step, warp

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from blender_midas_normal.core.arrays import Array

    from ..cells import Cells

STEEPEST = 1.9
"""Slope (62 degrees) that all but half a percent of the pixels stay below."""

STONY = ("stone", "stone", "concrete", "brick", "sand")
WALLS = ("brick", "brick", "stone", "concrete", "paint", "plaster")
FLOORS = ("stone", "concrete", "brick", "glaze", "glaze", "plaster")


@dataclass(frozen=True)
class Relief:
    """A surface, and what its colour depends on.

    height: size x size, pixels.  families: names of the stuffs it may be made of (see albedo.FAMILIES).
    piece: number of the brick or stone that a pixel belongs to, from 0.  joint: 0..1, the share of mortar or gap.
    grain: where a second colour lies: wood's grain, rust under paint, the upper of two materials; any range.
    Each of the three is None where there is no such thing.
    """

    kind: str
    height: Array
    families: tuple[str, ...]
    piece: NDArray[np.int32] | None = None
    joint: Array | None = None
    grain: Array | None = None


@dataclass(frozen=True)
class Kind:
    """How a kind of relief is made.  tilt: range of the mean tilt in degrees.  weight: how often it is met."""

    make: Callable[[Generator, int], Relief]
    tilt: tuple[float, float]
    weight: float


def entering(kinds: dict[str, Kind]) -> Callable:
    """Return a decorator with a kind's tilt and weight, which enters a function into the table under its own name."""
    def kind(tilt: tuple[float, float], weight: float = 1.0) -> Callable:
        def enter(make: Callable[[Generator, int], Relief]) -> Callable[[Generator, int], Relief]:
            kinds[make.__name__] = Kind(make, tilt, weight)
            return make
        return enter
    return kind


def limit_steepness(height: Array) -> Array:
    """Reduce heights where the surface would be too steep."""
    steep = float(np.quantile(np.hypot(*gradient(height)), 0.995))
    return height * np.float32(min(1, STEEPEST / max(steep, 1e-6)))


def mean_slope(height: Array) -> float:
    return float(np.hypot(*gradient(height)).mean())


def whole(size: int, feature: float, least: int = 1, multiple: int = 1) -> int:
    """Return how many features of about this size fit on the canvas."""
    return max(least, round(size / feature / multiple)) * multiple


def feature_size(rng: Generator, size: int, low: float, high: float) -> float:
    high = min(high, size / 1.5)
    return between(rng, min(low, high), high)


def lay_stones(rng: Generator, cells: Cells, name: str, families: tuple[str, ...], joint: float, bevel: float,
               dome: float = 0.0, uneven: float = 0.3, chipped: float = 0.3) -> Relief:
    """Make stones with joints.  Lengths in pixels: `joint` is the gap, `bevel` the width of the stones' edges.

    dome: how much the tops are rounded, in depths of the joint; uneven: how much stones stand out and lean, likewise.
    """
    size = cells.index.shape[0]
    bites = np.minimum(fractal(rng, size, between(rng, 6, 50), 1.7) + np.float32(0.6), 0)
    ragged = np.float32(1.2 * chipped * bevel) * bites
    inner = cells.edge - np.float32(joint / 2) + ragged
    depth = np.float32(bevel * rng.uniform(0.5, 1.5))
    side = np.clip(inner / np.float32(bevel), 0, 1)
    wall = side * side * (3 - 2 * side) if rng.random() < 0.6 else np.sqrt(np.maximum(1 - (1 - side) ** 2, 0))
    radius = np.maximum(cells.radius, 2.0)
    top = 1 - (1 - np.clip(inner / radius, 0, 1)) ** 2
    lean = cells.each(rng.normal(0, 1, cells.count)) * cells.x + cells.each(rng.normal(0, 1, cells.count)) * cells.y
    out = cells.each(rng.normal(0, 1, cells.count)) + lean / np.float32(np.mean(radius))
    height = depth * wall * (1 + np.float32(dome) * top + np.float32(0.5 * uneven) * out)
    gap = 1 - step(inner, -0.2 * bevel - 0.5, 0.4 * bevel + 0.5)
    if rng.random() < 0.4:
        height = height + gap * depth * np.float32(rng.uniform(0.03, 0.15)) * fractal(rng, size, between(rng, 3, 15), 1.8)
    return Relief(name, height.astype(np.float32), families, cells.index, gap.astype(np.float32))


def joint_of(rng: Generator, feature: float) -> tuple[float, float]:
    """Return (gap, edge width) in pixels for stones of this size."""
    return max(1.0, feature * between(rng, 0.015, 0.16)), min(between(rng, 1.2, 6), 0.3 * feature)


def rivets(rng: Generator, cells: Cells) -> Array:
    """Make round heads or holes along the edges or in the corners of each panel, -1..1."""
    radius = np.float32(between(rng, 2, 7))
    inset = np.float32(radius * rng.uniform(2, 4))
    gap = np.float32(radius * rng.uniform(4, 12))
    half = np.float32(cells.edge.max())
    ax, ay = np.abs(cells.x), np.abs(cells.y)
    distance = np.hypot((ax + gap / 2) % gap - gap / 2, cells.edge - inset) if rng.random() < 0.5 else np.hypot(
        ax - (half - inset) * np.float32(rng.uniform(0.4, 1)), ay - (half - inset) * np.float32(rng.uniform(0.4, 1)))
    if rng.random() < 0.6:
        return np.sqrt(np.maximum(1 - (distance / radius) ** 2, 0))
    return -step(distance, radius, 0.6 * radius)


def crack(rng: Generator, size: int) -> Array:
    """Make a few fine branching grooves, 0..1."""
    wide = feature_size(rng, size, 60, 160)
    cells = voronoi(rng, *warp(rng, size, wide * 0.12, wide * 0.6), whole(size, wide, 2), whole(size, wide, 2), 0.9)
    only = share(fractal(rng, size, wide, 2.5), rng.uniform(0.2, 0.8))
    return step(cells.edge, rng.uniform(1.2, 3.0), 0.0) * only
