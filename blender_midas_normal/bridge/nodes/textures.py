"""The colour textures of materials."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from ..results import source_of
from .graph import spots
from .materials import uses_nodes


def colour_textures(materials: Iterable[bpy.types.Material]) -> list[bpy.types.Image]:
    """The images of all Image Texture nodes of materials, in groups too, but neither data nor maps of this extension."""
    found: dict[bpy.types.Image, None] = {}
    for material in materials:
        for spot in spots(material.node_tree) if uses_nodes(material) else ():
            image = getattr(spot.node, "image", None)
            if (spot.node.bl_idname == "ShaderNodeTexImage" and image is not None and source_of(image) is None
                    and not image.colorspace_settings.is_data):
                found[image] = None
    return list(found)


def worn_textures(things: Iterable[bpy.types.Object]) -> dict[bpy.types.Image, bpy.types.Object]:
    """The colour textures of the objects' materials, each with the first object that wears it."""
    wearers: dict[bpy.types.Material, bpy.types.Object] = {}
    for thing in things:
        for slot in thing.material_slots:
            if slot.material is not None:
                wearers.setdefault(slot.material, thing)
    found: dict[bpy.types.Image, bpy.types.Object] = {}
    for material, thing in wearers.items():
        for image in colour_textures([material]):
            found.setdefault(image, thing)
    return found
