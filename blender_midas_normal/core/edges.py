"""Edge-aware upsampling: enlarge a depth map so that its edges lie on the edges of its picture (guided filter).

Source: He and Sun, "Fast guided filter", 2015: in each neighbourhood depth = slope * guide + offset by least squares, found
at the depth's size and applied at the picture's.  Two things differ here, because normal maps show slopes: the plain filter
copies the picture's texture into the relief, which made the slopes of a photograph with a measured depth 14 to 30 percent
worse than splines do.

- The guide is not the luma but a step function of it about its local mean: two plateaus, without the texture on them.
- Where the guide explains too little of the depth, the depth stays as splines enlarge it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .arrays import smoothstep
from .filters import blur, resize, upsampled_strips

if TYPE_CHECKING:
    from .arrays import Array
    from .picture import Wrap

WINDOW_SIGMA = 6
"""Standard deviation of the Gaussian window, in pixels of the depth: a few times as wide as networks blur edges."""

AVERAGING_SIGMA = 1.5
"""Standard deviation of the Gaussian that averages the fits of neighbouring windows, in pixels of the depth."""

GUIDE_CONTRAST = 2
"""The guide's transition covers the luma's mean plus and minus its deviation divided by this."""

MIN_DEVIATION = 0.02
"""Standard deviation of luma and of depth, whose ranges are about 1, below which there is no edge."""

VARIANCE_EPSILON = 1e-3
"""Added to the guide's variance, which is at most 1, so that slopes are finite."""

EXPLAINED_VARIANCE = (0.4, 0.7)
"""Share of the depth's variance that the guide explains: below the first the depth stays as it is, above the second it
follows the guide."""


def upsample_along_edges(depth: Array, luma: Array, wrap: Wrap) -> Array:
    """Enlarge a depth map to the size of its picture, with the depth's edges on the picture's.

    Args:
        depth: h x w float32 with a range of about 1.
        luma: H x W float32, 0..1, of the picture; H >= h, W >= w.
        wrap: the directions that repeat.

    Returns:
        H x W float32.

    >>> depth = np.float32([[0, 0, 1, 1]]).repeat(4, axis=0)
    >>> upsample_along_edges(depth, depth.repeat(2, 0).repeat(2, 1), Wrap()).shape
    (8, 8)
    """
    if depth.shape == luma.shape:
        return depth
    rows, columns = luma.shape
    out = np.empty(luma.shape, np.float32)
    for part, (offset, slope, middle, steepness) in upsampled_strips(_coefficients(depth, luma, wrap), columns, rows, wrap):
        np.multiply(_guide(luma[part], middle, steepness), slope, out=out[part])
        out[part] += offset
    return out


def _coefficients(depth: Array, luma: Array, wrap: Wrap) -> Array:
    """Return h x w x 4: offset and slope of the depth over the guide; the mean and factor that turn luma into guide."""
    rows, columns = depth.shape
    small = resize(luma, columns, rows, wrap)
    middle, square = _local_means(wrap, WINDOW_SIGMA, small, small * small)
    deviation = np.sqrt(np.maximum(square - middle * middle, 0) + np.float32(MIN_DEVIATION ** 2))
    steepness = np.float32(GUIDE_CONTRAST) / deviation
    guide = _guide(small, middle, steepness)
    slope, offset, explained = _fit_local_lines(guide, depth, wrap)
    follows = smoothstep(explained, *EXPLAINED_VARIANCE)
    slope, offset, follows = _local_means(wrap, AVERAGING_SIGMA, follows * slope, follows * offset, follows)
    return np.stack([offset + (1 - follows) * depth, slope, middle, steepness], axis=2)


def _guide(luma: Array, middle: Array, steepness: Array) -> Array:
    return np.clip((luma - middle) * steepness, -1.0, 1.0)


def _fit_local_lines(guide: Array, depth: Array, wrap: Wrap) -> tuple[Array, Array, Array]:
    """Fit depth = slope * guide + offset in each window; return slope, offset and the explained share of the variance."""
    mean_guide, mean_depth, guide_squares, depth_squares, products = _local_means(
        wrap, WINDOW_SIGMA, guide, depth, guide * guide, depth * depth, guide * depth)
    covariance = products - mean_guide * mean_depth
    variance = guide_squares - mean_guide * mean_guide + np.float32(VARIANCE_EPSILON)
    depth_variance = depth_squares - mean_depth * mean_depth + np.float32(MIN_DEVIATION ** 2)
    slope = covariance / variance
    return slope, mean_depth - slope * mean_guide, slope * covariance / depth_variance


def _local_means(wrap: Wrap, deviation: float, *fields: Array) -> Array:
    """Return the fields' Gaussian-weighted means around each pixel: as many x h x w."""
    return np.moveaxis(blur(np.stack(fields, axis=2), deviation, deviation, wrap), 2, 0)
