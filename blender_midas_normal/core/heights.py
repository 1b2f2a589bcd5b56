"""Height fields: normalised depth, integration of slopes (a Poisson solve in Fourier space), and encoded height maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .arrays import parallel_rows
from .filters import convolve_axis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array
    from .picture import Wrap

LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 99.0
"""The percentiles that become 0 and 1: a few outliers must not decide how steep the rest is."""

RANGE_TOLERANCE = 1e-5
"""Share of the largest magnitude: a range below it is the rounding of float32, not relief."""

EPSILON = 1e-9
"""Waves whose squared transfer function is smaller than this get no height: central differences cannot see them."""

MIDLEVEL = 0.5
"""The value of the mean height: `Midlevel` of Blender's Displacement node and modifier."""

NYQUIST_FILTER = np.array([-1, 4, 10, 4, -1], np.float32) / np.float32(16)
"""Weights that keep all but the shortest waves: 1 - sin(w/2)^4, nothing of a wave of 2 pixels.  Central differences cannot
see those, so that least squares puts them wherever slopes end at a border that does not repeat: a ramp became stairs."""

CENTRAL_OF_EXACT = np.array([1, 6, 47, 372, 47, 6, 1], np.float32) / np.float32(480)
"""Weights that turn slopes by the five points of `exact_gradient` into central differences: of a wave of w radians a pixel
3 / (4 - cos w) is left, to 0.4%."""


def normalise_depth(depth: Array) -> tuple[Array, float]:
    """Scale a depth map so that its 1st and 99th percentile become 0 and 1; nothing is clipped.

    NaN and infinities become the median of the other pixels.  A depth that is constant, but for rounding, becomes zeros.

    Args:
        depth: H x W float32, larger is nearer.

    Returns:
        (H x W float32 heights, difference of the two percentiles in units of the depth, 0 where it is constant).

    >>> heights, depth_range = normalise_depth(np.float32([[10, 20], [20, 30]]))
    >>> round(depth_range, 2), heights.round(2).tolist()[0][1]
    (19.4, 0.5)
    """
    depth = fill_non_finite(depth)
    low, high = np.percentile(depth, (LOW_PERCENTILE, HIGH_PERCENTILE)).astype(np.float64)
    if high - low <= RANGE_TOLERANCE * float(np.abs(depth).max()):
        low, high = float(depth.min()), float(depth.max())
    if high - low <= RANGE_TOLERANCE * float(np.abs(depth).max()):
        return np.zeros_like(depth), 0.0
    return ((depth - np.float32(low)) / np.float32(high - low)).astype(np.float32), float(high - low)


def fill_non_finite(depth: Array) -> Array:
    """Replace NaN and infinities by the median of the finite pixels, or by 0 where there are none.

    >>> fill_non_finite(np.float32([1, np.nan, 3])).tolist()
    [1.0, 2.0, 3.0]
    """
    finite = np.isfinite(depth)
    if finite.all():
        return depth
    middle = np.median(depth[finite]) if finite.any() else 0.0
    return np.where(finite, depth, np.float32(middle)).astype(np.float32)


