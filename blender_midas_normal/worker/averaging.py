"""The mean of maps of neighbouring frames, which lie as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import SourceError, reason_of
from ..core.maps import Map
from ..core.normals import channel_of_z
from ..core.over_time import mean_map
from ..core.png import pixels_of_png

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..core.protocol import Request


def mean_of_files(request: Request, convention: str) -> Map:
    """The map that is the mean of the request's frames, of which one at a time is in memory; raises SourceError."""
    is_normal = request.map == "NORMAL"
    maps = ((share, _pixels(Path(file))) for share, file in request.frames)
    try:
        mean = mean_map(maps, channel_of_z(convention) if is_normal else None)
    except ValueError as error:
        raise SourceError("The maps of neighbouring frames have no mean: {reason}.", reason=reason_of(error)) from None
    low = -1.0 if is_normal else 0.0
    planes = np.moveaxis(mean, 2, 0) if is_normal else [mean]
    return Map(tuple(plane * np.float32((1 - low) / 65535) + np.float32(low) for plane in planes), low, request.scale)


def _pixels(file: Path) -> NDArray[np.uint16]:
    try:
        return pixels_of_png(file.read_bytes())
    except OSError as error:
        raise SourceError("The map {file} of a neighbouring frame cannot be read: {reason}.", file=file,
                          reason=reason_of(error)) from None
