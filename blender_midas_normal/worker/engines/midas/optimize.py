"""Optimise the library's network for inference: standardised weights, half precision, Winograd convolutions.

Winograd's F(4 x 4, 3 x 3): Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016).
"""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from types import MethodType
from typing import TYPE_CHECKING

import torch
from timm.layers import StdConv2dSame
from timm.layers.padding import pad_same
from torch.nn import Conv2d, Linear, Module, Parameter, functional

if TYPE_CHECKING:
    from torch import Tensor

TILES_PER_STRIP = 64
"""About the tiles that are transformed together: their 36 values in 256 channels take 2.4 MB and stay in the cache."""

INPUT_TRANSFORM = torch.tensor([[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
                        [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]], dtype=torch.float32)
KERNEL_TRANSFORM = torch.tensor([[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
                       [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]], dtype=torch.float64)
OUTPUT_TRANSFORM = torch.tensor([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
                      dtype=torch.float32)
"""The transforms of one dimension; those of two are their Kronecker products with themselves."""

FUSION_BLOCKS = ("refinenet1", "refinenet2", "refinenet3", "refinenet4")

FINE_LAYERS = ("layer1_rn", "layer2_rn", "refinenet1", "refinenet2", "output_conv")
"""Parts of the decoder at 1/8 of the resolution and finer, where convolutions take long."""

MIN_WINOGRAD_CHANNELS = 128
"""With fewer, in or out, Winograd's transforms take longer than its products save."""

BFLOAT16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16")
"""Instructions of a CPU without which bfloat16 is slower than float32."""


class WinogradConvolution:
    """A 3 x 3 convolution with zero padding; differs from torch's by rounding, and its weights are four times as large."""

    def __init__(self, convolution: Conv2d) -> None:
        weights = torch.einsum("ai,ocij,bj->abco", KERNEL_TRANSFORM, convolution.weight.double(), KERNEL_TRANSFORM)
        self._weights = weights.flatten(0, 1).float().contiguous()  # 36 x channels in x channels out
        self._bias = convolution.bias

    def __call__(self, picture: Tensor) -> Tensor:
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
def optimize_for_inference(network: Module, device: str, dtype: torch.dtype | None) -> Module:
    """Return an optimised copy of the library's MiDaSInference, for pictures whose sides are multiples of 32.

    The copy shares weights with the network, and becomes invalid when that is moved to another device.

    Args:
        network: on `device`.
        device: torch's name.
        dtype: in which the transformer multiplies, at 1/16 of the resolution; None for float32.  All else stays in float32:
            rounding at finer resolutions would show as grain in the normals.
    """
    optimized = _copy_sharing_weights(network)
    vision, decoder = optimized.model.pretrained.model, optimized.model.scratch
    for layer in vision.patch_embed.backbone.modules():
        if isinstance(layer, StdConv2dSame):
            layer.weight = Parameter(_standardise_weights(layer), requires_grad=False)
            layer.forward = MethodType(_convolve, layer)
    for name in FUSION_BLOCKS:
        block = getattr(decoder, name)
        block.forward = MethodType(_fuse, block)
    if device == "cpu":
        for layer in (layer for name in FINE_LAYERS for layer in getattr(decoder, name).modules()):
            if _is_faster_with_winograd(layer):
                layer.forward = WinogradConvolution(layer)
    if dtype is not None:
        for layer in vision.blocks.modules():
            if isinstance(layer, Linear):
                layer.weight = Parameter(layer.weight.to(dtype), requires_grad=False)
                layer.bias = Parameter(layer.bias.to(dtype), requires_grad=False)
                layer.forward = MethodType(_multiply, layer)
    return optimized


def _copy_sharing_weights(network: Module) -> Module:
    """Copy a network without its tensors, and without the dictionary in which the library's hooks store features."""
    features = network.model.pretrained.activations
    shared = [features, *network.parameters()]
    return copy.deepcopy(network, {id(part): part for part in shared})


def _is_faster_with_winograd(layer: Module) -> bool:
    return (isinstance(layer, Conv2d) and layer.kernel_size == (3, 3)
            and min(layer.in_channels, layer.out_channels) >= MIN_WINOGRAD_CHANNELS)


def _standardise_weights(layer: Conv2d) -> Tensor:
    """Return the weights that the layer computes from its own in every pass, channels last."""
    rows = layer.weight.reshape(1, layer.out_channels, -1)
    weights = functional.batch_norm(rows, None, None, training=True, momentum=0.0, eps=layer.eps)
    return weights.view_as(layer.weight).contiguous(memory_format=torch.channels_last)


def _convolve(layer: Conv2d, picture: Tensor) -> Tensor:
    """Run a layer whose weights are standardised already."""
    if layer.same_pad:
        picture = pad_same(picture, layer.kernel_size, layer.stride, layer.dilation)
    return functional.conv2d(picture, layer.weight, layer.bias, layer.stride, layer.padding)


def _fuse(block: Module, coarse: Tensor, skipped: Tensor | None = None) -> Tensor:
    """Run a fusion block with its 1 x 1 convolution before the enlargement: the order changes nothing but rounding."""
    if skipped is not None:
        coarse = coarse + block.resConfUnit1(skipped)
    small = block.out_conv(block.resConfUnit2(coarse))
    return functional.interpolate(small, scale_factor=2, mode="bilinear", align_corners=True)


def _multiply(layer: Linear, features: Tensor) -> Tensor:
    """Run a linear layer in the type of its weights."""
    return functional.linear(features.to(layer.weight.dtype), layer.weight, layer.bias)
