"""The colour textures of a file's materials."""

from __future__ import annotations

import bpy

from .graph import spots
from .results import source_of


def colour_textures() -> list[bpy.types.Image]:
    """The images of all Image Texture nodes of materials, in groups too, but neither data nor maps of this extension."""
    found: dict[bpy.types.Image, None] = {}
    for material in bpy.data.materials:
        for spot in spots(material.node_tree):
            image = getattr(spot.node, "image", None)
            if (spot.node.bl_idname == "ShaderNodeTexImage" and image is not None and source_of(image) is None
                    and not image.colorspace_settings.is_data):
                found[image] = None
    return list(found)
