"""Image Texture and Normal Map nodes that read a map: which read it, in which convention, and which may be replaced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

from ...core.errors import Message
from ..image_pixels import VIEWER_TYPES
from ..map_metadata import source_of
from .edits import NodeEdits, is_marked
from .mapping import mirror_transform, transform_nodes
from .traversal import NodeInstance, SocketInstance, editable_nodes, find_link_source, node_instances, upstream_nodes


def node_has_convention() -> bool:
    """Whether this Blender's Normal Map node can read DirectX maps (5.1 and newer); else the pixels must be flipped."""
    return "convention" in bpy.types.ShaderNodeNormalMap.bl_rna.properties


def readable_conventions() -> tuple[str, ...]:
    """Return the conventions in which this Blender's Normal Map node can read maps."""
    return ("OPENGL", "OBJECT", "DIRECTX") if node_has_convention() else ("OPENGL", "OBJECT")


def normal_map_properties(convention: str) -> dict[str, str]:
    """Return the names and values of the properties of a Normal Map node that reads maps in the convention."""
    properties = {"space": "OBJECT" if convention == "OBJECT" else "TANGENT"}
    if node_has_convention():
        properties["convention"] = "DIRECTX" if convention == "DIRECTX" else "OPENGL"
    return properties


def convention_messages(convention: str) -> tuple[Message, ...]:
    """Warn the user of a wired map whose convention exporters do not expect.

    The exporters of glTF and USD, formats that know OpenGL only, write the pixels as they are, whatever the node says
    (seen in Blender 5.2).
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
    """Return the image of an Image Texture, None for any other node."""
    return node.image if isinstance(node, bpy.types.ShaderNodeTexImage) else None


def find_image_node(reader: NodeInstance) -> NodeInstance | None:
    """Find the nearest Image Texture that feeds the Color of a Normal Map node, or the Height of a Displacement node."""
    name = "Color" if reader.node.bl_idname == "ShaderNodeNormalMap" else "Height"
    feeding = upstream_nodes(SocketInstance(reader.node.inputs[name], reader.groups))
    return next((instance for instance in feeding if isinstance(instance.node, bpy.types.ShaderNodeTexImage)), None)


def is_wired(map_image: bpy.types.Image) -> bool:
    """Whether a Normal Map node of a material reads the map."""
    return any(map_image in images for images in _images_by_normal_map().values())


def can_read(map_image: bpy.types.Image, convention: str) -> bool:
    """Whether all Normal Map nodes that read the map read it in the convention, or can be changed to."""
    if convention not in readable_conventions():
        return False
    fixed = [node for node, images in _images_by_normal_map().items() if map_image in images and images != {map_image}]
    return all(getattr(node, name) == value for node in fixed for name, value in normal_map_properties(convention).items())


def reads_only(node: bpy.types.Node, map_image: bpy.types.Image | None) -> bool:
    """Whether a Normal Map node reads the map in all materials; in a group, it may read several images."""
    return _images_by_normal_map().get(node) == {map_image}


def set_convention(map_image: bpy.types.Image, convention: str) -> None:
    """Set the convention of the Normal Map nodes that read the map and no other image."""
    images_by_node, properties = _images_by_normal_map(), normal_map_properties(convention)
    readers = [(normal, image) for normal, image in _normal_map_nodes()
               if image and images_by_node[normal.node] == {map_image}]
    changed = [(normal, image) for normal, image in readers
               if getattr(normal.node, "convention", None) != properties.get("convention")]
    mirrored = {node for normal, image in changed for node in transform_nodes(normal, image.node)}
    with NodeEdits() as edits:
        for node in mirrored:
            mirror_transform(node, edits)
        for normal, _ in readers:
            for name, value in properties.items():
                edits.set(normal.node, name, value)


def _images_by_normal_map() -> dict[Any, set[bpy.types.Image | None]]:
    """Map Normal Map nodes that can be changed to the images that each reads; None stands for no image."""
    images_by_node: dict[Any, set[bpy.types.Image | None]] = {}
    for normal, image in _normal_map_nodes():
        images_by_node.setdefault(normal.node, set()).add(image_of_node(image.node) if image else None)
    return images_by_node


def _normal_map_nodes() -> Iterator[tuple[NodeInstance, NodeInstance | None]]:
    """Yield the Normal Map nodes that can be changed, each with the Image Texture that it reads, None without one."""
    for material in bpy.data.materials:
        for instance in editable_nodes(material):
            if instance.node.bl_idname == "ShaderNodeNormalMap":
                yield instance, find_image_node(instance)


def is_replaceable(instance: NodeInstance, material: bpy.types.Material, map_image: bpy.types.Image | None) -> bool:
    """Whether a node is a Normal Map that reads this map, no image, or a map whose source the material no longer shows."""
    if is_unused(instance):
        return True
    texture = find_image_node(instance) if instance.node.bl_idname == "ShaderNodeNormalMap" else None
    if texture is None:
        return False
    image = image_of_node(texture.node)
    if image is None:
        return is_marked(texture.node)
    return image == map_image or (is_marked(instance.node) and is_stale(image, material))


def is_unused(instance: NodeInstance) -> bool:
    """Whether a node is a Normal Map whose Color is linked to nothing."""
    return (instance.node.bl_idname == "ShaderNodeNormalMap"
            and find_link_source(SocketInstance(instance.node.inputs["Color"], instance.groups)).output is None)


def upstream_image(instance: NodeInstance) -> bpy.types.Image | None:
    """Find the first image that feeds a node."""
    for socket in instance.node.inputs:
        for upstream in upstream_nodes(SocketInstance(socket, instance.groups)):
            if image_of_node(upstream.node):
                return image_of_node(upstream.node)
    return None


def is_stale(image: bpy.types.Image, material: bpy.types.Material) -> bool:
    """Whether an image is the map of a source that the material no longer shows."""
    source = source_of(image)
    if source is None or source.type in VIEWER_TYPES:
        return False
    return all(image_of_node(instance.node) != source for instance in node_instances(material.node_tree))
