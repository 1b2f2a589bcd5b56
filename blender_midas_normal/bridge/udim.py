"""The tiles of a UDIM set: each is a picture of its own, as Blender itself hands out the pixels of the first one only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import bpy

from ..core.errors import SourceError, reason_of
from ..core.kinds import KINDS
from ..core.levels import Place
from ..core.messages import Message, Phrase
from ..core.paths import exists
from ..core.udim_numbers import place_of, with_number
from .asking import Ask
from .beside import place_beside
from .neighbours import with_neighbours
from .pictures import Pictures
from .pixels import Held, Reading, held_of_file, removed_unless_done, written
from .results import NUMBER, name_of
from .source import Source


@dataclass(frozen=True)
class Tiles(Pictures):
    """The tiles whose files are there; their maps are files beside the source's, or packed.

    across: whether a tile is seen with margins of its neighbours.
    """

    files: dict[int, Path]
    across: bool
    layout = "TILED"

    def counted(self) -> Phrase:
        count = len(self.numbers)
        return Phrase("{count} tiles", count=count) if count > 1 else Phrase("1 tile")

    def why_missing(self, number: int, reason: Message) -> Message:
        return Message("The tile {number} has no map: {reason}", number=number, reason=reason)

    def read(self, number: int, path: Path) -> Reading:
        with removed_unless_done(path):
            around = self.numbers if self.across else ()
            held = yield from with_neighbours(partial(self._held, path), number, around)
            return (yield from written(held, path))

    def file(self, kind: str, number: int) -> Path:
        return Path(with_number(str(self.shown(kind)), number))

    def shown(self, kind: str) -> Path:
        return Path(f"{self.stem}_{KINDS[kind].word}.<UDIM>.png")

    def places(self) -> Mapping[int, Place]:
        return {number: place_of(number) for number in self.numbers if self.across}

    def settle(self, image: bpy.types.Image) -> None:
        """Tiles lie where their numbers say."""

    def _held(self, path: Path, number: int) -> Held:
        return held_of_file(self.files[number], path, self.source.image())


def tiles_of(source: Source, ask: Ask, folder: Path) -> Tiles:
    """The tiles of the source, with their files; those that have none yet are saved into the folder for a while.

    Raises SourceError when there is none, TargetError when maps cannot be saved beside them.
    """
    image = source.image()
    beside, stem = place_beside(image) if ask.save == "BESIDE" else (None, name_of(image))
    files = _files(image, folder)
    found = {number: file for number, file in files.items() if exists(file)}
    if not found:
        raise SourceError("None of the tiles of {image!r} has a file that can be read.", image=image.name)
    notes = [Message("The tile {number} has no map, because its file is missing: {file}.", number=number, file=file)
             for number, file in files.items() if number not in found]
    is_whole = ask.settings.size == "SOURCE" and ask.settings.depth_scale == "NORMALISED"
    if ask.across and not is_whole:
        notes.append(Message("Tiles of the node's size, or with depth_scale RAW, are mapped each on its own."))
    return Tiles(source, tuple(found), tuple(notes), beside, NUMBER.sub("", stem), found,
                 ask.across and is_whole)


def _files(image: bpy.types.Image, folder: Path) -> dict[int, Path]:
    """The file of each tile; where Blender holds other pixels than a file does, a new one in the folder."""
    numbers = sorted(tile.number for tile in image.tiles)
    if image.is_dirty or not (image.packed_files or image.filepath_raw):
        name = _saved_copy(image, folder)
    elif image.packed_files:
        name = _unpacked(image, folder)
    else:
        name = bpy.path.abspath(image.filepath_raw, library=image.library)
    return {number: Path(with_number(name, number)) for number in numbers}


def _unpacked(image: bpy.types.Image, folder: Path) -> str:
    """The name of the set of packed files as they are written into the folder."""
    name = str(folder / f"tile.<UDIM>{Path(image.filepath_raw).suffix}")
    try:
        for packed in image.packed_files:
            assert packed.packed_file is not None
            Path(with_number(name, packed.tile_number)).write_bytes(packed.packed_file.data)
    except OSError as error:
        raise SourceError("The packed tiles of {image!r} cannot be read in {folder}: {reason}.", image=image.name,
                          folder=folder, reason=reason_of(error)) from None
    return name


def _saved_copy(image: bpy.types.Image, folder: Path) -> str:
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
