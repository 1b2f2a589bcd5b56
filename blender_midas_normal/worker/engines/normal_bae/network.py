"""controlnet_aux's NormalBae network, on a device; its weights are read from a local file only.

A worker imports this module, and with it torch and controlnet_aux, when it needs the network.  Bae, Budvytis, Cipolla,
"Estimating and Exploiting the Aleatoric Uncertainty in Surface Normal Estimation" (2021).
"""

from __future__ import annotations

import contextlib
import io
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from controlnet_aux.normalbae.nets.NNET import NNET

from ....core.engines import NORMAL_BAE_WEIGHTS
from ..tiled_inference import IMAGENET_MEAN, IMAGENET_STD, MAX_PASS_PIXELS
from ..torch_inference import (
    ModelOnDevice,
    OnProgress,
    load_errors_as_weights_error,
    run_with_progress,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ....core.arrays import Array

OPTIONS = SimpleNamespace(mode="client", architecture="BN", pretrained="scannet", sampling_ratio=0.4, importance_ratio=0.7)
"""Those of the published weights."""

AXES = (-1.0, 1.0, 1.0)
"""Factors on the network's vectors: ScanNet's have x to the left, y up and z out of the picture."""


class NormalBaeNetwork(ModelOnDevice[NNET]):
    """The network of a folder; raises WeightsError where its file is damaged or of another network."""

    max_pixels = MAX_PASS_PIXELS

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._path = folder / NORMAL_BAE_WEIGHTS.files[0].name

    def build(self, dtype: torch.dtype | None) -> NNET:
        with load_errors_as_weights_error(self._path, NORMAL_BAE_WEIGHTS.label):
            tensors = torch.load(self._path, map_location="cpu", weights_only=True)
            with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
                model = NNET(OPTIONS)
            tensors = tensors.get("model", tensors)
            model.load_state_dict({name.removeprefix("module."): values for name, values in tensors.items()})
        return model.eval().requires_grad_(False)

    def normals(self, pictures: Array, on_progress: OnProgress, precision: str = "AUTO") -> Array:
        """Estimate normals, see `normals_engine.NormalsNetwork`; always in float32, as the network was published."""
        model = self.model(None)
        with torch.inference_mode():
            pixels = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device)
            mean, std = (torch.tensor(values, device=self.device) for values in (IMAGENET_MEAN, IMAGENET_STD))
            planes = ((pixels - mean) / std).permute(0, 3, 1, 2)
            outputs: Any = run_with_progress(lambda: model(planes), _steps(model), self.device, on_progress)
            vectors = outputs[0][-1][:, :3].permute(0, 2, 3, 1) * torch.tensor(AXES, device=self.device)
            vectors = torch.nn.functional.normalize(vectors, dim=3)
        return vectors.cpu().numpy()


def _steps(model: NNET) -> list[torch.nn.Module]:
    """Return parts of the network that run one after the other: a pass can be cancelled between them."""
    decoder = model.decoder
    return [*model.encoder.original_model.blocks, decoder.up1, decoder.up2, decoder.up3, decoder.up4]
