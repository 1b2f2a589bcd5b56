"""Why Blender hands out no pixels of an image or file: it says so itself for none of them."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core.errors import reason_of
from ..core.frame_names import parted
from ..core.messages import Message, Phrase
from ..core.paths import is_file
from ..core.picture_formats import HEAD_SIZE, format_of, format_of_file, with_article


def why_image(image: bpy.types.Image, frame: int | None = None) -> Message:
    """Say in a sentence why an image has no pixels; frame: of an image sequence, the one that is wanted."""
    if image.packed_file is not None:
        return Message("The packed file of the image {image!r} {fault}.", image=image.name,
                       fault=_of_format(format_of(image.packed_file.data[:HEAD_SIZE])))
    if image.source == "GENERATED" or not image.filepath_raw:
        return Message("The image {image!r} has no pixels.", image=image.name)
    path = Path(bpy.path.abspath(image.filepath_raw, library=image.library))
    if frame is not None and image.source == "SEQUENCE":
        path = _file_of_frame(path, frame)
    return Message("The file {path} of the image {image!r} {fault}.", path=path, image=image.name, fault=_reason(path))


def why_file(path: Path) -> Message:
    """Say in a sentence why Blender does not read a file."""
    return Message("{path} {fault}.", path=path, fault=_reason(path))


def _reason(path: Path) -> Phrase:
    """Say what is wrong with a file, as the predicate of a sentence."""
    try:
        return _of_format(format_of_file(path)) if is_file(path) else Phrase("is missing")
    except OSError as error:
        return Phrase("cannot be opened: {reason}", reason=reason_of(error))


def _of_format(name: str) -> Phrase:
    if not name:
        return Phrase("is no picture or movie of a known kind")
    if name in ("GIF", "movie"):
        return Phrase("is {what}, which this Blender cannot read, or damaged; save its frames as PNG files",
                      what=with_article(name))
    return Phrase("is {what}, which this Blender cannot read, or damaged; save it again, as PNG, TIFF or OpenEXR",
                  what=with_article(name))


def _file_of_frame(path: Path, frame: int) -> Path:
    parts = parted(path.stem)
    if parts is None:
        return path
    before, digits, after = parts
    return path.with_name(f"{before}{frame:0{len(digits)}d}{after}{path.suffix}")
