"""Height map: the picture's values are the heights, as they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ....core.errors import Message
from ....core.filters import blur
from ....core.picture import Surface, Wrap
from .. import Engine, EngineInput, EngineOptions

if TYPE_CHECKING:
    from ....core.arrays import Array

STEP_SIGMAS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Deviations of the blurs that smooth steps, in pixels: the last one bridges the longest steps of slow slopes."""

TOLERATED_SHARE = 1 / 20
"""How much of half a step the pixels around may be beyond it, on average, where a blur is still taken."""

LAST_BLURS = 4

COLOURS_DIFFER = Message("The picture's red, green and blue differ, so it may be no height map; its luma is the height.")

MIN_DIFFERENCE = 2 / 255
"""Difference of two channels that a file of grey has at most, where it was compressed as colours."""


class Height(Engine):
    """The engine; it keeps nothing."""

    def surface(self, item: EngineInput) -> Surface:
        """Make the surface with the picture's heights."""
        picture = item.picture
        item.report("height", 0.0)
        height = picture.luma()
        notes = (COLOURS_DIFFER,) if _colours_differ(picture.rgb_float()) else ()
        if picture.step and float(np.ptp(height)) > 0:
            height = smooth_steps(height, picture.step, item.wrap)
        return Surface(height, item.settings.height_scale, False, item.wrap, (picture.width, picture.height), notes,
                       is_measured=True)

    def unload(self) -> None:
        """Do nothing: it keeps nothing."""


def smooth_steps(height: Array, step: float, wrap: Wrap) -> Array:
    """Smooth heights that were rounded to steps: each stays within half a step of what it was.

    Of blurs that become wider, each is taken where it stays within half a step all around: a slow slope becomes one instead
    of a terrace, and an edge, which is higher than a step, stays.

    Args:
        height: H x W float32.
        step: distance of two values.
        wrap: the directions that repeat.
    """
    half = np.float32(step / 2)
    smooth = height
    for sigma in STEP_SIGMAS:
        wider = _flat_blur(height, sigma, wrap)
        beyond = blur(np.maximum(np.abs(wider - height) / half - 1, 0), sigma, sigma, wrap)
        smooth = smooth + (wider - smooth) * np.clip(1 - beyond / np.float32(TOLERATED_SHARE), 0, 1)
    for _ in range(LAST_BLURS):
        smooth = np.clip(_flat_blur(smooth, 1.0, wrap), height - half, height + half)
    return smooth


def _flat_blur(height: Array, sigma: float, wrap: Wrap) -> Array:
    """Blur heights, but keep waves much longer than sigma as they are: twice a blur, less that blurred again."""
    once = blur(height, sigma, sigma, wrap)
    return 2 * once - blur(once, sigma, sigma, wrap)


def _colours_differ(rgb: Array) -> bool:
    """Tell whether a picture, H x W x 3, is more than grey stored as colours."""
    return any(float(np.abs(rgb[..., 0] - rgb[..., other]).max()) > MIN_DIFFERENCE for other in (1, 2))


def create(options: EngineOptions) -> Height:
    """Make the engine."""
    return Height()
