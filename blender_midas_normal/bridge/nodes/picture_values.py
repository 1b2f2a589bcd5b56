"""Evaluate nodes that are linear functions of a picture: which weights of red, green and blue make a number of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .linear import (
    Evaluation,
    LinearValue,
    NodeEvaluator,
    NotLinearError,
    arithmetic,
    combine,
    evaluate_inputs,
    luminance_weights,
    number,
    separate,
)
from .map_nodes import image_of_node
from .traversal import NodeInstance, SocketInstance

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT_OPERATIONS = ("ADD", "SUBTRACT", "MULTIPLY", "SCALE", "MULTIPLY_ADD", "DIVIDE")
"""Operations of Vector Math and Math that are linear for all values."""


@dataclass(frozen=True)
class PictureValue:
    """A number that nodes make of the colours of pictures.

    textures: the Image Textures that it depends on.
    weights: of red, green and blue, 3 float64; those of all textures together.
    is_animated: whether the weights change with time, of which the present ones are used.
    """

    textures: frozenset[NodeInstance]
    weights: NDArray
    is_animated: bool


class PictureEvaluation(Evaluation):
    """The evaluation of inputs, each followed upstream to the pictures; `textures` are all that were reached."""

    def __init__(self) -> None:
        super().__init__()
        self.textures: set[NodeInstance] = set()

    def evaluators(self) -> Mapping[str, NodeEvaluator]:
        """Return the functions that evaluate nodes."""
        return PICTURE_EVALUATORS


def evaluate_number(input_socket: SocketInstance) -> PictureValue:
    """Evaluate an input for a number; raises NotLinearError where it is no linear function of pictures."""
    evaluation = PictureEvaluation()
    value = evaluation.value(input_socket)
    return PictureValue(frozenset(evaluation.textures), value.matrix[0], evaluation.is_animated)


def evaluate_constant(input_socket: SocketInstance) -> tuple[float, bool]:
    """Return the number of an input that is the same all over the surface, and whether it changes with time.

    Raises:
        NotLinearError: where it is not the same all over the surface.
    """
    evaluation = PictureEvaluation()
    value = evaluation.value(input_socket)
    number_, *_ = evaluation.factor(value, input_socket.node)
    return float(number_), evaluation.is_animated


def _texture(evaluation: PictureEvaluation, output: SocketInstance) -> LinearValue:
    if output.socket.name != "Color" or image_of_node(output.node) is None:
        raise NotLinearError(output.node)
    evaluation.textures.add(output.node_instance)
    return LinearValue(np.eye(3), np.zeros(3))


def _exact_arithmetic(evaluation: PictureEvaluation, output: SocketInstance) -> LinearValue:
    if output.node.operation not in EXACT_OPERATIONS:  # type: ignore[attr-defined]
        raise NotLinearError(output.node)
    return arithmetic(evaluation, output)


def _separate_color(evaluation: PictureEvaluation, output: SocketInstance) -> LinearValue:
    if output.node.mode != "RGB":  # type: ignore[attr-defined]
        raise NotLinearError(output.node)
    colour, = evaluate_inputs(evaluation, output)
    picked = np.zeros((3, 3))
    picked[:, ("Red", "Green", "Blue").index(output.socket.name)] = 1
    return colour.transformed(picked)


def _luminance(evaluation: PictureEvaluation, output: SocketInstance) -> LinearValue:
    colour, = evaluate_inputs(evaluation, output)
    return colour.transformed(np.tile(luminance_weights(), (3, 1)))


def _invert(evaluation: PictureEvaluation, output: SocketInstance) -> LinearValue:
    share, colour = evaluate_inputs(evaluation, output)
    factor = evaluation.factor(share, output.node)[0]
    white = LinearValue(np.zeros((3, 3)), np.full(3, factor))
    return colour.transformed((1 - 2 * factor) * np.eye(3)).plus(white)


def _map_range(evaluation: PictureEvaluation, output: SocketInstance) -> LinearValue:
    node: Any = output.node
    if node.clamp or node.interpolation_type != "LINEAR" or node.data_type != "FLOAT":
        raise NotLinearError(node)
    value, *limits = evaluate_inputs(evaluation, output)[:5]
    from_min, from_max, to_min, to_max = (evaluation.factor(limit, node)[0] for limit in limits)
    factor = (to_max - to_min) / (from_max - from_min) if from_max != from_min else 0.0
    return value.transformed(factor * np.eye(3)).plus(LinearValue(np.zeros((3, 3)), np.full(3, to_min - factor * from_min)))


PICTURE_EVALUATORS: dict[str, NodeEvaluator] = {
    "ShaderNodeTexImage": _texture, "ShaderNodeSeparateColor": _separate_color, "ShaderNodeSeparateXYZ": separate,
    "ShaderNodeRGBToBW": _luminance, "ShaderNodeInvert": _invert, "ShaderNodeMapRange": _map_range,
    "ShaderNodeMath": _exact_arithmetic, "ShaderNodeVectorMath": _exact_arithmetic, "ShaderNodeCombineXYZ": combine,
    "ShaderNodeValue": number,
}
"""By `bl_idname` of the node: the function that evaluates one of its outputs."""
