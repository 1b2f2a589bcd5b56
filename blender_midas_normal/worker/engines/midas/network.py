"""The network of MiDaS: loaded by controlnet_aux, and run by that library as the node does, or an optimised copy of it.

A worker imports this module, and with it torch and controlnet_aux, when it needs the network.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ....core.engines import MIDAS_WEIGHTS, WEIGHTS_FOLDER_HINT
from ....core.errors import WeightsError
from ....core.files import is_file
from ...devices import empty_cache
from ...memory import is_out_of_memory

os.environ["HF_HUB_OFFLINE"] = "1"  # the worker never goes online
os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # a file of weights must not bring code along
os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)

# Only now, since the libraries read these variables when they are imported.
import torch
from controlnet_aux.midas import MidasDetector

from .optimize import inference_dtype, optimize_for_inference

torch.backends.cudnn.allow_tf32 = False  # else CUDA rounds the products of float32 convolutions: grain in the normals

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ....core.arrays import Array
    from ....core.settings import Settings

OnProgress = Callable[[float], None]
"""on_progress(share): called with the finished share of a pass, 0..1; an exception that it raises ends the pass."""


class Network:
    """The network, on one device at a time; raises WeightsError when its file is missing, damaged or of another network."""

    def __init__(self, folder: Path) -> None:
        self.device = "cpu"
        self._inference = _load_inference(folder)
        self._optimized: dict[torch.dtype | None, torch.nn.Module] = {}
        self._steps = _find_steps(self._inference.model)
        self._on_step: Callable[[], None] = _ignore
        for step in self._steps:
            step.register_forward_hook(lambda *_: self._on_step())

    def move(self, device: str) -> None:
        if device != self.device:
            self._optimized.clear()
        self._inference.to(device)
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
        recorder = _Recorder(self._inference)
        self._run(lambda: _call_node(recorder, picture, resolution), on_progress)
        assert recorder.depth is not None
        return recorder.depth

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
        network = self._optimize(None if precision == "FLOAT32" else inference_dtype(self.device))
        pixels = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device) * 2 - 1
        planes = pixels.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            depths = self._run(lambda: network(planes), on_progress)
        return depths.float().cpu().numpy()

    def free(self) -> None:
        """Release memory that the last pass left in torch's cache."""
        empty_cache(self.device)

    def close(self) -> None:
        """Release all memory; the network cannot be used again."""
        del self._inference, self._optimized, self._steps
        self.free()

    def _optimize(self, dtype: torch.dtype | None) -> torch.nn.Module:
        """Return the optimised network for a dtype of its transformer; one is kept at a time."""
        if dtype not in self._optimized:
            self._optimized = {dtype: optimize_for_inference(self._inference, self.device, dtype)}
        return self._optimized[dtype]

    def _run(self, call: Callable[[], Any], on_progress: OnProgress) -> Any:
        """Call and return what that returns, reporting progress after each step of the network."""
        finished = 0

        def step() -> None:
            nonlocal finished
            finished += 1
            on_progress(finished / len(self._steps))

        on_progress(0.0)
        self._on_step = step
        try:
            return call()
        finally:
            self._on_step = _ignore
            self._inference.model.pretrained.activations.clear()  # the library keeps features until its next pass


def replayed(depth: Array, source_size: tuple[int, int], settings: Settings) -> NDArray[np.uint8]:
    """Return the normal picture, H x W x 3 uint8, that the node makes of a depth of `node_depth`.

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


def _load_inference(folder: Path) -> torch.nn.Module:
    path = folder / MIDAS_WEIGHTS.name
    if not is_file(path):
        raise WeightsError(
            "There is no file {file} in {folder}; put it there or choose its folder ({chosen}).",
            file=MIDAS_WEIGHTS.name,
            folder=folder,
            chosen=WEIGHTS_FOLDER_HINT,
        )
    try:
        return MidasDetector.from_pretrained(str(folder)).model
    except (OSError, EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError,
            pickle.UnpicklingError) as error:
        if is_out_of_memory(error):
            raise MemoryError from error
        print(f"{path} cannot be loaded: {error!r}")
        raise WeightsError("{path} is damaged or holds no weights of the MiDaS network; download it again.",
                           path=path) from None


def _find_steps(network: torch.nn.Module) -> list[torch.nn.Module]:
    """Return parts of the network that take about the same time each: a pass can be cancelled between them."""
    vision, decoder = network.pretrained.model, network.scratch
    return [*vision.patch_embed.backbone.stages, *vision.blocks, decoder.refinenet4, decoder.refinenet3, decoder.refinenet2,
            decoder.refinenet1]


def _ignore() -> None:
    """Do nothing: no pass is running."""
