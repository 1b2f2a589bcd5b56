"""Read the triangles of those faces of a mesh that have a material, with their UVs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...core.arrays import Array


@dataclass(frozen=True)
class MeshTriangles:
    """The triangles of some faces of a mesh: uv N x 3 x 2 float32, vertices N x 3 numbers, areas N in the object's units."""

    uv: Array
    vertices: NDArray[np.int32]
    areas: Array


def read_triangles(obj: bpy.types.Object, material: bpy.types.Material, uv_layer: str = "") -> MeshTriangles | None:
    """Read the triangles of an object's faces that have a material; None where it is no mesh, or has no such layer.

    Args:
        uv_layer: its name; where no layer has it, the one that is rendered counts.
    """
    mesh: Any = obj.data if obj.type == "MESH" else None
    layers = {layer.name: layer for layer in mesh.uv_layers} if mesh else {}
    layer = layers.get(uv_layer) or next((layer for layer in layers.values() if layer.active_render), None)
    if layer is None or not len(layer.uv):
        return None
    mesh.calc_loop_triangles()
    slots = [number for number, slot in enumerate(obj.material_slots) if slot.material == material]
    has_material = np.isin(property_array(mesh.loop_triangles, "material_index", 1, np.int32)[:, 0], slots)
    corners = property_array(mesh.loop_triangles, "loops", 3, np.int32)[has_material]
    return MeshTriangles(property_array(layer.uv, "vector", 2, np.float32)[corners],
                         property_array(mesh.loop_triangles, "vertices", 3, np.int32)[has_material],
                         property_array(mesh.loop_triangles, "area", 1, np.float32)[has_material, 0])


def property_array(owner: Any, name: str, width: int, dtype: type) -> NDArray:
    """Read a property of all items of one of Blender's collections into an array of N x width."""
    values: NDArray = np.empty(len(owner) * width, dtype)
    owner.foreach_get(name, values)
    return values.reshape(-1, width)
