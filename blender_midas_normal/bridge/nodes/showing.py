"""The nodes that show a map, and how they read it."""

from __future__ import annotations

from typing import Any

import bpy

from .graph import Plug, Spot, upstream
from .materials import editable_spots


def node_has_convention() -> bool:
    """Whether this Blender's Normal Map node can read DirectX maps (5.1 and newer); else the pixels must be flipped."""
    return "convention" in bpy.types.ShaderNodeNormalMap.bl_rna.properties


def readable_conventions() -> tuple[str, ...]:
    """The conventions in which this Blender's Normal Map node can read maps."""
    return ("OPENGL", "OBJECT", "DIRECTX") if node_has_convention() else ("OPENGL", "OBJECT")


def node_words(convention: str) -> dict[str, str]:
    """The properties of a Normal Map node that reads maps in the convention, with their values."""
    words = {"space": "OBJECT" if convention == "OBJECT" else "TANGENT"}
    if node_has_convention():
        words["convention"] = "DIRECTX" if convention == "DIRECTX" else "OPENGL"
    return words


def about_convention(convention: str) -> tuple[str, ...]:
    """Sentences for the user about a wired map that is not in the convention which exporters take it to be in.

    Seen in 5.2: those of glTF and USD, whose formats know OpenGL only, write the pixels as they are whatever the node says.
    """
    if convention == "DIRECTX" and node_has_convention():
        return ("The Normal Map node reads the map as DirectX, so its pixels stay as they are, also in exported files "
                "(glTF, USD), where they would have to be OpenGL; choose OPENGL for a material to be exported.",)
    if convention == "OBJECT":
        return ("The map is in object space, which is right on planes that lie in their object's XY plane, but not in "
                "exported files (glTF, FBX, USD); choose OPENGL for a material to be exported.",)
    return ()


def shown_in(node: bpy.types.Node | None) -> bpy.types.Image | None:
    """The image of an Image Texture; None for any other node."""
    return node.image if isinstance(node, bpy.types.ShaderNodeTexImage) else None


def image_node(reader: Spot) -> Spot | None:
    """The nearest Image Texture that feeds the Color of a Normal Map node, or the Height of a Displacement node."""
    name = "Color" if reader.node.bl_idname == "ShaderNodeNormalMap" else "Height"
    behind = upstream(Plug(reader.node.inputs[name], reader.groups))
    return next((spot for spot in behind if isinstance(spot.node, bpy.types.ShaderNodeTexImage)), None)


def is_wired(map_image: bpy.types.Image) -> bool:
    """Whether a Normal Map node of a material reads the map."""
    return any(map_image in images for images in _readers().values())


def can_read(map_image: bpy.types.Image, convention: str) -> bool:
    """Whether all Normal Map nodes that read the map do so in the convention, or can be told to."""
    if convention not in readable_conventions():
        return False
    fixed = [node for node, images in _readers().items() if map_image in images and images != {map_image}]
    return all(getattr(node, name) == value for node in fixed for name, value in node_words(convention).items())


def reads_only(node: bpy.types.Node, map_image: bpy.types.Image | None) -> bool:
    """Whether a Normal Map node reads the map in all materials: in a group, it may read several pictures."""
    return _readers().get(node) == {map_image}


def read_as(map_image: bpy.types.Image, convention: str) -> None:
    """Tells the Normal Map nodes that read the map, and no other picture, in which convention it is."""
    for node in (node for node, images in _readers().items() if images == {map_image}):
        for name, value in node_words(convention).items():
            if getattr(node, name) != value:  # setting it compiles the material's shader again
                setattr(node, name, value)


def _readers() -> dict[Any, set[bpy.types.Image | None]]:
    """The Normal Map nodes of materials that can be changed, with the images that each reads; None stands for none."""
    readers: dict[Any, set[bpy.types.Image | None]] = {}
    for material in bpy.data.materials:
        for spot in editable_spots(material):
            if spot.node.bl_idname == "ShaderNodeNormalMap":
                behind = image_node(spot)
                readers.setdefault(spot.node, set()).add(shown_in(behind.node) if behind else None)
    return readers
