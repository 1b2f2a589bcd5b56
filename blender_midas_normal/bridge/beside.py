"""Files of maps beside those of their pictures."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from ..core.errors import TargetError
from ..core.kinds import KINDS
from .results import source_of


def file_beside(source: bpy.types.Image, kind: str) -> Path:
    """Path of a map's file beside that of its single picture; raises TargetError as `place_beside`."""
    folder, stem = place_beside(source)
    return folder / f"{stem}_{KINDS[kind].word}.png"


def check_place(source: bpy.types.Image, file: Path, layout: str) -> None:
    """Raises TargetError where the source's map would lie on that of another picture, as those of a.png and a.jpg would.

    file: as an image names it; layout: Blender's name for an image of this map.
    """
    place = _of_one_map(file, layout)
    for image in bpy.data.images:
        other = source_of(image)
        if other in (None, source) or image.packed_files:
            continue
        if _of_one_map(file_of(image), image.source) == place:
            raise TargetError(f"{file} is the map of {other.name!r} already; rename one of the two pictures' files, or pack "
                              "the map.")


def _of_one_map(file: Path, layout: str) -> Path:
    """What no two maps share: the file, or the folder of a sequence, whose numbers differ."""
    return file.parent if layout == "SEQUENCE" else file


def place_beside(source: bpy.types.Image) -> tuple[Path, str]:
    """The folder of the source's file, and the file's name without its ending; raises TargetError where there is none."""
    path = file_of(source)
    if not path.is_absolute():
        raise TargetError(f"The image {source.name!r} has no file to save the map beside; save it first, or pack the map.")
    return path.parent, path.stem


def file_of(image: bpy.types.Image) -> Path:
    """The file that an image names, without detours; "." where it names none."""
    return Path(os.path.normpath(bpy.path.abspath(image.filepath_raw, library=image.library)))


def blender_path(file: Path) -> str:
    """The path as an image keeps it: relative to the .blend file where that can be."""
    is_on_same_drive = bool(bpy.data.filepath) and file.drive == Path(bpy.data.filepath).drive
    return bpy.path.relpath(str(file)) if is_on_same_drive else str(file)
