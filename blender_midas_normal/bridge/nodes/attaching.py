"""A map put into a material as an Image Texture for the user to link: what it should do there is the user's choice."""

from __future__ import annotations

import bpy

from .alike import lie_alike
from .changes import Changes
from .graph import spots, tree_of
from .materials import nodes_of
from .placement import below
from .showing import shown_in
from .wiring import WiringReport


def attach(material: bpy.types.Material, source: bpy.types.Image, map_image: bpy.types.Image) -> WiringReport:
    """Adds an Image Texture with the map beside the source's, or leaves the one that is there; nothing stays half done."""
    with Changes() as changes:
        node = ensure_image_node(nodes_of(material, changes), source, map_image, changes)
    return WiringReport(False, (f"{map_image.name!r} is in the material {material.name!r} as the node {node.name!r}, "
                                "linked to nothing.",))


def ensure_image_node(tree: bpy.types.NodeTree, source: bpy.types.Image, map_image: bpy.types.Image,
                      changes: Changes) -> bpy.types.Node:
    """The Image Texture with the map that lies as the source's first one does, new where there is none.

    tree: a material's nodes.
    """
    there = next((spot for spot in spots(tree) if shown_in(spot.node) == map_image), None)
    texture = next((spot for spot in spots(tree) if shown_in(spot.node) == source), None)
    node = there.node if there else changes.node(tree, "ShaderNodeTexImage")
    changes.set(node, "image", map_image)
    if texture is not None and tree_of(node) == tree_of(texture.node):
        lie_alike(texture, node, changes)
    if there is None:
        below(node, texture.node if texture and tree_of(texture.node) == tree else None)
    return node
