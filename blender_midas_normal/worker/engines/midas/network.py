"""The network of MiDaS, run on a device: the package's own model of it, or controlnet_aux's for the node's own pictures.

A worker imports this module, and with it torch, when it needs the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from ....core.engines import MIDAS_WEIGHTS, WEIGHTS_FOLDER_HINT
from ....core.errors import WeightsError
from ....core.files import is_file
from ...devices import empty_cache, import_errors_as_unavailable
from .model import DPTHybrid, load_model
from .optimize import inference_dtype, optimize_for_inference

torch.backends.cudnn.allow_tf32 = False  # else CUDA rounds the products of float32 convolutions: grain in the normals

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ....core.arrays import Array
    from .node import NodeNetwork

T = TypeVar("T")

OnProgress = Callable[[float], None]
"""on_progress(share): called with the finished share of a pass, 0..1; an exception that it raises ends the pass."""


class Network:
    """The network, on one device at a time.

    Raises WeightsError when its file is missing, and with the first pass where it is damaged or of another network.
    """

    def __init__(self, folder: Path) -> None:
        self.device = "cpu"
        self._path = _find_weights(folder)
        self._model: DPTHybrid | None = None
        self._optimized_for: tuple[str, torch.dtype | None] | None = None
        self._node: NodeNetwork | None = None

    def move(self, device: str) -> None:
        """Choose the device of the next passes; the network is loaded there when the first of them needs it."""
        self.device = device

    def node_depth(self, picture: NDArray[np.uint8], resolution: int, on_progress: OnProgress) -> Array:
        """Estimate depth as the node's own call does, bit for bit on the CPU.

        Args:
            picture: H x W x 3 or x 4 uint8, as the node takes it.
            resolution: the node's.
            on_progress: see OnProgress.

        Returns:
            float32 relative inverse depth at the size of the network's input.
        """
        if self._node is None:
            with import_errors_as_unavailable():
                from .node import NodeNetwork
            self._node = NodeNetwork(self._path)
        node = self._node
        node.move(self.device)
        return _run(lambda: node.depth(picture, resolution), node.model, on_progress)

    def depth(self, rgb: Array, on_progress: OnProgress, precision: str = "AUTO") -> Array:
        """Estimate depth, H x W float32, of one picture of H x W x 3; the rest is as for `depths`."""
        return self.depths(rgb[None], on_progress, precision)[0]

    def depths(self, pictures: Array, on_progress: OnProgress, precision: str = "AUTO") -> Array:
        """Estimate the depth of several pictures in one pass; differs from the node's depth by rounding.

        Args:
            pictures: N x H x W x 3 float32, 0..1; H and W are multiples of 32.
            on_progress: see OnProgress.
            precision: AUTO or FLOAT32, as in the settings; in half precision, values that are too large become NaN.

        Returns:
            N x H x W float32 relative inverse depth.
        """
        model = self._optimize(None if precision == "FLOAT32" else inference_dtype(self.device))
        pixels = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device) * 2 - 1
        planes = pixels.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            depths = _run(lambda: model(planes), model, on_progress)
        return depths.float().cpu().numpy()

    def free(self) -> None:
        """Release memory that the last pass left in torch's cache."""
        empty_cache(self.device)

    def close(self) -> None:
        """Release all memory; the network cannot be used again."""
        del self._model, self._node
        self.free()

    def _optimize(self, dtype: torch.dtype | None) -> DPTHybrid:
        """Return the model on the device, optimised for a dtype of its transformer; one is kept at a time."""
        if self._model is None or self._optimized_for != (self.device, dtype):
            self._model = None  # two at a time would take twice the memory
            model = load_model(self._path)
            optimize_for_inference(model, self.device, dtype)
            self._model, self._optimized_for = model, (self.device, dtype)
        return self._model


def _find_weights(folder: Path) -> Path:
    path = folder / MIDAS_WEIGHTS.name
    if not is_file(path):
        raise WeightsError("There is no file {file} in {folder}; put it there or choose its folder ({chosen}).",
                           file=MIDAS_WEIGHTS.name, folder=folder, chosen=WEIGHTS_FOLDER_HINT)
    return path


def _run(call: Callable[[], T], model: torch.nn.Module, on_progress: OnProgress) -> T:
    """Call and return what that returns, reporting progress after each of the model's steps."""
    steps, finished = _find_steps(model), 0

    def step(*_: object) -> None:
        nonlocal finished
        finished += 1
        on_progress(finished / len(steps))

    on_progress(0.0)
    hooks = [part.register_forward_hook(step) for part in steps]
    try:
        return call()
    finally:
        for hook in hooks:
            hook.remove()


def _find_steps(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Return parts of the model that take about the same time each: a pass can be cancelled between them."""
    vision, decoder = model.pretrained.model, model.scratch
    return [*vision.patch_embed.backbone.stages, *vision.blocks, decoder.refinenet4, decoder.refinenet3, decoder.refinenet2,
            decoder.refinenet1]
