"""Find the triangles of UVs in which the meshes of a file show an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...core.errors import SourceError, reason_of
from ...core.file_numbering import udim_position
from ...core.islands import MIN_GROUND, uv_coverage
from ..image_pixels import remove_on_failure
from .map_nodes import image_of_node
from .mapping import mapping_of
from .materials import uses_nodes
from .mesh_triangles import read_triangles
from .traversal import NodeInstance, node_instances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...core.arrays import Array

TOLERANCE = 1e-3
"""How far UVs may reach beyond the picture, which then counts as shown once, not as repeated."""


def triangles_showing(image: bpy.types.Image, tile: int | None = None) -> Array | None:
    """Return the triangles in which the meshes of this file show an image, for `core.islands.rasterise_islands`.

    Args:
        tile: the number of a tile of a UDIM set.

    Returns:
        N x 3 x 3 float32; None where they leave no gaps, or show the image otherwise than once on a UV layer.
    """
    layers = list(_uv_layers_showing(image))
    if None in layers:
        return None
    parts: list[NDArray] = []
    first_vertices: dict[bpy.types.Mesh, int] = {}
    for obj in bpy.data.objects:
        for material, layer in dict.fromkeys(layers):  # type: ignore[misc]
            triangles = read_triangles(obj, material, layer)
            if triangles is not None:
                mesh: Any = obj.data
                first = first_vertices.setdefault(mesh, sum(len(other.vertices) for other in first_vertices))
                parts.append(np.dstack([triangles.uv, triangles.vertices + first]))
    corners = np.concatenate(parts).astype(np.float32) if parts else np.empty((0, 3, 3), np.float32)
    corners = corners[np.isfinite(corners).all(axis=(1, 2))]
    uv = corners[..., :2]
    places = np.floor(uv.mean(axis=1, keepdims=True))  # islands may lie beside the picture, whole pictures away
    if tile is not None:
        is_on_tile = (places == udim_position(tile)).all(axis=(1, 2))
        corners, uv, places = corners[is_on_tile], uv[is_on_tile], places[is_on_tile]
    uv -= places
    if not len(uv) or uv.min() < -TOLERANCE or uv.max() > 1 + TOLERANCE or uv_coverage(uv) > 1 - MIN_GROUND:
        return None
    corners[..., :2] = uv
    return corners


def write_triangles_showing(image: bpy.types.Image, new_file: Callable[[], Path], tile: int | None = None) -> str:
    """Write `triangles_showing` an image into a new file, and return its name; "" where there are none.

    Raises:
        SourceError: where they cannot be written.
    """
    triangles = triangles_showing(image, tile)
    if triangles is None:
        return ""
    path = new_file()
    try:
        with remove_on_failure(path):
            path.write_bytes(triangles.tobytes())
    except OSError as error:
        raise SourceError("The UVs of the meshes cannot be written into {folder}: {reason}.", folder=path.parent,
                          reason=reason_of(error)) from None
    return path.name


def _uv_layers_showing(image: bpy.types.Image) -> Iterator[tuple[bpy.types.Material, str] | None]:
    """Yield the materials and UV layers by which Image Textures show an image; None for one that shows it otherwise."""
    for material in bpy.data.materials:
        for instance in node_instances(material.node_tree) if uses_nodes(material) else ():
            if image_of_node(instance.node) == image:
                layer = _plain_uv_layer(instance)
                yield None if layer is None else (material, layer)


def _plain_uv_layer(texture: NodeInstance) -> str | None:
    """Return the UV layer of a texture that shows its picture as it lies there: neither moved, turned nor scaled."""
    mapping, node = mapping_of(texture), texture.node
    is_plain = (node.projection == "FLAT" and not mapping.is_shifted  # type: ignore[attr-defined]
                and not mapping.is_animated and np.allclose(mapping.matrix, np.eye(2)))
    return mapping.uv_layer if is_plain and mapping.obstacle is None else None
