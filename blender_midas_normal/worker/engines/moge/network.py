"""MoGe-2's network, on a device: only its normals are asked for.

A worker imports this module, and with it torch and moge, when it needs the network.  Wang et al., "MoGe-2" (2025).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"  # the worker never goes online

# Only now, since the library reads this variable when it is imported.
import torch
from moge.model.v2 import MoGeModel

from ....core.engines import MOGE_WEIGHTS
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

if TYPE_CHECKING:
    from pathlib import Path

    from ....core.arrays import Array

PATCH_SIZE = 14
"""Pixels of a side of what the network sees as one token."""

AXES = (1.0, -1.0, -1.0)
"""Factors on the network's vectors: those of its camera have y down and z into the picture."""

NEEDED_PARTS = ("encoder.", "neck.", "normal_head.")
"""Parts of the network that normals need; a file without one of their weights is refused."""


class MogeNetwork:
    """The network of a folder, on one device at a time.

    Raises WeightsError where the folder has no model.pt of a MoGe-2 network with a normal head.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / MOGE_WEIGHTS["SMALL"].files[0].name
        self._device = "cpu"
        self._model: MoGeModel | None = None
        self._optimized_for: tuple[str, torch.dtype | None] | None = None

    def move(self, device: str) -> None:
        """Choose the device of the next passes; the network is loaded there when the first of them needs it."""
        self._device = device

    def normals(self, pictures: Array, on_progress: OnProgress, precision: str = "AUTO") -> Array:
        """Estimate normals, see `normals_engine.NormalsNetwork`."""
        dtype = None if precision == "FLOAT32" else inference_dtype(self._device)
        model = self._optimize(dtype)
        planes = torch.from_numpy(np.ascontiguousarray(pictures)).to(self._device).permute(0, 3, 1, 2)
        least, most = model.num_tokens_range
        tokens = min(max(planes.shape[2] * planes.shape[3] // PATCH_SIZE ** 2, least), most)
        with torch.inference_mode(), half_attention(self._device, dtype):
            vectors = run_with_progress(lambda: model.forward(planes, num_tokens=tokens)["normal"],
                                        model.encoder.backbone.blocks, self._device, on_progress)
            vectors = vectors.float() * torch.tensor(AXES, device=self._device)
        return vectors.cpu().numpy()

    def free(self) -> None:
        """Release memory that the last pass left in torch's cache."""
        empty_cache(self._device)

    def close(self) -> None:
        """Release all memory; the network cannot be used again."""
        del self._model
        self.free()

    def _optimize(self, dtype: torch.dtype | None) -> MoGeModel:
        """Return the model on the device, its transformer in a dtype; one is kept at a time."""
        if self._model is None or self._optimized_for != (self._device, dtype):
            self._model = None  # two at a time would take twice the memory
            model = load_model(self._path)
            if dtype is not None:
                halve_linear_layers(model.encoder.backbone, dtype)
            self._model, self._optimized_for = model.to(self._device), (self._device, dtype)
        return self._model


def load_model(path: Path) -> MoGeModel:
    """Load a network from its file, in float32 on the CPU; raise WeightsError for any other file."""
    with load_errors_as_weights_error(path, "MoGe-2"):
        checkpoint = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
        model = MoGeModel(**checkpoint["model_config"])
        lacking = model.load_state_dict(checkpoint["model"], strict=False).missing_keys
    lacking = [name for name in lacking if name.startswith(NEEDED_PARTS)]
    if lacking or not hasattr(model, "normal_head"):
        raise WeightsError("{path} lacks weights of the network's normal head; choose a MoGe-2 network with normals.",
                           path=path)
    model.enable_pytorch_native_sdpa()
    return model.float().eval().requires_grad_(False)
