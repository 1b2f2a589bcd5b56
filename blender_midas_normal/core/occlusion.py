"""Ambient occlusion of a height field: how much light of a uniform sky reaches each pixel (horizon mapping)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .arrays import parallel_rows
from .filters import a_trous_smooth
from .gradients import gradient

if TYPE_CHECKING:
    from .arrays import Array
    from .picture import Wrap

QUADRANT_DIRECTIONS = ((1, 0), (2, 1), (1, 1), (1, 2))
"""Directions in pixels to the right and down; rotated by multiples of 90 degrees they are sixteen.  They go from pixel to
pixel, so that no height has to be interpolated, and a plane is exactly a plane."""

STEP_GROWTH = 1.3
"""Ratio of each sampled distance along a ray to the one before it."""

NEAR_PIXELS = 16
"""Distance in pixels up to which single heights are sampled.  Farther away smoothed heights are sampled, which stand for
part of the gap between two rays, so that peaks between rays and samples are not missed."""

ANGLE_COEFFICIENTS = (1.57079234, -0.99958607, 0.77821237, -0.61808984, 0.42175327, -0.19582973, 0.04275052)
"""Coefficients of 1, c, c^2, ... of an angle divided by its sine, where c is its cosine, 0..1: a Chebyshev fit with an error
of the angle of at most 4e-6."""


@dataclass(frozen=True)
class Ray:
    """A direction, in pixels to the right and down; weight: the share of all directions that it stands for."""

    right: int
    down: int
    weight: float

    @property
    def length(self) -> float:
        return math.hypot(self.right, self.down)

    @property
    def opposite(self) -> Ray:
        return Ray(-self.right, -self.down, self.weight)

    def sample_steps(self, radius: float) -> Iterator[int]:
        """Yield the multiples of the ray that are sampled, up to a distance in pixels."""
        step = 1
        while step * self.length <= radius:
            yield step
            step = max(step + 1, round(step * STEP_GROWTH))


def _all_rays() -> list[Ray]:
    """Return all sixteen rays in the order of their angles, each with half of the gaps to its neighbours as its weight."""
    around = [*QUADRANT_DIRECTIONS]
    for _ in range(3):
        around += [(-down, right) for right, down in around[-len(QUADRANT_DIRECTIONS):]]
    angles = np.unwrap([math.atan2(down, right) for right, down in [around[-1], *around, around[0]]])
    return [Ray(*pixels, (after - before) / (4 * math.pi))
            for pixels, before, after in zip(around, angles[:-2], angles[2:], strict=True)]


RAYS = _all_rays()
"""Sixteen rays; the second half are the opposites of the first."""


def occlusion(height: Array, wrap: Wrap, radius: float) -> Array:
    """Compute the ambient occlusion of a height field under a uniform sky, for a diffuse surface.

    Light comes from above the horizon of each direction (Max, "Horizon mapping: shadows for bump-mapped surfaces", 1988) and
    counts by the cosine of its angle to the surface's normal.  Needs about ten times the memory of the heights.

    Args:
        height: H x W float32 in pixels, rows from the top down.
        wrap: the directions that repeat; beyond other borders nothing occludes.
        radius: pixels up to which heights occlude.

    Returns:
        H x W float32, 0..1: 1 on any plane, 0 in a closed pit.

    >>> occlusion(np.zeros((4, 4), np.float32), Wrap(), 2.0)[0].tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    pyramid = _HeightPyramid(height, wrap, radius)
    visible = np.empty_like(height)

    def compute(rows: slice) -> None:
        visible[rows] = pyramid.visible_light(rows)

    parallel_rows(compute, *height.shape)
    return visible


