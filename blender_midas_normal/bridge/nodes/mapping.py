"""How an Image Texture lays its picture on surfaces, and how the vectors of a normal map are turned to follow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from mathutils import Euler, Vector

from ...core.errors import Message
from ..image_pixels import size_of
from .edits import Changes, below, is_marked
from .linear import UV_COORDINATES, Coordinates, Evaluation, NotLinearError, Value, is_animated, matrix_of_mapping
from .traversal import LinkSource, NodeInstance, SocketInstance, feed, linked_output, node_instances, tree_of, upstream

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


def mapping_of(texture: NodeInstance) -> Mapping:
    """The mapping of an Image Texture."""
    evaluation = Evaluation()
    vector = SocketInstance(texture.node.inputs["Vector"], texture.groups)
    output = feed(vector).output
    try:
        value = evaluation.value(vector) if output else evaluation.begin(Coordinates(UV_COORDINATES, ""))
        if output and len(evaluation.coordinates) > 1:
            raise NotLinearError(output.spot.node)
        value = _mapped_by_node(texture.node, value, evaluation)
    except NotLinearError as error:
        return Mapping(_uv_coordinates_behind(vector), np.eye(2), obstacle=error.node)
    return Mapping(next(iter(evaluation.coordinates), None), value.matrix[:2, :2], evaluation.is_animated)


def _uv_coordinates_behind(vector: SocketInstance) -> Coordinates | None:
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


def about_mapping(texture: NodeInstance, convention: str) -> Iterator[Message]:
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


def _other_uses(texture: NodeInstance) -> Iterator[NodeInstance]:
    """The same Image Texture in the other places where the groups are used that it lies in."""
    for material in bpy.data.materials if texture.groups else ():
        yield from (spot for spot in node_instances(material.node_tree) if spot.node == texture.node and spot != texture)


def _is_alike(one: Mapping, other: Mapping) -> bool:
    return one.uv_layer == other.uv_layer and np.allclose(one.matrix, other.matrix, atol=1e-5)


LABEL = "Turn Normals"

SAME = 1e-4
"""By how much numbers may differ that count as the same: less than can be seen, more than Blender's floats are off."""


@dataclass(frozen=True)
class Turn:
    """What a Mapping node does with vectors: stretches them along x and y, then turns them by an angle in radians."""

    angle: float
    x: float = 1.0
    y: float = 1.0

    def set(self, node: bpy.types.Node, changes: Changes) -> None:
        """Gives a Mapping node these values, which act on encoded vectors."""
        turned = np.array(Euler((0, 0, self.angle)).to_matrix()) @ np.diag((self.x, self.y, 1))
        values = {"Location": Vector(0.5 - turned @ np.full(3, 0.5)), "Rotation": Euler((0, 0, self.angle)),
                  "Scale": Vector((self.x, self.y, 1))}
        for name, value in values.items():
            changes.set(node.inputs[name], "default_value", value)


def turn(normal: NodeInstance, image: bpy.types.Node, turns: list[Turn], changes: Changes) -> None:
    """Lets a map's vectors be turned so between its Image Texture and a Normal Map node, whatever else lies there."""
    way = way_to(image, SocketInstance(normal.node.inputs["Color"], normal.groups))
    there = _turning_on(way)
    for node, wanted in zip(there, turns, strict=False):
        wanted.set(node, changes)
    if len(there) < len(turns):
        last = there[-1] if there else image
        _insert(next(fed for fed in way if fed.output and fed.output.spot.node == last), turns[len(there):], changes)
    for node in there[len(turns):]:
        _remove(node, changes)


def way_to(image: bpy.types.Node, plug: SocketInstance) -> list[LinkSource]:
    """How an input is fed by a node, through others: nearest first, the node's own output last; empty where it is not."""
    seen: set[NodeInstance] = set()

    def search(end: SocketInstance) -> list[LinkSource]:
        fed = feed(end)
        if fed.output is None or fed.output.spot in seen:
            return []
        spot = fed.output.spot
        seen.add(spot)
        if spot.node == image:
            return [fed]
        rest = next(filter(None, (search(SocketInstance(socket, spot.groups)) for socket in spot.node.inputs)), [])
        return [fed, *rest] if rest else []

    return search(plug)


def reads_through_turns(normal: bpy.types.Node, image: bpy.types.Node) -> bool:
    """Whether a Normal Map node reads an Image Texture in the same tree with nothing but turning nodes between."""
    way = way_to(image, SocketInstance(normal.inputs["Color"]))
    return bool(way) and len(_turning_on(way)) == len(way) - 1


