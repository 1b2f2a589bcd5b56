"""Pixels after undo: Blender brings back a map's packed file and properties, but goes on showing the pixels it had."""

from __future__ import annotations

import bpy

from .results import STORED

_shown: dict[int, str] = {}
"""For each map, by session_uid, the stored words of the result whose pixels are shown."""


def note_shown(image: bpy.types.Image) -> None:
    """The map's pixels are those of its stored result."""
    _shown[image.session_uid] = image[STORED]


def reload_changed() -> None:
    """Reads those maps again whose stored result is another than the one shown."""
    for image in bpy.data.images:
        words = image.get(STORED)
        if words is not None and _shown.get(image.session_uid, words) != words:
            _read_again(image)
            note_shown(image)


def _read_again(image: bpy.types.Image) -> None:
    """Blender reads a packed file again when its pixels are gone; `reload` would complain that there is no file on disk."""
    if image.packed_file is None:
        image.reload()
    else:
        image.buffers_free()
    image.update()


def forget_shown() -> None:
    """Another file is loaded: nothing is shown yet."""
    _shown.clear()
