"""Write files of maps: where they go, all or none of a set, and never over a file that is not a map."""

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
from ..core.image_io import PNG_END, SOFTWARE_TEXT, SOFTWARE_TEXT_END, decode_png
from ..core.map_types import MAP_TYPES
from .map_metadata import FILE_SUFFIX, source_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f/\\:*?"<>|]')
"""Characters that the name of an image can have, but that of a file cannot, at least on Windows."""


def map_file_beside(source: bpy.types.Image, map_type: str) -> Path:
    """Return the path of a map's file beside that of its single picture; raises TargetError as `folder_and_stem`."""
    folder, stem = folder_and_stem(source)
    return folder / f"{stem}_{MAP_TYPES[map_type].file_tag}.png"


def check_no_other_map(source: bpy.types.Image, file: Path, layout: str) -> None:
    """Raise TargetError where a map would overwrite that of another picture, as those of a.png and a.jpg would.

    Args:
        file: the map's path as an image names it.
        layout: the `source` of an image with this map: FILE, TILED or SEQUENCE.
    """
    location = _map_location(file, layout)
    for image in bpy.data.images:
        other = source_of(image)
        if other in (None, source) or image.packed_files:
            continue
        if _map_location(file_of(image), image.source) == location:
            raise TargetError("{file} is the map of {picture!r} already; rename one of the two pictures' files, or pack "
                              "the map.", file=file, picture=other.name)


def _map_location(file: Path, layout: str) -> Path:
    """Return what no two maps share: the file, or the folder of a sequence, whose numbers may differ."""
    return file.parent if layout == "SEQUENCE" else file


def folder_and_stem(source: bpy.types.Image) -> tuple[Path, str]:
    """Return the folder of the source's file and the file's stem; raises TargetError where it has no file."""
    path = file_of(source)
    if not path.is_absolute():
        raise TargetError("The image {image!r} has no file to save the map beside; save it first, or pack the map.",
                          image=source.name)
    return path.parent, path.stem


def file_of(image: bpy.types.Image) -> Path:
    """Return the normalised path of an image's file, "." where it has none."""
    return Path(os.path.normpath(bpy.path.abspath(image.filepath_raw, library=image.library)))


def blender_path(file: Path) -> str:
    """Return a path as Blender stores it, relative to the .blend file where that is possible."""
    is_on_same_drive = bool(bpy.data.filepath) and file.drive == Path(bpy.data.filepath).drive
    return bpy.path.relpath(str(file)) if is_on_same_drive else str(file)


def packed_path(image: bpy.types.Image, suffix: str = ".png") -> str:
    """Return a path for a packed map that no file beside the .blend file and no other image has.

    Exporters that identify images by their paths, mostly by the last part, would otherwise confuse maps.

    Args:
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
    """Write a map's PNG file; raises TargetError where that fails, or would replace a file that is no map."""
    try:
        _check_free(file)
        _replace(file, png)
    except OSError as error:
        raise _save_error(file, error) from None


def read_map_pixels(file: Path) -> NDArray[np.uint16]:
    """Read a map's PNG file into an array of H x W x 3 or H x W, rows top-down; raises SourceError where that fails."""
    try:
        return decode_png(file.read_bytes())
    except (OSError, ValueError) as error:
        raise SourceError("The map {file} cannot be read: {reason}.", file=file, reason=reason_of(error)) from None


def read_map_file(file: Path) -> bytes:
    """Read the PNG file of a map that was made outside Blender; raises SourceError where it is no whole file of a map."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SourceError("The map {file} cannot be read: {reason}.", file=file, reason=reason_of(error)) from None
    if SOFTWARE_TEXT not in data[:SOFTWARE_TEXT_END] or not data.endswith(PNG_END):
        raise SourceError("{file} is no whole map of this extension; let it be made again.", file=file)
    return data


@contextmanager
def staging_folder(folder: Path | None) -> Iterator[Path]:
    """Make a temporary folder for the `with` block, inside `folder` so that its files can be moved there.

    Args:
        folder: None for files that are not moved.

    Raises:
        TargetError: where nothing can be written there.
    """
    try:
        # A worker that is asked to stop may still read a file, which Windows then does not let be removed.
        temporary = tempfile.TemporaryDirectory(prefix=".midas_normal_", dir=folder, ignore_cleanup_errors=True)
    except OSError as error:
        raise TargetError("Nothing can be written into the folder {folder}: {reason}.", folder=folder,
                          reason=reason_of(error)) from None
    with temporary as name:
        yield Path(name)


def write_staged(file: Path, png: bytes) -> None:
    """Write a map's PNG file into a folder made by `staging_folder`; raises TargetError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png)
    except OSError as error:
        raise _save_error(file, error) from None


def move_staged(destinations: Mapping[Path, Path]) -> None:
    """Move staged files to their destinations, all or none.

    Raises:
        TargetError: where that fails, or would replace a file that is no map.
    """
    try:
        with ExitStack() as undo:
            for destination in destinations.values():
                _make_folder(destination.parent, undo)
                _check_free(destination)
            for staged, destination in destinations.items():
                _move(staged, destination, undo)
            undo.pop_all()
    except OSError as error:
        raise _save_error(destination, error) from None


def _make_folder(folder: Path, undo: ExitStack) -> None:
    if not folder.exists():
        folder.mkdir()
        undo.callback(folder.rmdir)


def _move(staged: Path, destination: Path, undo: ExitStack) -> None:
    """Move a staged file to its destination, and add to `undo` what restores the file that was there."""
    if not destination.exists():
        atomic_replace(staged, destination)
        undo.callback(destination.unlink)
        return
    before = staged.with_name(f"{staged.name}.before")
    _link_or_copy(destination, before)
    atomic_replace(staged, destination)
    undo.callback(_restore, before, destination)


def _link_or_copy(file: Path, backup: Path) -> None:
    """Back up a file by a hard link, or by a copy where the file system has none; the file itself is never moved."""
    try:
        os.link(file, backup)
    except OSError:
        shutil.copy2(file, backup)


def _restore(before: Path, destination: Path) -> None:
    """Move a backup back; where that fails, into a new folder, which the TargetError names."""
    try:
        atomic_replace(before, destination)
    except OSError as error:
        safe = Path(tempfile.mkdtemp(prefix=f"{destination.stem}_", dir=destination.parent)) / destination.name
        before.replace(safe)
        raise TargetError("The maps cannot be saved, and {place} cannot be put back: {reason}; the map that was there is "
                          "{safe} now.", place=destination, reason=reason_of(error), safe=safe) from None


def _save_error(file: Path, error: OSError) -> TargetError:
    return TargetError("The map cannot be saved as {file}: {reason}.", file=file, reason=reason_of(error))


def _check_free(file: Path) -> None:
    if file.exists() and not _is_map_file(file):
        raise TargetError("{file} is there already and was not made by this extension; rename it, or pack the map.",
                          file=file)


def _replace(file: Path, data: bytes) -> None:
    """Write a file wholly or not at all."""
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
    """Return the process's umask; mkstemp gives its files the owner's rights only."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _is_map_file(file: Path) -> bool:
    with file.open("rb") as stream:
        return SOFTWARE_TEXT in stream.read(SOFTWARE_TEXT_END)
