"""The nodes that show a map, and how they read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

from .graph import Plug, Spot, spots, tree_of, upstream
from .materials import is_editable


def node_has_convention() -> bool:
    """Whether this Blender's Normal Map node can read DirectX maps (5.1 and newer); else the pixels must be flipped."""
    return "convention" in bpy.types.ShaderNodeNormalMap.bl_rna.properties


def node_words(convention: str) -> dict[str, str]:
    """The properties of a Normal Map node that reads maps in the convention, with their values."""
    words = {"space": "OBJECT" if convention == "OBJECT" else "TANGENT"}
    if node_has_convention():
        words["convention"] = "DIRECTX" if convention == "DIRECTX" else "OPENGL"
    return words


def shown_in(node: bpy.types.Node | None) -> bpy.types.Image | None:
    """The image of an Image Texture; None for any other node."""
    return node.image if isinstance(node, bpy.types.ShaderNodeTexImage) else None


def image_node(normal: Spot) -> Spot | None:
    """The nearest Image Texture that feeds a Normal Map node."""
    behind = upstream(Plug(normal.node.inputs["Color"], normal.groups))
    return next((spot for spot in behind if isinstance(spot.node, bpy.types.ShaderNodeTexImage)), None)


def is_wired(map_image: bpy.types.Image) -> bool:
    """Whether a Normal Map node of a material reads the map."""
    return any(_normal_nodes(map_image))


def read_as(map_image: bpy.types.Image, convention: str) -> None:
    """Tells the Normal Map nodes that read the map in which convention it is."""
    for node in _normal_nodes(map_image):
        for name, value in node_words(convention).items():
            if getattr(node, name) != value:  # setting it compiles the material's shader again
                setattr(node, name, value)


def _normal_nodes(map_image: bpy.types.Image) -> Iterator[Any]:
    """The nodes of materials, in groups too, that read the map and can be changed."""
    for material in bpy.data.materials:
        for spot in spots(material.node_tree):
            if (spot.node.bl_idname == "ShaderNodeNormalMap" and _shown_behind(spot) == map_image
                    and is_editable(tree_of(spot.node))):
                yield spot.node


def _shown_behind(normal: Spot) -> bpy.types.Image | None:
    behind = image_node(normal)
    return shown_in(behind.node) if behind else None
