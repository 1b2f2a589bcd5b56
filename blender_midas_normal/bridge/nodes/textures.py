"""The colour textures of materials."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from .graph import spots
from .materials import uses_nodes
from .roles import is_colour
from .showing import shown_in


def colour_textures(materials: Iterable[bpy.types.Material]) -> list[bpy.types.Image]:
    """The images of all Image Texture nodes of materials, in groups too, but neither data nor maps of this extension."""
    found: dict[bpy.types.Image, None] = {}
    for material in materials:
        for spot in spots(material.node_tree) if uses_nodes(material) else ():
            image = shown_in(spot.node)
            if image is not None and is_colour(image):
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
