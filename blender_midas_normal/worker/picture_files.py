"""Pictures as engines want them, from picture files.  Needs Pillow and OpenCV."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import SourceError
from ..core.paths import check_picture
from ..core.picture import Picture
from ..core.protocol import LARGEST_FILE
from .pictures import LONGEST_SIDE, check_size, opaque_or, picture_of_floats, strips_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPENCV = {"OPENCV_IO_ENABLE_OPENEXR": "1", "OPENCV_IO_MAX_IMAGE_WIDTH": str(LONGEST_SIDE),
          "OPENCV_IO_MAX_IMAGE_HEIGHT": str(LONGEST_SIDE)}
"""Variables that OpenCV reads when it loads: a file that only says to be large takes no memory."""

PILLOW = ("AVIF", "BMP", "DDS", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "PSD", "QOI", "SGI", "TGA",
          "TIFF", "WEBP")
"""Pillow's decoders that a file may reach, whatever its name says.  Its others start programs (EPS: Ghostscript), ask the
system (WMF) or read what no texture is stored in."""

DEEP_SUFFIXES = {".exr", ".hdr", ".jp2", ".tif", ".tiff"}
"""Files that may hold more than 8 bits, as PNG may: OpenCV reads them, since Pillow makes 8 bits of 16-bit colour."""

UPRIGHT: dict[object, Callable[[NDArray], NDArray]] = {
    2: np.fliplr, 3: lambda values: np.rot90(values, 2), 4: np.flipud, 5: lambda values: values.swapaxes(0, 1),
    6: lambda values: np.rot90(values, -1), 7: lambda values: np.rot90(values, 2).swapaxes(0, 1), 8: np.rot90,
}
"""What makes a picture upright, by the orientation that its file names; Exif 2.32, section 4.6.4."""

ORIENTATION = 0x0112


def picture_from_file(path: Path, exposure: float = 0.0) -> Picture:
    """The Picture in a picture file, its orientation applied.  Raises SourceError, naming the file, when it cannot be read.

    exposure: as in `picture_from_pixels`, for files of floats.
    """
    import PIL.Image

    check_picture(path)
    if path.stat().st_size > LARGEST_FILE:
        raise SourceError(f"{path} is larger than any picture of {LONGEST_SIDE} x {LONGEST_SIDE} pixels.")
    PIL.Image.MAX_IMAGE_PIXELS = LONGEST_SIDE * LONGEST_SIDE
    try:
        values = _deep_values(path) if _may_be_deep(path) else None
        if values is None:
            values = _values(path)
        return _picture_of(values, exposure, path.suffix.lower() == ".exr")
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise SourceError(f"{path} is not a readable picture: {error}.") from None


def _may_be_deep(path: Path) -> bool:
    """Whether a file can hold more than 8 bits; PNG files say so (PNG specification, section 11.2.1)."""
    if path.suffix.lower() != ".png":
        return path.suffix.lower() in DEEP_SUFFIXES
    with path.open("rb") as file:
        return file.read(25)[24:] == b"\x10"


def _deep_values(path: Path) -> NDArray | None:
    """The values in a file with more than 8 bits; None when it has no more, or OpenCV cannot read it."""
    import cv2

    turn = _turn_of_png(path) if path.suffix.lower() == ".png" else np.asarray  # OpenCV turns TIFF files itself
    try:
        values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if values is None or values.dtype == np.uint8:
        return None
    if values.ndim == 3 and values.shape[2] >= 3:
        values = values[..., [2, 1, 0, 3][:values.shape[2]]]
    return turn(values)


def _turn_of_png(path: Path) -> Callable[[NDArray], NDArray]:
    """What makes the picture in a PNG file upright.  Raises SourceError when it is too large."""
    import PIL.Image

    with PIL.Image.open(path, formats=("PNG",)) as opened:
        check_size(*opened.size)
        orientation = PIL.Image.Image.getexif(opened).get(ORIENTATION)  # PNG's own way would read the whole file
    return UPRIGHT.get(orientation, np.asarray)


def _values(path: Path) -> NDArray:
    """The values in a file as Pillow reads it: of 8 bits with all three colours, else grey."""
    import PIL.Image
    import PIL.ImageOps

    with PIL.Image.open(path, formats=PILLOW) as opened:
        check_size(*opened.size)
        upright = PIL.ImageOps.exif_transpose(opened)
        if upright.mode[0] in "IF":
            return np.asarray(upright)
        has_alpha = "A" in upright.getbands() or "transparency" in upright.info
        return np.asarray(upright.convert("RGBA" if has_alpha else "RGB"))


def _picture_of(values: NDArray, exposure: float, premultiplied: bool) -> Picture:
    """The Picture of H x W (grey) or H x W x 1..4 values: uint8, uint16, or scene-linear floats.

    premultiplied: what has floats and alpha has its colours multiplied by it.  Raises ValueError for other whole numbers.
    """
    check_size(values.shape[1], values.shape[0])
    planes = values[..., None] if values.ndim == 2 else values
    has_alpha = planes.shape[2] == 4
    if planes.dtype == np.uint8:
        return Picture(np.ascontiguousarray(planes[..., :3]), opaque_or(planes[..., 3]) if has_alpha else None)
    if planes.dtype.kind != "f" and planes.dtype != np.uint16:
        raise ValueError(f"its values are of the type {planes.dtype}; save it with 8 or 16 bits, or as floats")
    scale, encoding = (65535.0, "DISPLAY") if planes.dtype == np.uint16 else (1.0, "LINEAR")
    rgba = np.ones((*planes.shape[:2], 4), np.float32)
    rgba[..., :3] = (planes[..., :3] if planes.shape[2] >= 3 else planes[..., :1]) / scale
    if has_alpha:
        rgba[..., 3] = planes[..., 3] / scale
    return picture_of_floats(strips_of(rgba), rgba.shape[:2], encoding, premultiplied, exposure)
