"""Evaluate nodes that are linear functions of texture coordinates: find the matrix that an input applies to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from mathutils import Color, Euler, Matrix, Vector

from ...core.errors import Phrase
from .traversal import SocketInstance, find_link_source

if TYPE_CHECKING:
    from numpy.typing import NDArray


UV_COORDINATES = Phrase("UV coordinates")

LINEAR_OPERATIONS = ("ADD", "SUBTRACT", "MULTIPLY", "SCALE", "MULTIPLY_ADD", "DIVIDE", "FRACTION", "FRACT", "MODULO",
                     "FLOORED_MODULO", "WRAP")
"""Operations of Vector Math and Math that are linear, or linear between steps, as in pictures that repeat."""


class NotLinearError(Exception):
    """A node whose output is not a linear function of the coordinates."""

    def __init__(self, node: bpy.types.Node) -> None:
        super().__init__(node.name)
        self.node = node


@dataclass(frozen=True)
class Coordinates:
    """Coordinates on surfaces.

    name: what messages call them.
    uv_layer: the name of the UV layer, "" for the active one, None for coordinates of another kind.
    is_local: whether they run along the axes of the object.
    """

    name: Phrase
    uv_layer: str | None = None
    is_local: bool = False


@dataclass(frozen=True)
class LinearValue:
    """The value matrix @ coordinates + constant, with three components; a number counts as three equal ones.

    matrix: 3 x 3; constant: 3; is_animated: whether the constant changes with time.
    """

    matrix: NDArray
    constant: NDArray
    is_animated: bool = False

    @property
    def is_constant(self) -> bool:
        return not self.matrix.any()

    def plus(self, other: LinearValue) -> LinearValue:
        return LinearValue(self.matrix + other.matrix, self.constant + other.constant, self.is_animated or other.is_animated)

    def transformed(self, matrix: NDArray) -> LinearValue:
        return LinearValue(matrix @ self.matrix, matrix @ self.constant, self.is_animated)

    def minus(self, other: LinearValue) -> LinearValue:
        return self.plus(other.transformed(-np.eye(3)))


class Evaluation:
    """The evaluation of inputs, each followed upstream to the coordinates.

    coordinates: all that were reached; is_animated: whether a matrix changes with time, of which the present one is used.
    """

    def __init__(self) -> None:
        self.coordinates: set[Coordinates] = set()
        self.is_animated = False
        self._open: list[SocketInstance] = []

    def evaluators(self) -> Mapping[str, NodeEvaluator]:
        """Return the functions that evaluate nodes, as NODE_EVALUATORS does."""
        return NODE_EVALUATORS

    def value(self, input_socket: SocketInstance) -> LinearValue:
        """Evaluate an input; raises NotLinearError."""
        link_source = find_link_source(input_socket)
        if link_source.output is None:
            return _constant_of(link_source.input.socket)
        value = self._of_output(link_source.output)
        if input_socket.socket.type != "VALUE" or link_source.output.socket.type == "VALUE":
            return value
        weights = luminance_weights() if link_source.output.socket.type == "RGBA" else np.full(3, 1 / 3)
        return value.transformed(np.tile(weights, (3, 1)))  # as Blender makes a number of a colour, or of a vector

    def factor(self, value: LinearValue, node: bpy.types.Node) -> NDArray:
        """Return the three numbers by which a node multiplies; raises NotLinearError where they depend on coordinates."""
        if not value.is_constant:
            raise NotLinearError(node)
        self.is_animated |= value.is_animated
        return value.constant

    def begin(self, coordinates: Coordinates) -> LinearValue:
        """Return coordinates as the value of themselves, and note that they were reached."""
        self.coordinates.add(coordinates)
        return LinearValue(np.eye(3), np.zeros(3))

    def _of_output(self, output: SocketInstance) -> LinearValue:
        node = output.node
        read = self.evaluators().get(node.bl_idname)
        if (read is None and not node.mute) or output in self._open:  # links may run in a circle
            raise NotLinearError(node)
        self._open.append(output)
        value = self._through_muted(output) if node.mute or read is None else read(self, output)
        self._open.pop()
        return value

    def _through_muted(self, output: SocketInstance) -> LinearValue:
        for link in output.node.internal_links:
            if link.to_socket == output.socket and link.from_socket is not None:
                return self.value(SocketInstance(link.from_socket, output.groups))
        return LinearValue(np.zeros((3, 3)), np.zeros(3))


def matrix_of_mapping(vector_type: str, rotation: Any, scale: Any) -> NDArray:
    """Return the 3 x 3 matrix of a Mapping node of the type POINT, VECTOR or TEXTURE.

    TEXTURE is the inverse of the others, with 0 for the inverse of a scale of 0.
    """
    turned = np.array(Euler(rotation).to_matrix())
    scale = np.array(scale, float)
    if vector_type == "TEXTURE":
        inverse: NDArray = np.divide(1.0, scale, out=np.zeros(3), where=scale != 0)
        return np.diag(inverse) @ turned.T
    return turned @ np.diag(scale)


def luminance_weights() -> NDArray:
    """Return the weights of red, green and blue in the luminance of a colour, in the working space; of sum 1."""
    weights = np.array([Color(unit).from_scene_linear_to_xyz_d65()[1] for unit in ((1, 0, 0), (0, 1, 0), (0, 0, 1))])
    return weights / weights.sum()


def is_animated(owner: bpy.types.bpy_struct, path: str) -> bool:
    """Whether a property, given by its path from the owning ID, is animated or driven."""
    data: bpy.types.AnimData | None = owner.id_data.animation_data  # type: ignore[union-attr]
    return data is not None and any(curve.data_path == path for curve in (*data.drivers, *_curves(data)))


def _curves(data: bpy.types.AnimData) -> Iterator[bpy.types.FCurve]:
    """Yield the curves of the action and of those in NLA tracks; from 4.4 on, IDs share actions by slots."""
    users: list[Any] = [data, *(strip for track in data.nla_tracks for strip in track.strips)]
    for user in users:
        action = user.action
        if action is not None and bpy.app.version < (4, 4):
            yield from action.fcurves
        elif action is not None:
            bags = (bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags)
            yield from (curve for bag in bags if bag.slot_handle == user.action_slot_handle for curve in bag.fcurves)


def _constant_of(socket: bpy.types.NodeSocket) -> LinearValue:
    """Return the value of an unlinked socket; a reroute has none, which counts as 0."""
    default = np.array(getattr(socket, "default_value", 0.0), float).ravel()
    numbers = np.repeat(default, 3) if default.size == 1 else np.resize(default, 3)
    animated = hasattr(socket, "default_value") and is_animated(socket, socket.path_from_id("default_value"))
    return LinearValue(np.zeros((3, 3)), numbers, animated)


def _coordinates(evaluation: Evaluation, output: SocketInstance) -> LinearValue:
    node: Any = output.node
    name = output.socket.name
    if node.from_instancer:
        return evaluation.begin(Coordinates(Phrase("the instancer's {name} coordinates", name=name)))
    is_local = name == "Generated" or (name == "Object" and node.object is None)
    return evaluation.begin(Coordinates(Phrase("{name} coordinates", name=name), "" if name == "UV" else None, is_local))


def _uv_map(evaluation: Evaluation, output: SocketInstance) -> LinearValue:
    node: Any = output.node
    if node.from_instancer:
        return evaluation.begin(Coordinates(Phrase("the instancer's UV coordinates")))
    return evaluation.begin(Coordinates(UV_COORDINATES, node.uv_map))


def _attribute(evaluation: Evaluation, output: SocketInstance) -> LinearValue:
    node: Any = output.node
    if node.attribute_type != "GEOMETRY" or output.socket.type == "VALUE":
        raise NotLinearError(node)
    name = node.attribute_name
    meshes = [mesh for mesh in bpy.data.meshes if name in mesh.attributes]
    is_layer = not meshes or any(name in mesh.uv_layers for mesh in meshes)  # geometry nodes may make it
    return evaluation.begin(Coordinates(Phrase("the attribute {name!r}", name=name), name if is_layer else None))


def _geometry(evaluation: Evaluation, output: SocketInstance) -> LinearValue:
    if output.socket.name != "Position":
        raise NotLinearError(output.node)
    return evaluation.begin(Coordinates(Phrase("the position in space")))


def evaluate_inputs(evaluation: Evaluation, output: SocketInstance) -> list[LinearValue]:
    """Evaluate all inputs of an output's node, without links to inputs that are not in use."""
    return [evaluation.value(SocketInstance(socket, output.groups)) if socket.enabled else _constant_of(socket)
            for socket in output.node.inputs]


