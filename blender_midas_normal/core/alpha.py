"""Transparent pixels: filled from their surroundings, so that no engine sees an edge where the picture has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Array

MIDDLE_GREY = np.float32(0.5)


def filled(rgb: Array, alpha: Array) -> Array:
    """H x W x 3 float32 with every pixel opaque: colours spread from where alpha is into where it is not.

    alpha: H x W, 0..1.  Pull-push: averages over ever larger squares, weighted by alpha, fill what the finer level lacks.
    A picture without any opaque pixel becomes middle grey.
    """
    alpha = np.clip(alpha, 0.0, 1.0)[..., None]
    weighted = rgb * alpha
    if max(alpha.shape[:2]) == 1:
        return np.where(alpha > 0, rgb, MIDDLE_GREY).astype(np.float32)
    coarse_alpha = _halved(alpha)
    coarse = np.divide(_halved(weighted), coarse_alpha, out=np.zeros_like(_halved(weighted)), where=coarse_alpha > 0)
    behind = _doubled(filled(coarse, np.minimum(coarse_alpha[..., 0] * 4, 1.0)), alpha.shape)
    return weighted + (1 - alpha) * behind


def _halved(field: Array) -> Array:
    """The mean of each 2 x 2 square; an odd last row or column is repeated."""
    rows, columns = field.shape[:2]
    even = np.pad(field, [(0, rows % 2), (0, columns % 2), (0, 0)], mode="edge")
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) * np.float32(0.25)


def _doubled(field: Array, shape: tuple[int, ...]) -> Array:
    return field.repeat(2, axis=0).repeat(2, axis=1)[:shape[0], :shape[1]]
