"""Ambient occlusion of a height field: how much of an evenly bright sky each of its pixels sees."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .arrays import parallel_rows
from .filters import a_trous_smooth, gradient

if TYPE_CHECKING:
    from .arrays import Array
    from .picture import Wrap

QUADRANT_DIRECTIONS = ((1, 0), (2, 1), (1, 1), (1, 2))
"""Directions of sight, in pixels to the right and down; with their turns by 90 degrees they are sixteen.  They lead from
pixel to pixel, so that planes are planes without a height between two pixels."""

STEP_GROWTH = 1.3
"""How many times farther each distance that is looked at is than the one before it."""

NEAR_PIXELS = 16
"""Pixels up to which single heights are looked at.  Farther off it is means over a part of the gap between two rays: less
is missed there, and peaks are not lost."""

ANGLE_COEFFICIENTS = (1.57079234, -0.99958607, 0.77821237, -0.61808984, 0.42175327, -0.19582973, 0.04275052)
"""Factors of 1, c, c^2, ... of an angle divided by its sine, where c is its cosine, 0..1: a Chebyshev fit.  Angles are
true to 4e-6."""


@dataclass(frozen=True)
class Ray:
    """A direction of sight, in pixels to the right and down, and the share of all directions that it stands for."""

    right: int
    down: int
    weight: float

    @property
    def length(self) -> float:
        return math.hypot(self.right, self.down)

    @property
    def opposite(self) -> Ray:
        return Ray(-self.right, -self.down, self.weight)

    def sample_steps(self, reach: float) -> Iterator[int]:
        """Multiples of the ray that are looked at, up to a distance in pixels."""
        stop = 1
        while stop * self.length <= reach:
            yield stop
            stop = max(stop + 1, round(stop * STEP_GROWTH))


def _all_rays() -> list[Ray]:
    """All sixteen, in the order of their angles; each stands for half of the gaps beside it."""
    around = [*QUADRANT_DIRECTIONS]
    for _ in range(3):
        around += [(-down, right) for right, down in around[-len(QUADRANT_DIRECTIONS):]]
    angles = np.unwrap([math.atan2(down, right) for right, down in [around[-1], *around, around[0]]])
    return [Ray(*pixels, (after - before) / (4 * math.pi))
            for pixels, before, after in zip(around, angles[:-2], angles[2:], strict=True)]


RAYS = _all_rays()
"""The second half are the opposites of the first."""


def occlusion(height: Array, wrap: Wrap, reach: float) -> Array:
    """H x W float32, 0..1: the share of its light that the sky sends to each pixel: 1 on any plane, 0 in a closed pit.

    height: H x W float32 in pixels, rows from the top down.  reach: pixels up to which heights stand in the way; beyond a
    border that does not repeat, nothing does.

    The sky is evenly bright and the surface matt: light counts by the cosine of its angle to the surface's normal.  It
    comes from above the horizon of each direction (Max, "Horizon mapping: shadows for bump-mapped surfaces", 1988).  Takes
    about ten times the memory of the heights.
    """
    scene = _HeightPyramid(height, wrap, reach)
    found = np.empty_like(height)

    def look(rows: slice) -> None:
        found[rows] = scene.light(rows)

    parallel_rows(look, *height.shape)
    return found


class _HeightPyramid:
    """The heights, each level twice as coarse as the one before, with a margin as wide as the reach."""

    def __init__(self, height: Array, wrap: Wrap, reach: float) -> None:
        self.reach = reach
        self.margin = math.floor(reach)
        self.levels = [_pad_open(height, self.margin, wrap)]
        coarse = height
        for level in range(smoothing_level(reach)):
            coarse = a_trous_smooth(coarse, 2 ** level, wrap)
            self.levels.append(_pad_open(coarse, self.margin, wrap))
        self.slopes = gradient(height, wrap)

    def light(self, rows: slice) -> Array:
        """The light that comes to some rows: 1 less what hills keep off."""
        gx, gy = (slope[rows] for slope in self.slopes)
        lost = np.zeros_like(gx)
        for ray in RAYS[:len(RAYS) // 2]:
            slope = gx * np.float32(ray.right / ray.length)
            slope += gy * np.float32(ray.down / ray.length)
            pair = blocked_light(slope.copy(), slope)
            pair *= -2
            pair += blocked_light(self._horizon(slope, rows, ray), slope)
            np.negative(slope, out=slope)
            pair += blocked_light(self._horizon(slope, rows, ray.opposite), slope)
            pair *= np.float32(ray.weight)
            lost += pair
        lost /= np.sqrt(1 + gx * gx + gy * gy)
        return np.clip(1 - lost, 0, 1)

    def _horizon(self, slope: Array, rows: slice, ray: Ray) -> Array:
        """The steepest rise from each pixel to a height along the ray, or that of its own surface."""
        horizon = slope.copy()
        here = self._seen(rows, 0, 0, level=0)
        rise = np.empty_like(here)
        for stop in ray.sample_steps(self.reach):
            distance = stop * ray.length
            np.subtract(self._seen(rows, stop * ray.right, stop * ray.down, smoothing_level(distance)), here, out=rise)
            rise *= np.float32(1 / distance)
            np.maximum(horizon, rise, out=horizon)
        return horizon

    def _seen(self, rows: slice, right: int, down: int, level: int) -> Array:
        """The heights some pixels to the right of, and below, each pixel of the rows."""
        columns = self.slopes[0].shape[1]
        top, left = self.margin + down, self.margin + right
        return self.levels[level][rows.start + top:rows.stop + top, left:left + columns]


def smoothing_level(distance: float) -> int:
    """How often heights at a distance are made coarser."""
    return 0 if distance < NEAR_PIXELS else 1 + int(math.log2(distance / NEAR_PIXELS))


def _pad_open(field: Array, margin: int, wrap: Wrap) -> Array:
    for axis, repeats in enumerate((wrap.y, wrap.x)):
        width = [(margin, margin) if i == axis else (0, 0) for i in range(2)]
        field = np.pad(field, width, mode="wrap") if repeats else np.pad(field, width, constant_values=-np.inf)
    return field


def blocked_light(rise: Array, slope: Array) -> Array:
    """The share of a direction's light that comes from below a rise t to a surface with a slope, times 1 / the normal's z.

    Of the sky at the elevation arctan(t), the surface sees (t - slope) / sqrt(1 + t^2) and a ring of the width 1 / (1 + t^2)
    and the radius 1 / sqrt(1 + t^2).  This is an integral of twice their product, t^2 / (1 + t^2) - slope * (t / (1 + t^2) +
    arctan(t)): a horizon keeps off its value there less that at t = slope.  The rises are used up.
    """
    cosine = rise * rise
    cosine += 1
    np.sqrt(cosine, out=cosine)
    np.divide(1, cosine, out=cosine)
    sine = rise
    sine *= cosine
    found = cosine * np.float32(ANGLE_COEFFICIENTS[-1])
    for factor in ANGLE_COEFFICIENTS[-2:1:-1]:
        found += np.float32(factor)
        found *= cosine
    found += np.float32(1 + ANGLE_COEFFICIENTS[1])
    found *= cosine
    found += np.float32(ANGLE_COEFFICIENTS[0])
    found *= slope
    np.subtract(sine, found, out=found)
    found *= sine
    return found
