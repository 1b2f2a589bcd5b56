"""The Python function for scripts: an image in, its normal map out."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.settings import Settings
from .asking import Ask
from .making import begin


def generate(image: bpy.types.Image, settings: Settings | None = None, mask_image: bpy.types.Image | None = None,
             **words: Any) -> bpy.types.Image:
    """The image's map, made with the settings (the Material preset without any), some replaced by the words; not wired.

    mask_image: the other image for the mask IMAGE, which it implies.  Raises one of the exceptions of `core.errors`.
    """
    if mask_image is not None:
        words = {"mask": "IMAGE", **words}
    ask = Ask((settings or Settings()).with_words(words), source="IMAGE", image_uid=image.session_uid, target="NONE",
              mask_uid=mask_image.session_uid if mask_image is not None else None)
    return bpy.data.images[begin(bpy.context, ask).wait().map_name]
