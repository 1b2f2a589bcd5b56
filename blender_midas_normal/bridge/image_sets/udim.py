"""The tiles of a UDIM set, each with margins of its neighbours' pixels, so that relief goes on across shared borders."""

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
from . import PictureSet

if TYPE_CHECKING:
    from ...core.arrays import Array

TileOffset = tuple[int, int]
"""Columns to the right and rows up, of a neighbour."""

SIDE_OFFSETS = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Left, right, below and above."""


def pad_from_neighbours(look: Callable[[int], ImageBuffer], number: int,
                        numbers: Collection[int]) -> Generator[None, None, ImageBuffer]:
    """What Blender holds of a tile with margins where a neighbour is among the numbers; its part is the tile's.

    look(number): what Blender holds of a tile, raising SourceError; the generator yields between two of them.
    Neighbours of another resolution are brought to the tile's; those that hold colours in another way, or that cannot be
    read, do not count.
    """
    buffer = look(number)
    around = _neighbours(number, numbers)
    if not around:
        return buffer
    width, height = buffer.pixels.width, buffer.pixels.height
    across, up = margin_width(width), margin_width(height)
    whole = np.pad(_pixel_rows(buffer), [(up, up), (across, across), (0, 0)], mode="edge")
    counted = set()
    for place, other in around.items():
        yield
        try:
            beside = look(other)
        except SourceError:  # the user is told when it is this one's own turn
            continue
        if _has_same_encoding(beside, buffer):
            _fill_margin(whole, place, _resize(_pixel_rows(beside), width, height))
            counted.add(place)
    yield
    return _crop(buffer, whole, counted)


def _neighbours(number: int, numbers: Collection[int]) -> dict[TileOffset, int]:
    """The tiles of the numbers that touch a tile."""
    column, row = udim_position(number)
    places = {other: udim_position(other) for other in numbers if other != number}
    return {(x - column, y - row): other for other, (x, y) in places.items() if max(abs(x - column), abs(y - row)) == 1}


def _has_same_encoding(one: ImageBuffer, other: ImageBuffer) -> bool:
    """Whether two tiles hold colours in one way."""
    return (one.pixels.encoding, one.pixels.premultiplied) == (other.pixels.encoding, other.pixels.premultiplied)


def _fill_margin(whole: Array, place: TileOffset, beside: Array) -> None:
    """Puts what a neighbour of the tile's size has there into the margins of a tile."""
    height, width = beside.shape[:2]
    rows, columns = _spans(place[1], height), _spans(place[0], width)
    whole[rows[0], columns[0]] = beside[rows[1], columns[1]]


def _spans(step: int, length: int) -> tuple[slice, slice]:
    """In one direction, the pixels of a tile with margins that a neighbour fills, and those of its own that go there."""
    wide = margin_width(length)
    if step < 0:
        return slice(0, wide), slice(length - wide, length)
    if step > 0:
        return slice(wide + length, None), slice(0, wide)
    return slice(wide, wide + length), slice(0, length)


def _crop(buffer: ImageBuffer, whole: Array, counted: Collection[TileOffset]) -> ImageBuffer:
    """The tile with those of its margins on whose side a neighbour counted."""
    left, right, below, above = (side in counted for side in SIDE_OFFSETS)
    width, height = buffer.pixels.width, buffer.pixels.height
    across, up = margin_width(width), margin_width(height)
    whole = whole[0 if below else up:None if above else -up, 0 if left else across:None if right else -across]
    first_column, first_row = across * left, up * above
    part = [first_column, first_row, first_column + width, first_row + height]
    pixels = dataclasses.replace(buffer.pixels, width=whole.shape[1], height=whole.shape[0], part=part)
    return dataclasses.replace(buffer, values=whole.ravel(), pixels=pixels)


def _pixel_rows(buffer: ImageBuffer) -> Array:
    """H x W x 4, rows from the bottom up."""
    return buffer.values.reshape(buffer.pixels.height, buffer.pixels.width, 4)


def _resize(values: Array, width: int, height: int) -> Array:
    if values.shape[:2] == (height, width):
        return values
    return np.clip(resize(values, width, height, Wrap()), values.min(), values.max())


@dataclass(frozen=True)
class Tiles(PictureSet):
    """The tiles whose files are there; their maps are files beside the source's, or packed.

    across: whether a tile is seen with margins of its neighbours.
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
            around = self.numbers if self.across else ()
            buffer = yield from pad_from_neighbours(partial(self._held, path), number, around)
            return (yield from write_buffer(buffer, path))

    def file(self, map_type: str, number: int) -> Path:
        return Path(fill_udim_token(str(self.display_path(map_type)), number))

    def display_path(self, map_type: str) -> Path:
        return Path(f"{self.stem}_{MAP_TYPES[map_type].file_tag}.<UDIM>.png")

    def tile_positions(self) -> Mapping[int, TileOffset]:
        return {number: udim_position(number) for number in self.numbers if self.across}

    def configure_nodes(self, image: bpy.types.Image) -> None:
        """Tiles lie where their numbers say."""

    def _held(self, path: Path, number: int) -> ImageBuffer:
        return load_file_buffer(self.files[number], path, self.source.image())


def find_tiles(source: Source, request: GenerateRequest, folder: Path) -> Tiles:
    """The tiles of the source, with their files; those that have none yet are saved into the folder for a while.

    Raises SourceError when there is none, TargetError when maps cannot be saved beside them.
    """
    image = source.image()
    beside, stem = folder_and_stem(image) if request.save == "BESIDE" else (None, base_name(image))
    files = _tile_files(image, folder)
    found = {number: file for number, file in files.items() if exists(file)}
    if not found:
        raise SourceError("None of the tiles of {image!r} has a file that can be read.", image=image.name)
    notes = [Message("The tile {number} has no map, because its file is missing: {file}.", number=number, file=file)
             for number, file in files.items() if number not in found]
    is_whole = request.settings.size == "SOURCE" and request.settings.depth_scale == "NORMALISED"
    if request.across and not is_whole:
        notes.append(Message("Tiles of the node's size, or with depth_scale RAW, are mapped each on its own."))
    return Tiles(source, tuple(found), tuple(notes), beside, NUMBER_SUFFIX.sub("", stem), found,
                 request.across and is_whole)


def _tile_files(image: bpy.types.Image, folder: Path) -> dict[int, Path]:
    """The file of each tile; where Blender holds other pixels than a file does, a new one in the folder."""
    numbers = sorted(tile.number for tile in image.tiles)
    if image.is_dirty or not (image.packed_files or image.filepath_raw):
        name = _save_tiles(image, folder)
    elif image.packed_files:
        name = _write_packed_tiles(image, folder)
    else:
        name = bpy.path.abspath(image.filepath_raw, library=image.library)
    return {number: Path(fill_udim_token(name, number)) for number in numbers}


def _write_packed_tiles(image: bpy.types.Image, folder: Path) -> str:
    """The name of the set of packed files as they are written into the folder."""
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
    """The name of the set that Blender saves into the folder; the image goes on having the files it had, or none."""
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
