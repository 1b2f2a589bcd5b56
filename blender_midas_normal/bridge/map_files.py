"""Files of maps on the user's disk: where they go, whole or not at all, and none in the place of somebody else's."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..core.errors import SourceError, TargetError, reason_of
from ..core.files import atomic_replace
from ..core.image_io import SOFTWARE_TEXT, SOFTWARE_TEXT_END, decode_png
from ..core.map_types import MAP_TYPES
from .map_metadata import FILE_SUFFIX, source_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f/\\:*?"<>|]')
"""Characters that the name of an image can have, but that of a file cannot, at least on Windows."""


def map_file_beside(source: bpy.types.Image, map_type: str) -> Path:
    """Path of a map's file beside that of its single picture; raises TargetError as `folder_and_stem`."""
    folder, stem = folder_and_stem(source)
    return folder / f"{stem}_{MAP_TYPES[map_type].file_tag}.png"


def check_no_other_map(source: bpy.types.Image, file: Path, layout: str) -> None:
    """Raises TargetError where the source's map would lie on that of another picture, as those of a.png and a.jpg would.

    file: as an image names it; layout: Blender's name for an image of this map.
    """
    place = _map_location(file, layout)
    for image in bpy.data.images:
        other = source_of(image)
        if other in (None, source) or image.packed_files:
            continue
        if _map_location(file_of(image), image.source) == place:
            raise TargetError("{file} is the map of {picture!r} already; rename one of the two pictures' files, or pack "
                              "the map.", file=file, picture=other.name)


def _map_location(file: Path, layout: str) -> Path:
    """What no two maps share: the file, or the folder of a sequence, whose numbers differ."""
    return file.parent if layout == "SEQUENCE" else file


def folder_and_stem(source: bpy.types.Image) -> tuple[Path, str]:
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
    stem = NOT_IN_FILE_NAMES.sub("_", FILE_SUFFIX.sub("", image.name))
    taken = {bpy.path.basename(other.filepath_raw).casefold() for other in bpy.data.images if other != image}
    for number in count():
        path = f"//{stem}{f'.{number:03}' if number else ''}{suffix}"
        exists = bool(bpy.data.filepath) and Path(bpy.path.abspath(path)).exists()
        if bpy.path.basename(path).casefold() not in taken and not exists:
            return path
    raise AssertionError


def write_map(file: Path, png: bytes) -> None:
    """Writes a map's PNG file; raises TargetError where that cannot be, or would replace a file that is no map."""
    try:
        _check_free(file)
        _replace(file, png)
    except OSError as error:
        raise _save_error(file, error) from None


def read_map_pixels(file: Path) -> NDArray[np.uint16]:
    """H x W x 3 or H x W of a map's PNG file, rows from the top down; raises SourceError where it cannot be read."""
    try:
        return decode_png(file.read_bytes())
    except (OSError, ValueError) as error:
        raise SourceError("The map {file} cannot be read: {reason}.", file=file, reason=reason_of(error)) from None


@contextmanager
def staging_folder(folder: Path | None) -> Iterator[Path]:
    """A folder, gone after the block, for files that are to be moved into `folder`, if any.  Raises TargetError."""
    try:
        # A worker that is asked to stop may still read a file, which Windows then keeps from being removed.
        made = tempfile.TemporaryDirectory(prefix=".midas_normal_", dir=folder, ignore_cleanup_errors=True)
    except OSError as error:
        raise TargetError("Nothing can be written into the folder {folder}: {reason}.", folder=folder,
                          reason=reason_of(error)) from None
    with made as name:
        yield Path(name)


def write_staged(file: Path, png: bytes) -> None:
    """Writes a map's PNG file into a folder made by `staging_folder`; raises TargetError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png)
    except OSError as error:
        raise _save_error(file, error) from None


def move_staged(places: Mapping[Path, Path]) -> None:
    """Moves staged files to their places, all of them or none; raises TargetError, also where one would replace no map."""
    try:
        with ExitStack() as undo:
            for place in places.values():
                _make_folder(place.parent, undo)
                _check_free(place)
            for staged, place in places.items():
                _move(staged, place, undo)
            undo.pop_all()
    except OSError as error:
        raise _save_error(place, error) from None


def _make_folder(folder: Path, undo: ExitStack) -> None:
    if not folder.exists():
        folder.mkdir()
        undo.callback(folder.rmdir)


def _move(staged: Path, place: Path, undo: ExitStack) -> None:
    """Moves a staged file to its place; `undo` takes in what brings back what was there."""
    if not place.exists():
        atomic_replace(staged, place)
        undo.callback(place.unlink)
        return
    before = staged.with_name(f"{staged.name}.before")
    _link_or_copy(place, before)
    atomic_replace(staged, place)
    undo.callback(_restore, before, place)


def _link_or_copy(file: Path, kept: Path) -> None:
    """Gives a file a second name, or, where the file system knows no such thing, a copy: it is never out of its place."""
    try:
        os.link(file, kept)
    except OSError:
        shutil.copy2(file, kept)


def _restore(before: Path, place: Path) -> None:
    """Puts a file back into its place; where that is closed meanwhile, into a new folder, named in a TargetError."""
    try:
        atomic_replace(before, place)
    except OSError as error:
        safe = Path(tempfile.mkdtemp(prefix=f"{place.stem}_", dir=place.parent)) / place.name
        before.replace(safe)
        raise TargetError("The maps cannot be saved, and {place} cannot be put back: {reason}; the map that was there is "
                          "{safe} now.", place=place, reason=reason_of(error), safe=safe) from None


def _save_error(file: Path, error: OSError) -> TargetError:
    return TargetError("The map cannot be saved as {file}: {reason}.", file=file, reason=reason_of(error))


def _check_free(file: Path) -> None:
    if file.exists() and not _is_map_file(file):
        raise TargetError("{file} is there already and was not made by this extension; rename it, or pack the map.",
                          file=file)


def _replace(file: Path, data: bytes) -> None:
    """Writes the file whole or not at all."""
    handle, partial = tempfile.mkstemp(prefix=f".{file.stem}", suffix=".part", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(partial).chmod(0o666 & ~_umask())
        atomic_replace(Path(partial), file)
    except OSError:
        Path(partial).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The rights that new files lack; mkstemp gives its own none but the owner's."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _is_map_file(file: Path) -> bool:
    with file.open("rb") as stream:
        return SOFTWARE_TEXT in stream.read(SOFTWARE_TEXT_END)
