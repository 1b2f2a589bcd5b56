"""The weights of filters along a line: of which pixels, and how much, each pixel of the answer is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPLINE_REACH = 10
SPLINE_PREFILTER = np.sqrt(3) * (np.sqrt(3) - 2) ** np.abs(np.arange(-SPLINE_REACH, SPLINE_REACH + 1))
"""Turns samples into coefficients of the cubic B-spline that passes through them (Unser, "Splines: a perfect fit for signal
and image processing", 1999); cut off where it has fallen to 2e-6."""

SPLINE_MARGIN = 2 + SPLINE_REACH
"""Pixels before and after a line that its splines need; two of them are left as coefficients."""


def gaussian(sigma: float) -> NDArray:
    """An odd number of weights, whose sum is 1, of a Gaussian blur; sigma in pixels."""
    offsets = np.arange(-np.ceil(3 * sigma), np.ceil(3 * sigma) + 1)
    kernel = np.exp(-0.5 * (offsets / max(sigma, 1e-3)) ** 2)
    return kernel / kernel.sum()


def spline(before: int, count: int) -> tuple[NDArray[np.int64], NDArray]:
    """(coefficients, weights), count x 4 each, for each of `count` pixels over a line of `before`.

    Coefficients are numbered from two before the line's first.
    """
    centres = _centres(before, count)
    first = np.floor(centres)
    t = centres - first
    u = 1 - t
    weights = np.stack([u ** 3, 3 * t ** 3 - 6 * t ** 2 + 4, 3 * u ** 3 - 6 * u ** 2 + 4, t ** 3], axis=1) / 6
    return first.astype(np.int64)[:, None] + np.arange(1, 5), weights


def lanczos(before: int, count: int) -> tuple[int, NDArray[np.int64], NDArray]:
    """(margin, pixels, weights) of 3 lobes for each of fewer pixels than a line has.

    margin: pixels needed before and after the line, from whose start the pixels are numbered.
    """
    ratio = before / count
    return _lobes(before, count, int(np.ceil(3 * ratio)), ratio, lambda distance: np.where(
        np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0))


def straight(before: int, count: int) -> tuple[int, NDArray[np.int64], NDArray]:
    """The same of lines between pixels, or, for fewer pixels than a line has, of averages."""
    ratio = max(1.0, before / count)
    return _lobes(before, count, int(np.ceil(ratio)), ratio, lambda distance: np.maximum(0.0, 1 - np.abs(distance)))


def coverage(before: int, count: int) -> tuple[NDArray[np.int64], NDArray]:
    """(pixels, weights), for each of `count` pixels over a line of more: those it covers, and by how much of it."""
    starts = np.arange(count) * (before / count)
    stops = starts + before / count
    pixels = np.floor(starts + 1e-9).astype(np.int64)[:, None] + np.arange(int(np.ceil(before / count - 1e-9)) + 1)
    covered = np.clip(np.minimum(pixels + 1, stops[:, None]) - np.maximum(pixels, starts[:, None]), 0, None)
    used = covered.max(axis=0) > 1e-9
    weights = covered[:, used] / covered.sum(axis=1, keepdims=True)
    return np.minimum(pixels[:, used], before - 1), weights


def _lobes(before: int, count: int, reach: int, ratio: float,
           weight: Callable[[NDArray], NDArray]) -> tuple[int, NDArray[np.int64], NDArray]:
    centres = _centres(before, count)
    pixels = np.floor(centres).astype(np.int64)[:, None] + np.arange(1 - reach, reach + 1)
    weights = weight((pixels - centres[:, None]) / ratio)
    return reach, pixels + reach, weights / weights.sum(axis=1, keepdims=True)


def _centres(before: int, count: int) -> NDArray:
    """Where the centres of `count` pixels lie among `before` pixels."""
    return (np.arange(count) + 0.5) * (before / count) - 0.5
