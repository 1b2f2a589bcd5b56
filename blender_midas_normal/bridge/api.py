"""The Python function for scripts: an image in, its normal map out."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.errors import SettingsError, SourceError
from ..core.settings import Settings
from .generate import start_generation
from .request import GenerateRequest
from .tasks import check_main_thread


def generate(image: bpy.types.Image, settings: Settings | None = None, mask_image: bpy.types.Image | None = None,
             replace: bool = False, **words: Any) -> bpy.types.Image:
    """The image's map, made with the settings (the Material preset without any), some replaced by the words; not wired.

    mask_image: the other image for the mask IMAGE, which it implies; replace: as in Ask.
    Raises one of the exceptions of `core.errors`.
    """
    check_main_thread()
    if settings is not None and not isinstance(settings, Settings):
        raise SettingsError("settings must be a Settings, not {settings:.80}; give single ones by their names, such as "
                            "strength=2.", settings=repr(settings))
    if mask_image is not None:
        words = {"mask": "IMAGE", **words}
    request = GenerateRequest(
        (settings or Settings()).replace_fields(words),
        source="IMAGE",
        image_uid=_uid_of(image, "image"),
        target="NONE",
        replace=replace,
        mask_uid=_uid_of(mask_image, "mask_image") if mask_image is not None else None,
    )
    return bpy.data.images[start_generation(bpy.context, request).wait().map_name]


def _uid_of(image: bpy.types.Image, name: str) -> int:
    """The session_uid of what a script gives as an image; raises SourceError for what is none."""
    if not isinstance(image, bpy.types.Image):
        raise SourceError("{name} must be one of bpy.data.images, not {image:.80}.", name=name, image=repr(image))
    try:
        return image.session_uid
    except ReferenceError:
        raise SourceError("The {name} was removed from this file; give one that is there.", name=name) from None