def _mapping(evaluation: Evaluation, output: SocketInstance) -> LinearValue:
    node: Any = output.node
    if node.vector_type == "NORMAL":
        raise NotLinearError(node)
    vector, location, rotation, scale = evaluate_inputs(evaluation, output)
    matrix = matrix_of_mapping(node.vector_type, evaluation.factor(rotation, node), evaluation.factor(scale, node))
    if node.vector_type == "TEXTURE":
        return vector.minus(location).transformed(matrix)
    turned = vector.transformed(matrix)
    return turned.plus(location) if node.vector_type == "POINT" else turned


def _vector_rotate(evaluation: Evaluation, output: SocketInstance) -> LinearValue:
    node: Any = output.node
    vector, center, axis, angle, rotation = evaluate_inputs(evaluation, output)
    if node.rotation_type == "EULER_XYZ":
        matrix = np.array(Euler(tuple(evaluation.factor(rotation, node))).to_matrix())
    else:
        about: Any = node.rotation_type[0]
        if node.rotation_type == "AXIS_ANGLE":
            about = Vector(tuple(evaluation.factor(axis, node)))
        matrix = np.array(Matrix.Rotation(evaluation.factor(angle, node)[0], 3, about))
    return vector.minus(center).transformed(matrix.T if node.invert else matrix).plus(center)


