"""The heights of several pictures, in files: at one scale, and without steps where one picture goes on in another."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.displacement import MIDDLE, at_scale
from ..core.levels import Place, outline
from ..core.png import png_bytes
from ..core.seams import Rise, closing_rises
from .map_files import pixels_of_map, stage
from .task import BREATH

if TYPE_CHECKING:
    from ..core.arrays import Array


def brought_together(files: Mapping[int, Path], scales: Mapping[int, float],
                     places: Mapping[int, Place]) -> Generator[None, None, float]:
    """Writes those files again that are raised or have another scale than all have in the end; that scale.

    files, scales: by picture, see `core.maps.Map`; places: of those pictures that go on in each other.
    """
    rises = yield from _rises(files, scales, places)
    most = dict.fromkeys(files, 0.0) | {number: rise.most for number, rise in rises.items()}
    largest = max(scales[number] + 2 * most[number] for number in files)
    for number, file in files.items():
        if (scales[number], most[number]) != (largest, 0.0):
            rise = rises[number].field() if number in rises else 0.0
            values = at_scale(_values(file), scales[number], largest, rise)
            stage(file, png_bytes(np.rint(values * 65535).astype(np.uint16), True))
            yield BREATH
    return largest


def _rises(files: Mapping[int, Path], scales: Mapping[int, float],
           places: Mapping[int, Place]) -> Generator[None, None, dict[int, Rise]]:
    """What is to be added to the heights of the pictures that go on in each other."""
    outlines = {}
    for number, place in places.items():
        outlines[place] = outline((_values(files[number]) - np.float32(MIDDLE)) * np.float32(scales[number]))
        yield BREATH
    rises = closing_rises(outlines)
    return {number: rises[place] for number, place in places.items()}


def _values(file: Path) -> Array:
    """H x W float32 of 0..1, rows from the top down."""
    return pixels_of_map(file) * np.float32(1 / 65535)
