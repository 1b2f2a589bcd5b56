"""Ambient occlusion of a height field: how much of an evenly bright sky each of its pixels sees."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .filters import gradient
from .scales import coarser

if TYPE_CHECKING:
    from .picture import Array, Wrap

STRIP = 1 << 16
"""Pixels whose light is found at a time: what comes in between stays in the processor's cache."""

QUADRANT = ((1, 0), (2, 1), (1, 1), (1, 2))
"""Directions of sight, in pixels to the right and down; with their turns by 90 degrees they are sixteen.  They lead from
pixel to pixel, so that planes are planes without a height between two pixels."""

GROWTH = 1.3
"""How many times farther each distance that is looked at is than the one before it."""

NEAR = 16
"""Pixels up to which single heights are looked at.  Farther off it is means over a part of the gap between two rays: less
is missed there, and peaks are not lost."""

ARCTAN = (0.9998660, -0.3302995, 0.1801410, -0.0851330, 0.0208351)
"""Factors of x, x^3, ... for -1..1, true to 1e-5 (Abramowitz and Stegun, "Handbook of Mathematical Functions", 4.4.47): four
times as fast as numpy's."""


@dataclass(frozen=True)
class Ray:
    """A direction of sight, in pixels to the right and down, and the share of all directions that it stands for."""

    right: int
    down: int
    share: float

    @property
    def length(self) -> float:
        return math.hypot(self.right, self.down)

    def stops(self, reach: float) -> Iterator[int]:
        """Multiples of the ray that are looked at, up to a distance in pixels."""
        stop = 1
        while stop * self.length <= reach:
            yield stop
            stop = max(stop + 1, round(stop * GROWTH))


def _rays() -> list[Ray]:
    """All sixteen, in the order of their angles; each stands for half of the gaps beside it."""
    around = [*QUADRANT]
    for _ in range(3):
        around += [(-down, right) for right, down in around[-len(QUADRANT):]]
    angles = np.unwrap([math.atan2(down, right) for right, down in [around[-1], *around, around[0]]])
    return [Ray(*pixels, (after - before) / (4 * math.pi))
            for pixels, before, after in zip(around, angles[:-2], angles[2:], strict=True)]


RAYS = _rays()


def occlusion(height: Array, wrap: Wrap, reach: float) -> Array:
    """H x W float32, 0..1: the share of its light that the sky sends to each pixel: 1 on any plane, 0 in a closed pit.

    height: H x W float32 in pixels, rows from the top down.  reach: pixels up to which heights stand in the way; beyond a
    border that does not repeat, nothing does.

    The sky is evenly bright and the surface matt: light counts by the cosine of its angle to the surface's normal.  It
    comes from above the horizon of each direction (Max, "Horizon mapping: shadows for bump-mapped surfaces", 1988).  Takes
    about ten times the memory of the heights.
    """
    scene = _Scene(height, wrap, reach)
    found = np.empty_like(height)
    rows, columns = height.shape
    step = max(1, STRIP // columns)

    def look(first: int) -> None:
        strip = slice(first, min(rows, first + step))
        found[strip] = scene.light(strip)

    with ThreadPoolExecutor() as pool:
        list(pool.map(look, range(0, rows, step)))
    return found


class _Scene:
    """The heights, each level twice as coarse as the one before, with a margin as wide as the reach."""

    def __init__(self, height: Array, wrap: Wrap, reach: float) -> None:
        self.reach = reach
        self.margin = math.floor(reach)
        self.levels = [_bordered(height, self.margin, wrap)]
        coarse = height
        for level in range(_level(reach)):
            coarse = coarser(coarse, 2 ** level, wrap)
            self.levels.append(_bordered(coarse, self.margin, wrap))
        self.slopes = gradient(height, wrap)

    def light(self, rows: slice) -> Array:
        """The light that comes to some rows: 1 less what hills keep off."""
        gx, gy = (slope[rows] for slope in self.slopes)
        lost = np.zeros_like(gx)
        for ray in RAYS:
            slope = gx * np.float32(ray.right / ray.length)
            slope += gy * np.float32(ray.down / ray.length)
            lost += _kept_off(slope, self._horizon(slope, rows, ray)) * np.float32(ray.share)
        lost /= np.sqrt(1 + gx * gx + gy * gy)
        return np.clip(1 - lost, 0, 1)

    def _horizon(self, slope: Array, rows: slice, ray: Ray) -> Array:
        """The steepest rise from each pixel to a height along the ray, or that of its own surface."""
        horizon = slope.copy()
        here = self._seen(rows, 0, 0, level=0)
        rise = np.empty_like(here)
        for stop in ray.stops(self.reach):
            distance = stop * ray.length
            np.subtract(self._seen(rows, stop * ray.right, stop * ray.down, _level(distance)), here, out=rise)
            rise *= np.float32(1 / distance)
            np.maximum(horizon, rise, out=horizon)
        return horizon

    def _seen(self, rows: slice, right: int, down: int, level: int) -> Array:
        """The heights some pixels to the right of, and below, each pixel of the rows."""
        columns = self.slopes[0].shape[1]
        top, left = self.margin + down, self.margin + right
        return self.levels[level][rows.start + top:rows.stop + top, left:left + columns]


def _level(distance: float) -> int:
    """How often heights at a distance are made coarser."""
    return 0 if distance < NEAR else 1 + int(math.log2(distance / NEAR))


def _bordered(field: Array, margin: int, wrap: Wrap) -> Array:
    for axis, repeats in enumerate((wrap.y, wrap.x)):
        width = [(margin, margin) if i == axis else (0, 0) for i in range(2)]
        field = np.pad(field, width, mode="wrap") if repeats else np.pad(field, width, constant_values=-np.inf)
    return field


def _kept_off(slope: Array, horizon: Array) -> Array:
    """The share of a direction's light that the horizon keeps off a surface that rises by a slope, times 1 / the normal's z.

    Of the sky at the elevation arctan(t), the surface sees (t - slope) / sqrt(1 + t^2) and a ring of the width 1 / (1 + t^2)
    and the radius 1 / sqrt(1 + t^2): this is the integral of twice their product from the slope to the horizon.
    """
    lost = horizon - slope
    lost *= horizon
    lost /= 1 + horizon * horizon
    lost -= slope * (_arctan(horizon) - _arctan(slope))
    return lost


def _arctan(x: Array) -> Array:
    """By half of the angle, whose tangent is within -1..1."""
    half = x / (1 + np.sqrt(1 + x * x))
    square = half * half
    found = square * np.float32(ARCTAN[-1])
    for factor in ARCTAN[-2:0:-1]:
        found += np.float32(factor)
        found *= square
    found += np.float32(ARCTAN[0])
    found *= half
    found *= 2
    return found
