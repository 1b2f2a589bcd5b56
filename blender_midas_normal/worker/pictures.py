"""Pictures as engines want them: read from Blender's raw pixels or from a picture file."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.colour import exposed, srgb_from_linear
from ..core.errors import SourceError
from ..core.paths import is_file
from ..core.picture import Picture
from ..core.protocol import LARGEST_FILE, Pixels
from ..core.tiles import Tile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ..core.arrays import Array

LONGEST_SIDE = 16384
"""Pixels; what the project promises, and with it what a picture may claim."""

OPENCV = {"OPENCV_IO_ENABLE_OPENEXR": "1", "OPENCV_IO_MAX_IMAGE_WIDTH": str(LONGEST_SIDE),
          "OPENCV_IO_MAX_IMAGE_HEIGHT": str(LONGEST_SIDE)}
"""Variables that OpenCV reads when it loads: a file that only says to be large takes no memory."""

ROWS = 16
"""Rows converted at a time: they stay in the processor's cache."""

Strip = tuple[slice, "NDArray"]
"""Some rows of a picture, and their pixels, rows x width x 4."""

DEEP_SUFFIXES = {".exr", ".hdr", ".tif", ".tiff", ".png"}
"""Files that may hold more than 8 bits: OpenCV reads them, since Pillow makes 8 bits of 16-bit colour."""


def picture_from_pixels(folder: Path, pixels: Pixels, exposure: float = 0.0) -> Picture:
    """The Picture in a file of raw pixels.  Raises SourceError when sizes do not fit.

    exposure: stops by which scene-linear values are made brighter; what is brighter than 1 then is clipped.
    """
    check_size(pixels.width, pixels.height)
    path = folder / pixels.file
    if path.stat().st_size != pixels.nbytes:
        raise SourceError(f"The pixels of the picture take {path.stat().st_size} bytes instead of {pixels.nbytes}.")
    if pixels.encoding == "BYTE":
        picture = _of_bytes(_strips_of_file(path, pixels, np.uint8), (pixels.height, pixels.width))
    else:
        strips = _strips_of_file(path, pixels, np.float32)
        picture = _of_floats(strips, (pixels.height, pixels.width), pixels.encoding, pixels.premultiplied, exposure)
    return dataclasses.replace(picture, part=Tile(*pixels.part)) if pixels.part else picture


def picture_from_file(path: Path, exposure: float = 0.0) -> Picture:
    """The Picture in a picture file, its orientation applied.  Raises SourceError, naming the file, when it cannot be read.

    exposure: as in `picture_from_pixels`, for files of floats.
    Needs Pillow and OpenCV, which the script's and the MiDaS environment have.
    """
    import PIL.Image
    import PIL.ImageOps

    if not is_file(path):
        raise SourceError(f"There is no picture {path}.")
    if path.stat().st_size > LARGEST_FILE:
        raise SourceError(f"{path} is larger than any picture of {LONGEST_SIDE} x {LONGEST_SIDE} pixels.")
    PIL.Image.MAX_IMAGE_PIXELS = LONGEST_SIDE * LONGEST_SIDE
    try:
        if path.suffix.lower() in DEEP_SUFFIXES and (deep := _deep_picture(path, exposure)) is not None:
            return deep
        with PIL.Image.open(path) as opened:
            check_size(*opened.size)
            upright = PIL.ImageOps.exif_transpose(opened)
            has_alpha = "A" in upright.getbands() or "transparency" in upright.info
            values = np.asarray(upright.convert("RGBA" if has_alpha else "RGB"))
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise SourceError(f"{path} is not a readable picture: {error}.") from None
    return Picture(np.ascontiguousarray(values[..., :3]), _opaque_or(values[..., 3]) if has_alpha else None)


def check_size(width: int, height: int) -> None:
    """Raises SourceError for a picture without pixels or with a side beyond LONGEST_SIDE."""
    if width < 1 or height < 1:
        raise SourceError("The picture has no pixels; save or reload it first.")
    if max(width, height) > LONGEST_SIDE:
        raise SourceError(f"The picture is {width} x {height} pixels; the longest side may be {LONGEST_SIDE}.")


def _strips_of_file(path: Path, pixels: Pixels, kind: type) -> Iterator[Strip]:
    """The file's rows, the last ones of the picture first."""
    with path.open("rb") as file:
        for end in range(pixels.height, 0, -ROWS):
            rows = slice(max(0, end - ROWS), end)
            values: NDArray = np.fromfile(file, kind, (end - rows.start) * pixels.width * 4)
            yield rows, values.reshape(-1, pixels.width, 4)[::-1]


def _strips_of(rgba: Array) -> Iterator[Strip]:
    for top in range(0, len(rgba), ROWS):
        rows = slice(top, top + ROWS)
        yield rows, rgba[rows]


def _of_bytes(strips: Iterator[Strip], shape: tuple[int, int]) -> Picture:
    """Channel by channel, which takes half as long as three bytes of four at a time."""
    rgb, alpha = np.empty((*shape, 3), np.uint8), np.empty(shape, np.uint8)
    for rows, values in strips:
        for channel in range(3):
            rgb[rows, :, channel] = values[..., channel]
        alpha[rows] = values[..., 3]
    return Picture(rgb, _opaque_or(alpha))


def _of_floats(strips: Iterator[Strip], shape: tuple[int, int], encoding: str, premultiplied: bool,
               exposure: float) -> Picture:
    rgb, alpha = np.empty((*shape, 3), np.float32), np.empty(shape, np.float32)
    for rows, values in strips:
        alpha[rows] = np.clip(np.nan_to_num(values[..., 3], nan=0.0), 0.0, 1.0)
        colours = finite(values[..., :3])
        if premultiplied:
            cover = alpha[rows, :, None]
            colours = np.divide(colours, cover, out=np.zeros_like(colours), where=cover > 0)
        if encoding == "LINEAR":
            colours = exposed(colours, exposure)
        rgb[rows] = np.clip(colours, 0.0, 1.0) if encoding == "DISPLAY" else srgb_from_linear(colours)
    return Picture(rgb, _opaque_or(alpha))


def finite(values: Array) -> Array:
    """The values with NaN replaced by 0 and infinities by the largest and smallest float."""
    return values if np.isfinite(values).all() else np.nan_to_num(values, nan=0.0)


def _opaque_or(alpha: NDArray) -> NDArray | None:
    """None when every pixel is opaque, else the alpha values."""
    return None if (alpha >= (255 if alpha.dtype == np.uint8 else 1.0)).all() else alpha


def _deep_picture(path: Path, exposure: float) -> Picture | None:
    """The Picture in a 16-bit or float file; None when it holds 8 bits, or OpenCV cannot read it."""
    os.environ.update(OPENCV)
    import cv2

    try:
        values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if values is None or values.dtype == np.uint8:
        return None
    check_size(values.shape[1], values.shape[0])
    planes = values[..., None] if values.ndim == 2 else values
    rgba = np.ones((*planes.shape[:2], 4), np.float32)
    scale = 65535.0 if planes.dtype == np.uint16 else 1.0
    rgba[..., :3] = planes[..., 2::-1] / scale if planes.shape[2] >= 3 else planes[..., :1] / scale
    if planes.shape[2] == 4:
        rgba[..., 3] = planes[..., 3] / scale
    encoding = "DISPLAY" if planes.dtype == np.uint16 else "LINEAR"
    return _of_floats(_strips_of(rgba), rgba.shape[:2], encoding, False, exposure)
