"""Heights from slopes: the field whose own slopes are nearest, by least squares (Frankot and Chellappa, 1988)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .picture import Array, Wrap

STRIP = 1 << 18
"""Values of a mirrored axis that are transformed at a time."""


def height_from_slopes(slopes: Array, wrap: Wrap) -> Array:
    """H x W float32 heights in pixels, of mean 0, whose central differences are nearest to the slopes.

    slopes: H x W x 2, dh/dx and dh/dy per pixel, rows downwards.  A direction that does not repeat is continued by its
    mirror image: heights are cosines there and slopes are sines, which needs no field of twice the size.  Waves of 2 pixels
    get no height, since central differences cannot see them.
    """
    rows, columns = slopes.shape[:2]
    across = _transfer(columns, wrap.x, half=True)[None, :]
    down = _transfer(rows, wrap.y, half=not wrap.x)[:, None]
    spectrum = np.conj(across) * _spectrum(slopes[..., 0], wrap, along=1)
    spectrum += np.conj(down) * _spectrum(slopes[..., 1], wrap, along=0)
    power = np.abs(across) ** 2 + np.abs(down) ** 2
    seen = power > 1e-9
    return _field(np.divide(spectrum, power, out=np.zeros_like(spectrum), where=seen), wrap, (rows, columns))


def _transfer(length: int, repeats: bool, half: bool) -> NDArray:
    """What a central difference makes of each wave: i sin w, or of a mirrored line's cosines -sin w times the same sine.

    half: only the waves that a transform of real numbers keeps.
    """
    if repeats:
        return 1j * np.sin(2 * np.pi * (np.fft.rfftfreq(length) if half else np.fft.fftfreq(length)))
    return -np.sin(np.pi * np.arange(length) / length)


def _spectrum(slope: Array, wrap: Wrap, along: int) -> NDArray:
    """The slope along an axis as waves: of mirrored axes real, of those that repeat complex."""
    for axis in _mirrored_axes(wrap):
        slope = _in_strips(_sines if axis == along else _cosines, slope, axis)
    return np.fft.rfftn(slope, axes=_repeating_axes(wrap)) if wrap.any else slope.astype(np.float64)


def _field(spectrum: NDArray, wrap: Wrap, size: tuple[int, int]) -> Array:
    """Heights from their waves."""
    axes = _repeating_axes(wrap)
    height = np.fft.irfftn(spectrum, [size[axis] for axis in axes], axes) if axes else spectrum
    for axis in _mirrored_axes(wrap):
        height = _in_strips(_from_cosines, height, axis)
    return height.astype(np.float32, copy=False)


def _mirrored_axes(wrap: Wrap) -> list[int]:
    return [axis for axis, repeats in enumerate((wrap.y, wrap.x)) if not repeats]


def _repeating_axes(wrap: Wrap) -> list[int]:
    return [axis for axis, repeats in enumerate((wrap.y, wrap.x)) if repeats]


def _in_strips(transform: Callable[[NDArray], NDArray], field: NDArray, axis: int) -> Array:
    """The transform of all lines along an axis, a few at a time: in between it takes eight times their memory."""
    lines = np.moveaxis(field, axis, 1)
    found = np.empty(lines.shape, np.float32)
    step = max(1, STRIP // lines.shape[1])
    for first in range(0, len(lines), step):
        found[first:first + step] = transform(lines[first:first + step])
    return np.moveaxis(found, 1, axis)


def _cosines(lines: NDArray) -> NDArray:
    """Each line x of N values to sums of x[n] cos(pi k (n + 1/2) / N), k = 0..N-1."""
    return _shifted(np.concatenate([lines, lines[:, ::-1]], axis=1)).real / 2


def _sines(lines: NDArray) -> NDArray:
    """Each line x of N values to sums of x[n] sin(pi k (n + 1/2) / N), k = 0..N-1."""
    return _shifted(np.concatenate([lines, -lines[:, ::-1]], axis=1)).imag / -2


def _from_cosines(lines: NDArray) -> NDArray:
    """The inverse of `_cosines`."""
    length = lines.shape[1]
    waves = np.zeros((len(lines), length + 1), np.complex128)
    waves[:, :length] = 2 * lines / _half_a_pixel(length)
    return np.fft.irfft(waves, 2 * length)[:, :length]


def _shifted(mirrored: NDArray) -> NDArray:
    """The transform of mirrored lines as seen from half a pixel before their first one, where the mirror stands."""
    length = mirrored.shape[1] // 2
    return np.fft.rfft(mirrored)[:, :length] * _half_a_pixel(length)


def _half_a_pixel(length: int) -> NDArray:
    return np.exp(-0.5j * np.pi * np.arange(length) / length)