def turning_nodes(normal: NodeInstance, image: bpy.types.Node) -> list[bpy.types.Node]:
    """The nodes that turn a map's vectors before a Normal Map node, the one next to the Image Texture first."""
    return _turning_on(way_to(image, SocketInstance(normal.node.inputs["Color"], normal.groups)))


def mirror(node: bpy.types.Node, changes: Changes) -> None:
    """Lets a turning node do the same with vectors whose y axis points the other way, as between OpenGL and DirectX."""
    rotation, scale = (node.inputs[name].default_value for name in ("Rotation", "Scale"))  # type: ignore[attr-defined]
    Turn(-rotation.z, scale.x, scale.y).set(node, changes)


def _turning_on(way: list[LinkSource]) -> list[bpy.types.Node]:
    nodes = [fed.output.spot.node for fed in reversed(way) if fed.output]
    return [node for node in nodes if is_turning(node)]


def _insert(fed: LinkSource, turns: list[Turn], changes: Changes) -> None:
    """Puts turning nodes into a link."""
    assert fed.output is not None
    output, neighbour = fed.output.socket, fed.output.spot.node
    for wanted in turns:
        node = changes.node(tree_of(neighbour), "ShaderNodeMapping")
        changes.set(node, "label", LABEL)
        wanted.set(node, changes)
        changes.link(output, node.inputs["Vector"])
        below(node, neighbour)
        output, neighbour = node.outputs["Vector"], node
    changes.link(output, fed.input.socket)


def _remove(node: bpy.types.Node, changes: Changes) -> None:
    """Takes a turning node out of the links that it is in."""
    before = linked_output(node.inputs["Vector"])
    assert before is not None
    for link in list(node.outputs["Vector"].links or ()):
        if link.to_socket:
            changes.link(before, link.to_socket)
    changes.remove(node)


def is_turning(node: bpy.types.Node) -> bool:
    """Whether a node is one that turns a map's vectors."""
    return node.bl_idname == "ShaderNodeMapping" and is_marked(node)


def turns_of(texture: NodeInstance, convention: str) -> list[Turn]:
    """What is to be done with the vectors of a map in a convention that lies as an Image Texture does."""
    node: Any = texture.node
    if node.projection != "FLAT":
        return []
    width, height = size_of(node.image)
    return turns_for(mapping_of(texture).matrix, width / height if width and height else 1.0, convention)


def about_turns(texture: NodeInstance, convention: str) -> Iterator[Message]:
    """A sentence for the user about the nodes that turn the vectors of a map, if any; what exporters do, tests show."""
    if turns_of(texture, convention):
        yield Message("The mapping of the texture {texture!r} turns the picture, so a node {node!r} turns the map's vectors "
                      "with it; FBX and OBJ files leave such a map out, so turn the UV layer instead for a material to be "
                      "exported.", texture=texture.node.name, node=LABEL)


def turns_for(matrix: NDArray, aspect: float, convention: str) -> list[Turn]:
    """What is to be done with a map's vectors one after the other, two turns at most.

    matrix: 2 x 2, of the mapping; aspect: the picture's width by its height.  Without the mapping, the UV layer lays the
    picture as it is: then the map is as right with the mapping as it is without.
    """
    shape = np.diag((aspect, 1.0))
    pixels = shape @ matrix @ np.linalg.inv(shape)
    size = math.sqrt(abs(float(np.linalg.det(pixels))))
    if size < SAME:
        return []  # it shows one line or point of the picture
    vectors = pixels.T / size
    if convention == "DIRECTX":
        vectors = np.diag((1, -1)) @ vectors @ np.diag((1, -1))
    if np.allclose(vectors, np.eye(2), atol=SAME):
        return []
    if abs(vectors[:, 0] @ vectors[:, 1]) < SAME:
        return [_turn_of(vectors)]
    left, stretch, right = np.linalg.svd(vectors)
    if np.linalg.det(right) < 0:
        left, right = left @ np.diag((1, -1)), np.diag((1, -1)) @ right
    return [_turn_of(right), _turn_of(left @ np.diag(stretch))]


def _turn_of(matrix: NDArray) -> Turn:
    """Of a 2 x 2 matrix whose columns are at right angles: by a right angle at most."""
    (x, y), other = matrix[:, 0], matrix[:, 1]
    length, angle = math.hypot(x, y), math.atan2(y, x)
    width = (x * other[1] - y * other[0]) / length
    if abs(angle) > math.pi / 2 + SAME:
        angle, length, width = angle - math.copysign(math.pi, angle), -length, -width
    return Turn(angle, length, width)
