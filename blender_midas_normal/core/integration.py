"""Heights from slopes: the field whose own slopes are nearest, by least squares (Frankot and Chellappa, 1988)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .picture import Array, Wrap


def height_from_slopes(slopes: Array, wrap: Wrap) -> Array:
    """H x W float32 heights in pixels, of mean 0, whose central differences are nearest to the slopes.

    slopes: H x W x 2, dh/dx and dh/dy per pixel, rows downwards.  A direction that does not repeat is continued by its
    mirror image, in which the slope along it changes its sign: then it repeats.
    """
    rows, columns = slopes.shape[:2]
    gx, gy = slopes[..., 0].astype(np.float64), slopes[..., 1].astype(np.float64)
    if not wrap.x:
        gx, gy = _mirrored(gx, 1, -1), _mirrored(gy, 1, 1)
    if not wrap.y:
        gx, gy = _mirrored(gx, 0, 1), _mirrored(gy, 0, -1)
    return _periodic(gx, gy)[:rows, :columns].astype(np.float32)


def _mirrored(field: NDArray[np.float64], axis: int, sign: int) -> NDArray[np.float64]:
    return np.concatenate([field, sign * np.flip(field, axis)], axis)


def _periodic(gx: NDArray[np.float64], gy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Division by the transfer function of the central difference, i sin w.

    That function is 0 for waves of 2 pixels too, which central differences cannot see: such waves get no height.
    """
    x = 1j * np.sin(2 * np.pi * np.fft.rfftfreq(gx.shape[1]))[None, :]
    y = 1j * np.sin(2 * np.pi * np.fft.fftfreq(gx.shape[0]))[:, None]
    power = np.abs(x) ** 2 + np.abs(y) ** 2
    spectrum = np.conj(x) * np.fft.rfft2(gx) + np.conj(y) * np.fft.rfft2(gy)
    seen = power > 1e-9
    spectrum = np.divide(spectrum, power, out=np.zeros_like(spectrum), where=seen)
    return np.fft.irfft2(spectrum, gx.shape)