def integrate_slopes(gx: Array, gy: Array, wrap: Wrap) -> Array:
    """Find the heights whose central differences are nearest to the slopes, by least squares.

    This is a Poisson solve in Fourier space: the heights' Laplacian equals the divergence of the slopes, and each wave of
    the divergence is divided by the response of the discrete Laplacian to it.  Waves of 2 pixels get no height, since
    central differences cannot see them.

    Args:
        gx, gy: H x W each, dh/dx and dh/dy per pixel, y downwards.
        wrap: the directions that repeat; others are continued by their mirror image.

    Returns:
        H x W float32 in pixels, of mean 0.
    """
    rows, columns = gx.shape
    to_right, to_bottom = fft_order(columns, wrap.x), fft_order(rows, wrap.y)
    across, down = transfer_function(columns, wrap.x)[:columns // 2 + 1], transfer_function(rows, wrap.y)
    waves = np.empty((rows, columns // 2 + 1), np.complex64)
    height = np.empty((rows, columns), np.float32)
    rises = _pad_slope(gy, wrap.y, axis=0)

    def rows_to_waves(part: slice) -> None:
        bend = np.subtract(rises[part.start + 2:part.stop + 2], rises[part], dtype=np.float64)
        runs = _pad_slope(gx[part], wrap.x, axis=1)
        bend += runs[:, 2:]
        bend -= runs[:, :-2]
        waves[part] = np.fft.rfft(bend[:, to_right])

    def columns_of_waves(part: slice) -> None:
        lines = np.fft.fft(waves[to_bottom, part].T)
        lines *= poisson_factors(across[part, None], down)
        waves[to_bottom, part] = np.fft.ifft(lines).T

    def waves_to_rows(part: slice) -> None:
        height[part, to_right] = np.fft.irfft(waves[part], columns)

    parallel_rows(rows_to_waves, rows, columns)
    parallel_rows(columns_of_waves, columns // 2 + 1, rows)
    parallel_rows(waves_to_rows, rows, columns)
    return height


def fft_order(length: int, repeats: bool) -> NDArray[np.int64]:
    """Return the order of a line's pixels in which central differences are periodic, as a Fourier transform needs.

    A line that repeats keeps its order.  A mirrored line has twice its length as its period, and central differences
    compare every second pixel of it: the even ones forwards, then the odd ones backwards, are one such period.

    >>> fft_order(5, repeats=False).tolist()
    [0, 2, 4, 3, 1]
    """
    pixels = np.arange(length, dtype=np.int64)
    return pixels if repeats else np.concatenate([pixels[::2], pixels[1::2][::-1]])


def transfer_function(length: int, repeats: bool) -> NDArray[np.float64]:
    """Return the squared transfer function of central differences in `fft_order`: sin^2 w, w radians per pixel."""
    return np.sin((2 if repeats else 1) * np.pi * np.arange(length) / length) ** 2


def poisson_factors(across: NDArray, down: NDArray) -> NDArray[np.float64]:
    """Return what the waves of the slopes' divergence are multiplied by; 0 where central differences see nothing.

    The divergence comes as differences over two pixels, which are twice as large as central ones: hence 0.5.

    Args:
        across, down: `transfer_function` of both directions, with shapes that broadcast.
    """
    response = across + down
    return np.divide(-0.5, response, out=np.zeros_like(response), where=response > EPSILON)


def _pad_slope(slope: Array, repeats: bool, axis: int) -> Array:
    """Pad the slopes by one on both sides: those of the other side, or, mirrored, their own with the sign changed."""
    first, last = np.take(slope, [0], axis), np.take(slope, [-1], axis)
    return np.concatenate([last, slope, first] if repeats else [-first, slope, -last], axis)


def height_map(gx: Array, gy: Array, wrap: Wrap, are_exact: bool = False) -> Array:
    """Integrate slopes to the height field nearest to them by least squares.

    Source: Frankot and Chellappa, "A method for enforcing integrability in shape from shading algorithms", 1988.

    Args:
        gx, gy: H x W float32, dimensionless dh/du and dh/dv, v downwards; a slope of 1 rises one pixel per pixel.
        wrap: the directions that repeat.
        are_exact: slopes are those of `exact_gradient`, not smoothed ones.  In directions that repeat, the result
            gives them again, with waves of any length; else it has no waves of 2 pixels.

    Returns:
        H x W float32 in pixels, of mean 0.
    """
    if are_exact:
        gx, gy = (_central_differences(slope, axis) if repeats else slope
                  for slope, axis, repeats in ((gx, 1, wrap.x), (gy, 0, wrap.y)))
    height = integrate_slopes(gx, gy, wrap)
    for axis, repeats in enumerate((wrap.y, wrap.x)):
        if not (are_exact and repeats):
            padded = _pad_symmetric(height, len(NYQUIST_FILTER) // 2, repeats, axis)
            height = convolve_axis(padded, NYQUIST_FILTER, axis)
    return height


def _central_differences(slope: Array, axis: int) -> Array:
    """Return the central differences of the surface that has these exact slopes along an axis that repeats."""
    return convolve_axis(_pad_symmetric(slope, len(CENTRAL_OF_EXACT) // 2, True, axis), CENTRAL_OF_EXACT, axis)


def encode_height(height: Array) -> tuple[Array, float]:
    """Encode heights as values of 0..1 about their mean, which becomes 0.5.

    The pixel farthest from the mean becomes 0 or 1; constant heights become 0.5 with scale 0.

    Args:
        height: H x W float32 in pixels.

    Returns:
        (H x W float32 values, scale): height - mean = (value - 0.5) * scale, in shorter sides of the picture.

    >>> values, scale = encode_height(np.float32([[0, 1], [2, 5]]))
    >>> values.round(2).tolist()[1][1], scale
    (1.0, 3.0)
    """
    centred = _subtract_mean(height)
    farthest = float(np.abs(centred).max())
    if farthest == 0:
        return np.full_like(centred, MIDLEVEL), 0.0
    centred *= np.float32(0.5 / farthest)
    centred += np.float32(MIDLEVEL)
    return centred, 2 * farthest / min(height.shape)


def rescale_height(values: Array, before: float, now: float, rise: float | Array = 0.0) -> Array:
    """Encode the same heights with another scale (see `encode_height`).

    Args:
        values: encoded with the scale `before`, 0..1.
        before, now: scales; `now` is more than 0.
        rise: added to the heights, in units of the scale.

    >>> rescale_height(np.float32([0, 0.5, 1]), 1.0, 2.0).tolist()
    [0.25, 0.5, 0.75]
    """
    return (values - np.float32(MIDLEVEL)) * np.float32(before / now) + np.float32(MIDLEVEL + rise / now)


def _pad_symmetric(height: Array, count: int, repeats: bool, axis: int) -> Array:
    width = [(count, count) if i == axis else (0, 0) for i in range(2)]
    return np.pad(height, width, mode="wrap" if repeats else "symmetric")


def _subtract_mean(height: Array) -> Array:
    return height - np.float32(height.mean(dtype=np.float64))
