"""Store maps in images of Blender: one image for each source and map type, packed or in a file beside the source's."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bpy
import numpy as np

from ..client.result_files import ResultFiles
from ..core.errors import TargetError
from ..core.image_io import encode_png
from .image_pixels import refresh_image, run_to_end, set_is_data, size_of
from .map_files import blender_path, check_no_other_map, file_of, map_file_beside, packed_path, write_map
from .map_metadata import METADATA_PROPERTY, NUMBERED_SOURCES, SINGLE_PICTURE, SOURCE_PROPERTY, base_name, find_map, map_name
from .map_state import CHECKSUM, DIGESTS, check_unchanged


def store_map(source: bpy.types.Image, files: ResultFiles, settings: Mapping[str, Any], facts: Mapping[str, Any],
              save: str = "PACK", replace: bool = False) -> bpy.types.Image:
    """Store a result as the source's map, in a new image or the one that exists.

    Args:
        files: the map as a PNG file, with its pixels or without.
        settings, facts: what `stored_metadata` returns later; facts["map"] is the map's type.
        save: PACK, or BESIDE for a file beside the source's.
        replace: whether a map that a user has changed is replaced.

    Raises:
        TargetError: with nothing changed, where the map cannot be stored.
    """
    run_to_end(check_unchanged(find_map(source, facts["map"]), replace))
    beside = _write_beside(source, facts["map"], files.png) if save == "BESIDE" else None
    with open_map(source, settings, {**facts, **_content_facts(files, beside)}) as image:
        _show(image, files, beside)
    return image


def _content_facts(files: ResultFiles, file: Path | None) -> dict[str, Any]:
    """Return the facts by which a change of the map is detected, packed or in a file."""
    if file is not None:
        return {DIGESTS: {SINGLE_PICTURE: hashlib.sha256(files.png).hexdigest()}}
    return {CHECKSUM: files.checksum} if files.pixels is not None else {}


@contextmanager
def open_map(source: bpy.types.Image, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[bpy.types.Image]:
    """Open the source's map for the `with` block to set its pixels; a new image is removed when the block fails."""
    existing = find_map(source, facts["map"])
    image = existing or _new_map(source, facts["map"])
    try:
        with _update_metadata(image, settings, facts):
            yield image
    except Exception:
        if existing is None:
            bpy.data.images.remove(image)
        raise


