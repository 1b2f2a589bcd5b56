"""Draw a texture and its finished map small, for the page on which a run is reviewed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import Message, SourceError
from ..core.image_io import encode_png
from ..core.review import review_normal_map, review_other_map
from ..core.settings import Settings
from .outputs import write_new_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..core.protocol import Request
    from .inputs import LoadedInputs

JPEG_QUALITY = 85


@dataclass(frozen=True)
class ReviewSheet:
    """The panels side by side, H x W x 3 uint8, and what is suspicious about the map."""

    pixels: NDArray[np.uint8]
    notes: list[Message]


def draw_review(inputs: LoadedInputs, request: Request) -> ReviewSheet:
    """Draw the picture of a request and the map that is its base; raise SourceError where either is missing."""
    if inputs.picture is None or inputs.base is None:
        raise SourceError("There is no picture with a map to draw.")
    if request.map != "NORMAL":
        return ReviewSheet(review_other_map(inputs.picture.rgb, inputs.base.rgb), [])
    settings = Settings().replace_fields(request.settings)
    return ReviewSheet(*review_normal_map(inputs.picture.rgb, inputs.base.rgb, settings.convention))


@contextmanager
def write_review(sheet: ReviewSheet, folder: Path) -> Iterator[str]:
    """Write the sheet into a new file for the `with` block, yield its name, and remove it when the block fails.

    It is a JPEG file or, on Blender's own Python, which cannot write one, a PNG file.

    Raises:
        TargetError: it cannot be written.
    """
    try:
        import PIL.Image
    except ImportError:
        data, suffix = encode_png(sheet.pixels, compress=True), ".png"
    else:
        buffer, suffix = io.BytesIO(), ".jpg"
        PIL.Image.fromarray(sheet.pixels).save(buffer, "JPEG", quality=JPEG_QUALITY)
        data = buffer.getvalue()
    with write_new_file(data, folder, "review", suffix) as name:
        yield name
