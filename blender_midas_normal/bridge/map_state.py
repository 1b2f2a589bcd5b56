"""Track what maps showed when they were stored: restore it after undo and saving, and find what users have changed."""

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

CHECKSUM = "checksum"
"""Name of a fact of packed maps: the CRC-32 of the pixels as Blender holds them."""

DIGESTS = "digests"
"""Name of a fact of maps in files, or of several packed files: the SHA-256 of each in hexadecimal, by number."""

TILE_NUMBER = re.compile("[0-9]{0,9}")
"""The form of a picture's number; a file from elsewhere may hold anything in its place."""


@dataclass(frozen=True)
class ShownState:
    """What a map shows.

    metadata: the stored metadata of the result, as JSON.
    checksum: that of the pixels that were set, None where Blender read them from a file.
    """

    metadata: str
    checksum: int | None


_shown_states: dict[int, ShownState] = {}
"""What each map shows, by session_uid."""


def remember_shown(image: bpy.types.Image, files: ResultFiles | None = None) -> None:
    """Remember that a map's pixels are those of its stored result.

    Args:
        files: those from which the pixels may have been set.
    """
    _shown_states[image.session_uid] = ShownState(image[METADATA_PROPERTY],
                                                  files.checksum if files and files.pixels else None)


def reload_changed() -> None:
    """Reload the maps whose stored result is another than the one shown, as after an undo."""
    for image in bpy.data.images:
        metadata = image.get(METADATA_PROPERTY)
        shown = _shown_states.get(image.session_uid)
        if metadata is not None and shown is not None and shown.metadata != metadata:
            _reload(image)
            _shown_states[image.session_uid] = ShownState(metadata, None)


def release_saved_pixels() -> None:
    """Let Blender read the packed files of maps whose pixels only this extension has set, so that they count as saved."""
    for image in bpy.data.images:
        if image.is_dirty and shows_own_pixels(image):
            _reload(image)
            _shown_states[image.session_uid] = ShownState(_shown_states[image.session_uid].metadata, None)


def shows_own_pixels(image: bpy.types.Image) -> bool:
    """Whether a map shows the pixels that this extension has set, unchanged."""
    shown = _shown_states.get(image.session_uid)
    return shown is not None and shown.checksum is not None and checksum_of(image) == shown.checksum


def _reload(image: bpy.types.Image) -> None:
    """Let Blender read a map's file again.

    A packed file is read when the pixels are dropped; `reload` would report that there is no file on disk.
    """
    if image.packed_file is None:
        image.reload()
    else:
        image.buffers_free()
    refresh_image(image)


def forget_shown() -> None:
    """Forget what maps show, when another .blend file is loaded."""
    _shown_states.clear()


def check_unchanged(image: bpy.types.Image | None, replace: bool) -> Generator[None, None, None]:
    """Raise TargetError where a user has changed a map, unless it may be replaced; in short steps."""
    message = NO_MESSAGE if replace else (yield from changed_reason(image))
    if message:
        raise TargetError(message)


def changed_reason(image: bpy.types.Image | None) -> Generator[None, None, Message]:
    """Say that a user has changed a map; "" where it is as it was made, or None. Yields after each of its files.

    Raises:
        TargetError: where a file cannot be read.
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
    stored = facts.get(DIGESTS)
    digests = stored if isinstance(stored, dict) and all(map(TILE_NUMBER.fullmatch, stored)) else {}
    for number, content in _open_files(image, digests):
        if not _is_unchanged_file(content, digests.get(number)):
            return True
        yield
    return False


def _is_unchanged_file(content: io.BytesIO | io.BufferedReader, digest: Any) -> bool:
    """Whether a file has the digest or, without a digest, was written by this extension."""
    if digest is None:
        return SOFTWARE_TEXT in content.read(SOFTWARE_TEXT_END)
    return hashlib.file_digest(content, "sha256").hexdigest() == digest


def _open_files(image: bpy.types.Image, numbers: Collection[str]) -> Iterator[tuple[str, io.BytesIO | io.BufferedReader]]:
    """Yield the existing files of a map, packed or on disk, opened, with the picture's number.

    Raises:
        TargetError: where one cannot be read.
    """
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
    """Yield the paths of a map on disk with the picture's number; those of a sequence differ by the frame's number only."""
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
