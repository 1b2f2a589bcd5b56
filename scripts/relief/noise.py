"""Periodic fields on a square canvas: noise, blur, gradient, coordinates.  All are float32 and wrap at the borders."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

    from blender_midas_normal.core.arrays import Array

cv2.setNumThreads(1)  # samples are made by many processes, each on one core


@lru_cache(maxsize=4)
def coordinates(size: int) -> tuple[Array, Array]:
    """Return (x, y) of each pixel's centre, in pixels, each size x size; shared, so never written to."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    return x, y


@lru_cache(maxsize=4)
def _frequencies(size: int) -> tuple[Array, Array]:
    """Return (fx, fy) in cycles per pixel, of the half plane that `irfft2` expects."""
    fy = np.fft.fftfreq(size).astype(np.float32)[:, None]
    fx = np.fft.rfftfreq(size).astype(np.float32)[None, :]
    return fx, fy


def fractal(rng: Generator, size: int, wavelength: float, falloff: float = 2.0,
            stretch: tuple[float, float] = (1, 1)) -> Array:
    """Make noise of mean 0 and deviation 1 with waves of `wavelength` pixels and shorter; larger `falloff` is smoother.

    stretch: factors by which the noise is drawn out in x and y.
    """
    fx, fy = _frequencies(size)
    squared = (fx * np.float32(stretch[0])) ** 2 + (fy * np.float32(stretch[1])) ** 2
    return _shape_noise(rng, size, (squared + np.float32(1 / wavelength ** 2)) ** np.float32(-falloff / 2))


def band(rng: Generator, size: int, wavelength: float, width: float = 0.4, stretch: tuple[float, float] = (1, 1)) -> Array:
    """Make noise of mean 0 and deviation 1 around one wavelength; `width` is the deviation of ln(wavelength)."""
    fx, fy = _frequencies(size)
    squared = (fx * np.float32(stretch[0])) ** 2 + (fy * np.float32(stretch[1])) ** 2 + np.float32(1e-9)
    octaves = 0.5 * np.log(squared) + np.float32(np.log(wavelength))
    return _shape_noise(rng, size, np.exp(-0.5 * (octaves / np.float32(width)) ** 2) / np.sqrt(squared))


def _shape_noise(rng: Generator, size: int, amplitude: Array) -> Array:
    spectrum = rng.standard_normal((2, *amplitude.shape), dtype=np.float32)
    spectrum *= amplitude
    spectrum[:, 0, 0] = 0
    field = np.fft.irfft2(spectrum[0] + 1j * spectrum[1], s=(size, size)).astype(np.float32)
    return field / max(float(field.std()), 1e-20)


def warp(rng: Generator, size: int, amount: float, wavelength: float) -> tuple[Array, Array]:
    """Return (x, y) displaced by `amount` pixels (one deviation) in waves of `wavelength` pixels."""
    x, y = coordinates(size)
    if amount <= 0:
        return x, y
    return (x + np.float32(amount) * fractal(rng, size, wavelength, 2.6),
            y + np.float32(amount) * fractal(rng, size, wavelength, 2.6))


def pad(field: Array, count: int) -> Array:
    return cv2.copyMakeBorder(field, count, count, count, count, cv2.BORDER_WRAP)


def blur(field: Array, sigma: float) -> Array:
    """Blur an H x W (x C) field with a Gaussian, deviation in pixels; a wide one on a smaller picture."""
    if sigma < 0.15:
        return field
    size = field.shape[0]
    factor = 1
    while sigma / factor > 4 and size % (2 * factor) == 0 and size // factor > 16:
        factor *= 2
    if factor == 1:
        return _blur(field, sigma)
    small = cv2.resize(field, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    large = cv2.resize(pad(_blur(small, sigma / factor), 4), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(large[4 * factor:-4 * factor, 4 * factor:-4 * factor])


def _blur(field: Array, sigma: float) -> Array:
    reach = min(int(3 * sigma) + 1, field.shape[0])
    result = cv2.GaussianBlur(pad(field, reach), (2 * reach + 1, 2 * reach + 1), sigma)
    return np.ascontiguousarray(result[reach:-reach, reach:-reach])


def gradient(height: Array) -> tuple[Array, Array]:
    """Return (d/dx, d/dy) per pixel, y downwards: the 3x3 Sobel operator divided by 8, as in the extension's filters."""
    bordered = pad(height, 1)
    return (cv2.Sobel(bordered, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)[1:-1, 1:-1],
            cv2.Sobel(bordered, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)[1:-1, 1:-1])


def tilt(height: Array) -> Array:
    """Return the angle between the surface and the picture plane, in degrees."""
    gx, gy = gradient(height)
    return np.degrees(np.arctan(np.hypot(gx, gy)))


def step(field: Array, low: float, high: float) -> Array:
    """Return 0 below `low`, 1 above `high`, smooth between (low > high inverts it)."""
    t = np.clip((field - np.float32(low)) / np.float32(high - low), 0, 1)
    return t * t * (3 - 2 * t)


def share(field: Array, part: float, softness: float = 0.3) -> Array:
    """Return a mask of the highest `part` of a field of deviation 1, with edges `softness` deviations wide."""
    threshold = float(np.quantile(field[::4, ::4], 1 - part))
    return step(field, threshold - softness / 2, threshold + softness / 2)


def between(rng: Generator, low: float, high: float) -> float:
    """Return a number between two, each octave with the same probability."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def pick(rng: Generator, options: Sequence, chances: Sequence[float] | None = None) -> Any:
    """Return one of the options unchanged: numpy's own choice converts numbers to doubles, and later whole pictures."""
    return options[int(rng.choice(len(options), p=chances))]
