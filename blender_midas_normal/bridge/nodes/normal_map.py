"""Wire a normal map into a material: Image Texture -> Normal Map -> the Normal of each shader that the source feeds."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ...core.errors import Message
from .edits import NodeEdits, link_across_groups, place_below, place_node
from .map_nodes import convention_messages, image_of_node
from .mapping import apply_transforms, reads_through_transforms, transforms_of
from .materials import ensure_nodes, material_unavailable_reason
from .traversal import (
    NodeInstance,
    SocketInstance,
    find_link_source,
    is_normal_shader,
    linked_output,
    node_instances,
    output_node_inputs,
    surface_inputs,
    tree_inside,
    tree_of,
)
from .wiring_plan import WiringTarget, plan_wiring

COPIED_NODE_PROPERTIES = ("projection", "projection_blend", "extension")

COPIED_MAPPING_PROPERTIES = ("vector_type", "translation", "rotation", "scale", "min", "max", "use_min", "use_max",
                             "mapping_x", "mapping_y", "mapping_z", "mapping")

COPIED_FRAME_PROPERTIES = ("frame_start", "frame_offset", "frame_duration", "use_cyclic", "use_auto_refresh")
"""Properties that the map's Image Texture copies from the source's: its own, those of its texture mapping, of its frames."""


@dataclass(frozen=True)
class WiringReport:
    """What wiring a map did.

    done: whether the map is linked to at least one input.
    sentences: messages for the user.
    """

    done: bool
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True)
class MapNodes:
    """The Image Texture and the Normal Map node of a wired map."""

    image_node: bpy.types.Node
    normal_node: bpy.types.Node


def copy_mapping(texture: NodeInstance, image: bpy.types.Node, edits: NodeEdits) -> None:
    """Give an Image Texture the mapping and frames of another one in the same tree.

    Args:
        texture: the one to copy from.
        image: the one to change.
    """
    for name in COPIED_NODE_PROPERTIES:
        edits.set(image, name, getattr(texture.node, name))
    closest = texture.node.interpolation == "Closest"  # type: ignore[attr-defined]
    edits.set(image, "interpolation", "Closest" if closest else "Linear")
    for part, names in (("texture_mapping", COPIED_MAPPING_PROPERTIES), ("image_user", COPIED_FRAME_PROPERTIES)):
        for name in names:
            edits.set(getattr(image, part), name, getattr(getattr(texture.node, part), name))
    vector = linked_output(texture.node.inputs["Vector"])
    if vector:
        edits.link(vector, image.inputs["Vector"])
    else:
        edits.unlink(image.inputs["Vector"])


def has_same_mapping(texture: bpy.types.Node, image: bpy.types.Node) -> bool:
    """Whether two Image Textures in the same tree have the same mapping."""
    has_same_own = all(getattr(texture.texture_mapping, name) == getattr(image.texture_mapping, name)  # type: ignore[attr-defined]
                       for name in COPIED_MAPPING_PROPERTIES)
    return (has_same_own and all(getattr(texture, name) == getattr(image, name) for name in COPIED_NODE_PROPERTIES)
            and linked_output(texture.inputs["Vector"]) == linked_output(image.inputs["Vector"]))


def wire_normal_map(
    material: bpy.types.Material,
    source: bpy.types.Image,
    map_image: bpy.types.Image,
    convention: str = "OPENGL",
    replace: bool = False,
    is_one_of_many: bool = False,
) -> WiringReport:
    """Wire the map into the material, or update its wiring; when that fails, the material stays as it was.

    A ControlNet map is never wired, because it would shade black.

    Args:
        convention: that of the map.
        replace: whether a user's own normal maps are replaced.
        is_one_of_many: as for `plan_wiring`.
    """
    if convention == "CONTROLNET":
        return WiringReport(False, (Message("A ControlNet map is not wired, because Blender would shade it black; choose "
                                            "OPENGL for a map to be wired."),))
    reason = material_unavailable_reason(material)
    if reason:
        return WiringReport(False, (reason,))
    with NodeEdits() as edits:
        if not is_one_of_many:
            _ensure_shader(material, edits)
        targets, messages = plan_wiring(material, source, map_image, convention, replace, is_one_of_many)
        for target in targets:
            _wire_target(target, material, map_image, convention, edits)
    if targets:
        messages.append(Message("Wired {map!r} to {shaders} of the material {material!r}.", map=map_image.name,
                                shaders=_shader_names(targets), material=material.name))
        messages += convention_messages(convention)
    return WiringReport(bool(targets), tuple(messages))


def _shader_names(targets: list[WiringTarget]) -> str:
    return ", ".join(dict.fromkeys(repr(target.shader.node.name) for target in targets))


def _ensure_shader(material: bpy.types.Material, edits: NodeEdits) -> None:
    """Add a Principled BSDF to a material that has no shader, unless it is a volume without a surface."""
    tree = ensure_nodes(material, edits)
    surfaces = surface_inputs(tree)
    if any(find_link_source(socket).output for socket in (*surfaces, *output_node_inputs(tree, "Volume"))):
        return
    if any(is_normal_shader(instance.node) for instance in node_instances(tree)):
        return
    sockets = [surface.socket for surface in surfaces]
    sockets = sockets or [edits.node(tree, "ShaderNodeOutputMaterial").inputs["Surface"]]
    output = sockets[0].node
    principled = edits.node(tree, "ShaderNodeBsdfPrincipled")
    principled.location = (output.location.x - 300, output.location.y)  # type: ignore[union-attr]
    for socket in sockets:
        edits.link(principled.outputs[0], socket)


def _find_shareable_nodes(target: WiringTarget, tree: bpy.types.NodeTree, map_image: bpy.types.Image) -> MapNodes | None:
    """Find nodes with the map in the tree that this shader can use too: those made for the same texture.

    Where the source has several textures in the tree, the one with the same mapping counts.
    """
    source = image_of_node(target.texture.node) if target.texture else None
    is_only = sum(image_of_node(node) == source for node in tree.nodes) < 2
    image_nodes = [node for node in tree.nodes if image_of_node(node) == map_image]
    normal_nodes = [node for node in tree.nodes if node.bl_idname == "ShaderNodeNormalMap"]
    for image_node in image_nodes:
        if is_only or _has_mapping_of_target(image_node, target):
            for normal_node in normal_nodes:
                if reads_through_transforms(normal_node, image_node):
                    return MapNodes(image_node, normal_node)
    return None


def _has_mapping_of_target(image_node: bpy.types.Node, target: WiringTarget) -> bool:
    if target.texture is None:
        return linked_output(image_node.inputs["Vector"]) is None
    return has_same_mapping(target.texture.node, image_node)


def _wire_target(
    target: WiringTarget, material: bpy.types.Material, map_image: bpy.types.Image, convention: str, edits: NodeEdits
) -> None:
    """Make what the plan says of one shader: nodes, their properties, links, mapping and transforms."""
    map_nodes = _ensure_map_nodes(target, material, map_image, edits)
    edits.set(map_nodes.image_node, "image", map_image)
    for name, value in target.required_properties(convention).items():
        edits.set(map_nodes.normal_node, name, value)
    if target.image_node is None and target.normal_node is None:
        normal = SocketInstance(map_nodes.normal_node.outputs["Normal"], target.groups)
        link_across_groups(normal, target.input_socket, "Normal", edits)
    elif target.image_node is None:
        colour = SocketInstance(map_nodes.image_node.outputs["Color"], target.groups)
        link_across_groups(colour, target.input_socket, "Normal Map", edits)
    if target.texture and target.can_copy_mapping:
        copy_mapping(target.texture, map_nodes.image_node, edits)
        apply_transforms(target.normal_node or NodeInstance(map_nodes.normal_node, target.groups), map_nodes.image_node,
                         transforms_of(target.texture, convention), edits)


def _ensure_map_nodes(target: WiringTarget, material: bpy.types.Material, map_image: bpy.types.Image,
                      edits: NodeEdits) -> MapNodes:
    """Return the nodes that the shader has already, else those of another shader, else new ones."""
    tree = tree_inside(target.groups, material)
    if target.normal_node is None:
        return _find_shareable_nodes(target, tree, map_image) or _add_map_nodes(target, tree, map_image, edits)
    image_node = target.image_node.node if target.image_node else _ensure_image_node(target, tree, map_image, edits)
    return MapNodes(image_node, target.normal_node.node)


def _add_map_nodes(target: WiringTarget, tree: bpy.types.NodeTree, map_image: bpy.types.Image, edits: NodeEdits) -> MapNodes:
    image = _find_unlinked_image_node(tree, map_image) or edits.node(tree, "ShaderNodeTexImage")
    normal = edits.node(tree, "ShaderNodeNormalMap")
    edits.link(image.outputs["Color"], normal.inputs["Color"])
    shader = target.input_socket.node if target.input_socket.tree == tree else None
    place_node(image, normal, _texture_node_in(tree, target), shader)
    return MapNodes(image, normal)


def _ensure_image_node(target: WiringTarget, tree: bpy.types.NodeTree, map_image: bpy.types.Image,
                       edits: NodeEdits) -> bpy.types.Node:
    """Return an Image Texture with the map that an existing Normal Map node can read, a new one if need be."""
    image = _find_unlinked_image_node(tree, map_image)
    if image is None:
        image = edits.node(tree, "ShaderNodeTexImage")
        place_below(image, _texture_node_in(tree, target))
    return image


def _find_unlinked_image_node(tree: bpy.types.NodeTree, map_image: bpy.types.Image) -> bpy.types.Node | None:
    """Find an Image Texture with the map that is linked to nothing; a muted link does not count."""
    return next((node for node in tree.nodes if image_of_node(node) == map_image
                 and all(link.is_muted for link in node.outputs["Color"].links or ())), None)


def _texture_node_in(tree: bpy.types.NodeTree, target: WiringTarget) -> bpy.types.Node | None:
    return target.texture.node if target.texture and tree_of(target.texture.node) == tree else None
