"""A map as the bytes of a file, and as Blender holds its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .exr import exr_bytes
from .png import png_bytes
from .tiff import tiff_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .maps import Map
    from .picture import Array

    Integers = NDArray[np.uint8] | NDArray[np.uint16]
    """H x W x 3 (RGB) or H x W (grey), rows from the top down."""


def integer_file(pixels: Integers, name: str, compress: bool) -> bytes:
    """The PNG or TIFF file of a picture; compress: a PNG file as small as it gets, else it is written faster."""
    return png_bytes(pixels, compress) if name == "PNG" else tiff_bytes(pixels)


def float_file(made: Map, name: str) -> bytes:
    """The OpenEXR file of a map, in half or single precision."""
    planes = made.floats()
    return exr_bytes(dict(zip("RGB" if len(planes) == 3 else "Y", planes, strict=True)), half=name == "EXR_HALF")


def blender_pixels(pixels: Integers) -> Array:
    """A picture as Blender holds it: H x W x 4 float32 of 0..1, opaque, rows from the bottom up.

    It is spread as integers first, because numpy multiplies values that lie side by side six times as fast.
    """
    held = np.empty((*pixels.shape[:2], 4), pixels.dtype)
    for channel in range(3):
        held[..., channel] = pixels[::-1, :, channel] if pixels.ndim == 3 else pixels[::-1]
    white = np.iinfo(pixels.dtype).max
    held[..., 3] = white
    return np.multiply(held, np.float32(1 / white), dtype=np.float32)
