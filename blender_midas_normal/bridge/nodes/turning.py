"""The vectors of a normal map turned as its mapping turns the picture, by Mapping nodes behind its Image Texture.

A normal map's vectors are slopes along the picture's own axes; the Normal Map node takes them for slopes along those of the
UV layer.  Where picture coordinates are q = A p of UV coordinates p, a height h(q) has the slopes A^T (dh/dq) along p: the
transpose, since normals go by the inverse transpose of what surfaces do.  Divided by the root of |det A| they belong to a
relief as high as its copies are large, so that a map that is only repeated keeps its vectors.  The nodes act on the encoded
colours c = (n + 1) / 2, so that they turn about the middle of the colour cube.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from mathutils import Euler, Vector

from ...core.messages import Message
from ..pixels import size_of
from .changes import Changes, is_marked
from .graph import Feed, Plug, Spot, direct, feed, tree_of
from .mapping import mapping_of
from .placement import below

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


def turn(normal: Spot, image: bpy.types.Node, turns: list[Turn], changes: Changes) -> None:
    """Lets a map's vectors be turned so between its Image Texture and a Normal Map node, whatever else lies there."""
    way = way_to(image, Plug(normal.node.inputs["Color"], normal.groups))
    there = _turning_on(way)
    for node, wanted in zip(there, turns, strict=False):
        wanted.set(node, changes)
    if len(there) < len(turns):
        last = there[-1] if there else image
        _insert(next(fed for fed in way if fed.output and fed.output.spot.node == last), turns[len(there):], changes)
    for node in there[len(turns):]:
        _remove(node, changes)


def way_to(image: bpy.types.Node, plug: Plug) -> list[Feed]:
    """How an input is fed by a node, through others: nearest first, the node's own output last; empty where it is not."""
    seen: set[Spot] = set()

    def search(end: Plug) -> list[Feed]:
        fed = feed(end)
        if fed.output is None or fed.output.spot in seen:
            return []
        spot = fed.output.spot
        seen.add(spot)
        if spot.node == image:
            return [fed]
        rest = next(filter(None, (search(Plug(socket, spot.groups)) for socket in spot.node.inputs)), [])
        return [fed, *rest] if rest else []

    return search(plug)


def reads_through_turns(normal: bpy.types.Node, image: bpy.types.Node) -> bool:
    """Whether a Normal Map node reads an Image Texture in the same tree with nothing but turning nodes between."""
    way = way_to(image, Plug(normal.inputs["Color"]))
    return bool(way) and len(_turning_on(way)) == len(way) - 1


def turning_nodes(normal: Spot, image: bpy.types.Node) -> list[bpy.types.Node]:
    """The nodes that turn a map's vectors before a Normal Map node, the one next to the Image Texture first."""
    return _turning_on(way_to(image, Plug(normal.node.inputs["Color"], normal.groups)))


def mirror(node: bpy.types.Node, changes: Changes) -> None:
    """Lets a turning node do the same with vectors whose y axis points the other way, as between OpenGL and DirectX."""
    rotation, scale = (node.inputs[name].default_value for name in ("Rotation", "Scale"))  # type: ignore[attr-defined]
    Turn(-rotation.z, scale.x, scale.y).set(node, changes)


def _turning_on(way: list[Feed]) -> list[bpy.types.Node]:
    nodes = [fed.output.spot.node for fed in reversed(way) if fed.output]
    return [node for node in nodes if is_turning(node)]


def _insert(fed: Feed, turns: list[Turn], changes: Changes) -> None:
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
    before = direct(node.inputs["Vector"])
    assert before is not None
    for link in list(node.outputs["Vector"].links or ()):
        if link.to_socket:
            changes.link(before, link.to_socket)
    changes.remove(node)


def is_turning(node: bpy.types.Node) -> bool:
    """Whether a node is one that turns a map's vectors."""
    return node.bl_idname == "ShaderNodeMapping" and is_marked(node)


def turns_of(texture: Spot, convention: str) -> list[Turn]:
    """What is to be done with the vectors of a map in a convention that lies as an Image Texture does."""
    node: Any = texture.node
    if node.projection != "FLAT":
        return []
    width, height = size_of(node.image)
    return turns_for(mapping_of(texture).matrix, width / height if width and height else 1.0, convention)


def about_turns(texture: Spot, convention: str) -> Iterator[Message]:
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
