"""Pictures as engines want them, from picture files.  Needs OpenImageIO and Pillow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..core.errors import SourceError, reason_of
from ..core.paths import check_picture
from ..core.picture import Picture, as_float
from .decoding import Decoded, decoded
from .pictures import opaque_or, picture_of_floats, strips_of


def picture_from_file(path: Path, exposure: float = 0.0) -> Picture:
    """The Picture in a picture file, its orientation applied.  Raises SourceError, naming the file, when it cannot be read.

    exposure: as in `picture_from_pixels`, for scene-linear files.
    """
    try:
        check_picture(path)
        return _picture_of(decoded(path), exposure)
    except ValueError as error:
        raise SourceError("{path} is not a readable picture: {reason}.", path=path, reason=reason_of(error)) from None
    except OSError as error:
        raise SourceError("{path} cannot be read: {reason}.", path=path, reason=reason_of(error)) from None


def _picture_of(file: Decoded, exposure: float) -> Picture:
    if file.colours.dtype == np.uint8 and not file.is_premultiplied:
        colours = np.broadcast_to(file.colours, (*file.colours.shape[:2], 3))
        return Picture(np.ascontiguousarray(colours), opaque_or(file.alpha) if file.alpha is not None else None)
    rgba = np.ones((*file.colours.shape[:2], 4), np.float32)
    rgba[..., :3] = as_float(file.colours)
    if file.alpha is not None:
        rgba[..., 3] = as_float(file.alpha)
    encoding = "LINEAR" if file.is_linear else "DISPLAY"
    return picture_of_floats(strips_of(rgba), rgba.shape[:2], encoding, file.is_premultiplied, exposure)
