"""MiDaS Normal Map: make tangent-space normal maps from images and renders.

Importing this package imports neither bpy nor anything else, because core, client and worker are used without Blender too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "1.0.0"
"""The only place that states it: `pyproject.toml` and the extension's manifest get it from here."""

if TYPE_CHECKING:
    from collections.abc import Sequence

    import bpy

    from .core.settings import Settings


def register() -> None:
    """Add the extension's classes, properties, menus and handlers; Blender calls this."""
    from .ui import registration

    registration.register()


def unregister() -> None:
    """Remove all that `register` added, and end the worker; Blender calls this."""
    from .ui import registration

    registration.unregister()


def generate(image: bpy.types.Image, settings: Settings | None = None, mask_image: bpy.types.Image | None = None,
             replace: bool = False, **fields: Any) -> bpy.types.Image:
    """Make the normal map of an image as a packed image `<name>_normal`, without wiring it; waits for the worker.

    Args:
        settings: those of the Material preset by default.
        mask_image: the image for the mask IMAGE, which it implies.
        replace: whether an existing map is made again although a user has changed it, as by painting on it.
        fields: single settings that replace those of `settings`, such as `strength=2` and `engine="luminance"`.

    Returns:
        The map, a new image or the one that was made before.

    Raises:
        MidasNormalError: where it cannot be made; see `core.errors` for the types.
    """
    from .bridge.api import generate as generate_image

    return generate_image(image, settings, mask_image, replace, **fields)


def generate_from_bump(material: bpy.types.Material, node: str = "", wire: bool = False, replace: bool = False,
                       obj: bpy.types.Object | None = None) -> bpy.types.Image:
    """Make the normal map that shades as a Bump or Displacement node does, as a packed image; waits for the worker.

    Args:
        material: the one with the node.
        node: the node's name; without one, the material's active node, or its only one of these.
        wire: whether the map takes the place of the node, which stays in the material, unlinked.
        replace: whether an existing map is made again although a user has changed it or it shows other heights.
        obj: the object on which the texture is measured; by default the first one that has the material.

    Returns:
        The map, a new image or the one that was made before.

    Raises:
        MidasNormalError: where it cannot be made; see `core.errors` for the types.
    """
    from .bridge.api import generate_from_bump as generate_map

    return generate_map(material, node, wire, replace, obj)


def rectify(image: bpy.types.Image, corners: Sequence[float] = (), focal_length: float = 0.0,
            save: str = "PACK") -> bpy.types.Image:
    """Rectify a photo of a flat surface that was taken at an angle, as a new image `<name> rectified`.

    Args:
        corners: x and y of the upper left, upper right, lower right and lower left corner of a rectangle on the surface, in
            pixels from the photo's upper left, or as shares of its sides; empty to find out from the lines of bricks, boards
            or tiles how the photo was taken.
        focal_length: of the lens in mm, as on 35 mm film; 0 for that of the photo's file.
        save: PACK, or BESIDE for a file beside the photo's.

    Returns:
        The new image; the photo itself where it is not sure from its lines how it was taken.

    Raises:
        MidasNormalError: where it cannot be rectified; see `core.errors` for the types.
    """
    from .bridge.api import rectify as rectify_image

    return rectify_image(image, corners, focal_length, save)
