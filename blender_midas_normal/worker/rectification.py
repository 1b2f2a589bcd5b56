"""Rectify a photo that was taken at an angle, and write it as a picture file into the exchange folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.auto_rectangle import Rectangle, find_rectangle
from ..core.errors import Message, ProtocolError, SourceError
from ..core.image_io import encode_png
from ..core.perspective import check_corners, plane_of_corners, rectified_size, rectify
from ..core.protocol import Rectification
from .outputs import write_new_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..core.picture import Picture
    from ..core.protocol import Request
    from .engines import Report


@dataclass(frozen=True)
class RectifiedPicture:
    """A rectified photo, H x W x 3 or x 4 uint8 or uint16, and a message to the user."""

    pixels: NDArray
    note: Message


def rectify_picture(picture: Picture | None, request: Request, report: Report) -> RectifiedPicture:
    """Rectify the picture of a request by its corners or, without them, by its lines.

    Colours are those of the picture as it is displayed; one of bytes keeps 8 bits, any other gets 16.

    Raises:
        NotRectified: its lines do not tell how it was taken.
        SettingsError: the corners are those of no rectangle.
        SourceError: it has no pixels.
    """
    if picture is None:
        raise SourceError("There is no photo to rectify.")
    rectification = _parse(request)
    size = picture.width, picture.height
    report("rectify", 0.0)
    if rectification.corners:
        corners = check_corners(rectification.corners, size)
        rectangle = Rectangle(corners, plane_of_corners(corners, size, rectification.focal_length))
    else:
        rectangle = find_rectangle(picture.luma(), rectification.focal_length)
    report("rectify", 0.3)
    corners, plane = rectangle.corners, rectangle.plane
    pixels = _resample(picture, rectangle, rectified_size(corners, plane.aspect, size))
    report("rectify", 0.8)
    note = Message("The photo was rectified: its surface leans by {tilt:.0f} degrees; {width} x {height} pixels.",
                   tilt=plane.tilt, width=pixels.shape[1], height=pixels.shape[0])
    return RectifiedPicture(pixels, note)


def _parse(request: Request) -> Rectification:
    try:
        return Rectification(**request.rectify or {})
    except TypeError:
        raise ProtocolError("The request's rectification has unknown fields.") from None


def _resample(picture: Picture, rectangle: Rectangle, size: tuple[int, int]) -> NDArray:
    """Resample the colours, weighted with alpha where there is alpha, so that hidden colours do not show."""
    if picture.alpha is None:
        return _to_integers(rectify(picture.rgb, rectangle.corners, size))
    alpha = picture.alpha_float()
    assert alpha is not None
    planes = rectify(np.dstack([picture.rgb_float() * alpha[..., None], alpha]), rectangle.corners, size)
    opacity = planes[..., 3:]
    np.divide(planes[..., :3], opacity, out=planes[..., :3], where=opacity > 0)
    return np.rint(planes * 255).astype(np.uint8) if picture.rgb.dtype == np.uint8 else _to_integers(planes)


def _to_integers(values: NDArray) -> NDArray:
    return values if values.dtype == np.uint8 else np.rint(np.clip(values, 0, 1) * 65535).astype(np.uint16)


@contextmanager
def write_rectified(rectified: RectifiedPicture, folder: Path) -> Iterator[str]:
    """Write the picture into a new PNG file for the `with` block, yield its name, and remove it when the block fails.

    Raises:
        TargetError: it cannot be written.
    """
    with write_new_file(encode_png(rectified.pixels, compress=True), folder, "rectified", ".png") as name:
        yield name
