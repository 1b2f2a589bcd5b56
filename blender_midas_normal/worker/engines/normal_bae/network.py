"""controlnet_aux's NormalBae network, on a device; its weights are read from a local file only.

A worker imports this module, and with it torch and controlnet_aux, when it needs the network.  Bae, Budvytis, Cipolla,
"Estimating and Exploiting the Aleatoric Uncertainty in Surface Normal Estimation" (2021).
"""

from __future__ import annotations

import contextlib
import io
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"  # the worker never goes online

# Only now, since the library reads this variable when it is imported.
import torch
from controlnet_aux.normalbae.nets.NNET import NNET

from ....core.engines import NORMAL_BAE_WEIGHTS
from ...devices import empty_cache
from ..tiled_inference import MAX_PASS_PIXELS
from ..torch_inference import IMAGENET_MEAN, IMAGENET_STD, OnProgress, load_errors_as_weights_error, run_with_progress

if TYPE_CHECKING:
    from pathlib import Path

    from ....core.arrays import Array

OPTIONS = SimpleNamespace(mode="client", architecture="BN", pretrained="scannet", sampling_ratio=0.4, importance_ratio=0.7)
"""Those of the published weights."""

AXES = (-1.0, 1.0, 1.0)
"""Factors on the network's vectors: ScanNet's have x to the left, y up and z out of the picture."""


class NormalBaeNetwork:
    """The network, in float32; raises WeightsError where its file is damaged or of another network."""

    max_pixels = MAX_PASS_PIXELS

    def __init__(self, folder: Path) -> None:
        path = folder / NORMAL_BAE_WEIGHTS.files[0].name
        self._device = "cpu"
        with load_errors_as_weights_error(path, NORMAL_BAE_WEIGHTS.label):
            tensors = torch.load(path, map_location="cpu", weights_only=True)
            with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
                self._model = NNET(OPTIONS)
            tensors = tensors.get("model", tensors)
            self._model.load_state_dict({name.removeprefix("module."): values for name, values in tensors.items()})
        self._model.eval().requires_grad_(False)

    def move(self, device: str) -> None:
        self._device = device
        self._model.to(device)

    def normals(self, pictures: Array, on_progress: OnProgress, precision: str = "AUTO") -> Array:
        """Estimate normals, see `normals_engine.NormalsNetwork`; always in float32, as the network was published."""
        pixels = torch.from_numpy(np.ascontiguousarray(pictures)).to(self._device)
        mean, std = (torch.tensor(values, device=self._device) for values in (IMAGENET_MEAN, IMAGENET_STD))
        planes = ((pixels - mean) / std).permute(0, 3, 1, 2)
        with torch.inference_mode():
            outputs: Any = run_with_progress(lambda: self._model(planes), self._steps(), self._device, on_progress)
            vectors = outputs[0][-1][:, :3].permute(0, 2, 3, 1) * torch.tensor(AXES, device=self._device)
            vectors = torch.nn.functional.normalize(vectors, dim=3)
        return vectors.cpu().numpy()

    def free(self) -> None:
        empty_cache(self._device)

    def close(self) -> None:
        del self._model
        self.free()

    def _steps(self) -> list[torch.nn.Module]:
        decoder = self._model.decoder
        return [*self._model.encoder.original_model.blocks, decoder.up1, decoder.up2, decoder.up3, decoder.up4]
