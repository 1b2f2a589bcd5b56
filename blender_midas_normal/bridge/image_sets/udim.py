"""The tiles of a UDIM set, each padded with its neighbours' pixels, so that relief continues across shared borders."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...core.errors import Message, Phrase, SourceError, reason_of
from ...core.file_numbering import fill_udim_token, udim_position
from ...core.files import exists
from ...core.filters import resize
from ...core.map_types import MAP_TYPES
from ...core.picture import Wrap
from ...core.tile_borders import margin_width
from ..image_pixels import ImageBuffer, PixelExport, load_file_buffer, remove_on_failure, write_buffer
from ..image_source import Source
from ..map_files import folder_and_stem
from ..map_metadata import NUMBER_SUFFIX, base_name
from ..request import GenerateRequest
from .picture_set import PictureSet

if TYPE_CHECKING:
    from ...core.arrays import Array

TileOffset = tuple[int, int]
"""Offset of a neighbour: columns to the right, rows up."""

SIDE_OFFSETS = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Left, right, below and above."""


def pad_from_neighbours(load_tile: Callable[[int], ImageBuffer], number: int,
                        numbers: Collection[int]) -> Generator[None, None, ImageBuffer]:
    """Load a tile padded with margins of its neighbours; yields after each neighbour.

    Neighbours of another resolution are resized; those with another encoding, or that cannot be read, are left out.

    Args:
        load_tile: loads the tile of a number, raising SourceError.
        numbers: those of the tiles that count as neighbours.

    Returns:
        The padded pixels; `pixels.part` is the tile's own rectangle in them.
    """
    buffer = load_tile(number)
    neighbours = _neighbours(number, numbers)
    if not neighbours:
        return buffer
    width, height = buffer.pixels.width, buffer.pixels.height
    across, up = margin_width(width), margin_width(height)
    padded = np.pad(_pixel_rows(buffer), [(up, up), (across, across), (0, 0)], mode="edge")
    filled = set()
    for offset, other in neighbours.items():
        yield
        try:
            neighbour = load_tile(other)
        except SourceError:  # reported when this tile itself is read
            continue
        if _has_same_encoding(neighbour, buffer):
            _fill_margin(padded, offset, _resize(_pixel_rows(neighbour), width, height))
            filled.add(offset)
    yield
    return _crop(buffer, padded, filled)


def _neighbours(number: int, numbers: Collection[int]) -> dict[TileOffset, int]:
    """Return which of the tiles touch a tile, at a side or a corner, by offset."""
    column, row = udim_position(number)
    places = {other: udim_position(other) for other in numbers if other != number}
    return {(x - column, y - row): other for other, (x, y) in places.items() if max(abs(x - column), abs(y - row)) == 1}


def _has_same_encoding(one: ImageBuffer, other: ImageBuffer) -> bool:
    """Whether two tiles hold their colours in the same encoding."""
    return (one.pixels.encoding, one.pixels.premultiplied) == (other.pixels.encoding, other.pixels.premultiplied)


def _fill_margin(padded: Array, offset: TileOffset, neighbour: Array) -> None:
    """Copy the adjacent pixels of a neighbour, which has the tile's size, into the margin of a padded tile."""
    height, width = neighbour.shape[:2]
    rows, columns = _spans(offset[1], height), _spans(offset[0], width)
    padded[rows[0], columns[0]] = neighbour[rows[1], columns[1]]


def _spans(step: int, length: int) -> tuple[slice, slice]:
    """Return along one axis the pixels of the padded tile that a neighbour fills, and the neighbour's pixels to copy."""
    margin = margin_width(length)
    if step < 0:
        return slice(0, margin), slice(length - margin, length)
    if step > 0:
        return slice(margin + length, None), slice(0, margin)
    return slice(margin, margin + length), slice(0, length)


def _crop(buffer: ImageBuffer, padded: Array, filled: Collection[TileOffset]) -> ImageBuffer:
    """Crop the margins of the sides where no neighbour was filled in."""
    left, right, below, above = (side in filled for side in SIDE_OFFSETS)
    width, height = buffer.pixels.width, buffer.pixels.height
    across, up = margin_width(width), margin_width(height)
    padded = padded[0 if below else up:None if above else -up, 0 if left else across:None if right else -across]
    first_column, first_row = across * left, up * above
    part = [first_column, first_row, first_column + width, first_row + height]
    pixels = dataclasses.replace(buffer.pixels, width=padded.shape[1], height=padded.shape[0], part=part)
    return dataclasses.replace(buffer, values=padded.ravel(), pixels=pixels)


def _pixel_rows(buffer: ImageBuffer) -> Array:
    """Return the pixels as H x W x 4, rows bottom-up."""
    return buffer.values.reshape(buffer.pixels.height, buffer.pixels.width, 4)


