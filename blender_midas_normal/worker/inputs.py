"""Load the picture and the mask of a request, from files or from Blender's pixels."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.engines import COLOUR, DATA, content_taken
from ..core.errors import Message, ProtocolError, SourceError, reason_of
from ..core.files import check_picture_file
from ..core.picture import Picture, as_float
from ..core.protocol import Pixels, Request
from .decoding import DecodedFile, decode
from .pictures import (
    BYTE_STEP,
    data_from_strips,
    drop_opaque_alpha,
    picture_from_floats,
    picture_from_pixels,
    row_strips,
    spread_grey,
)

if TYPE_CHECKING:
    from ..core.arrays import Array
    from .engines import Report

ALPHA_COUNTS = Message("Where the picture's alpha is below 1, its colours count less and the map is flatter; if alpha is no "
                       "transparency, save the picture without it.")

ALPHA_IGNORED = Message("The picture's alpha is linked to nothing in its materials, so it makes no part of the map flatter.")
"""Messages to the user about alpha below 1."""


def picture_from_file(path: Path, exposure: float = 0.0, content: str = COLOUR) -> Picture:
    """Read a picture file, its orientation applied; raise SourceError, naming the file, when it cannot be read.

    Args:
        exposure: as in `picture_from_pixels`, for scene-linear files.
        content: COLOUR or DATA, see `core.engines`.
    """
    try:
        check_picture_file(path)
        file = decode(path)
        return _data_from_decoded(file) if content == DATA else _picture_from_decoded(file, exposure)
    except ValueError as error:
        raise SourceError("{path} is not a readable picture: {reason}.", path=path, reason=reason_of(error)) from None
    except OSError as error:
        raise SourceError("{path} cannot be read: {reason}.", path=path, reason=reason_of(error)) from None


def _picture_from_decoded(file: DecodedFile, exposure: float) -> Picture:
    if file.colours.dtype == np.uint8 and not file.is_premultiplied:
        return Picture(spread_grey(file.colours), drop_opaque_alpha(file.alpha) if file.alpha is not None else None)
    rgba = np.ones((*file.colours.shape[:2], 4), np.float32)
    rgba[..., :3] = as_float(file.colours)
    if file.alpha is not None:
        rgba[..., 3] = as_float(file.alpha)
    encoding = "LINEAR" if file.is_linear else "DISPLAY"
    return picture_from_floats(row_strips(rgba), rgba.shape[:2], encoding, file.is_premultiplied, exposure)


def _data_from_decoded(file: DecodedFile) -> Picture:
    """Make a picture of DATA: the values as the file has them."""
    if file.colours.dtype == np.uint8:
        picture = _picture_from_decoded(file, 0.0)
        rgb = picture.rgb if file.is_premultiplied else np.broadcast_to(file.colours, picture.rgb.shape)
        return dataclasses.replace(picture, rgb=rgb, content=DATA, step=BYTE_STEP)
    if file.alpha is None and np.isfinite(file.colours).all():  # as in most files, which need no copy
        return Picture(np.broadcast_to(file.colours, (*file.colours.shape[:2], 3)), content=DATA)
    values = file.colours if file.alpha is None else np.dstack([file.colours, file.alpha])
    return data_from_strips(row_strips(values), values.shape[:2], "DISPLAY", file.is_premultiplied, file.colours.shape[2])


@dataclass(frozen=True)
class LoadedInputs:
    """The inputs of a request.

    Attributes:
        picture: None where the request's source is a surface or frames.
        mask: H x W float32, 0..1, of the mask image's own size; None without one.
        base: the normal map that is there, DATA of its own size; None without one.
    """

    picture: Picture | None
    mask: Array | None
    base: Picture | None = None

    @property
    def nbytes(self) -> int:
        pictures = [picture for picture in (self.picture, self.base) if picture is not None]
        arrays = (self.mask, *(plane for picture in pictures for plane in (picture.rgb, picture.alpha)))
        return sum(int(array.nbytes) for array in arrays if array is not None)


def load_inputs(request: Request, folder: Path, report: Report) -> LoadedInputs:
    """Load the inputs of a request, and remove the files of its pixels, also when loading fails.

    Args:
        request: from the client.
        folder: the exchange folder.
        report: takes the request's progress.

    Raises:
        SourceError: an input cannot be read.
        ProtocolError: the request has no source, or several.
    """
    pixels, mask_pixels, base_pixels = (
        _parse_pixels(fields) for fields in (request.pixels, request.mask_pixels, request.base_pixels))
    try:
        sources = (pixels, request.picture, request.surface, request.frames or None)
        if sum(source is not None for source in sources) != 1:
            raise ProtocolError("A request has one source: pixels, a picture, a surface or frames.")
        picture = None
        if pixels is not None or request.picture is not None:
            report("read", 0.0)
            content = content_taken(*(str(request.settings.get(name, default)).upper()
                                      for name, default in (("engine", ""), ("base", "ENGINE"))))
            picture = _load_picture(pixels, request.picture, folder, request.exposure, content)
        mask = _load_picture(mask_pixels, request.mask_picture, folder, exposure=0.0)
        base = _load_picture(base_pixels, request.base_picture, folder, exposure=0.0, content=DATA)
        return LoadedInputs(picture, None if mask is None else mask_brightness(mask), base)
    finally:
        for loaded in filter(None, (pixels, mask_pixels, base_pixels)):
            for name in filter(None, (loaded.file, loaded.uv_triangles)):
                (folder / name).unlink(missing_ok=True)


def mask_brightness(picture: Picture) -> Array:
    """Return the luma of a picture, H x W float32, 0..1, with transparent pixels black."""
    alpha, luma = picture.alpha_float(), picture.luma()
    return luma if alpha is None else luma * alpha


def _load_picture(pixels: Pixels | None, file: str | None, folder: Path, exposure: float,
                  content: str = COLOUR) -> Picture | None:
    if pixels is not None:
        return interpret_alpha(pixels.alpha, picture_from_pixels(folder, pixels, exposure, content))
    if file is None:
        return None
    return interpret_alpha("UNKNOWN", picture_from_file(Path(file), exposure, content))


def interpret_alpha(meaning: str, picture: Picture) -> Picture:
    """Drop the alpha of a picture where it is no transparency, and add a note where its meaning is unknown.

    meaning: one of `core.protocol.ALPHA_MEANINGS`.
    """
    if picture.alpha is None or meaning == "TRANSPARENCY":
        return picture
    if meaning == "OTHER":
        return dataclasses.replace(picture, alpha=None, notes=(*picture.notes, ALPHA_IGNORED))
    return dataclasses.replace(picture, notes=(*picture.notes, ALPHA_COUNTS)) if picture.alpha.any() else picture


def _parse_pixels(fields: dict | None) -> Pixels | None:
    try:
        return None if fields is None else Pixels(**fields)
    except TypeError:
        raise ProtocolError("The request's pixels lack fields.") from None
