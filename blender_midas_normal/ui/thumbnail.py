"""A small picture of the scene's map for the panel.

Blender's own previews of images are rendered in another thread, which crashes where the image is removed meanwhile; so the
thumbnail is made of the map's pixels, in the timer, when the panel has drawn another map and nothing else runs.
"""

from __future__ import annotations

import bpy
import bpy.utils.previews
import numpy as np

from ..bridge.addon import find_by_uid
from ..bridge.image_pixels import size_of
from ..bridge.map_metadata import METADATA_PROPERTY
from . import generation, live_paint, live_tuning, timer
from .drawing import redraw_editors

SIDE = 128
"""Pixels of the longer side."""

MAX_PIXELS = 4096 * 4096
"""Pixels of the largest map that gets one: reading them all takes 30 ms."""

_collection: bpy.utils.previews.ImagePreviewCollection | None = None
_wanted: tuple[int, str] | None = None
"""The map that the panel has drawn last, by its session_uid and what is stored with it."""

_made: tuple[int, str] | None = None
"""The one that the thumbnail shows."""


def icon_of(image: bpy.types.Image) -> int:
    """Return the icon of a map's thumbnail, 0 where there is none yet; the timer makes it then, or anew."""
    global _wanted
    _wanted = image.session_uid, str(image.get(METADATA_PROPERTY))
    if _wanted != _made and timer.is_available():
        timer.add(_update)
    preview = shown()
    return preview.icon_id if preview is not None and _made is not None and _made[0] == image.session_uid else 0


def shown() -> bpy.types.ImagePreview | None:
    """Return the thumbnail, if there is one."""
    return next(iter(_collection.values()), None) if _collection is not None else None


def register() -> None:
    """Make the collection that holds the thumbnail."""
    global _collection
    _collection = bpy.utils.previews.new()


def unregister() -> None:
    """Remove the thumbnail."""
    global _collection, _wanted, _made
    collection, _collection, _wanted, _made = _collection, None, None, None
    if collection is not None:
        bpy.utils.previews.remove(collection)


def _update() -> bool:
    """Make the thumbnail when no map is being made; returns whether that is to come."""
    global _made
    if generation.task() is not None or live_tuning.task() is not None or live_paint.task() is not None:
        return True
    if _collection is not None and _wanted is not None and _wanted != _made:
        _made = _wanted
        _collection.clear()
        image = find_by_uid(bpy.data.images, _wanted[0])
        if image is not None and image.has_data and 0 < size_of(image)[0] * size_of(image)[1] <= MAX_PIXELS:
            _fill(_collection.new(str(_wanted)), image)
        redraw_editors()
    return False


def _fill(preview: bpy.types.ImagePreview, image: bpy.types.Image) -> None:
    """Set a thumbnail's pixels to those of an image, at equal distances."""
    width, height = size_of(image)
    values = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(values)
    longer = max(width, height)
    columns, rows = (np.arange(count := max(1, SIDE * side // longer)) * side // count for side in (width, height))
    preview.image_size = len(columns), len(rows)  # type: ignore[assignment]
    preview.image_pixels_float.foreach_set(values.reshape(height, width, 4)[rows][:, columns].ravel())