@contextmanager
def _update_metadata(image: bpy.types.Image, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[None]:
    """Set what all maps need before and after their pixels are set: data colour space, redraw, metadata."""
    set_is_data(image)
    yield
    refresh_image(image)
    image[METADATA_PROPERTY] = json.dumps({"settings": dict(settings), "facts": dict(facts)})


def update_map(image: bpy.types.Image, files: ResultFiles, settings: Mapping[str, Any], facts: Mapping[str, Any],
               replace: bool = False) -> None:
    """Replace a map's pixels, packed or in its file as before.

    Raises:
        TargetError: as `store_map`, with nothing changed.
    """
    run_to_end(check_unchanged(image, replace))
    file = None
    if image.packed_file is None:
        file = file_of(image)
        if not file.is_absolute():
            raise TargetError("The map {map!r} has neither a file nor packed pixels; generate it again.", map=image.name)
        write_map(file, files.png)
    with _update_metadata(image, settings, {**facts, **_content_facts(files, file)}):
        _show(image, files, file)


def _new_map(source: bpy.types.Image, map_type: str) -> bpy.types.Image:
    image = bpy.data.images.new(map_name(base_name(source), map_type), 8, 8, float_buffer=True, is_data=True)
    image[SOURCE_PROPERTY] = source
    return image


def _show(image: bpy.types.Image, files: ResultFiles, file: Path | None) -> None:
    """Show the map from its file, or packed where it has none."""
    if image.source in NUMBERED_SOURCES:
        _release_pictures(image)
    if file is None:
        _show_packed(image, files)
    else:
        _show_file(image, file)
        _check_loaded(image, files.png)


def show_picture(image: bpy.types.Image, png: bytes, file: Path | None) -> None:
    """Show a picture that is no map in a new image: from its file, or packed where it has none.

    Raises:
        TargetError: Blender cannot read it.
    """
    if file is None:
        _pack_and_release_pixels(image, png)
    else:
        _show_file(image, file)
    _check_loaded(image, png)


def _show_packed(image: bpy.types.Image, files: ResultFiles) -> None:
    """Pack the file and set its pixels; without them Blender decodes the file, which takes 0.1 s at 2048 x 2048."""
    if files.pixels is None:
        _pack_and_release_pixels(image, files.png)
        _check_loaded(image, files.png)
    else:
        header = _PngHeader.of(files.png)
        if not header.fits(image):
            _allocate_pixels(image, header)
        image.pixels.foreach_set(np.memmap(files.pixels, np.float32, "r"))  # type: ignore[arg-type]
        _pack(image, files.png)
    image.update_tag()


def _pack(image: bpy.types.Image, png: bytes) -> None:
    """Pack the file.

    The packed file gets no path of its own, because Blender's Reload would read another file from there.
    """
    image.filepath_raw = ""
    image.pack(data=png, data_len=len(png))
    image.filepath_raw = packed_path(image)


def _pack_and_release_pixels(image: bpy.types.Image, png: bytes) -> None:
    """Pack the file and drop the pixels, so that Blender decodes the file when it needs them."""
    _pack(image, png)
    image.source = "FILE"
    image.buffers_free()


def _allocate_pixels(image: bpy.types.Image, header: _PngHeader) -> None:
    """Allocate pixels of the file's size and depth without decoding the file, by scaling up a single pixel."""
    _pack_and_release_pixels(image, encode_png(np.zeros((1, 1, 3), np.uint16 if header.is_float else np.uint8), False))
    image.scale(header.width, header.height)


def _show_file(image: bpy.types.Image, file: Path) -> None:
    if image.packed_file is not None:
        image.unpack(method="REMOVE")
    image.filepath_raw = blender_path(file)
    image.source = "FILE"
    image.reload()
    image.update_tag()


def show_picture_set(image: bpy.types.Image, file: Path, layout: Literal["TILED", "SEQUENCE"], pack: bool) -> None:
    """Show the files of a set of pictures.

    Args:
        file: the path that stands for all of them, with <UDIM> or the first frame's number.
        pack: whether the files are packed, and not needed afterwards.

    Raises:
        TargetError: where Blender cannot read them.
    """
    _release_pictures(image)
    image.filepath_raw = str(file) if pack else blender_path(file)
    image.source = layout  # Blender looks for the files now
    if pack:
        image.pack()
        image.filepath_raw = packed_path(image, f".<UDIM>{file.suffix}")
    if layout == "TILED" and size_of(image) == (0, 0):
        raise TargetError("Blender cannot read the map it was given as {map!r}.", map=image.name)


def _release_pictures(image: bpy.types.Image) -> None:
    """Release the tiles or frames of an image that will show something else."""
    if image.packed_file is not None:
        image.unpack(method="REMOVE")
    image.source = "FILE"


@dataclass(frozen=True)
class _PngHeader:
    """The size and depth in a PNG file's header; Blender holds 16 bits as floats."""

    width: int
    height: int
    is_float: bool

    @classmethod
    def of(cls, png: bytes) -> _PngHeader:
        width, height, depth = struct.unpack(">IIB", png[16:25])
        return cls(width, height, depth == 16)

    def fits(self, image: bpy.types.Image) -> bool:
        """Whether a packed image has pixels of this size and depth loaded."""
        return (image.has_data and image.packed_file is not None and image.is_float == self.is_float
                and size_of(image) == (self.width, self.height))


def _check_loaded(image: bpy.types.Image, png: bytes) -> None:
    """Raise TargetError where Blender shows another size or depth than the PNG file has."""
    header = _PngHeader.of(png)
    if size_of(image) != (header.width, header.height) or image.is_float != header.is_float:
        raise TargetError("Blender cannot read the map it was given as {map!r}.", map=image.name)


def _write_beside(source: bpy.types.Image, map_type: str, png: bytes) -> Path:
    """Write the map's file beside the source's, and return its path."""
    file = map_file_beside(source, map_type)
    check_no_other_map(source, file, "FILE")
    write_map(file, png)
    return file