class _HeightPyramid:
    """The heights, smoothed twice as much at each level, and padded by the radius."""

    def __init__(self, height: Array, wrap: Wrap, radius: float) -> None:
        self.radius = radius
        self.margin = math.floor(radius)
        self.levels = [_pad_open(height, self.margin, wrap)]
        coarse = height
        for level in range(smoothing_level(radius)):
            coarse = a_trous_smooth(coarse, 2 ** level, wrap)
            self.levels.append(_pad_open(coarse, self.margin, wrap))
        self.slopes = gradient(height, wrap)

    def visible_light(self, rows: slice) -> Array:
        """Compute the light that reaches some rows: 1 minus what is blocked in each direction."""
        gx, gy = (slope[rows] for slope in self.slopes)
        blocked = np.zeros_like(gx)
        for ray in RAYS[:len(RAYS) // 2]:
            slope = gx * np.float32(ray.right / ray.length)
            slope += gy * np.float32(ray.down / ray.length)
            pair = blocked_light(slope.copy(), slope)
            pair *= -2
            pair += blocked_light(self._horizon(slope, rows, ray), slope)
            np.negative(slope, out=slope)
            pair += blocked_light(self._horizon(slope, rows, ray.opposite), slope)
            pair *= np.float32(ray.weight)
            blocked += pair
        blocked /= np.sqrt(1 + gx * gx + gy * gy)
        return np.clip(1 - blocked, 0, 1)

    def _horizon(self, slope: Array, rows: slice, ray: Ray) -> Array:
        """Return the steepest slope from each pixel to a height along the ray, at least that of the surface itself."""
        horizon = slope.copy()
        here = self._shifted(rows, 0, 0, level=0)
        rise = np.empty_like(here)
        for step in ray.sample_steps(self.radius):
            distance = step * ray.length
            np.subtract(self._shifted(rows, step * ray.right, step * ray.down, smoothing_level(distance)), here, out=rise)
            rise *= np.float32(1 / distance)
            np.maximum(horizon, rise, out=horizon)
        return horizon

    def _shifted(self, rows: slice, right: int, down: int, level: int) -> Array:
        """Return the heights `right` and `down` pixels away from each pixel of the rows."""
        columns = self.slopes[0].shape[1]
        top, left = self.margin + down, self.margin + right
        return self.levels[level][rows.start + top:rows.stop + top, left:left + columns]


def smoothing_level(distance: float) -> int:
    """Return the pyramid's level that is sampled at a distance in pixels.

    >>> smoothing_level(5.0), smoothing_level(16.0), smoothing_level(32.0)
    (0, 1, 2)
    """
    return 0 if distance < NEAR_PIXELS else 1 + int(math.log2(distance / NEAR_PIXELS))


def _pad_open(field: Array, margin: int, wrap: Wrap) -> Array:
    """Pad with the repetition of the field, or with -inf, which occludes nothing."""
    for axis, repeats in enumerate((wrap.y, wrap.x)):
        width = [(margin, margin) if i == axis else (0, 0) for i in range(2)]
        field = np.pad(field, width, mode="wrap") if repeats else np.pad(field, width, constant_values=-np.inf)
    return field


def blocked_light(rise: Array, slope: Array) -> Array:
    """Integrate the light of one direction from below a rise t on a surface with a slope, divided by the normal's z.

    At the elevation arctan(t) the light counts by (t - slope) / sqrt(1 + t^2), and a ring of the sky has the width
    1 / (1 + t^2) and the radius 1 / sqrt(1 + t^2).  The integral of twice their product is
    t^2 / (1 + t^2) - slope * (t / (1 + t^2) + arctan(t)); a horizon at t blocks its value at t minus that at t = slope.

    Args:
        rise: t, tangent of the horizon's elevation; overwritten.
        slope: tangent of the surface's own elevation in this direction.
    """
    cosine = rise * rise
    cosine += 1
    np.sqrt(cosine, out=cosine)
    np.divide(1, cosine, out=cosine)
    sine = rise
    sine *= cosine
    integral = cosine * np.float32(ANGLE_COEFFICIENTS[-1])
    for factor in ANGLE_COEFFICIENTS[-2:1:-1]:
        integral += np.float32(factor)
        integral *= cosine
    integral += np.float32(1 + ANGLE_COEFFICIENTS[1])
    integral *= cosine
    integral += np.float32(ANGLE_COEFFICIENTS[0])
    integral *= slope
    np.subtract(sine, integral, out=integral)
    integral *= sine
    return integral
