"""Measure how large the unit of a UV layer is on a mesh, along u and along v."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from .mesh_triangles import property_array, read_triangles

MIN_UV_AREA = 1e-12
"""Area in UV coordinates below which a triangle shows a line or a point of the picture, and does not count."""

SIZE_TOLERANCE = 0.02
"""Share by which two sizes differ at most that count as one."""


@dataclass(frozen=True)
class UVSize:
    """The lengths of a unit of u and of v on the faces that have a material, in the object's units.

    skew: cosine of the angle between u and v on the faces; 0 where they are at right angles.
    height_factor: heights in the world, along the normal, by which they become heights in the object's units.
    """

    u: float
    v: float
    skew: float
    height_factor: float

    def is_like(self, other: UVSize) -> bool:
        """Whether heights in the object's units, or in the world, are equally steep."""
        def is_close(one: float, two: float) -> bool:
            return abs(math.log(one / two)) < SIZE_TOLERANCE

        return (is_close(self.u, other.u) and is_close(self.v, other.v)
                and is_close(self.height_factor, other.height_factor))


def uv_size(obj: bpy.types.Object, material: bpy.types.Material, uv_layer: str) -> UVSize | None:
    """Measure the UV layer of an object on the faces that have the material: root mean squares, weighted by UV area.

    Args:
        uv_layer: its name; where it is "" or no layer has it, the one that is rendered counts.

    Returns:
        None where there are no such faces, no layer, or no area on one of both.
    """
    triangles, linear = read_triangles(obj, material, uv_layer), np.array(obj.matrix_world, np.float64)[:3, :3]
    if triangles is None or np.linalg.det(linear) == 0:
        return None
    mesh: Any = obj.data
    uv = triangles.uv.astype(np.float64)
    points = property_array(mesh.vertices, "co", 3, np.float32).astype(np.float64)[triangles.vertices]
    (u1, v1), (u2, v2) = (uv[:, 1] - uv[:, 0]).T, (uv[:, 2] - uv[:, 0]).T
    determinant = u1 * v2 - u2 * v1
    counts = np.abs(determinant) > MIN_UV_AREA
    one, two = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    normals = np.cross(one, two)
    counts &= np.linalg.norm(normals, axis=1) > 0
    if not counts.any():
        return None
    one, two, normals, determinant = one[counts], two[counts], normals[counts], determinant[counts, None]
    u1, v1, u2, v2 = (edge[counts, None] for edge in (u1, v1, u2, v2))
    along_u, along_v = (one * v2 - two * v1) / determinant, (two * u1 - one * u2) / determinant
    weights = np.abs(determinant[:, 0]) / np.abs(determinant).sum()
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    uu, vv, across = (float(weights @ np.einsum("ij,ij->i", first, second))
                      for first, second in ((along_u, along_u), (along_v, along_v), (along_u, along_v)))
    height_factor = float(weights @ np.linalg.norm(normals @ np.linalg.inv(linear), axis=1))
    return UVSize(math.sqrt(uu), math.sqrt(vv), across / math.sqrt(uu * vv), height_factor)
