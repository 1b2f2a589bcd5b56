"""Wire a height map to a material's displacement, or put a map into a material for the user to link."""

from __future__ import annotations

import math
from typing import Any

import bpy
import numpy as np

from ...core.errors import Message
from ...core.heights import MIDLEVEL
from .edits import NodeEdits, is_marked, link_across_groups, place_below
from .map_nodes import find_image_node, image_of_node, is_stale, upstream_image
from .mapping import mapping_of
from .materials import ensure_nodes, material_unavailable_reason
from .mesh_triangles import read_triangles
from .normal_map import WiringReport, copy_mapping
from .traversal import (
    NodeInstance,
    SocketInstance,
    editable_nodes,
    find_link_source,
    is_editable,
    node_instances,
    output_node_inputs,
    tree_inside,
    tree_of,
)


def add_image_node(material: bpy.types.Material, source: bpy.types.Image, map_image: bpy.types.Image) -> WiringReport:
    """Add an Image Texture with the map next to the source's, unless there is one; all or nothing."""
    with NodeEdits() as edits:
        tree = ensure_nodes(material, edits)
        trees = [tree_of(instance.node) for instance in node_instances(tree) if image_of_node(instance.node) == map_image]
        node = ensure_image_node(next(filter(is_editable, trees), tree), source, map_image, edits)
    names = {"map": map_image.name, "material": material.name, "node": node.name}
    if any(output.is_linked for output in node.outputs):
        return WiringReport(False, (Message("{map!r} is in the material {material!r} as the node {node!r}.", **names),))
    return WiringReport(False, (Message("{map!r} is in the material {material!r} as the node {node!r}, linked to nothing.",
                                        **names),))


def ensure_image_node(tree: bpy.types.NodeTree, source: bpy.types.Image, map_image: bpy.types.Image,
                      edits: NodeEdits) -> bpy.types.Node:
    """Return the tree's Image Texture with the map, a new one if need be, mapped like the first one with the source."""
    existing = next((node for node in tree.nodes if image_of_node(node) == map_image), None)
    texture = next((node for node in tree.nodes if image_of_node(node) == source), None)
    node = existing or edits.node(tree, "ShaderNodeTexImage")
    edits.set(node, "image", map_image)
    if texture is not None:
        copy_mapping(NodeInstance(texture), node, edits)
    if existing is None:
        place_below(node, texture)
    return node


def wire_displacement(material: bpy.types.Material, source: bpy.types.Image, map_image: bpy.types.Image, scale: float,
                      obj: bpy.types.Object | None, replace: bool) -> WiringReport:
    """Wire a height map to the Displacement of the material's outputs, or update its wiring.

    When that fails, the material stays as it was.

    Args:
        scale: the heights that the values 0 to 1 span, in shorter sides of the picture.
        obj: an object that has the material, by which the displacement's scale is found.
        replace: whether a displacement of the user's own, or by another picture's map, is replaced.
    """
    inputs, messages = find_displacement_inputs(material, map_image, replace)
    if messages and not inputs:
        return WiringReport(False, tuple(messages))
    with NodeEdits() as edits:
        tree = ensure_nodes(material, edits)
        inputs = inputs or output_node_inputs(tree, "Displacement")
        linked = [output.node_instance for input_socket in inputs if (output := find_link_source(input_socket).output)]
        reusable = [instance for instance in linked if _is_replaceable(instance, material, map_image)]
        displacement = reusable[0] if reusable else NodeInstance(edits.node(tree, "ShaderNodeDisplacement"))
        texture = next((instance for instance in node_instances(tree) if image_of_node(instance.node) == source), None)
        _link_map(displacement, texture, material, source, map_image, edits)
        if is_marked(displacement.node):
            edits.set(displacement.node.inputs["Midlevel"], "default_value", MIDLEVEL)
            edits.set(displacement.node.inputs["Scale"], "default_value",
                      scale * texture_side_length(texture, obj, material))
        if not reusable:
            output_location = inputs[0].node.location
            displacement.node.location = (output_location.x - 200, output_location.y - 200)
            if material.displacement_method == "BUMP":
                edits.set(material, "displacement_method", "DISPLACEMENT")
        for input_socket in inputs:
            existing = find_link_source(input_socket).output
            if existing is None or existing.node_instance != displacement:
                output = SocketInstance(displacement.node.outputs[0], displacement.groups)
                link_across_groups(output, input_socket, "Displacement", edits)
    messages.append(Message("Wired {map!r} to the displacement of the material {material!r}; it shows on meshes with "
                            "enough faces.", map=map_image.name, material=material.name))
    return WiringReport(True, tuple(messages))


def find_displacement_inputs(material: bpy.types.Material, map_image: bpy.types.Image | None,
                             replace: bool) -> tuple[list[SocketInstance], list[Message]]:
    """Find the Displacement inputs of the material's outputs to which the map can be linked.

    Args:
        map_image: None where it is still to be made.
        replace: as for `wire_displacement`.

    Returns:
        The inputs, and messages about those that stay as they are; both empty for a material without nodes.
    """
    reason = material_unavailable_reason(material)
    if reason:
        return [], [reason]
    inputs = output_node_inputs(material.node_tree, "Displacement")
    if material.node_tree is not None and not inputs:
        return [], [Message("The material {material!r} has no output, so nothing is displaced.", material=material.name)]
    kept: dict[SocketInstance, Message] = {}
    for input_socket in inputs:
        existing = find_link_source(input_socket).output
        if existing is not None and not replace and not _is_replaceable(existing.node_instance, material, map_image):
            output = input_socket.node if len(inputs) > 1 else None
            kept[input_socket] = _kept_message(material, output, upstream_image(existing.node_instance))
    return [input_socket for input_socket in inputs if input_socket not in kept], list(kept.values())


