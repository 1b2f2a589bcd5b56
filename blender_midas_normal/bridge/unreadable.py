"""Why Blender hands out no pixels of an image or file: it says so itself for none of them."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core.frame_names import parted
from ..core.paths import is_file
from ..core.picture_formats import HEAD_SIZE, format_of, format_of_file, with_article


def why_image(image: bpy.types.Image, frame: int | None = None) -> str:
    """Say in a sentence why an image has no pixels; frame: of an image sequence, the one that is wanted."""
    if image.packed_file is not None:
        return f"The packed file of the image {image.name!r} {_of_format(format_of(image.packed_file.data[:HEAD_SIZE]))}."
    if image.source == "GENERATED" or not image.filepath_raw:
        return f"The image {image.name!r} has no pixels."
    path = Path(bpy.path.abspath(image.filepath_raw, library=image.library))
    if frame is not None and image.source == "SEQUENCE":
        path = _file_of_frame(path, frame)
    return f"The file {path} of the image {image.name!r} {_reason(path)}."


def why_file(path: Path) -> str:
    """Say in a sentence why Blender does not read a file."""
    return f"{path} {_reason(path)}."


def _reason(path: Path) -> str:
    """Say what is wrong with a file, as the predicate of a sentence."""
    try:
        return _of_format(format_of_file(path)) if is_file(path) else "is missing"
    except OSError as error:
        return f"cannot be opened: {error.strerror}"


def _of_format(name: str) -> str:
    if not name:
        return "is no picture or movie of a known kind"
    advice = "save its frames as PNG files" if name in ("GIF", "movie") else "save it again, as PNG, TIFF or OpenEXR"
    return f"is {with_article(name)}, which this Blender cannot read, or damaged; {advice}"


def _file_of_frame(path: Path, frame: int) -> Path:
    parts = parted(path.stem)
    if parts is None:
        return path
    before, digits, after = parts
    return path.with_name(f"{before}{frame:0{len(digits)}d}{after}{path.suffix}")
