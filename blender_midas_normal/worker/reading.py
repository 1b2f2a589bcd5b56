"""The picture of a request, wherever it lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import ProtocolError
from ..core.protocol import Pixels, Request
from .pictures import picture_from_file, picture_from_pixels

if TYPE_CHECKING:
    from ..core.picture import Picture
    from .engines import Report


def requested_picture(request: Request, folder: Path, report: Report) -> Picture | None:
    """The request's picture, None where it names a surface; a file of its pixels is gone afterwards, also when nobody wants
    it any more.

    folder: the exchange folder.  Raises SourceError or ProtocolError.
    """
    if request.surface is not None:
        return None
    if request.pixels is not None:
        pixels = _checked_pixels(request.pixels)
        try:
            report("read", 0.0)
            return picture_from_pixels(folder, pixels)
        finally:
            (folder / pixels.file).unlink(missing_ok=True)
    report("read", 0.0)
    if request.picture is not None:
        return picture_from_file(Path(request.picture))
    raise ProtocolError("The request names no picture.")


def _checked_pixels(words: dict) -> Pixels:
    try:
        return Pixels(**words)
    except TypeError:
        raise ProtocolError("The request's pixels lack fields.") from None
