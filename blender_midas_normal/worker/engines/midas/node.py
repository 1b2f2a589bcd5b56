"""The node's own call: controlnet_aux's network and arithmetic as they are, for depth_scale RAW.

A worker imports this module, and with it controlnet_aux and timm, only when the node's own pictures are asked for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..torch_inference import load_errors_as_weights_error

os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # a file of weights must not bring code along
os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)

# Only now, since the libraries read these variables when they are imported.
import torch
from controlnet_aux.midas import MidasDetector

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ....core.arrays import Array
    from ....core.settings import Settings


class NodeNetwork:
    """The library's network.

    Attributes:
        model: its DPTDepthModel, whose parts have the names that those of DPTHybrid have.
    """

    def __init__(self, path: Path) -> None:
        """Load the network on the CPU; raise WeightsError when the file is damaged or of another network."""
        with load_errors_as_weights_error(path, "MiDaS"):
            self._inference = MidasDetector.from_pretrained(str(path.parent), filename=path.name).model
        self.model: torch.nn.Module = self._inference.model

    def move(self, device: str) -> None:
        self._inference.to(device)

    def depth(self, picture: NDArray[np.uint8], resolution: int) -> Array:
        """Estimate depth as the node's own call does, bit for bit on the CPU.

        Args:
            picture: H x W x 3 or x 4 uint8, as the node takes it.
            resolution: the node's.

        Returns:
            float32 relative inverse depth at the size of the network's input.
        """
        recorder = _Recorder(self._inference)
        try:
            _call_node(recorder, picture, resolution)
        finally:
            self.model.pretrained.activations.clear()  # the library keeps features until its next pass
        assert recorder.depth is not None
        return recorder.depth


def replay_node(depth: Array, source_size: tuple[int, int], settings: Settings) -> NDArray[np.uint8]:
    """Return the normal picture, H x W x 3 uint8, that the node makes of a depth of `NodeNetwork.depth`.

    source_size: (width, height) of the picture that the depth is of.
    """
    blank = np.zeros((source_size[1], source_size[0], 3), np.uint8)
    return np.ascontiguousarray(_call_node(_FixedDepth(depth), blank, settings.resolution, a=settings.a,
                                           bg_th=settings.bg_threshold, depth_and_normal=True)[1])


class _Recorder(torch.nn.Module):
    """Passes pictures on to a network and keeps its last depth."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network
        self.depth: Array | None = None

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        depths = self.network(picture)
        self.depth = depths[0].cpu().numpy().copy()
        return depths


class _FixedDepth(torch.nn.Module):
    """Returns the same depth for every picture; it is a parameter, since the library asks the first one for its device."""

    def __init__(self, depth: Array) -> None:
        super().__init__()
        self.depth = torch.nn.Parameter(torch.from_numpy(depth)[None], requires_grad=False)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return self.depth


def _call_node(network: torch.nn.Module, picture: NDArray[np.uint8], resolution: int, **kwargs: Any) -> Any:
    """Make the node's own call to the library, with any network."""
    with np.errstate(divide="ignore", invalid="ignore"):  # constant depth: the library divides by its range
        return MidasDetector(network)(picture, detect_resolution=resolution, image_resolution=resolution, **kwargs)
