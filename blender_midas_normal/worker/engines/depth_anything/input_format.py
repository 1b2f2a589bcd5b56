"""What a depth network of transformers wants its pictures to be, read from the small files beside its weights."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....core.errors import WeightsError, reason_of
from ..tiled_inference import IMAGENET_MEAN, IMAGENET_STD

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"

METRIC_TYPES = ("glpn", "zoedepth")
"""Kinds of networks whose depth is always a distance."""

UNSUPPORTED_TYPES = ("depth_pro", "prompt_depth_anything")
"""Kinds of networks that take only pictures of one size, or more than a picture."""

MAX_MULTIPLE = 256
"""Largest multiple that is believed: more would leave no choice of sizes."""

DEFAULT_MULTIPLE = 32
"""Of the sides of the input, for a network whose files tell nothing."""


@dataclass(frozen=True)
class InputFormat:
    """The format of a network's input and output.

    Attributes:
        size_multiple: both sides of the input are multiples of this.
        mean, std: of red, green and blue, 0..1, by which pictures are scaled; ImageNet's unless the files tell others.
        is_metric: whether its depth is a distance; else it is larger where the surface is nearer.
        is_square: whether the input must be a square, since the network derives its sides from their product.
    """

    size_multiple: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    is_metric: bool
    is_square: bool


def read_input_format(folder: Path) -> InputFormat:
    """Read the format from a folder that transformers has saved a network in; raise WeightsError for a damaged file."""
    config = _read_json(folder / CONFIG)
    preprocessor = _read_json(folder / PREPROCESSOR) if (folder / PREPROCESSOR).is_file() else {}
    try:
        backbone = config.get("backbone_config") or {}
        patch = config.get("patch_size") or backbone.get("patch_size") or DEFAULT_MULTIPLE
        # A processor may round to multiples of 1 where the transformer's patches cannot be cut.
        multiple = math.lcm(2, int(patch), int(preprocessor.get("ensure_multiple_of") or 1))
        is_metric = config.get("depth_estimation_type") == "metric" or config.get("model_type") in METRIC_TYPES
        red, green, blue = map(float, preprocessor.get("image_mean") or IMAGENET_MEAN)
        deviations = tuple(map(float, preprocessor.get("image_std") or IMAGENET_STD))
        if not 2 <= multiple <= MAX_MULTIPLE or len(deviations) != 3 or min(deviations) <= 0:
            raise ValueError(f"the patch size {patch} or the deviations {deviations}")
    except (TypeError, ValueError, AttributeError) as error:
        raise WeightsError("{path} does not describe a depth network: {reason}.", path=folder / CONFIG,
                           reason=reason_of(error)) from None
    if config.get("model_type") in UNSUPPORTED_TYPES:
        raise WeightsError("{path} is a network of the kind {kind}, which cannot be used here; choose another one.",
                           path=folder, kind=config["model_type"])
    is_square = config.get("model_type") == "dpt" and not backbone
    return InputFormat(multiple, (red, green, blue), deviations, is_metric, is_square)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError("{path} cannot be read: {reason}.", path=path, reason=reason_of(error)) from None
    if not isinstance(values, dict):
        raise WeightsError("{path} cannot be read: {reason}.", path=path, reason="it is no object")
    return values
