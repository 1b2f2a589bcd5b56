"""The network of MiDaS on a device: loaded, optimised for it, and run; or controlnet_aux's, for the node's own pictures.

A worker imports this module, and with it torch, when it needs the network.  Winograd's F(4 x 4, 3 x 3): Lavin and Gray,
"Fast Algorithms for Convolutional Neural Networks" (2016).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import Conv2d, Linear, Module, functional

from ....core.engines import MIDAS_WEIGHTS
from ...devices import import_errors_as_unavailable
from ...memory import trim_heap
from ..torch_inference import ModelOnDevice, OnProgress, run_with_progress
from .model import DPTHybrid, load_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from ....core.arrays import Array
    from .node import NodeNetwork

TILES_PER_STRIP = 64
"""About the tiles that are transformed together: their 36 values in 256 channels take 2.4 MB and stay in the cache."""

INPUT_TRANSFORM = torch.tensor([[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
                        [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]], dtype=torch.float32)
KERNEL_TRANSFORM = torch.tensor([[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
                       [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]], dtype=torch.float64)
OUTPUT_TRANSFORM = torch.tensor([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
                      dtype=torch.float32)
"""The transforms of one dimension; those of two are their Kronecker products with themselves."""

FINE_LAYERS = ("layer1_rn", "layer2_rn", "refinenet1", "refinenet2", "output_conv")
"""Parts of the decoder at 1/8 of the resolution and finer, where convolutions take long."""

MIN_WINOGRAD_CHANNELS = 128
"""With fewer, in or out, Winograd's transforms take longer than its products save."""

class WinogradConvolution(Module):
    """A 3 x 3 convolution with zero padding; differs from torch's by rounding, and its weights are four times as large."""

    def __init__(self, convolution: Conv2d) -> None:
        super().__init__()
        kernels = convolution.weight.double()
        self._weights = torch.empty((36, convolution.in_channels, convolution.out_channels))
        # One by one: all at once leaves 160 MB to malloc, which it keeps.
        for weights, (down, across) in zip(self._weights, product(KERNEL_TRANSFORM, repeat=2), strict=True):
            weights.copy_((kernels * torch.outer(down, across)).sum((2, 3)).T)
        self._bias = convolution.bias

    def forward(self, picture: Tensor) -> Tensor:
        """Return N x D x H x W of N x C x H x W, channels last; H and W are multiples of 4."""
        count, _, rows, columns = picture.shape
        channels = self._weights.shape[2]
        pixels = picture.permute(0, 2, 3, 1)
        output = torch.empty((count, channels, rows, columns), memory_format=torch.channels_last)
        tiles = output.permute(0, 2, 3, 1).view(count, rows // 4, 4, columns // 4, 4, channels)
        step = max(1, TILES_PER_STRIP // (columns // 4))

        @torch.inference_mode()
        def convolve(number: int, top: int) -> None:
            bottom = min(rows // 4, top + step)
            strip = pixels[number, max(0, 4 * top - 1):4 * bottom + 1]
            borders = (0, 0, 1, 1, int(top == 0), int(4 * bottom == rows))
            tiles[number, top:bottom] = self._convolve_tiles(functional.pad(strip, borders))

        with ThreadPoolExecutor(torch.get_num_threads(), initializer=torch.set_num_threads, initargs=(1,)) as threads:
            list(threads.map(convolve, *zip(*product(range(count), range(0, rows // 4, step)), strict=True)))
        return output

    def _convolve_tiles(self, strip: Tensor) -> Tensor:
        """Return T x 4 x S x 4 x D of a strip of (4 T + 2) x (4 S + 2) x C."""
        patches = strip.unfold(0, 6, 4).unfold(1, 6, 4).permute(3, 4, 0, 1, 2)
        down, across, channels = patches.shape[2:]
        transformed = torch.mm(torch.kron(INPUT_TRANSFORM, INPUT_TRANSFORM), patches.reshape(36, -1))
        products = torch.bmm(transformed.view(36, -1, channels), self._weights)
        output = torch.mm(torch.kron(OUTPUT_TRANSFORM, OUTPUT_TRANSFORM), products.view(36, -1)).view(4, 4, down, across, -1)
        if self._bias is not None:
            output += self._bias
        return output.permute(2, 0, 3, 1, 4)


@torch.no_grad()
def optimize_for_inference(model: DPTHybrid, device: str, dtype: torch.dtype | None) -> None:
    """Optimise a model that was just loaded, and move it to a device.

    Args:
        model: changed in place.
        device: torch's name.
        dtype: in which the transformer multiplies, at 1/16 of the resolution; None for float32.  All else stays in float32:
            rounding at finer resolutions would show as grain in the normals.
    """
    if dtype is not None:
        for layer in model.pretrained.model.blocks.modules():
            if isinstance(layer, Linear):
                layer.to(dtype)
    if device == "cpu":
        for name, layer in list(model.scratch.named_modules()):
            if name.split(".")[0] in FINE_LAYERS and isinstance(layer, Conv2d) and _is_faster_with_winograd(layer):
                model.scratch.set_submodule(name, WinogradConvolution(layer))
    model.to(device)
    trim_heap()  # which leaves 60 MB less than the kernels' transforms have left


def _is_faster_with_winograd(layer: Conv2d) -> bool:
    return layer.kernel_size == (3, 3) and min(layer.in_channels, layer.out_channels) >= MIN_WINOGRAD_CHANNELS


class Network(ModelOnDevice[DPTHybrid]):
    """The network.

    Raises WeightsError with the first pass where its file is missing, damaged or of another network.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._path = folder / MIDAS_WEIGHTS.name
        self._node: NodeNetwork | None = None

    def build(self, dtype: torch.dtype | None) -> DPTHybrid:
        model = load_model(self._path)
        optimize_for_inference(model, self.device, dtype)
        return model

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
        return run_with_progress(lambda: node.depth(picture, resolution), _find_steps(node.model), self.device, on_progress)

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
        model = self.model(self.dtype(precision))
        pixels = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device) * 2 - 1
        planes = pixels.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            depths = run_with_progress(lambda: model(planes), _find_steps(model), self.device, on_progress)
        return depths.float().cpu().numpy()

    def close(self) -> None:
        self._node = None
        super().close()


def _find_steps(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Return parts of the model that take about the same time each: a pass can be cancelled between them."""
    vision, decoder = model.pretrained.model, model.scratch
    return [*vision.patch_embed.backbone.stages, *vision.blocks, decoder.refinenet4, decoder.refinenet3, decoder.refinenet2,
            decoder.refinenet1]
