"""The library's network made quick: a copy that shares its weights and answers as it does, but for rounding.

What takes long is done otherwise: weights that are standardised anew in every pass; on a CPU, 3 x 3 convolutions of many
channels; 1 x 1 convolutions of pixels that were enlarged just before; and, where the device multiplies halves faster, the
transformer's products.
"""

from __future__ import annotations

import copy
from types import MethodType
from typing import TYPE_CHECKING

import torch
from timm.layers import StdConv2dSame
from timm.layers.padding import pad_same
from torch.nn import Conv2d, Linear, Module, Parameter, functional

from .midas_winograd import Winograd

if TYPE_CHECKING:
    from torch import Tensor

FUSIONS = ("refinenet1", "refinenet2", "refinenet3", "refinenet4")
FINE = ("layer1_rn", "layer2_rn", "refinenet1", "refinenet2", "output_conv")
"""Parts of the decoder at 1/8 of the resolution and finer, where convolutions take long."""

MANY_CHANNELS = 128
"""With fewer, in or out, the transforms around Winograd's products take longer than what these save."""

BFLOAT16 = ("amx_bf16", "avx512_bf16")
"""Instructions of a CPU without which bfloat16 is slower than float32."""


def half_type(device: str) -> torch.dtype | None:
    """The 16-bit type that the device ("cpu", "cuda", "mps", "xpu") multiplies faster than float32, or None."""
    if device != "cpu":
        return torch.float16
    abilities = torch.cpu.get_capabilities()
    return torch.bfloat16 if any(abilities.get(name) for name in BFLOAT16) else None


@torch.no_grad()
def quick(network: Module, device: str, half: torch.dtype | None) -> Module:
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
