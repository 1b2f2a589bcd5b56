"""The network itself: loaded through controlnet_aux, and run by the library or, quicker, on pictures of our own.

A worker imports this, and with it torch and controlnet_aux, when it needs the network.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ....core.engines import WEIGHTS_FOLDER_HINT, WEIGHTS_NAME
from ....core.errors import WeightsError
from ....core.files import is_file
from ...devices import empty_cache
from ...memory import is_out_of_memory

os.environ["HF_HUB_OFFLINE"] = "1"  # the worker never goes online
os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # a file of weights must not bring code along
os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)

# Only now, since the libraries read these words when they are imported.
import torch
from controlnet_aux.midas import MidasDetector

from .optimize import inference_dtype, optimize_for_inference

torch.backends.cudnn.allow_tf32 = False  # else CUDA rounds what float32 convolutions multiply: grain in the normals

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ....core.arrays import Array
    from ....core.settings import Settings

Done = Callable[[float], None]
"""done(share): how much of a pass is done, 0..1; raises Cancelled when nobody wants it any more."""


class Network:
    """The network of a weights file, on one device at a time.

    Raises WeightsError when the file in `folder` is missing, damaged or of another network.
    """

    def __init__(self, folder: Path) -> None:
        self.device = "cpu"
        self._inference = _loaded(folder)
        self._quick: dict[torch.dtype | None, torch.nn.Module] = {}
        self._steps = _steps(self._inference.model)
        self._on_step: Callable[[], None] = _nothing
        for step in self._steps:
            step.register_forward_hook(lambda *_: self._on_step())

    def move(self, device: str) -> None:
        if device != self.device:
            self._quick.clear()
        self._inference.to(device)
        self.device = device

    def node_depth(self, picture: NDArray[np.uint8], resolution: int, done: Done) -> Array:
        """H x W float32: the depth that the node's own call gives the network's picture, bit for bit on the CPU.

        picture: H x W x 3 or x 4 uint8, as the node takes it.
        """
        remembering = _Remembering(self._inference)
        self._run(lambda: _called(remembering, picture, resolution), done)
        assert remembering.depth is not None
        return remembering.depth

    def depth(self, rgb: Array, done: Done, precision: str = "AUTO") -> Array:
        """H x W float32 relative inverse depth of H x W x 3 float32 pixels, 0..1; H and W are multiples of 32.

        precision, and the difference to the node's depth: as in `depths`.
        """
        return self.depths(rgb[None], done, precision)[0]

    def depths(self, pictures: Array, done: Done, precision: str = "AUTO") -> Array:
        """N x H x W float32 depths of N x H x W x 3 float32 pictures, all in one pass.

        precision: as in the settings; what is too large for half precision comes out as no number.  Differs from the node's
        depth by what is rounded otherwise.
        """
        return self._quick_depths(pictures, None if precision == "FLOAT32" else inference_dtype(self.device), done)

    def free(self) -> None:
        """Gives back what the last pass left behind."""
        empty_cache(self.device)

    def close(self) -> None:
        """Gives back all memory; the network cannot be used again."""
        del self._inference, self._quick, self._steps
        self.free()

    def _quick_depths(self, pictures: Array, half: torch.dtype | None, done: Done) -> Array:
        network = self._made_quick(half)
        pixels = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device) * 2 - 1
        seen = pixels.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            depths = self._run(lambda: network(seen), done)
        return depths.float().cpu().numpy()

    def _made_quick(self, half: torch.dtype | None) -> torch.nn.Module:
        if half not in self._quick:
            self._quick = {half: optimize_for_inference(self._inference, self.device, half)}
        return self._quick[half]

    def _run(self, call: Callable[[], Any], done: Done) -> Any:
        """The call's answer; `done` hears of each step, and may end the call by raising."""
        taken = 0

        def step() -> None:
            nonlocal taken
            taken += 1
            done(taken / len(self._steps))

        done(0.0)
        self._on_step = step
        try:
            return call()
        finally:
            self._on_step = _nothing
            self._inference.model.pretrained.activations.clear()  # the library keeps features until its next pass


def replayed(depth: Array, source_size: tuple[int, int], settings: Settings) -> NDArray[np.uint8]:
    """H x W x 3 uint8: the normal picture that the node's own call makes of a depth it gave for a picture of that size."""
    blank = np.zeros((source_size[1], source_size[0], 3), np.uint8)
    return np.ascontiguousarray(_called(_Replaying(depth), blank, settings.resolution, a=settings.a,
                                        bg_th=settings.bg_threshold, depth_and_normal=True)[1])


class _Remembering(torch.nn.Module):
    """The network as it is, except that its last answer is kept."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network
        self.depth: Array | None = None

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        answer = self.network(picture)
        self.depth = answer[0].cpu().numpy().copy()
        return answer


class _Replaying(torch.nn.Module):
    """Answers every picture with the same depth; a parameter, since the library asks the first one for its device."""

    def __init__(self, depth: Array) -> None:
        super().__init__()
        self.depth = torch.nn.Parameter(torch.from_numpy(depth)[None], requires_grad=False)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return self.depth


def _called(network: torch.nn.Module, picture: NDArray[np.uint8], resolution: int, **words: Any) -> Any:
    """The library's own call, with any network."""
    with np.errstate(divide="ignore", invalid="ignore"):  # constant depth: the library divides by its range
        return MidasDetector(network)(picture, detect_resolution=resolution, image_resolution=resolution, **words)


def _loaded(folder: Path) -> torch.nn.Module:
    path = folder / WEIGHTS_NAME
    if not is_file(path):
        raise WeightsError(
            "There is no file {file} in {folder}; put it there or choose its folder ({chosen}).",
            file=WEIGHTS_NAME,
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


def _steps(network: torch.nn.Module) -> list[torch.nn.Module]:
    """The parts of the network one after the other, about as long as each other: where a pass can be given up."""
    vision, decoder = network.pretrained.model, network.scratch
    return [*vision.patch_embed.backbone.stages, *vision.blocks, decoder.refinenet4, decoder.refinenet3, decoder.refinenet2,
            decoder.refinenet1]


def _nothing() -> None:
    """No pass is running."""
