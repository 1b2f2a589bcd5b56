"""Colour: the sRGB transfer function and luma."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Array

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of red, green and blue in ITU-R BT.709."""

FAINTEST_CONTRAST = 1e-3
"""Range of the pixels, of 0..1, below which a picture counts as one colour: a quarter of a step of 8 bits."""


def exposed(linear: Array, stops: float) -> Array:
    """Scene-linear values, each stop twice as bright; what grows too large for a float is infinite."""
    with np.errstate(over="ignore"):
        return linear * np.float32(2.0 ** stops)


def srgb_from_linear(linear: Array) -> Array:
    """Scene-linear 0.. to display-referred sRGB 0..1, float32 (IEC 61966-2-1); what is brighter than 1 is clipped."""
    clipped = np.clip(linear, 0.0, 1.0, dtype=np.float32)
    bright = np.float32(1.055) * np.power(clipped, np.float32(1 / 2.4)) - np.float32(0.055)
    return np.where(clipped <= 0.0031308, clipped * np.float32(12.92), bright)


def luma(rgb: Array) -> Array:
    """H x W x 3 display-referred sRGB, 0..1, to its H x W luma (BT.709 weights on the encoded values)."""
    return rgb @ LUMA


def is_one_colour(rgb: Array) -> bool:
    """Whether H x W x 3 pixels, 0..1, differ by less than can be seen."""
    return float(np.ptp(rgb.reshape(-1, 3), axis=0).max()) < FAINTEST_CONTRAST
