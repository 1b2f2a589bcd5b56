"""A height map wired to a material's displacement, as high as it is on the object."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

from ...core.displacement import MIDDLE
from .attaching import ensure_image_node
from .changes import Changes, is_marked
from .graph import Plug, direct, input_of_output, spots, tree_of, upstream
from .materials import is_editable, nodes_of
from .showing import shown_in
from .wiring import WiringReport


def displace(material: bpy.types.Material, source: bpy.types.Image, map_image: bpy.types.Image, scale: float,
             thing: bpy.types.Object | None, replace: bool) -> WiringReport:
    """Wires the map to the output's Displacement, or updates the wiring; nothing stays half done.

    scale: of the map's heights, in shorter sides of the picture; thing: an object that wears the material.
    replace: a displacement of the user's own gives way.
    """
    reason = _reason_against(material, replace)
    if reason:
        return WiringReport(False, (reason,))
    with Changes() as changes:
        tree = nodes_of(material, changes)
        end = _end(tree)
        assert end is not None
        there = direct(end)
        ours = there is not None and is_marked(there.node)  # type: ignore[arg-type]
        node: Any = there.node if ours else changes.node(tree, "ShaderNodeDisplacement")  # type: ignore[union-attr]
        texture = ensure_image_node(tree, source, map_image, changes)
        changes.set(node.inputs["Midlevel"], "default_value", MIDDLE)
        changes.set(node.inputs["Scale"], "default_value", scale * side_on(thing))
        if not ours:
            node.location = (end.node.location.x - 200, end.node.location.y - 200)  # type: ignore[union-attr]
            if material.displacement_method == "BUMP":
                changes.set(material, "displacement_method", "DISPLACEMENT")
        changes.link(texture.outputs["Color"], node.inputs["Height"])
        changes.link(node.outputs[0], end)
    return WiringReport(True, (f"Wired {map_image.name!r} to the displacement of the material {material.name!r}; it shows "
                               "on meshes with enough faces.",))


def _reason_against(material: bpy.types.Material, replace: bool) -> str:
    """Why the material shall not be displaced; "" when nothing speaks against it, nor against one without any nodes yet."""
    end = _end(material.node_tree)
    if not is_editable(material) or (material.node_tree and end is None):
        return f"The material {material.name!r} has no output that can be changed, so nothing is displaced."
    there = direct(end) if end else None
    if there is not None and not is_marked(there.node) and not replace:  # type: ignore[arg-type]
        return f"The material {material.name!r} keeps its own displacement; set Replace to wire the new map instead."
    return ""


def _end(tree: bpy.types.NodeTree | None) -> bpy.types.NodeSocket | None:
    plug = input_of_output(tree, "Displacement")
    return plug.socket if plug else None


def rescale(map_image: bpy.types.Image, before: float, now: float) -> None:
    """The height map's values stand for other heights than before: the nodes made here that it feeds follow."""
    for node in _displacements(map_image):
        if before > 0:
            node.inputs["Scale"].default_value *= now / before


def side_on(thing: bpy.types.Object | None) -> float:
    """How long the side of a texture is on an object, in its own units: the root of its area for a UV area of 1.

    1 where there is no mesh with UV coordinates.
    """
    mesh: Any = thing.data if thing is not None and thing.type == "MESH" else None
    layer = mesh.uv_layers.active if mesh else None
    if layer is None or not len(layer.uv):
        return 1.0
    mesh.calc_loop_triangles()
    corners = _values(mesh.loop_triangles, "loops", 3, np.int32)
    a, b, c = np.moveaxis(_values(layer.uv, "vector", 2, np.float32)[corners], 1, 0)
    (x1, y1), (x2, y2) = (b - a).T, (c - a).T
    flat = float(np.abs(x1 * y2 - y1 * x2).sum()) / 2
    area = float(_values(mesh.loop_triangles, "area", 1, np.float32).sum())
    return math.sqrt(area / flat) if area > 0 and flat > 0 else 1.0


def _values(owner: Any, name: str, width: int, kind: type) -> np.ndarray:
    """A property of all items of one of Blender's collections, N x width."""
    values: np.ndarray = np.empty(len(owner) * width, kind)
    owner.foreach_get(name, values)
    return values.reshape(-1, width)


def _displacements(map_image: bpy.types.Image) -> Iterator[Any]:
    for material in bpy.data.materials:
        for spot in spots(material.node_tree):
            if spot.node.bl_idname == "ShaderNodeDisplacement" and is_marked(spot.node) and is_editable(tree_of(spot.node)):
                behind = upstream(Plug(spot.node.inputs["Height"], spot.groups))
                if any(shown_in(found.node) == map_image for found in behind):
                    yield spot.node
