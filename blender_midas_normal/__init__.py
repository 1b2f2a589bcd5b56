"""MiDaS Normal Map: a tangent-space normal map from the active image or the Render Result.

Importing this package imports neither bpy nor anything else: core, client and worker are used without Blender too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "1.0.0"
"""The only place that states it: `pyproject.toml` and the extension's manifest get it from here."""

if TYPE_CHECKING:
    import bpy

    from .core.settings import Settings


def register() -> None:
    """Blender's entry: adds classes, properties, menus and handlers."""
    from .ui import registration

    registration.register()


def unregister() -> None:
    """Blender's exit: takes away all that `register` added, and ends the worker."""
    from .ui import registration

    registration.unregister()


def generate(image: bpy.types.Image, settings: Settings | None = None, mask_image: bpy.types.Image | None = None,
             replace: bool = False, **words: Any) -> bpy.types.Image:
    """The normal map of a Blender image, as a new or updated packed image `<name>_normal`; nothing is wired.

    settings: a `Settings`, else the Material preset; words replace single settings (`strength=2`, `engine="luminance"`).
    mask_image: the other image for the mask IMAGE, which it implies.
    replace: whether the map is made again although somebody has changed it since it was made, as by painting on it.
    Waits for the worker.  Raises one of the exceptions of `core.errors`.
    """
    from .bridge.api import generate as generate_image

    return generate_image(image, settings, mask_image, replace, **words)
