"""Whose the nodes are that feed a shader's Normal: the user's, or those of a map that this extension has wired."""

from __future__ import annotations

import bpy

from ..pixels import VIEWER_TYPES
from ..results import source_of
from .changes import is_marked
from .graph import Plug, Spot, feed, spots, upstream
from .showing import image_node, shown_in


def is_ours(spot: Spot, material: bpy.types.Material, map_image: bpy.types.Image | None) -> bool:
    """Whether a node is a Normal Map with this map, with none, or with the map of an image that the material lost."""
    if is_bare(spot):
        return True
    behind = image_node(spot) if spot.node.bl_idname == "ShaderNodeNormalMap" else None
    if behind is None:
        return False
    shown = shown_in(behind.node)
    if shown is None:
        return is_marked(behind.node)
    return shown == map_image or (is_marked(spot.node) and is_stale(shown, material))


def is_bare(spot: Spot) -> bool:
    """Whether a node is a Normal Map without anything to map."""
    return (spot.node.bl_idname == "ShaderNodeNormalMap"
            and feed(Plug(spot.node.inputs["Color"], spot.groups)).output is None)


def image_behind(spot: Spot) -> bpy.types.Image | None:
    """The first image that feeds a node."""
    for socket in spot.node.inputs:
        for found in upstream(Plug(socket, spot.groups)):
            if shown_in(found.node):
                return shown_in(found.node)
    return None


def is_stale(shown: bpy.types.Image, material: bpy.types.Material) -> bool:
    """Whether an image is the map of one that the material does not show any more."""
    source = source_of(shown)
    if source is None or source.type in VIEWER_TYPES:
        return False
    return all(shown_in(spot.node) != source for spot in spots(material.node_tree))
