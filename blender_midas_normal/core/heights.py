"""Height fields: normalised depth, the Poisson solve that integrates slopes, and heights as displacement maps hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .arrays import parallel_rows
from .filters import convolve_separable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array
    from .picture import Wrap

LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 99.0
"""The percentiles that become 0 and 1: a few stray pixels must not decide how steep the rest is."""

RANGE_TOLERANCE = 1e-5
"""Share of the largest magnitude: a range below it is the rounding of float32, not relief."""


def normalise_depth(depth: Array) -> tuple[Array, float]:
    """(H x W float32 heights, range): larger is nearer; the depth scaled from its 1st..99th percentile to 0..1, not clipped.

    range: how far apart these percentiles were.  NaN and infinities become the median of the other pixels.  A depth that
    is constant, but for rounding, becomes zeros, of range 0.
    """
    depth = fill_non_finite(depth)
    low, high = np.percentile(depth, (LOW_PERCENTILE, HIGH_PERCENTILE)).astype(np.float64)
    if high - low <= RANGE_TOLERANCE * float(np.abs(depth).max()):
        low, high = float(depth.min()), float(depth.max())
    if high - low <= RANGE_TOLERANCE * float(np.abs(depth).max()):
        return np.zeros_like(depth), 0.0
    return ((depth - np.float32(low)) / np.float32(high - low)).astype(np.float32), float(high - low)


def fill_non_finite(depth: Array) -> Array:
    """The field with every NaN and infinity replaced by the median of the finite pixels, or by 0 where there is none."""
    finite = np.isfinite(depth)
    if finite.all():
        return depth
    middle = np.median(depth[finite]) if finite.any() else 0.0
    return np.where(finite, depth, np.float32(middle)).astype(np.float32)


EPSILON = 1e-9
"""Waves of which central differences see a smaller share than this get no height."""


def integrate_slopes(gx: Array, gy: Array, wrap: Wrap) -> Array:
    """H x W float32 heights in pixels, of mean 0, whose central differences are nearest to the slopes.

    gx, gy: H x W each, dh/dx and dh/dy per pixel, rows downwards.  A direction that does not repeat is continued by its
    mirror image.  Waves of 2 pixels get no height, since central differences cannot see them.

    The heights' second differences are the slopes' differences; waves of the former are those of the heights times
    `transfer_function`.
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
    """The pixels of a line in an order in which central differences go round, as Fourier's waves do.

    A line that repeats goes round as it is.  In one that is mirrored central differences compare every second pixel: they
    go there by the even ones and, behind the mirror, back by the odd ones.
    """
    pixels = np.arange(length, dtype=np.int64)
    return pixels if repeats else np.concatenate([pixels[::2], pixels[1::2][::-1]])


def transfer_function(length: int, repeats: bool) -> NDArray[np.float64]:
    """The square of what a central difference makes of each wave around the `fft_order`: sin^2 w, w radians per pixel."""
    return np.sin((2 if repeats else 1) * np.pi * np.arange(length) / length) ** 2


def poisson_factors(across: NDArray, down: NDArray) -> NDArray[np.float64]:
    """What waves of the slopes' differences, which are twice as large as central ones, are multiplied by."""
    seen = across + down
    return np.divide(-0.5, seen, out=np.zeros_like(seen), where=seen > EPSILON)


def _pad_slope(slope: Array, repeats: bool, axis: int) -> Array:
    """The slopes with one more on both sides: those of the other side, or, mirrored, the same the other way up."""
    first, last = np.take(slope, [0], axis), np.take(slope, [-1], axis)
    return np.concatenate([last, slope, first] if repeats else [-first, slope, -last], axis)


MIDLEVEL = 0.5
"""The value of the mean height: `Midlevel` of Blender's Displacement node and modifier."""

NYQUIST_FILTER = np.array([-1, 4, 10, 4, -1], np.float32) / np.float32(16)
"""Weights that keep all but the shortest waves: 1 - sin(w/2)^4, nothing of a wave of 2 pixels.  Central differences cannot
see those, so that least squares puts them wherever slopes end at a border that does not repeat: a ramp became stairs."""


def height_map(gx: Array, gy: Array, wrap: Wrap) -> Array:
    """H x W float32 heights in pixels, of mean 0, whose slopes are nearest to the ones given, by least squares.

    gx, gy: H x W float32, dimensionless dh/du and dh/dv, v downwards: a slope of 1 rises a pixel's width in a pixel.
    Source: Frankot and Chellappa, "A method for enforcing integrability in shape from shading algorithms", 1988.
    """
    height = integrate_slopes(gx, gy, wrap)
    for axis, repeats in enumerate((wrap.y, wrap.x)):
        height = _pad_symmetric(height, len(NYQUIST_FILTER) // 2, repeats, axis)
    return convolve_separable(height, NYQUIST_FILTER, 1)


def encode_height(height: Array) -> tuple[Array, float]:
    """(H x W float32 values of 0..1, scale): height less its mean = (value - 0.5) * scale, in shorter sides of the picture.

    height: H x W float32 in pixels.  The pixel farthest from the mean gets 0 or 1; heights that are constant get 0.5
    everywhere and scale 0.
    """
    centred = _subtract_mean(height)
    farthest = float(np.abs(centred).max())
    if farthest == 0:
        return np.full_like(centred, MIDLEVEL), 0.0
    centred *= np.float32(0.5 / farthest)
    centred += np.float32(MIDLEVEL)
    return centred, 2 * farthest / min(height.shape)


def rescale_height(values: Array, before: float, now: float, rise: float | Array = 0.0) -> Array:
    """The values 0..1 of the same heights, raised by so much, for another, larger scale (see `encode_height`)."""
    return (values - np.float32(MIDLEVEL)) * np.float32(before / now) + np.float32(MIDLEVEL + rise / now)


def _pad_symmetric(height: Array, count: int, repeats: bool, axis: int) -> Array:
    width = [(count, count) if i == axis else (0, 0) for i in range(2)]
    return np.pad(height, width, mode="wrap" if repeats else "symmetric")


def _subtract_mean(height: Array) -> Array:
    return height - np.float32(height.mean(dtype=np.float64))
