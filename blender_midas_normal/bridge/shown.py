"""Pixels that are shown without Blender having read them: kept right through undo and saving.

Blender's undo brings back a map's packed file and properties, but goes on showing the pixels it had.  And pixels that were
set rather than read make an image modified, of which Blender warns at its end, though its packed file holds the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..client.client import Taken
from .pixels import checksum_of, draw_again
from .results import STORED


@dataclass(frozen=True)
class Shown:
    """What a map shows: the stored words of the result, and the checksum of pixels that were set, None for pixels read."""

    words: str
    checksum: int | None


_shown: dict[int, Shown] = {}
"""By session_uid."""


def note_shown(image: bpy.types.Image, files: Taken | None = None) -> None:
    """The map's pixels are those of its stored result; files: from which they may have been set."""
    _shown[image.session_uid] = Shown(image[STORED], files.checksum if files and files.pixels else None)


def reload_changed() -> None:
    """Reads those maps again whose stored result is another than the one shown."""
    for image in bpy.data.images:
        words = image.get(STORED)
        known = _shown.get(image.session_uid)
        if words is not None and known is not None and known.words != words:
            _read_again(image)
            _shown[image.session_uid] = Shown(words, None)


def settle_saved() -> None:
    """Lets Blender read its packed file where only this extension has set a map's pixels, so that it counts as saved."""
    for image in bpy.data.images:
        if image.is_dirty and is_as_set(image):
            _read_again(image)
            _shown[image.session_uid] = Shown(_shown[image.session_uid].words, None)


def is_as_set(image: bpy.types.Image) -> bool:
    """Whether a map shows the pixels that this extension has set, and nobody has changed."""
    known = _shown.get(image.session_uid)
    return known is not None and known.checksum is not None and checksum_of(image) == known.checksum


def _read_again(image: bpy.types.Image) -> None:
    """Blender reads a packed file again when its pixels are gone; `reload` would complain that there is no file on disk."""
    if image.packed_file is None:
        image.reload()
    else:
        image.buffers_free()
    draw_again(image)


def forget_shown() -> None:
    """Another file is loaded: nothing is shown yet."""
    _shown.clear()
