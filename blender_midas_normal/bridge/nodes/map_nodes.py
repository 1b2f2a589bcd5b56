"""The nodes that show a map, how they read it, and whether they are the user's or were made here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

from ...core.errors import Message
from ..image_pixels import VIEWER_TYPES
from ..map_metadata import source_of
from .edits import Changes, is_marked
from .mapping import mirror, turning_nodes
from .traversal import NodeInstance, SocketInstance, editable_nodes, feed, node_instances, upstream


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


def about_convention(convention: str) -> tuple[Message, ...]:
    """Sentences for the user about a wired map that is not in the convention which exporters take it to be in.

    Seen in 5.2: those of glTF and USD, whose formats know OpenGL only, write the pixels as they are whatever the node says.
    """
    if convention == "DIRECTX" and node_has_convention():
        return (Message("The Normal Map node reads the map as DirectX, so its pixels stay as they are, also in exported "
                        "files (glTF, USD), where they would have to be OpenGL; choose OPENGL for a material to be "
                        "exported."),)
    if convention == "OBJECT":
        return (Message("The map is in object space, which is right on planes that lie in their object's XY plane, but not "
                        "in exported files (glTF, FBX, USD); choose OPENGL for a material to be exported."),)
    return ()


def image_of_node(node: bpy.types.Node | None) -> bpy.types.Image | None:
    """The image of an Image Texture; None for any other node."""
    return node.image if isinstance(node, bpy.types.ShaderNodeTexImage) else None


def image_node(reader: NodeInstance) -> NodeInstance | None:
    """The nearest Image Texture that feeds the Color of a Normal Map node, or the Height of a Displacement node."""
    name = "Color" if reader.node.bl_idname == "ShaderNodeNormalMap" else "Height"
    behind = upstream(SocketInstance(reader.node.inputs[name], reader.groups))
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
    readers, words = _readers(), node_words(convention)
    told = [(normal, image) for normal, image in _normals() if image and readers[normal.node] == {map_image}]
    mirrored = {turning for normal, image in told if getattr(normal.node, "convention", None) != words.get("convention")
                for turning in turning_nodes(normal, image.node)}
    with Changes() as changes:
        for node in mirrored:
            mirror(node, changes)
        for normal, _ in told:
            for name, value in words.items():
                changes.set(normal.node, name, value)


def _readers() -> dict[Any, set[bpy.types.Image | None]]:
    """The Normal Map nodes of materials that can be changed, with the images that each reads; None stands for none."""
    readers: dict[Any, set[bpy.types.Image | None]] = {}
    for normal, image in _normals():
        readers.setdefault(normal.node, set()).add(image_of_node(image.node) if image else None)
    return readers


def _normals() -> Iterator[tuple[NodeInstance, NodeInstance | None]]:
    """The Normal Map nodes of materials that can be changed, each with the Image Texture that it reads, if any."""
    for material in bpy.data.materials:
        for spot in editable_nodes(material):
            if spot.node.bl_idname == "ShaderNodeNormalMap":
                yield spot, image_node(spot)


def is_ours(spot: NodeInstance, material: bpy.types.Material, map_image: bpy.types.Image | None) -> bool:
    """Whether a node is a Normal Map with this map, with none, or with the map of an image that the material lost."""
    if is_unused(spot):
        return True
    behind = image_node(spot) if spot.node.bl_idname == "ShaderNodeNormalMap" else None
    if behind is None:
        return False
    shown = image_of_node(behind.node)
    if shown is None:
        return is_marked(behind.node)
    return shown == map_image or (is_marked(spot.node) and is_stale(shown, material))


def is_unused(spot: NodeInstance) -> bool:
    """Whether a node is a Normal Map without anything to map."""
    return (spot.node.bl_idname == "ShaderNodeNormalMap"
            and feed(SocketInstance(spot.node.inputs["Color"], spot.groups)).output is None)


def upstream_image(spot: NodeInstance) -> bpy.types.Image | None:
    """The first image that feeds a node."""
    for socket in spot.node.inputs:
        for found in upstream(SocketInstance(socket, spot.groups)):
            if image_of_node(found.node):
                return image_of_node(found.node)
    return None


def is_stale(shown: bpy.types.Image, material: bpy.types.Material) -> bool:
    """Whether an image is the map of one that the material does not show any more."""
    source = source_of(shown)
    if source is None or source.type in VIEWER_TYPES:
        return False
    return all(image_of_node(spot.node) != source for spot in node_instances(material.node_tree))
