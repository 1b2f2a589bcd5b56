"""Wire a height map to a material's displacement, or put a map into a material for the user to link."""

from __future__ import annotations

import math
from typing import Any

import bpy
import numpy as np

from ...core.errors import Message
from ...core.heights import MIDLEVEL
from .edits import Changes, below, is_marked, link_across_groups
from .map_nodes import image_node, image_of_node, is_stale, upstream_image
from .mapping import mapping_of
from .materials import nodes_of, unavailable_reason
from .normal_map import WiringReport, copy_mapping
from .traversal import (
    NodeInstance,
    SocketInstance,
    editable_nodes,
    feed,
    inputs_of_outputs,
    is_editable,
    node_instances,
    tree_inside,
    tree_of,
)


def attach(material: bpy.types.Material, source: bpy.types.Image, map_image: bpy.types.Image) -> WiringReport:
    """Adds an Image Texture with the map beside the source's, or leaves the one that is there; nothing stays half done."""
    with Changes() as changes:
        tree = nodes_of(material, changes)
        trees = [tree_of(spot.node) for spot in node_instances(tree) if image_of_node(spot.node) == map_image]
        node = ensure_image_node(next(filter(is_editable, trees), tree), source, map_image, changes)
    names = {"map": map_image.name, "material": material.name, "node": node.name}
    if any(output.is_linked for output in node.outputs):
        return WiringReport(False, (Message("{map!r} is in the material {material!r} as the node {node!r}.", **names),))
    return WiringReport(False, (Message("{map!r} is in the material {material!r} as the node {node!r}, linked to nothing.",
                                        **names),))


def ensure_image_node(tree: bpy.types.NodeTree, source: bpy.types.Image, map_image: bpy.types.Image,
                      changes: Changes) -> bpy.types.Node:
    """The tree's Image Texture with the map, new where there is none, which lies as the source's first one there does."""
    there = next((node for node in tree.nodes if image_of_node(node) == map_image), None)
    texture = next((node for node in tree.nodes if image_of_node(node) == source), None)
    node = there or changes.node(tree, "ShaderNodeTexImage")
    changes.set(node, "image", map_image)
    if texture is not None:
        copy_mapping(NodeInstance(texture), node, changes)
    if there is None:
        below(node, texture)
    return node


def displace(material: bpy.types.Material, source: bpy.types.Image, map_image: bpy.types.Image, scale: float,
             thing: bpy.types.Object | None, replace: bool) -> WiringReport:
    """Wires the map to the Displacement of the material's outputs, or updates the wiring; nothing stays half done.

    scale: of the map's heights, in shorter sides of the picture; thing: an object that has the material.
    replace: a displacement of the user's own, or by another picture's map, gives way.
    """
    ends, sentences = ends_to_displace(material, map_image, replace)
    if sentences and not ends:
        return WiringReport(False, tuple(sentences))
    with Changes() as changes:
        tree = nodes_of(material, changes)
        ends = ends or inputs_of_outputs(tree, "Displacement")
        ours = [output.spot for end in ends if (output := feed(end).output) and _is_ours(output.spot, material, map_image)]
        displacement = ours[0] if ours else NodeInstance(changes.node(tree, "ShaderNodeDisplacement"))
        texture = next((spot for spot in node_instances(tree) if image_of_node(spot.node) == source), None)
        _read(displacement, texture, material, source, map_image, changes)
        if is_marked(displacement.node):
            changes.set(displacement.node.inputs["Midlevel"], "default_value", MIDLEVEL)
            changes.set(displacement.node.inputs["Scale"], "default_value", scale * side_of(texture, thing, material))
        if not ours:
            beside = ends[0].spot.node.location
            displacement.node.location = (beside.x - 200, beside.y - 200)
            if material.displacement_method == "BUMP":
                changes.set(material, "displacement_method", "DISPLACEMENT")
        for end in ends:
            there = feed(end).output
            if there is None or there.spot != displacement:
                link_across_groups(SocketInstance(
                    displacement.node.outputs[0], displacement.groups), end, "Displacement", changes)
    sentences.append(Message("Wired {map!r} to the displacement of the material {material!r}; it shows on meshes with "
                             "enough faces.", map=map_image.name, material=material.name))
    return WiringReport(True, tuple(sentences))


def ends_to_displace(material: bpy.types.Material, map_image: bpy.types.Image | None,
                     replace: bool) -> tuple[list[SocketInstance], list[Message]]:
    """The inputs of the material's outputs that can have the map, and sentences about those that cannot and why.

    Both are empty for a material without any nodes yet.  map_image: None for one that is still to be made.
    """
    reason = unavailable_reason(material)
    if reason:
        return [], [reason]
    ends = inputs_of_outputs(material.node_tree, "Displacement")
    if material.node_tree is not None and not ends:
        return [], [Message("The material {material!r} has no output, so nothing is displaced.", material=material.name)]
    kept: dict[SocketInstance, Message] = {}
    for end in ends:
        there = feed(end).output
        if there is not None and not replace and not _is_ours(there.spot, material, map_image):
            kept[end] = _why_kept(material, end.spot.node if len(ends) > 1 else None, upstream_image(there.spot))
    return [end for end in ends if end not in kept], list(kept.values())


