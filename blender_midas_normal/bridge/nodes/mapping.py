"""Find how an Image Texture maps its picture to surfaces, and transform the vectors of a normal map to match."""

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
from .edits import NodeEdits, is_marked, place_below
from .linear import UV_COORDINATES, Coordinates, Evaluation, LinearValue, NotLinearError, is_animated, matrix_of_mapping
from .traversal import (
    LinkSource,
    NodeInstance,
    SocketInstance,
    find_link_source,
    linked_output,
    node_instances,
    tree_of,
    upstream_nodes,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRANSFORM_NODE_LABEL = "Turn Normals"

TOLERANCE = 1e-4
"""Difference up to which numbers count as equal: invisible, but more than the rounding of Blender's floats."""


@dataclass(frozen=True)
class Mapping:
    """How a texture maps coordinates on a surface to its picture, apart from projection and extension.

    coordinates: None where they are unknown.
    matrix: 2 x 2, the derivative of picture coordinates by the coordinates; the identity where it is unknown.
    is_animated: whether the matrix changes with time or by a driver; it is the present one.
    obstacle: the node that is not a linear function of the coordinates, if any.
    is_shifted: whether picture and coordinates have different origins.
    """

    coordinates: Coordinates | None
    matrix: NDArray
    is_animated: bool = False
    obstacle: bpy.types.Node | None = None
    is_shifted: bool = False

    @property
    def uv_layer(self) -> str | None:
        """The name of the UV layer that gives the coordinates, "" for the active one, None where none does."""
        return self.coordinates.uv_layer if self.coordinates else None


@dataclass(frozen=True)
class VectorTransform:
    """What a Mapping node does to vectors: scale x and y, then rotate about z by an angle in radians."""

    angle: float
    x: float = 1.0
    y: float = 1.0

    def set(self, node: bpy.types.Node, edits: NodeEdits) -> None:
        """Set the inputs of a Mapping node, which acts on vectors encoded as 0.5 + v / 2."""
        matrix = np.array(Euler((0, 0, self.angle)).to_matrix()) @ np.diag((self.x, self.y, 1))
        values = {"Location": Vector(0.5 - matrix @ np.full(3, 0.5)), "Rotation": Euler((0, 0, self.angle)),
                  "Scale": Vector((self.x, self.y, 1))}
        for name, value in values.items():
            edits.set(node.inputs[name], "default_value", value)


def mapping_of(texture: NodeInstance) -> Mapping:
    """Find the mapping of an Image Texture."""
    evaluation = Evaluation()
    vector = SocketInstance(texture.node.inputs["Vector"], texture.groups)
    output = find_link_source(vector).output
    try:
        value = evaluation.value(vector) if output else evaluation.begin(Coordinates(UV_COORDINATES, ""))
        if output and len(evaluation.coordinates) > 1:
            raise NotLinearError(output.node)
        value = _apply_texture_mapping(texture.node, value, evaluation)
    except NotLinearError as error:
        return Mapping(_nearest_uv_map(vector), np.eye(2), obstacle=error.node)
    is_shifted = bool(np.any(np.abs(value.constant[:2]) > TOLERANCE) or value.is_animated
                      or any(texture.node.texture_mapping.translation))  # type: ignore[attr-defined]
    return Mapping(next(iter(evaluation.coordinates), None), value.matrix[:2, :2], evaluation.is_animated,
                   is_shifted=is_shifted)


def _nearest_uv_map(vector: SocketInstance) -> Coordinates | None:
    """Return the coordinates of the nearest UV Map node that feeds an input, directly or not."""
    names = (instance.node.uv_map for instance in upstream_nodes(vector)
             if isinstance(instance.node, bpy.types.ShaderNodeUVMap))
    return next((Coordinates(UV_COORDINATES, name) for name in names), None)


def _apply_texture_mapping(texture: bpy.types.Node, value: LinearValue, evaluation: Evaluation) -> LinearValue:
    """Apply an Image Texture's own mapping to the value of its Vector input."""
    own: Any = texture.texture_mapping  # type: ignore[attr-defined]
    axes = np.array([[axis == getattr(own, f"mapping_{row}") for axis in "XYZ"] for row in "xyz"], float)
    if own.vector_type == "NORMAL":  # the transpose of the inverse
        matrix = matrix_of_mapping("TEXTURE", own.rotation, own.scale).T
    else:
        matrix = matrix_of_mapping(own.vector_type, own.rotation, own.scale)
    path = f"{texture.path_from_id()}.texture_mapping"
    evaluation.is_animated |= any(is_animated(texture, f"{path}.{name}") for name in ("rotation", "scale"))
    return value.transformed(matrix @ axes)


def mapping_messages(texture: NodeInstance, convention: str) -> Iterator[Message]:
    """Warn the user where a texture's mapping makes a normal map look wrong, even with its vectors transformed.

    Args:
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
    if not all(_is_same_mapping(mapping, mapping_of(other)) for other in _other_uses(texture)):
        yield Message("The texture {texture!r} is mapped in other ways where else its group {group!r} is used, but has one "
                      "map there, so the relief is lit from the wrong side in one of them; make the group single-user.",
                      texture=node.name, group=tree_of(node).name)


def _other_uses(texture: NodeInstance) -> Iterator[NodeInstance]:
    """Yield the other instances of an Image Texture in groups that are used several times."""
    for material in bpy.data.materials if texture.groups else ():
        yield from (instance for instance in node_instances(material.node_tree) if instance.node == texture.node
                    and instance != texture)


def _is_same_mapping(one: Mapping, other: Mapping) -> bool:
    return one.uv_layer == other.uv_layer and np.allclose(one.matrix, other.matrix, atol=1e-5)


def apply_transforms(normal: NodeInstance, image: bpy.types.Node, transforms: list[VectorTransform],
                     edits: NodeEdits) -> None:
    """Insert, update or remove the nodes that transform a map's vectors between its Image Texture and a Normal Map node."""
    path = find_path(image, SocketInstance(normal.node.inputs["Color"], normal.groups))
    existing = _transform_nodes_on(path)
    for node, transform in zip(existing, transforms, strict=False):
        transform.set(node, edits)
    if len(existing) < len(transforms):
        last = existing[-1] if existing else image
        link = next(link_source for link_source in path if link_source.output and link_source.output.node == last)
        _insert_transform_nodes(link, transforms[len(existing):], edits)
    for node in existing[len(transforms):]:
        _bypass_and_remove(node, edits)


def find_path(image: bpy.types.Node, input_socket: SocketInstance) -> list[LinkSource]:
    """Find the links by which a node feeds an input, through others: nearest first, the node's own output last.

    Empty where the node does not feed the input.
    """
    seen: set[NodeInstance] = set()

    def search(target: SocketInstance) -> list[LinkSource]:
        link_source = find_link_source(target)
        if link_source.output is None or link_source.output.node_instance in seen:
            return []
        instance = link_source.output.node_instance
        seen.add(instance)
        if instance.node == image:
            return [link_source]
        rest = next(filter(None, (search(SocketInstance(socket, instance.groups)) for socket in instance.node.inputs)), [])
        return [link_source, *rest] if rest else []

    return search(input_socket)


def reads_through_transforms(normal: bpy.types.Node, image: bpy.types.Node) -> bool:
    """Whether only transform nodes lie between a Normal Map node and an Image Texture that it reads in the same tree."""
    path = find_path(image, SocketInstance(normal.inputs["Color"]))
    return bool(path) and len(_transform_nodes_on(path)) == len(path) - 1


def transform_nodes(normal: NodeInstance, image: bpy.types.Node) -> list[bpy.types.Node]:
    """Return the nodes that transform a map's vectors before a Normal Map node, that next to the Image Texture first."""
    return _transform_nodes_on(find_path(image, SocketInstance(normal.node.inputs["Color"], normal.groups)))


def mirror_transform(node: bpy.types.Node, edits: NodeEdits) -> None:
    """Adapt a transform node to vectors with the y axis reversed, as between OpenGL and DirectX."""
    rotation, scale = (node.inputs[name].default_value for name in ("Rotation", "Scale"))  # type: ignore[attr-defined]
    VectorTransform(-rotation.z, scale.x, scale.y).set(node, edits)


def _transform_nodes_on(path: list[LinkSource]) -> list[bpy.types.Node]:
    nodes = [link_source.output.node for link_source in reversed(path) if link_source.output]
    return [node for node in nodes if is_transform_node(node)]


def _insert_transform_nodes(link_source: LinkSource, transforms: list[VectorTransform], edits: NodeEdits) -> None:
    """Insert new transform nodes into a link."""
    assert link_source.output is not None
    output, neighbour = link_source.output.socket, link_source.output.node
    for transform in transforms:
        node = edits.node(tree_of(neighbour), "ShaderNodeMapping")
        edits.set(node, "label", TRANSFORM_NODE_LABEL)
        transform.set(node, edits)
        edits.link(output, node.inputs["Vector"])
        place_below(node, neighbour)
        output, neighbour = node.outputs["Vector"], node
    edits.link(output, link_source.input.socket)


def _bypass_and_remove(node: bpy.types.Node, edits: NodeEdits) -> None:
    """Link what feeds a transform node to what it feeds, and remove the node."""
    before = linked_output(node.inputs["Vector"])
    assert before is not None
    for link in list(node.outputs["Vector"].links or ()):
        if link.to_socket:
            edits.link(before, link.to_socket)
    edits.remove(node)


def is_transform_node(node: bpy.types.Node) -> bool:
    """Whether a node is one made here to transform a map's vectors."""
    return node.bl_idname == "ShaderNodeMapping" and is_marked(node)


def transforms_of(texture: NodeInstance, convention: str) -> list[VectorTransform]:
    """Return the transforms that the vectors of a map need that has the mapping of an Image Texture.

    Args:
        convention: that of the map.
    """
    node: Any = texture.node
    if node.projection != "FLAT":
        return []
    width, height = size_of(node.image)
    return transforms_for_matrix(mapping_of(texture).matrix, width / height if width and height else 1.0, convention)


def transform_messages(texture: NodeInstance, convention: str) -> Iterator[Message]:
    """Tell the user about the nodes that transform a map's vectors, if any; tests show what exporters do with them."""
    if transforms_of(texture, convention):
        yield Message("The mapping of the texture {texture!r} turns the picture, so a node {node!r} turns the map's vectors "
                      "with it; FBX and OBJ files leave such a map out, so turn the UV layer instead for a material to be "
                      "exported.", texture=texture.node.name, node=TRANSFORM_NODE_LABEL)


def transforms_for_matrix(matrix: NDArray, aspect: float, convention: str) -> list[VectorTransform]:
    """Decompose what a mapping does to tangent-space vectors into at most two rotations with scaling.

    The vectors transform by the transpose of the mapping's matrix, without its uniform scale. A matrix whose columns are
    not at right angles (rotation after non-uniform scaling) takes two steps, by its singular value decomposition.

    Args:
        matrix: 2 x 2, that of the mapping.
        aspect: the picture's width divided by its height.
        convention: that of the map.

    Returns:
        The transforms in the order in which they are applied; empty where the vectors need none.
    """
    shape = np.diag((aspect, 1.0))
    pixels = shape @ matrix @ np.linalg.inv(shape)
    size = math.sqrt(abs(float(np.linalg.det(pixels))))
    if size < TOLERANCE:
        return []  # it shows one line or point of the picture
    vectors = pixels.T / size
    if convention == "DIRECTX":
        vectors = np.diag((1, -1)) @ vectors @ np.diag((1, -1))
    if np.allclose(vectors, np.eye(2), atol=TOLERANCE):
        return []
    if abs(vectors[:, 0] @ vectors[:, 1]) < TOLERANCE:
        return [_transform_of_matrix(vectors)]
    left, stretch, right = np.linalg.svd(vectors)
    if np.linalg.det(right) < 0:
        left, right = left @ np.diag((1, -1)), np.diag((1, -1)) @ right
    return [_transform_of_matrix(right), _transform_of_matrix(left @ np.diag(stretch))]


def _transform_of_matrix(matrix: NDArray) -> VectorTransform:
    """Decompose a 2 x 2 matrix with orthogonal columns into scaling and a rotation by at most a right angle."""
    (x, y), other = matrix[:, 0], matrix[:, 1]
    length, angle = math.hypot(x, y), math.atan2(y, x)
    width = (x * other[1] - y * other[0]) / length
    if abs(angle) > math.pi / 2 + TOLERANCE:
        angle, length, width = angle - math.copysign(math.pi, angle), -length, -width
    return VectorTransform(angle, length, width)
