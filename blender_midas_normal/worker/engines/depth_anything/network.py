"""A depth network that transformers loads, on a device.

A worker imports this module, and with it torch and transformers, when it needs the network.  Depth Anything V2: Yang et al.
(2024).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors import SafetensorError
from torch.nn import Module, ModuleList, functional
from transformers import AutoModelForDepthEstimation
from transformers.utils import logging

from ....core.errors import WeightsError
from ..torch_inference import (
    ModelOnDevice,
    OnProgress,
    half_attention,
    halve_linear_layers,
    load_errors_as_weights_error,
    run_with_progress,
)
from .input_format import InputFormat, read_input_format

if TYPE_CHECKING:
    from pathlib import Path

    from ....core.arrays import Array

logging.disable_progress_bar()
logging.set_verbosity_error()

MIN_DISTANCE = 1e-3
"""Least distance of a metric network that is inverted, in its units."""


class TransformersDepth(ModelOnDevice[Module]):
    """The network of a folder; raises WeightsError where the folder has none."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._format = read_input_format(folder)

    def build(self, dtype: torch.dtype | None) -> Module:
        model = load_model(self._folder)
        if dtype is not None:
            halve_linear_layers(getattr(model, "backbone", None) or model, dtype)
        return model

    def depths(self, pictures: Array, on_progress: OnProgress, precision: str = "AUTO") -> Array:
        """Estimate the depth of several pictures in one pass; see `depth_engine.DepthNetwork`."""
        dtype = self.dtype(precision)
        model = self.model(dtype)
        with torch.inference_mode(), half_attention(self.device, dtype):
            pixels = _scale(torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device), self._format)
            predicted = run_with_progress(lambda: model(pixel_values=pixels).predicted_depth, _steps(model), self.device,
                                          on_progress)
            depth = _resize(predicted[:, None].float(), pictures.shape[1:3])[:, 0]
            if self._format.is_metric:
                depth = 1 / depth.clamp_min(MIN_DISTANCE)
        return depth.cpu().numpy()


def load_model(folder: Path) -> Module:
    """Load a network from a folder, in float32 on the CPU; raise WeightsError where a part of its weights is missing."""
    with load_errors_as_weights_error(folder, "a depth network"):
        try:
            model, report = AutoModelForDepthEstimation.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype=torch.float32,
                output_loading_info=True)
        except SafetensorError as error:
            raise ValueError(str(error)) from error
    missing = sorted((*report["missing_keys"], *report["mismatched_keys"]), key=str)
    if missing:
        raise WeightsError("{path} lacks {count} of the network's weights, such as {name}; download it again.", path=folder,
                           count=len(missing), name=str(missing[0]))
    return model.eval().requires_grad_(False)


def _scale(pixels: torch.Tensor, expected: InputFormat) -> torch.Tensor:
    """Return N x 3 x h x w, scaled as the network expects, of N x H x W x 3, 0..1; h x w is H x W, or a square."""
    mean, std = (torch.tensor(values, device=pixels.device) for values in (expected.mean, expected.std))
    planes = ((pixels - mean) / std).permute(0, 3, 1, 2)
    rows, columns = planes.shape[2:]
    if not expected.is_square or rows == columns:
        return planes
    side = round(math.sqrt(rows * columns) / expected.size_multiple) * expected.size_multiple
    return _resize(planes, (side, side))


def _resize(planes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return N x C x H x W planes at (height, width)."""
    if planes.shape[2:] == size:
        return planes
    return functional.interpolate(planes, size, mode="bicubic", antialias=True)


def _steps(model: Module) -> list[Module]:
    """Return the blocks of the network's longest sequence, its transformer: a pass can be cancelled between them."""
    lists = [list(layer) for layer in model.modules() if isinstance(layer, ModuleList)]
    return max(lists, key=len, default=[model])
