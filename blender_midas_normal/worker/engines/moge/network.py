"""MoGe-2's network, on a device: only its normals are asked for.

A worker imports this module, and with it torch and moge, when it needs the network.  Wang et al., "MoGe-2" (2025).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from moge.model.v2 import MoGeModel

from ....core.engines import MOGE_WEIGHTS
from ....core.errors import WeightsError
from ..torch_inference import (
    ModelOnDevice,
    OnProgress,
    half_attention,
    halve_linear_layers,
    load_errors_as_weights_error,
    run_with_progress,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ....core.arrays import Array

PATCH_SIZE = 14
"""Pixels of a side of what the network sees as one token."""

MAX_TOKENS = 3600
"""Tokens beyond which the published networks were not trained."""

AXES = (1.0, -1.0, -1.0)
"""Factors on the network's vectors: those of its camera have y down and z into the picture."""

NEEDED_PARTS = ("encoder.", "neck.", "normal_head.")
"""Parts of the network that normals need; a file without one of their weights is refused."""


class MogeNetwork(ModelOnDevice[MoGeModel]):
    """The network of a folder.

    Raises WeightsError where the folder has no model.pt of a MoGe-2 network with a normal head.
    """

    max_pixels = MAX_TOKENS * PATCH_SIZE ** 2

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._path = folder / MOGE_WEIGHTS["SMALL"].files[0].name

    def build(self, dtype: torch.dtype | None) -> MoGeModel:
        model = load_model(self._path)
        if dtype is not None:
            halve_linear_layers(model.encoder.backbone, dtype)
        return model

    def normals(self, pictures: Array, on_progress: OnProgress, precision: str = "AUTO") -> Array:
        """Estimate normals, see `normals_engine.NormalsNetwork`."""
        dtype = self.dtype(precision)
        model = self.model(dtype)
        least, most = model.num_tokens_range
        tokens = min(max(pictures.shape[1] * pictures.shape[2] // PATCH_SIZE ** 2, least), most)
        with torch.inference_mode(), half_attention(self.device, dtype):
            planes = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device).permute(0, 3, 1, 2)
            vectors = run_with_progress(lambda: model.forward(planes, num_tokens=tokens)["normal"],
                                        model.encoder.backbone.blocks, self.device, on_progress)
            vectors = vectors.float() * torch.tensor(AXES, device=self.device)
        return vectors.cpu().numpy()


def load_model(path: Path) -> MoGeModel:
    """Load a network from its file, in float32 on the CPU; raise WeightsError for any other file."""
    with load_errors_as_weights_error(path, "MoGe-2"):
        checkpoint = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
        model = MoGeModel(**checkpoint["model_config"])
        missing = model.load_state_dict(checkpoint["model"], strict=False).missing_keys
    missing = [name for name in missing if name.startswith(NEEDED_PARTS)]
    if missing or not hasattr(model, "normal_head"):
        raise WeightsError("{path} lacks weights of the network's normal head; choose a MoGe-2 network with normals.",
                           path=path)
    model.enable_pytorch_native_sdpa()
    return model.float().eval().requires_grad_(False)