def _why_kept(material: bpy.types.Material, output: bpy.types.Node | None, shown: bpy.types.Image | None) -> Message:
    """Say which displacement stays; output: the one that has it, where there are several; shown: the image in it, if any."""
    if shown is not None and output is not None:
        return Message("The output {output!r} of the material {material!r} keeps the displacement by {image!r}; set Replace "
                       "to wire the new map instead.", output=output.name, material=material.name, image=shown.name)
    if shown is not None:
        return Message("The material {material!r} keeps the displacement by {image!r}; set Replace to wire the new map "
                       "instead.", material=material.name, image=shown.name)
    if output is not None:
        return Message("The output {output!r} of the material {material!r} keeps its own displacement; set Replace to wire "
                       "the new map instead.", output=output.name, material=material.name)
    return Message("The material {material!r} keeps its own displacement; set Replace to wire the new map instead.",
                   material=material.name)


def _is_ours(spot: NodeInstance, material: bpy.types.Material, map_image: bpy.types.Image | None) -> bool:
    """Whether a node is a Displacement with this map, or one made here that has none, or that of an image that is gone."""
    if spot.node.bl_idname != "ShaderNodeDisplacement" or not is_editable(tree_of(spot.node)):
        return False
    behind = image_node(spot)
    shown = image_of_node(behind.node) if behind else None
    if shown is None:
        return is_marked(spot.node)
    return shown == map_image or (is_marked(spot.node) and is_stale(shown, material))


def _read(displacement: NodeInstance, texture: NodeInstance | None, material: bpy.types.Material, source: bpy.types.Image,
          map_image: bpy.types.Image, changes: Changes) -> None:
    """The Displacement reads the map by the Image Texture that it has, or one beside the source's, if any."""
    behind = image_node(displacement)
    if behind is not None:
        changes.set(behind.node, "image", map_image)
        if texture is not None and tree_of(behind.node) == tree_of(texture.node):
            copy_mapping(texture, behind.node, changes)
        return
    groups = texture.groups if texture is not None and is_editable(tree_of(texture.node)) else ()
    image = ensure_image_node(tree_inside(groups, material), source, map_image, changes)
    height = SocketInstance(displacement.node.inputs["Height"], displacement.groups)
    link_across_groups(SocketInstance(image.outputs["Color"], groups), height, "Height", changes)


def rescale(map_image: bpy.types.Image, before: float, now: float) -> None:
    """The height map's values stand for other heights than before: the nodes made here that it feeds follow."""
    for node in _displacements(map_image):
        if before > 0:
            node.inputs["Scale"].default_value *= now / before


def side_of(texture: NodeInstance | None, thing: bpy.types.Object | None, material: bpy.types.Material) -> float:
    """How long the side of a texture's picture is on an object that has the material, in the object's own units.

    1 where that cannot be told.
    """
    if texture is None:
        return texture_world_size(thing, material)
    mapping = mapping_of(texture)
    pictures = math.sqrt(abs(float(np.linalg.det(mapping.matrix))))  # in a unit of the coordinates
    side = texture_world_size(thing, material, mapping.uv_layer) if mapping.uv_layer is not None else 1.0
    return side / pictures if pictures > 0 else 1.0


def texture_world_size(thing: bpy.types.Object | None, material: bpy.types.Material, uv_layer: str = "") -> float:
    """How long a unit of UV coordinates is on the faces of an object that have the material, in the object's own units.

    The root of their area for a UV area of 1.  1 where there are no such faces, or no layer.
    uv_layer: its name; without one of that name, the layer that is rendered.
    """
    mesh: Any = thing.data if thing is not None and thing.type == "MESH" else None
    layers = {layer.name: layer for layer in mesh.uv_layers} if mesh else {}
    layer = layers.get(uv_layer) or next((layer for layer in layers.values() if layer.active_render), None)
    if layer is None or not len(layer.uv):
        return 1.0
    mesh.calc_loop_triangles()
    slots = [number for number, slot in enumerate(thing.material_slots)  # type: ignore[union-attr]
             if slot.material == material]
    is_counted = np.isin(_values(mesh.loop_triangles, "material_index", 1, np.int32)[:, 0], slots)
    corners = _values(mesh.loop_triangles, "loops", 3, np.int32)[is_counted]
    a, b, c = np.moveaxis(_values(layer.uv, "vector", 2, np.float32)[corners], 1, 0)
    (x1, y1), (x2, y2) = (b - a).T, (c - a).T
    flat = float(np.abs(x1 * y2 - y1 * x2).sum()) / 2
    area = float(_values(mesh.loop_triangles, "area", 1, np.float32)[is_counted].sum())
    return math.sqrt(area / flat) if area > 0 and flat > 0 else 1.0


def _values(owner: Any, name: str, width: int, kind: type) -> np.ndarray:
    """A property of all items of one of Blender's collections, N x width."""
    values: np.ndarray = np.empty(len(owner) * width, kind)
    owner.foreach_get(name, values)
    return values.reshape(-1, width)


def _displacements(map_image: bpy.types.Image) -> set[Any]:
    """The nodes made here that read the map; one in a group, which several materials may use, is one."""
    return {spot.node for material in bpy.data.materials for spot in editable_nodes(material)
            if spot.node.bl_idname == "ShaderNodeDisplacement" and is_marked(spot.node)
            and (behind := image_node(spot)) is not None and image_of_node(behind.node) == map_image}
