"""How near a normal map comes to the true one: numpy fields of unit normals, H x W x 3, OpenGL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from blender_midas_normal.core.arrays import Array

FACTORS = np.concatenate([[0.0], np.geomspace(0.01, 10, 61)])

SMALLEST_Z = 0.05
"""Slopes are read from normals with z at least this."""

NEAR = 11.25
"""Degrees, customary in papers on normals."""


@dataclass(frozen=True)
class Score:
    """Of one map.

    mean, median: angular error in degrees.  near: percent of the pixels within NEAR degrees.  r_x, r_y: correlation of nx
    and ny, negative where bumps became dents.  best: mean error after the one factor k >= 0 on the slopes that makes it
    least, never above the flat map's.  amount: mean tilt over the true one.  flat: the flat map's mean error.
    """

    mean: float
    median: float
    near: float
    r_x: float
    r_y: float
    best: float
    k: float
    amount: float
    flat: float

    @property
    def r(self) -> float:
        return (self.r_x + self.r_y) / 2


def score(normals: Array, truth: Array) -> Score:
    """Score a map."""
    error, flat = degrees(normals, truth), float(tilt(truth).mean())
    k, best = best_factor(normals, truth)
    return Score(float(error.mean()), float(np.median(error)), 100 * float((error < NEAR).mean()),
                 correlation(normals[..., 0], truth[..., 0]), correlation(normals[..., 1], truth[..., 1]), best, k,
                 float(tilt(normals).mean()) / max(flat, 1e-6), flat)


def unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=2, keepdims=True), 1e-6)


def normals_of(gx: Array, gy: Array) -> Array:
    """Convert slopes, rows downwards, to unit normals."""
    return unit(np.stack([-gx, gy, np.ones_like(gx)], axis=2))


def slopes_of(normals: Array) -> Array:
    """Convert unit normals to H x W x 2 slopes, rows downwards."""
    z = np.maximum(normals[..., 2], SMALLEST_Z)
    return np.stack([-normals[..., 0] / z, normals[..., 1] / z], axis=2)


def degrees(a: Array, b: Array) -> Array:
    """Return angles between unit vectors, exact for small ones too."""
    return np.degrees(2 * np.arctan2(np.linalg.norm(a - b, axis=2), np.linalg.norm(a + b, axis=2)))


def tilt(normals: Array) -> Array:
    """Return angles between unit vectors and the flat map's, in degrees."""
    return degrees(normals, np.broadcast_to(np.float32([0, 0, 1]), normals.shape))


def correlation(a: Array, b: Array) -> float:
    """Return Pearson's correlation; NaN where one of both is constant."""
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    power = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / power) if power > 1e-9 else float("nan")


def best_factor(normals: Array, truth: Array) -> tuple[float, float]:
    """Return (k, error): the factor on the slopes with the least mean error, searched on every fourth pixel."""
    slopes = slopes_of(normals)

    def error(k: float, step: int) -> float:
        part = slice(None, None, step), slice(None, None, step)
        return float(degrees(normals_of(*np.moveaxis(k * slopes[part], 2, 0)), truth[part]).mean())

    k = float(FACTORS[int(np.argmin([error(k, 4) for k in FACTORS]))])
    least, of_flat = error(k, 1), error(0.0, 1)
    return (k, least) if least < of_flat else (0.0, of_flat)