def arithmetic(evaluation: Evaluation, output: SocketInstance) -> LinearValue:
    """Evaluate Vector Math and Math."""
    node: Any = output.node
    operation = node.operation
    if operation not in LINEAR_OPERATIONS or getattr(node, "use_clamp", False):
        raise NotLinearError(node)
    values = evaluate_inputs(evaluation, output)
    first, second, third = values[:3]
    if operation == "ADD":
        return first.plus(second)
    if operation == "SUBTRACT":
        return first.minus(second)
    if operation == "MULTIPLY":
        return _product(evaluation, node, first, second)
    if operation == "SCALE":
        return _product(evaluation, node, first, values[3])
    if operation == "MULTIPLY_ADD":
        return _product(evaluation, node, first, second).plus(third)
    if operation == "DIVIDE" and second.is_constant:
        inverse: NDArray = np.divide(1.0, second.constant, out=np.zeros(3), where=second.constant != 0)
        return _product(evaluation, node, first, LinearValue(second.matrix, inverse, second.is_animated))
    if operation == "DIVIDE" or first.is_constant:
        raise NotLinearError(node)
    return first  # of FRACTION and its like, between two of their steps


def _product(evaluation: Evaluation, node: bpy.types.Node, one: LinearValue, other: LinearValue) -> LinearValue:
    if one.is_constant and other.is_constant:
        return LinearValue(one.matrix, one.constant * other.constant, one.is_animated or other.is_animated)
    vector, factor = (other, one) if one.is_constant else (one, other)
    return vector.transformed(np.diag(evaluation.factor(factor, node)))


def separate(evaluation: Evaluation, output: SocketInstance) -> LinearValue:
    vector = evaluation.value(SocketInstance(output.node.inputs[0], output.groups))
    picked = np.zeros((3, 3))
    picked[:, "XYZ".index(output.socket.name)] = 1
    return vector.transformed(picked)


def combine(evaluation: Evaluation, output: SocketInstance) -> LinearValue:
    parts = [evaluation.value(SocketInstance(socket, output.groups)) for socket in output.node.inputs]
    whole = [part.transformed(np.diag(unit)) for part, unit in zip(parts, np.eye(3), strict=True)]
    return whole[0].plus(whole[1]).plus(whole[2])


def number(evaluation: Evaluation, output: SocketInstance) -> LinearValue:
    return _constant_of(output.socket)


NodeEvaluator = Callable[[Any, SocketInstance], LinearValue]
"""A function of an Evaluation and an output of a node: evaluates the output."""

NODE_EVALUATORS: dict[str, NodeEvaluator] = {
    "ShaderNodeTexCoord": _coordinates, "ShaderNodeUVMap": _uv_map, "ShaderNodeAttribute": _attribute,
    "ShaderNodeNewGeometry": _geometry, "ShaderNodeMapping": _mapping, "ShaderNodeVectorRotate": _vector_rotate,
    "ShaderNodeVectorMath": arithmetic, "ShaderNodeMath": arithmetic, "ShaderNodeSeparateXYZ": separate,
    "ShaderNodeCombineXYZ": combine, "ShaderNodeValue": number,
}
"""By `bl_idname` of the node: the function that evaluates one of its outputs."""
