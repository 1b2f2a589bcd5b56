"""A depth network that transformers loads, on a device.

A worker imports this module, and with it torch and transformers, when it needs the network.  Depth Anything V2: Yang et al.
(2024).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"  # the worker never goes online
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

# Only now, since the library reads these variables when it is imported.
import torch
from safetensors import SafetensorError
from torch.nn import Module, ModuleList, functional
from transformers import AutoModelForDepthEstimation
from transformers.utils import logging

from ....core.errors import WeightsError
from ...devices import empty_cache
from ..torch_inference import (
    OnProgress,
    half_attention,
    halve_linear_layers,
    inference_dtype,
    load_errors_as_weights_error,
    run_with_progress,
)
from .input_format import InputFormat, read_input_format

if TYPE_CHECKING:
    from pathlib import Path

    from ....core.arrays import Array

logging.disable_progress_bar()

MIN_DISTANCE = 1e-3
"""Least distance of a metric network that is inverted, in its units."""


class TransformersDepth:
    """The network of a folder, on one device at a time; raises WeightsError where the folder has none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._format = read_input_format(folder)
        self._device = "cpu"
        self._model: Module | None = None
        self._optimized_for: tuple[str, torch.dtype | None] | None = None

    def move(self, device: str) -> None:
        """Choose the device of the next passes; the network is loaded there when the first of them needs it."""
        self._device = device

    def depths(self, pictures: Array, on_progress: OnProgress, precision: str = "AUTO") -> Array:
        """Estimate the depth of several pictures in one pass; see `depth_engine.DepthNetwork`."""
        dtype = None if precision == "FLOAT32" else inference_dtype(self._device)
        model = self._optimize(dtype)
        pixels = _scale(torch.from_numpy(np.ascontiguousarray(pictures)).to(self._device), self._format)
        with torch.inference_mode(), half_attention(self._device, dtype):
            predicted = run_with_progress(lambda: model(pixel_values=pixels).predicted_depth, _steps(model), self._device,
                                          on_progress)
            if predicted.shape[-2:] != pixels.shape[-2:]:
                predicted = functional.interpolate(predicted[:, None].float(), pixels.shape[-2:], mode="bicubic")[:, 0]
        depth = predicted.float()
        if self._format.is_metric:
            depth = 1 / depth.clamp_min(MIN_DISTANCE)
        return depth.cpu().numpy()

    def free(self) -> None:
        """Release memory that the last pass left in torch's cache."""
        empty_cache(self._device)

    def close(self) -> None:
        """Release all memory; the network cannot be used again."""
        del self._model
        self.free()

    def _optimize(self, dtype: torch.dtype | None) -> Module:
        """Return the model on the device, its transformer in a dtype; one is kept at a time."""
        if self._model is None or self._optimized_for != (self._device, dtype):
            self._model = None  # two at a time would take twice the memory
            model = load_model(self._folder)
            if dtype is not None:
                halve_linear_layers(getattr(model, "backbone", model), dtype)
            self._model, self._optimized_for = model.to(self._device), (self._device, dtype)
        return self._model


def load_model(folder: Path) -> Module:
    """Load a network from a folder, in float32 on the CPU; raise WeightsError where a part of its weights is missing."""
    with load_errors_as_weights_error(folder, "a depth network"):
        try:
            model, report = AutoModelForDepthEstimation.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype=torch.float32,
                output_loading_info=True)
        except SafetensorError as error:
            raise ValueError(str(error)) from error
    lacking = sorted((*report["missing_keys"], *report["mismatched_keys"]), key=str)
    if lacking:
        raise WeightsError("{path} lacks {count} of the network's weights, such as {name}; download it again.", path=folder,
                           count=len(lacking), name=str(lacking[0]))
    return model.eval().requires_grad_(False)


def _scale(pixels: torch.Tensor, expected: InputFormat) -> torch.Tensor:
    """Return N x 3 x H x W, scaled as the network expects, of N x H x W x 3, 0..1."""
    mean, std = (torch.tensor(values, device=pixels.device) for values in (expected.mean, expected.std))
    return ((pixels - mean) / std).permute(0, 3, 1, 2)


def _steps(model: Module) -> list[Module]:
    """Return the blocks of the network's longest sequence, its transformer: a pass can be cancelled between them."""
    lists = [list(layer) for layer in model.modules() if isinstance(layer, ModuleList)]
    return max(lists, key=len, default=[model])
