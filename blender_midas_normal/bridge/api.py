"""The Python function for scripts: makes the normal map of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

from ..core.errors import SettingsError, SourceError, TargetError
from ..core.settings import Settings
from .from_bump import BumpRequest, start_from_bump
from .generate import start_generation
from .rectify import start_rectification
from .request import GenerateRequest
from .tasks import check_main_thread


def generate(image: bpy.types.Image, settings: Settings | None = None, mask_image: bpy.types.Image | None = None,
             replace: bool = False, **fields: Any) -> bpy.types.Image:
    """Make the normal map of an image, without wiring it into a material.

    Args:
        settings: those of the Material preset by default.
        mask_image: the image for the mask IMAGE, which it implies.
        replace: whether an existing map that a user has changed is replaced.
        fields: single settings that replace those of `settings`, such as `strength=2.0`.

    Returns:
        The map, a new image or the one that was made before.

    Raises:
        MidasNormalError: where it cannot be made; see `core.errors` for the types.
    """
    check_main_thread()
    if settings is not None and not isinstance(settings, Settings):
        raise SettingsError("settings must be a Settings, not {settings:.80}; give single ones by their names, such as "
                            "strength=2.", settings=repr(settings))
    if mask_image is not None:
        fields = {"mask": "IMAGE", **fields}
    request = GenerateRequest(
        (settings or Settings()).replace_fields(fields),
        source="IMAGE",
        image_uid=_uid_of(image, "image"),
        target="NONE",
        replace=replace,
        mask_uid=_uid_of(mask_image, "mask_image") if mask_image is not None else None,
    )
    return bpy.data.images[start_generation(bpy.context, request).wait().map_name]


def generate_from_bump(material: bpy.types.Material, node: str = "", wire: bool = False, replace: bool = False,
                       obj: bpy.types.Object | None = None) -> bpy.types.Image:
    """Make the normal map that shades as a Bump or Displacement node does; see the package's function of this name."""
    check_main_thread()
    if not isinstance(material, bpy.types.Material):
        raise TargetError("material must be one of bpy.data.materials, not {material:.80}.", material=repr(material))
    active = material.node_tree.nodes.active if material.node_tree else None
    task = start_from_bump(bpy.context, material, obj, active, BumpRequest(node, wire, replace))
    return bpy.data.images[task.wait().map_name]


def rectify(image: bpy.types.Image, corners: Sequence[float] = (), focal_length: float = 0.0,
            save: str = "PACK") -> bpy.types.Image:
    """Rectify a photo of a flat surface that was taken at an angle; see the package's function of this name."""
    check_main_thread()
    _uid_of(image, "image")
    report = start_rectification(image, corners, focal_length, save).wait()
    return bpy.data.images[report.map_name] if report.maps else image


def _uid_of(image: bpy.types.Image, name: str) -> int:
    """Return the session_uid of an argument that should be an image; raises SourceError where it is none."""
    if not isinstance(image, bpy.types.Image):
        raise SourceError("{name} must be one of bpy.data.images, not {image:.80}.", name=name, image=repr(image))
    try:
        return image.session_uid
    except ReferenceError:
        raise SourceError("The {name} was removed from this file; give one that is there.", name=name) from None
