"""From a network's depth, in units that mean nothing, to heights that mean the same for every network and picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Array

LOW, HIGH = 1.0, 99.0
"""The percentiles that become 0 and 1: a few stray pixels must not decide how steep the rest is."""

FAINTEST = 1e-5
"""Share of the largest magnitude: a range below it is the rounding of float32, not relief."""


def normalised(depth: Array) -> tuple[Array, float]:
    """(H x W float32 heights, range): larger is nearer; the depth scaled from its 1st..99th percentile to 0..1, not clipped.

    range: how far apart these percentiles were.  NaN and infinities become the median of the other pixels.  A depth that
    is constant, but for rounding, becomes zeros, of range 0.
    """
    depth = without_holes(depth)
    low, high = np.percentile(depth, (LOW, HIGH)).astype(np.float64)
    if high - low <= FAINTEST * float(np.abs(depth).max()):
        low, high = float(depth.min()), float(depth.max())
    if high - low <= FAINTEST * float(np.abs(depth).max()):
        return np.zeros_like(depth), 0.0
    return ((depth - np.float32(low)) / np.float32(high - low)).astype(np.float32), float(high - low)


def without_holes(depth: Array) -> Array:
    """The field with every NaN and infinity replaced by the median of the finite pixels, or by 0 where there is none."""
    finite = np.isfinite(depth)
    if finite.all():
        return depth
    middle = np.median(depth[finite]) if finite.any() else 0.0
    return np.where(finite, depth, np.float32(middle)).astype(np.float32)
