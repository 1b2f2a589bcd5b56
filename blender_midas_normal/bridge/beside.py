"""Files of maps beside those of their pictures, and the paths that name packed maps."""

from __future__ import annotations

import os
import re
from itertools import count
from pathlib import Path

import bpy

from ..core.errors import TargetError
from ..core.kinds import KINDS
from .results import ENDING, source_of

NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f/\\:*?"<>|]')
"""Characters that the name of an image can have, but that of a file cannot, at least on Windows."""


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
            raise TargetError("{file} is the map of {picture!r} already; rename one of the two pictures' files, or pack "
                              "the map.", file=file, picture=other.name)


def _of_one_map(file: Path, layout: str) -> Path:
    """What no two maps share: the file, or the folder of a sequence, whose numbers differ."""
    return file.parent if layout == "SEQUENCE" else file


def place_beside(source: bpy.types.Image) -> tuple[Path, str]:
    """The folder of the source's file, and the file's name without its ending; raises TargetError where there is none."""
    path = file_of(source)
    if not path.is_absolute():
        raise TargetError("The image {image!r} has no file to save the map beside; save it first, or pack the map.",
                          image=source.name)
    return path.parent, path.stem


def file_of(image: bpy.types.Image) -> Path:
    """The file that an image names, without detours; "." where it names none."""
    return Path(os.path.normpath(bpy.path.abspath(image.filepath_raw, library=image.library)))


def blender_path(file: Path) -> str:
    """The path as an image keeps it: relative to the .blend file where that can be."""
    is_on_same_drive = bool(bpy.data.filepath) and file.drive == Path(bpy.data.filepath).drive
    return bpy.path.relpath(str(file)) if is_on_same_drive else str(file)


def packed_path(image: bpy.types.Image, suffix: str = ".png") -> str:
    """The path that a packed map is to have: a file's name that is free beside the .blend file and in no other image's path.

    Exporters that refer to pictures by their paths, most of all by the last part, would otherwise take one map for another.
    suffix: the end of the file's name, `.<UDIM>.png` for tiles.
    """
    stem = NOT_IN_FILE_NAMES.sub("_", ENDING.sub("", image.name))
    taken = {bpy.path.basename(other.filepath_raw).casefold() for other in bpy.data.images if other != image}
    for number in count():
        path = f"//{stem}{f'.{number:03}' if number else ''}{suffix}"
        exists = bool(bpy.data.filepath) and Path(bpy.path.abspath(path)).exists()
        if bpy.path.basename(path).casefold() not in taken and not exists:
            return path
    raise AssertionError
