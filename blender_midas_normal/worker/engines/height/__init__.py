"""Height map: the picture's values are the heights, as they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ....core.colour import srgb_to_linear
from ....core.errors import Message
from ....core.gradients import exact_gradient
from ....core.picture import LUMA_ROWS, Picture, Surface, Wrap, as_float
from .. import Engine, EngineInput, EngineOptions
from .steps import smooth_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ....core.arrays import Array

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
        notes = (COLOURS_DIFFER,) if not picture.is_grey and _colours_differ(picture.rgb) else ()
        if picture.step and float(np.ptp(height)) > 0:
            height = smooth_steps(height, picture.step, item.wrap)
        if picture.is_srgb:
            height = srgb_to_linear(height)
        slopes = None if picture.pixel_aspect == 1 else _slopes_of_stretched(height, picture, item.wrap)
        return Surface(height, item.settings.height_scale, False, item.wrap, (picture.width, picture.height), notes,
                       is_measured=True, measured_slopes=slopes)

    def unload(self) -> None:
        """Do nothing: it keeps nothing."""


def _slopes_of_stretched(height: Array, picture: Picture, wrap: Wrap) -> Array:
    """Return the slopes, 2 x H x W, of heights whose pixels are not square on the surface; widths are right as they are."""
    across, down = exact_gradient(height, wrap)
    return np.stack([across, down * np.float32(picture.pixel_aspect)]) * np.float32(picture.shorter)


def _colours_differ(rgb: NDArray) -> bool:
    """Tell whether a picture, H x W x 3, is more than grey stored as colours; some rows at a time, until some are more."""
    def differ(strip: NDArray) -> bool:
        red, *others = np.moveaxis(strip, 2, 0)
        return any(not np.array_equal(red, other) and float(np.abs(as_float(red) - as_float(other)).max()) > MIN_DIFFERENCE
                   for other in others)

    return any(differ(rgb[top:top + LUMA_ROWS]) for top in range(0, len(rgb), LUMA_ROWS))


def create(options: EngineOptions) -> Height:
    """Make the engine."""
    return Height()
