"""The frames of a rendered animation: the files that Blender wrote, for the Render Result holds the last frame only."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import bpy

from ..core.errors import SourceError
from ..core.frame_names import parted
from ..core.paths import is_file
from .source import Source


def animation_of(context: bpy.types.Context) -> Source:
    """The frames of the scene's range where its output is, as an image sequence or movie, which is loaded if need be.

    Raises SourceError where no frame is there.
    """
    scene = context.scene
    assert scene is not None
    files = {number: Path(bpy.path.abspath(scene.render.frame_path(frame=number)))
             for number in range(scene.frame_start, scene.frame_end + 1, scene.frame_step)}
    number, file = next(((number, file) for number, file in files.items() if is_file(file)), (0, None))
    if file is None:
        raise SourceError("No frame of the animation is there, such as {file}; render it, or set the scene's output and "
                          "range to what was rendered.", file=files[scene.frame_start])
    is_movie = scene.render.is_movie_format
    if not is_movie:
        _check_numbered(file, number)
    image = _showing(files.values()) or bpy.data.images.load(str(file))
    image.source = "MOVIE" if is_movie else "SEQUENCE"
    return Source("RENDER", image.name, image.session_uid, tuple(range(1, len(files) + 1) if is_movie else files))


def _check_numbered(file: Path, number: int) -> None:
    """Raises SourceError where Blender would read another number than the frame's in the file's name."""
    parts = parted(file.stem)
    if parts is None or int(parts[1]) != number:
        raise SourceError("Blender does not read {number} as the frame of {file}; let the frame's number be the last one "
                          "in the scene's output path.", number=number, file=file)


def _showing(files: Collection[Path]) -> bpy.types.Image | None:
    """The image sequence or movie that shows one of the files already."""
    return next((image for image in bpy.data.images if image.source in ("SEQUENCE", "MOVIE")
                 and Path(bpy.path.abspath(image.filepath_raw, library=image.library)) in files), None)
