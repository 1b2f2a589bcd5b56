"""What maps showed when they were stored: kept right through undo and saving, and whether somebody has changed it since."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..client.result_files import ResultFiles
from ..core.errors import NO_MESSAGE, Message, TargetError, reason_of
from ..core.file_numbering import fill_udim_token, split_number
from ..core.files import is_file
from ..core.image_io import SOFTWARE_TEXT, SOFTWARE_TEXT_END
from .image_pixels import checksum_of, refresh_image
from .map_files import file_of
from .map_metadata import METADATA_PROPERTY, SINGLE_PICTURE, stored_metadata


@dataclass(frozen=True)
class ShownState:
    """What a map shows: the stored words of the result, and the checksum of pixels that were set, None for pixels read."""

    words: str
    checksum: int | None


_shown_states: dict[int, ShownState] = {}
"""By session_uid."""


def remember_shown(image: bpy.types.Image, files: ResultFiles | None = None) -> None:
    """The map's pixels are those of its stored result; files: from which they may have been set."""
    _shown_states[image.session_uid] = ShownState(image[METADATA_PROPERTY],
                                                  files.checksum if files and files.pixels else None)


def reload_changed() -> None:
    """Reads those maps again whose stored result is another than the one shown."""
    for image in bpy.data.images:
        words = image.get(METADATA_PROPERTY)
        known = _shown_states.get(image.session_uid)
        if words is not None and known is not None and known.words != words:
            _reload(image)
            _shown_states[image.session_uid] = ShownState(words, None)


def release_saved_pixels() -> None:
    """Lets Blender read its packed file where only this extension has set a map's pixels, so that it counts as saved."""
    for image in bpy.data.images:
        if image.is_dirty and shows_own_pixels(image):
            _reload(image)
            _shown_states[image.session_uid] = ShownState(_shown_states[image.session_uid].words, None)


def shows_own_pixels(image: bpy.types.Image) -> bool:
    """Whether a map shows the pixels that this extension has set, and nobody has changed."""
    known = _shown_states.get(image.session_uid)
    return known is not None and known.checksum is not None and checksum_of(image) == known.checksum


def _reload(image: bpy.types.Image) -> None:
    """Blender reads a packed file again when its pixels are gone; `reload` would complain that there is no file on disk."""
    if image.packed_file is None:
        image.reload()
    else:
        image.buffers_free()
    refresh_image(image)


def forget_shown() -> None:
    """Another file is loaded: nothing is shown yet."""
    _shown_states.clear()


CHECKSUM = "checksum"
"""Fact of a packed map: the CRC-32 of its pixels as Blender holds them."""

DIGESTS = "digests"
"""Fact of a map in files, or packed with several: the SHA-256 of each in hexadecimal, by the picture's number."""

TILE_NUMBER = re.compile("[0-9]{0,9}")
"""Of a picture; a file from a stranger may hold anything in its place."""


def check_unchanged(image: bpy.types.Image | None, replace: bool) -> Generator[None, None, None]:
    """Raises TargetError where `changed_reason` has a sentence, unless maps may be replaced all the same."""
    message = NO_MESSAGE if replace else (yield from changed_reason(image))
    if message:
        raise TargetError(message)


def changed_reason(image: bpy.types.Image | None) -> Generator[None, None, Message]:
    """"" where a map is as it was made, or there is none, else one sentence; found out file by file, for there may be many.

    Raises TargetError where a file cannot be read.
    """
    if image is None or not (yield from _is_changed(image)):
        return NO_MESSAGE
    return Message("The map {map!r} was changed after it was made and stays as it is; turn on Replace to make it again.",
                   map=image.name)


def _is_changed(image: bpy.types.Image) -> Generator[None, None, bool]:
    fields = stored_metadata(image)
    facts: dict[str, Any] = fields["facts"] if fields is not None else {}
    if CHECKSUM in facts and image.packed_file is not None and image.colorspace_settings.is_data:  # type: ignore[union-attr]
        return checksum_of(image) != facts[CHECKSUM]
    if image.is_dirty and not shows_own_pixels(image):
        return True
    noted = facts.get(DIGESTS)
    digests = noted if isinstance(noted, dict) and all(map(TILE_NUMBER.fullmatch, noted)) else {}
    for number, content in _open_files(image, digests):
        if not _is_unchanged_file(content, digests.get(number)):
            return True
        yield
    return False


def _is_unchanged_file(content: io.BytesIO | io.BufferedReader, digest: Any) -> bool:
    """Whether a file is the one that was made; without a digest, whether it is one that this extension has made."""
    if digest is None:
        return SOFTWARE_TEXT in content.read(SOFTWARE_TEXT_END)
    return hashlib.file_digest(content, "sha256").hexdigest() == digest


def _open_files(image: bpy.types.Image, numbers: Collection[str]) -> Iterator[tuple[str, io.BytesIO | io.BufferedReader]]:
    """The files of a map that are there, packed or on disk, opened, by the picture's number.  Raises TargetError."""
    for packed in image.packed_files:
        assert packed.packed_file is not None
        yield str(packed.tile_number) if image.source == "TILED" else SINGLE_PICTURE, io.BytesIO(packed.packed_file.data)
    for number, file in _numbered_files(image, numbers) if not image.packed_files else ():
        if is_file(file):
            try:
                with file.open("rb") as stream:
                    yield number, stream
            except OSError as error:
                raise TargetError("The map {file} cannot be read: {reason}.", file=file, reason=reason_of(error)) from None


def _numbered_files(image: bpy.types.Image, numbers: Collection[str]) -> Iterator[tuple[str, Path]]:
    """The files of a map on disk, by the picture's number; those of a sequence are named alike but for the frame's."""
    file = file_of(image)
    parts = split_number(file.stem)
    if image.source == "TILED":
        yield from ((str(tile.number), Path(fill_udim_token(str(file), tile.number))) for tile in image.tiles)
    elif image.source == "SEQUENCE" and parts is not None:
        before, digits, after = parts
        for number in numbers:
            yield number, file.with_stem(f"{before}{int(number):0{len(digits)}d}{after}")
    else:
        yield SINGLE_PICTURE, file
