"""How an Image Texture lays its picture on surfaces, and whether the tangents of a normal map can follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...core.messages import Message
from .graph import Plug, Spot, feed, spots, tree_of, upstream
from .linear import UV_COORDINATES, Coordinates, Evaluation, NotLinearError, Value, is_animated, matrix_of_mapping

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Mapping:
    """How a picture is laid, apart from projection and extension: matrix @ step is what a step of the coordinates becomes.

    coordinates: None where they are not known; matrix: 2 x 2, that of no mapping where it is not known.
    is_animated: the matrix changes with time, or by a driver; it is the present one.
    obstacle: the node that makes of the coordinates what no matrix can, if any.
    """

    coordinates: Coordinates | None
    matrix: NDArray
    is_animated: bool = False
    obstacle: bpy.types.Node | None = None

    @property
    def uv_layer(self) -> str | None:
        """The name of the UV layer by which the picture is laid, "" for the active one; None where it is by none."""
        return self.coordinates.uv_layer if self.coordinates else None


def mapping_of(texture: Spot) -> Mapping:
    """The mapping of an Image Texture."""
    evaluation = Evaluation()
    vector = Plug(texture.node.inputs["Vector"], texture.groups)
    output = feed(vector).output
    try:
        value = evaluation.value(vector) if output else evaluation.begin(Coordinates(UV_COORDINATES, ""))
        if output and len(evaluation.coordinates) > 1:
            raise NotLinearError(output.spot.node)
        value = _mapped_by_node(texture.node, value, evaluation)
    except NotLinearError as error:
        return Mapping(_uv_coordinates_behind(vector), np.eye(2), obstacle=error.node)
    return Mapping(next(iter(evaluation.coordinates), None), value.matrix[:2, :2], evaluation.is_animated)


def _uv_coordinates_behind(vector: Plug) -> Coordinates | None:
    """Those of the nearest UV Map node, whatever lies between."""
    names = (spot.node.uv_map for spot in upstream(vector) if isinstance(spot.node, bpy.types.ShaderNodeUVMap))
    return next((Coordinates(UV_COORDINATES, name) for name in names), None)


def _mapped_by_node(texture: bpy.types.Node, value: Value, evaluation: Evaluation) -> Value:
    """What an Image Texture's own mapping makes of what it is given."""
    own: Any = texture.texture_mapping  # type: ignore[attr-defined]
    axes = np.array([[axis == getattr(own, f"mapping_{row}") for axis in "XYZ"] for row in "xyz"], float)
    if own.vector_type == "NORMAL":  # the transpose of the inverse
        matrix = matrix_of_mapping("TEXTURE", own.rotation, own.scale).T
    else:
        matrix = matrix_of_mapping(own.vector_type, own.rotation, own.scale)
    path = f"{texture.path_from_id()}.texture_mapping"
    evaluation.is_animated |= any(is_animated(texture, f"{path}.{name}") for name in ("rotation", "scale"))
    return value.transformed(matrix @ axes)


def about_mapping(texture: Spot, convention: str) -> Iterator[Message]:
    """Sentences for the user about what of a map's relief will look wrong however its vectors are turned.

    convention: that of the map.
    """
    node: Any = texture.node
    if node.projection != "FLAT":
        yield Message("The texture {texture!r} is laid by {projection} projection, which a normal map cannot follow, so its "
                      "relief is lit from wrong sides; unwrap the mesh and set the projection to Flat.", texture=node.name,
                      projection=node.projection.lower())
        return
    if node.extension == "MIRROR":
        yield Message("The texture {texture!r} mirrors every second copy of its picture, whose relief is lit from the wrong "
                      "side there; set its extension to Repeat.", texture=node.name)
    mapping = mapping_of(texture)
    if mapping.obstacle is not None:
        yield Message("The texture {texture!r} is laid by what {node!r} gives, which a normal map cannot follow, so its "
                      "relief is lit from the wrong side wherever that turns or mirrors the picture; lay it by a UV layer.",
                      texture=node.name, node=mapping.obstacle.name)
    elif mapping.is_animated:
        yield Message("The texture {texture!r} is turned or stretched by an animation or a driver, so its relief is lit "
                      "right only as it is laid now; turn the UV layer itself instead, by the modifier UV Warp.",
                      texture=node.name)
    coordinates = mapping.coordinates
    if coordinates and coordinates.uv_layer is None and not (convention == "OBJECT" and coordinates.is_local):
        yield Message("The texture {texture!r} is laid by {coordinates}, while a normal map follows the UV layer, so its "
                      "relief is lit right only where both run alike; lay it by the UV layer, or choose the convention "
                      "OBJECT for a plane.", texture=node.name, coordinates=coordinates.name)
    if not all(_is_alike(mapping, mapping_of(other)) for other in _other_uses(texture)):
        yield Message("The texture {texture!r} is mapped in other ways where else its group {group!r} is used, but has one "
                      "map there, so the relief is lit from the wrong side in one of them; make the group single-user.",
                      texture=node.name, group=tree_of(node).name)


def _other_uses(texture: Spot) -> Iterator[Spot]:
    """The same Image Texture in the other places where the groups are used that it lies in."""
    for material in bpy.data.materials if texture.groups else ():
        yield from (spot for spot in spots(material.node_tree) if spot.node == texture.node and spot != texture)


def _is_alike(one: Mapping, other: Mapping) -> bool:
    return one.uv_layer == other.uv_layer and np.allclose(one.matrix, other.matrix, atol=1e-5)
