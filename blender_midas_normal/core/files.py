"""A map as the bytes of a file, and as Blender holds its pixels, both row by row: whole, they are larger than the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .exr import exr_bytes
from .png import png_parts
from .tiff import tiff_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from .arrays import Array
    from .maps import Map, NodeMap

ROWS = 32
"""Encoded at a time: they stay in the processor's cache."""


def integer_file(made: Map | NodeMap, name: str, bits: int, compress: bool) -> Iterable[bytes]:
    """The parts of a map's PNG or TIFF file of 8 or 16 bits.

    compress: a PNG file as small as it gets, else it is written faster.
    """
    if name != "PNG":
        return [tiff_bytes(made.encoded(bits=bits))]
    strips = (made.encoded(slice(top, top + ROWS), bits) for top in range(0, made.height, ROWS))
    return png_parts(strips, made.height, compress)


def float_file(made: Map, name: str) -> bytes:
    """The OpenEXR file of a map, in half or single precision."""
    planes = made.floats()
    return exr_bytes(dict(zip("RGB" if len(planes) == 3 else "Y", planes, strict=True)), half=name == "EXR_HALF")


def blender_pixels(made: Map | NodeMap) -> Iterator[Array]:
    """A map as Blender holds it, some rows of it at a time: rows x W x 4 float32 of 0..1, opaque, from the bottom up."""
    for end in range(made.height, 0, -ROWS):
        yield _held(made.encoded(slice(max(0, end - ROWS), end)))


def _held(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> Array:
    """They are spread as integers first, because numpy multiplies values that lie side by side six times as fast."""
    held = np.empty((*pixels.shape[:2], 4), pixels.dtype)
    for channel in range(3):
        held[..., channel] = pixels[::-1, :, channel] if pixels.ndim == 3 else pixels[::-1]
    white = np.iinfo(pixels.dtype).max
    held[..., 3] = white
    return np.multiply(held, np.float32(1 / white), dtype=np.float32)
