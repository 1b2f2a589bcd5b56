"""Optimise the model for inference: half precision in the transformer, Winograd convolutions in the decoder.

Winograd's F(4 x 4, 3 x 3): Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING

import torch
from torch.nn import Conv2d, Linear, Module, functional

if TYPE_CHECKING:
    from torch import Tensor

    from .model import DPTHybrid

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

BFLOAT16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16")
"""Instructions of a CPU without which bfloat16 is slower than float32."""


class WinogradConvolution(Module):
    """A 3 x 3 convolution with zero padding; differs from torch's by rounding, and its weights are four times as large."""

    def __init__(self, convolution: Conv2d) -> None:
        super().__init__()
        weights = torch.einsum("ai,ocij,bj->abco", KERNEL_TRANSFORM, convolution.weight.double(), KERNEL_TRANSFORM)
        self._weights = weights.flatten(0, 1).float().contiguous()  # 36 x channels in x channels out
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


def inference_dtype(device: str) -> torch.dtype | None:
    """Return the 16-bit type that a device ("cpu", "cuda", "mps", "xpu") multiplies faster than float32, or None."""
    if device != "cpu":
        return torch.float16
    capabilities = torch.cpu.get_capabilities()
    return torch.bfloat16 if any(capabilities.get(name) for name in BFLOAT16_INSTRUCTIONS) else None


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


def _is_faster_with_winograd(layer: Conv2d) -> bool:
    return layer.kernel_size == (3, 3) and min(layer.in_channels, layer.out_channels) >= MIN_WINOGRAD_CHANNELS