def _kept_message(
    material: bpy.types.Material, output: bpy.types.Node | None, shown_image: bpy.types.Image | None
) -> Message:
    """Say which displacement stays.

    Args:
        output: the output node that has it, None where the material has only one.
        shown_image: the image that feeds it, if any.
    """
    if shown_image is not None and output is not None:
        return Message("The output {output!r} of the material {material!r} keeps the displacement by {image!r}; set Replace "
                       "to wire the new map instead.", output=output.name, material=material.name, image=shown_image.name)
    if shown_image is not None:
        return Message("The material {material!r} keeps the displacement by {image!r}; set Replace to wire the new map "
                       "instead.", material=material.name, image=shown_image.name)
    if output is not None:
        return Message("The output {output!r} of the material {material!r} keeps its own displacement; set Replace to wire "
                       "the new map instead.", output=output.name, material=material.name)
    return Message("The material {material!r} keeps its own displacement; set Replace to wire the new map instead.",
                   material=material.name)


def _is_replaceable(instance: NodeInstance, material: bpy.types.Material, map_image: bpy.types.Image | None) -> bool:
    """Whether a node is a Displacement that reads this map, or one made here that reads no image or a stale map."""
    if instance.node.bl_idname != "ShaderNodeDisplacement" or not is_editable(tree_of(instance.node)):
        return False
    texture_node = find_image_node(instance)
    shown_image = image_of_node(texture_node.node) if texture_node else None
    if shown_image is None:
        return is_marked(instance.node)
    return shown_image == map_image or (is_marked(instance.node) and is_stale(shown_image, material))


def _link_map(displacement: NodeInstance, texture: NodeInstance | None, material: bpy.types.Material,
              source: bpy.types.Image, map_image: bpy.types.Image, edits: NodeEdits) -> None:
    """Let a Displacement node read the map, through the Image Texture that it has or one next to the source's."""
    texture_node = find_image_node(displacement)
    if texture_node is not None:
        edits.set(texture_node.node, "image", map_image)
        if texture is not None and tree_of(texture_node.node) == tree_of(texture.node):
            copy_mapping(texture, texture_node.node, edits)
        return
    groups = texture.groups if texture is not None and is_editable(tree_of(texture.node)) else ()
    image = ensure_image_node(tree_inside(groups, material), source, map_image, edits)
    height = SocketInstance(displacement.node.inputs["Height"], displacement.groups)
    link_across_groups(SocketInstance(image.outputs["Color"], groups), height, "Height", edits)


def rescale_displacement(map_image: bpy.types.Image, before: float, now: float) -> None:
    """Adjust the scale of the Displacement nodes made here when the heights that the map's values span change."""
    for node in _displacement_nodes(map_image):
        if before > 0:
            node.inputs["Scale"].default_value *= now / before


def texture_side_length(texture: NodeInstance | None, obj: bpy.types.Object | None, material: bpy.types.Material) -> float:
    """Return the side length of a texture's picture on an object with the material, in the object's units.

    1 where the UV layer or the faces that show it are unknown.
    """
    if texture is None:
        return texture_world_size(obj, material)
    mapping = mapping_of(texture)
    repeats = math.sqrt(abs(float(np.linalg.det(mapping.matrix))))  # per unit of the coordinates
    side = texture_world_size(obj, material, mapping.uv_layer) if mapping.uv_layer is not None else 1.0
    return side / repeats if repeats > 0 else 1.0


def texture_world_size(obj: bpy.types.Object | None, material: bpy.types.Material, uv_layer: str = "") -> float:
    """Return the length of a unit of UV coordinates on the faces that have the material, in the object's units.

    It is the square root of area by UV area, summed over the faces; 1 where there are no such faces, or no layer.

    Args:
        uv_layer: its name; where no layer has it, the one that is rendered counts.
    """
    triangles = read_triangles(obj, material, uv_layer) if obj is not None else None
    if triangles is None:
        return 1.0
    a, b, c = np.moveaxis(triangles.uv, 1, 0)
    (x1, y1), (x2, y2) = (b - a).T, (c - a).T
    uv_area = float(np.abs(x1 * y2 - y1 * x2).sum()) / 2
    area = float(triangles.areas.sum())
    return math.sqrt(area / uv_area) if area > 0 and uv_area > 0 else 1.0


def _displacement_nodes(map_image: bpy.types.Image) -> set[Any]:
    """Return the Displacement nodes made here that read the map, a node in a shared group once."""
    return {instance.node for material in bpy.data.materials for instance in editable_nodes(material)
            if instance.node.bl_idname == "ShaderNodeDisplacement" and is_marked(instance.node)
            and (texture_node := find_image_node(instance)) is not None and image_of_node(texture_node.node) == map_image}