def _resize(values: Array, width: int, height: int) -> Array:
    if values.shape[:2] == (height, width):
        return values
    return np.clip(resize(values, width, height, Wrap()), values.min(), values.max())


@dataclass(frozen=True)
class Tiles(PictureSet):
    """The tiles whose files exist; their maps are files beside the source's, or packed.

    across: whether each tile is read with margins of its neighbours.
    """

    files: dict[int, Path]
    across: bool
    layout = "TILED"

    def describe_count(self) -> Phrase:
        count = len(self.numbers)
        return Phrase("{count} tiles", count=count) if count > 1 else Phrase("1 tile")

    def why_missing(self, number: int, reason: Message) -> Message:
        return Message("The tile {number} has no map: {reason}", number=number, reason=reason)

    def read(self, number: int, path: Path) -> PixelExport:
        with remove_on_failure(path):
            neighbours = self.numbers if self.across else ()
            buffer = yield from pad_from_neighbours(partial(self._load, path), number, neighbours)
            return (yield from write_buffer(buffer, path))

    def file(self, map_type: str, number: int) -> Path:
        return Path(fill_udim_token(str(self.display_path(map_type)), number))

    def display_path(self, map_type: str) -> Path:
        return Path(f"{self.stem}_{MAP_TYPES[map_type].file_tag}.<UDIM>.png")

    def tile_positions(self) -> Mapping[int, TileOffset]:
        return {number: udim_position(number) for number in self.numbers if self.across}

    def configure_nodes(self, image: bpy.types.Image) -> None:
        """Do nothing: Blender places tiles by their numbers."""

    def _load(self, path: Path, number: int) -> ImageBuffer:
        return load_file_buffer(self.files[number], path, self.source.image())


def find_tiles(source: Source, request: GenerateRequest, folder: Path) -> Tiles:
    """Find the tiles of a source with their files; tiles without files are saved into the folder.

    Raises:
        SourceError: where no tile has a file.
        TargetError: where maps cannot be saved beside them.
    """
    image = source.image()
    beside, stem = folder_and_stem(image) if request.save == "BESIDE" else (None, base_name(image))
    files = _tile_files(image, folder)
    existing = {number: file for number, file in files.items() if exists(file)}
    if not existing:
        raise SourceError("None of the tiles of {image!r} has a file that can be read.", image=image.name)
    notes = [Message("The tile {number} has no map, because its file is missing: {file}.", number=number, file=file)
             for number, file in files.items() if number not in existing]
    is_source_size = request.settings.size == "SOURCE" and request.settings.depth_scale == "NORMALISED"
    if request.across and not is_source_size:
        notes.append(Message("Tiles of the node's size, or with depth_scale RAW, are mapped each on its own."))
    return Tiles(source, tuple(existing), tuple(notes), beside, NUMBER_SUFFIX.sub("", stem), existing,
                 request.across and is_source_size)


def _tile_files(image: bpy.types.Image, folder: Path) -> dict[int, Path]:
    """Return the file of each tile, a new one in the folder where Blender holds other pixels than the file."""
    numbers = sorted(tile.number for tile in image.tiles)
    if image.is_dirty or not (image.packed_files or image.filepath_raw):
        name = _save_tiles(image, folder)
    elif image.packed_files:
        name = _write_packed_tiles(image, folder)
    else:
        name = bpy.path.abspath(image.filepath_raw, library=image.library)
    return {number: Path(fill_udim_token(name, number)) for number in numbers}


def _write_packed_tiles(image: bpy.types.Image, folder: Path) -> str:
    """Write the packed files into the folder, and return their path with the UDIM token."""
    name = str(folder / f"tile.<UDIM>{Path(image.filepath_raw).suffix}")
    try:
        for packed in image.packed_files:
            assert packed.packed_file is not None
            Path(fill_udim_token(name, packed.tile_number)).write_bytes(packed.packed_file.data)
    except OSError as error:
        raise SourceError("The packed tiles of {image!r} cannot be read in {folder}: {reason}.", image=image.name,
                          folder=folder, reason=reason_of(error)) from None
    return name


def _save_tiles(image: bpy.types.Image, folder: Path) -> str:
    """Let Blender save the tiles into the folder, and return their path with the UDIM token; the image keeps its own."""
    before = image.filepath_raw
    name = str(folder / f"tile.<UDIM>{Path(before).suffix or '.png'}")
    try:
        with bpy.context.temp_override(edit_image=image):
            bpy.ops.image.save_as(filepath=name, copy=True, relative_path=False)
    except RuntimeError as error:
        raise SourceError("The tiles of {image!r} cannot be read: {reason}", image=image.name, reason=error) from None
    finally:
        image.filepath_raw = before
    return name
