"""A map put into a material as an Image Texture for the user to link: what it should do there is the user's choice."""

from __future__ import annotations

import bpy

from ...core.messages import Message
from .alike import lie_alike
from .changes import Changes
from .graph import Spot, spots, tree_of
from .materials import is_editable, nodes_of
from .placement import below
from .showing import shown_in
from .wiring import WiringReport


def attach(material: bpy.types.Material, source: bpy.types.Image, map_image: bpy.types.Image) -> WiringReport:
    """Adds an Image Texture with the map beside the source's, or leaves the one that is there; nothing stays half done."""
    with Changes() as changes:
        tree = nodes_of(material, changes)
        trees = [tree_of(spot.node) for spot in spots(tree) if shown_in(spot.node) == map_image]
        node = ensure_image_node(next(filter(is_editable, trees), tree), source, map_image, changes)
    names = {"map": map_image.name, "material": material.name, "node": node.name}
    if any(output.is_linked for output in node.outputs):
        return WiringReport(False, (Message("{map!r} is in the material {material!r} as the node {node!r}.", **names),))
    return WiringReport(False, (Message("{map!r} is in the material {material!r} as the node {node!r}, linked to nothing.",
                                        **names),))


def ensure_image_node(tree: bpy.types.NodeTree, source: bpy.types.Image, map_image: bpy.types.Image,
                      changes: Changes) -> bpy.types.Node:
    """The tree's Image Texture with the map, new where there is none, which lies as the source's first one there does."""
    there = next((node for node in tree.nodes if shown_in(node) == map_image), None)
    texture = next((node for node in tree.nodes if shown_in(node) == source), None)
    node = there or changes.node(tree, "ShaderNodeTexImage")
    changes.set(node, "image", map_image)
    if texture is not None:
        lie_alike(Spot(texture), node, changes)
    if there is None:
        below(node, texture)
    return node
