"""Optimise the library's network for inference: standardised weights, half precision, Winograd's F(4 x 4, 3 x 3)."""

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

STRIP = 64
"""About how many tiles a strip has: their 36 numbers in 256 channels are 2.4 MB and stay near the processor."""

PICTURE = torch.tensor([[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
                        [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]], dtype=torch.float32)
KERNEL = torch.tensor([[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
                       [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]], dtype=torch.float64)
ANSWER = torch.tensor([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
                      dtype=torch.float32)
"""The transforms of one direction; those of both at once are their Kronecker products with themselves."""

FUSIONS = ("refinenet1", "refinenet2", "refinenet3", "refinenet4")

FINE = ("layer1_rn", "layer2_rn", "refinenet1", "refinenet2", "output_conv")
"""Parts of the decoder at 1/8 of the resolution and finer, where convolutions take long."""

MANY_CHANNELS = 128
"""With fewer, in or out, the transforms around Winograd's products take longer than what these save."""

BFLOAT16 = ("amx_bf16", "avx512_bf16")
"""Instructions of a CPU without which bfloat16 is slower than float32."""


class Winograd:
    """Answers as a 3 x 3 convolution with a border of zeros does, but for rounding; its weights take four times as much."""

    def __init__(self, convolution: Conv2d) -> None:
        both = torch.einsum("ai,ocij,bj->abco", KERNEL, convolution.weight.double(), KERNEL)
        self._weights = both.flatten(0, 1).float().contiguous()  # 36 x channels in x channels out
        self._bias = convolution.bias

    def __call__(self, picture: Tensor) -> Tensor:
        """N x D x H x W of N x C x H x W, channels last; H and W are multiples of 4."""
        count, _, rows, columns = picture.shape
        channels = self._weights.shape[2]
        pixels = picture.permute(0, 2, 3, 1)
        answer = torch.empty((count, channels, rows, columns), memory_format=torch.channels_last)
        tiles = answer.permute(0, 2, 3, 1).view(count, rows // 4, 4, columns // 4, 4, channels)
        step = max(1, STRIP // (columns // 4))

        @torch.inference_mode()
        def convolve(number: int, top: int) -> None:
            bottom = min(rows // 4, top + step)
            strip = pixels[number, max(0, 4 * top - 1):4 * bottom + 1]
            borders = (0, 0, 1, 1, int(top == 0), int(4 * bottom == rows))
            tiles[number, top:bottom] = self._tiles(functional.pad(strip, borders))

        with ThreadPoolExecutor(torch.get_num_threads(), initializer=torch.set_num_threads, initargs=(1,)) as threads:
            list(threads.map(convolve, *zip(*product(range(count), range(0, rows // 4, step)), strict=True)))
        return answer

    def _tiles(self, strip: Tensor) -> Tensor:
        """T x 4 x S x 4 x D of (4 T + 2) x (4 S + 2) x C."""
        patches = strip.unfold(0, 6, 4).unfold(1, 6, 4).permute(3, 4, 0, 1, 2)
        down, across, channels = patches.shape[2:]
        seen = torch.mm(torch.kron(PICTURE, PICTURE), patches.reshape(36, -1))
        products = torch.bmm(seen.view(36, -1, channels), self._weights)
        answer = torch.mm(torch.kron(ANSWER, ANSWER), products.view(36, -1)).view(4, 4, down, across, -1)
        if self._bias is not None:
            answer += self._bias
        return answer.permute(2, 0, 3, 1, 4)


def inference_dtype(device: str) -> torch.dtype | None:
    """The 16-bit type that the device ("cpu", "cuda", "mps", "xpu") multiplies faster than float32, or None."""
    if device != "cpu":
        return torch.float16
    abilities = torch.cpu.get_capabilities()
    return torch.bfloat16 if any(abilities.get(name) for name in BFLOAT16) else None


@torch.no_grad()
def optimize_for_inference(network: Module, device: str, half: torch.dtype | None) -> Module:
    """The copy of the library's MiDaSInference that is on `device`, for pictures whose sides are multiples of 32.

    half: the type in which the transformer multiplies, at 1/16 of the resolution.  All else stays in float32: what a half
    rounds off at finer resolutions would be grain in the normals.  Once the network moves, the copy is of no use.
    """
    made = _sharing_weights(network)
    vision, decoder = made.model.pretrained.model, made.model.scratch
    for layer in vision.patch_embed.backbone.modules():
        if isinstance(layer, StdConv2dSame):
            layer.weight = Parameter(_standardised(layer), requires_grad=False)
            layer.forward = MethodType(_convolved, layer)
    for name in FUSIONS:
        block = getattr(decoder, name)
        block.forward = MethodType(_fused, block)
    if device == "cpu":
        for layer in (layer for name in FINE for layer in getattr(decoder, name).modules()):
            if _has_many_products(layer):
                layer.forward = Winograd(layer)
    if half is not None:
        for layer in vision.blocks.modules():
            if isinstance(layer, Linear):
                layer.weight = Parameter(layer.weight.to(half), requires_grad=False)
                layer.bias = Parameter(layer.bias.to(half), requires_grad=False)
                layer.forward = MethodType(_multiplied, layer)
    return made


def _sharing_weights(network: Module) -> Module:
    """A copy with the same tensors, and with the same dictionary where the library's hooks lay features down."""
    features = network.model.pretrained.activations
    shared = [features, *network.parameters()]
    return copy.deepcopy(network, {id(part): part for part in shared})


def _has_many_products(layer: Module) -> bool:
    return (isinstance(layer, Conv2d) and layer.kernel_size == (3, 3)
            and min(layer.in_channels, layer.out_channels) >= MANY_CHANNELS)


def _standardised(layer: Conv2d) -> Tensor:
    """The weights that the layer computes from its own in every pass, laid out as the pictures are."""
    rows = layer.weight.reshape(1, layer.out_channels, -1)
    weights = functional.batch_norm(rows, None, None, training=True, momentum=0.0, eps=layer.eps)
    return weights.view_as(layer.weight).contiguous(memory_format=torch.channels_last)


def _convolved(layer: Conv2d, picture: Tensor) -> Tensor:
    """A layer's answer with weights that are standardised already."""
    if layer.same_pad:
        picture = pad_same(picture, layer.kernel_size, layer.stride, layer.dilation)
    return functional.conv2d(picture, layer.weight, layer.bias, layer.stride, layer.padding)


def _fused(block: Module, coarse: Tensor, skipped: Tensor | None = None) -> Tensor:
    """A fusion block's answer, with its 1 x 1 convolution before the enlargement: the order changes nothing but rounding."""
    if skipped is not None:
        coarse = coarse + block.resConfUnit1(skipped)
    small = block.out_conv(block.resConfUnit2(coarse))
    return functional.interpolate(small, scale_factor=2, mode="bilinear", align_corners=True)


def _multiplied(layer: Linear, features: Tensor) -> Tensor:
    """A layer's answer in the type of its weights."""
    return functional.linear(features.to(layer.weight.dtype), layer.weight, layer.bias)
