"""The network to be trained: where it begins, and how it becomes a file of weights."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from blender_midas_normal.core.errors import WeightsError
from blender_midas_normal.worker.engines.relief.architecture import (
    PIXEL_GAIN,
    PIXEL_OFFSET,
    RELIEF_ARCHITECTURE,
    RGB_CHANNELS,
    SLOPE_GAIN,
    Architecture,
    Convolution,
    Level,
    Weights,
    read_weights,
    write_weights,
)

if TYPE_CHECKING:
    from blender_midas_normal.core.arrays import Array

ARCHITECTURES = {
    "full": RELIEF_ARCHITECTURE,
    "small": Architecture((Level(16, 0, 1), Level(32, 1, 1), Level(64, 1, 1), Level(96, 1, 1), Level(128, 1, 0))),
    "tiny": Architecture((Level(8, 0, 1), Level(12, 1, 0))),
}
"""By name: the one for a GPU, one that learns something in an hour on 2 cores (half the work), and one for tests."""


EPSILON = 1e-8
"""Added to the variance of a kernel before it is divided by its root."""

MAX_KERNEL_MEAN = 1e-3
"""Largest mean of a kernel, over the largest deviation of a layer's, that counts as 0: half precision rounds."""

RELU_GAIN = math.sqrt(2 / (1 - 1 / math.pi))
"""Over the deviation of a standard normal variable after a ReLU: with it, a standardised convolution of what comes from a
ReLU has the variance of what went into that."""


class StandardisedConv2d(nn.Conv2d):
    """A convolution whose kernels have mean 0, and a deviation that depends on a gain for each output alone.

    What comes out of ReLUs has a mean, which kernels with a mean of their own turn into an offset of whole channels: without
    normalisation layers, most hidden units then end where their ReLU is never positive, and learn no more.  A kernel of mean
    0 gives no such offset.  Weight standardisation: Qiao et al., "Micro-Batch Training with Batch-Channel Normalization and
    Weight Standardization" (2019); with these gains, in networks without normalisation: Brock et al., "Characterizing signal
    propagation to close the performance gap in unnormalized ResNets" (2021).  A file of weights holds plain kernels.
    """

    def __init__(self, layer: Convolution, gain: float, first: float, plain: int = 0) -> None:
        """Make the layer.

        Args:
            layer: its channels and kernels.
            gain: that of what is read, 1 or RELU_GAIN.
            first: factor on the kernels before anything is learnt.
            plain: how many of the inputs, the last ones, have plain kernels.
        """
        super().__init__(layer.in_channels, layer.out_channels, layer.kernel_size, 2 if layer.kernel_size == 2 else 1)
        self.parts = [layer.in_channels - plain, plain]
        self.scale = gain / math.sqrt(self.parts[0] * layer.kernel_size ** 2)
        self.gain = nn.Parameter(torch.full((layer.out_channels, 1, 1, 1), first))

    def kernels(self) -> Tensor:
        """Return the kernels that the pass uses."""
        standardised, plain = self.weight.split(self.parts, 1)
        variance, mean = torch.var_mean(standardised, (1, 2, 3), correction=0, keepdim=True)
        kernels = self.gain * self.scale * (standardised - mean) * torch.rsqrt(variance + EPSILON)
        return torch.cat([kernels, plain], 1) if self.parts[1] else kernels

    def set_kernels(self, kernels: Tensor) -> None:
        """Make these the kernels that the pass uses; raise WeightsError where their means are not 0."""
        standardised, plain = kernels.split(self.parts, 1)
        variance, mean = torch.var_mean(standardised, (1, 2, 3), correction=0, keepdim=True)
        if float(mean.abs().max()) > MAX_KERNEL_MEAN * float(variance.max().sqrt()):
            raise WeightsError("These weights were trained without standardised kernels; begin without them.")
        self.weight.copy_(torch.cat([standardised * torch.rsqrt(variance + EPSILON), plain], 1))
        self.gain.copy_(variance.sqrt() / self.scale)

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.kernels(), self.bias)


class Relief(nn.Module):
    """The network as torch trains it: pixels and the slopes of half the size to slopes; see `forward`.

    H and W are multiples of the architecture's stride.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.layers = nn.ModuleDict({_key(layer.name): _new_layer(layer) for layer, _ in architecture.convolutions()})

    def forward(self, pixels: Tensor, coarse: Tensor, repeats: tuple[bool, bool] = (True, True)) -> Tensor:
        """Predict what to add to the enlarged slopes of the picture at half its size.

        Args:
            pixels: N x 3 x H x W, 0..1.
            coarse: N x 2 x H x W, the enlarged answer at half the size; 0 at the smallest size.
            repeats: whether x and y do.

        Returns:
            N x 2 x H x W: what is added to `coarse`.
        """
        levels = self.architecture.levels
        inputs = torch.cat([(pixels - PIXEL_OFFSET) * PIXEL_GAIN, coarse * SLOPE_GAIN], 1)
        x = functional.pixel_unshuffle(inputs, 2).contiguous(memory_format=torch.channels_last)
        x = functional.relu(self._convolve("stem", x, repeats))
        finer: list[Tensor] = []
        for i, level in enumerate(levels):
            if i > 0:
                finer.append(x)
                x = self._layer(f"down{i}", x)
            x = self._blocks(f"down{i}", level.down, x, repeats)
        for i in reversed(range(len(levels))):
            if i < len(levels) - 1:
                x = finer.pop() + functional.interpolate(self._layer(f"up{i}", x), scale_factor=2.0)
            x = self._blocks(f"up{i}", levels[i].up, x, repeats)
        return functional.pixel_shuffle(self._convolve("out", x, repeats), 2)

    def load(self, weights: Weights) -> None:
        """Takes over the numbers of a file of weights for this architecture."""
        for name, values in weights.weights.items():
            layer = self.layers[_key(name)]
            assert isinstance(layer, nn.Conv2d) and layer.bias is not None
            with torch.no_grad():
                if isinstance(layer, StandardisedConv2d):
                    layer.set_kernels(torch.from_numpy(values))
                else:
                    layer.weight.copy_(torch.from_numpy(values))
                layer.bias.copy_(torch.from_numpy(weights.biases[name]))

    def weights(self) -> Weights:
        """Return the parameters as a file of weights has them."""
        layers = {layer.name: self.layers[_key(layer.name)] for layer, _ in self.architecture.convolutions()}
        kernels = {name: layer.kernels() if isinstance(layer, StandardisedConv2d) else layer.weight
                   for name, layer in layers.items()}
        return Weights(self.architecture, {name: _to_array(values) for name, values in kernels.items()},
                       {name: _to_array(layer.bias) for name, layer in layers.items()})

    def _blocks(self, name: str, count: int, x: Tensor, repeats: tuple[bool, bool]) -> Tensor:
        for block in range(count):
            inner = functional.relu(self._convolve(f"{name}.{block}.a", x, repeats))
            x = x + self._convolve(f"{name}.{block}.b", inner, repeats)
        return x

    def _convolve(self, name: str, x: Tensor, repeats: tuple[bool, bool]) -> Tensor:
        for axis, repeated in zip((3, 2), repeats):
            x = _pad(x, axis, repeated)
        return self._layer(name, x)

    def _layer(self, name: str, x: Tensor) -> Tensor:
        return self.layers[_key(name)](x)


class HalfPrecision(nn.Module):
    """The network's forward pass in bfloat16; weights and gradients stay float32.

    Not by torch.autocast: compiled, it gave gradients of 0 for all layers but one (torch 2.13, CPU).
    """

    def __init__(self, network: Relief) -> None:
        super().__init__()
        self._network = network

    def forward(self, pixels: Tensor, coarse: Tensor, repeats: tuple[bool, bool]) -> Tensor:
        halves = {name: values.bfloat16() for name, values in self._network.named_parameters()}
        return functional_call(self._network, halves, (pixels.bfloat16(), coarse.bfloat16(), repeats))


Forward = Callable[[Tensor, Tensor, tuple[bool, bool]], Tensor]


def through_sizes(forward: Forward, pixels: Sequence[Tensor], inside: Sequence[tuple[int, int]],
                  repeats: tuple[bool, bool]) -> list[Tensor]:
    """Predict the slopes at each size, smallest first, each from those of the one before, without gradient between them.

    Args:
        pixels: N x 3 x H x W of each size.
        inside: row and column of the size before from which on it is seen; see `windows.Windows`.
        repeats: whether x and y do, as a whole picture's may.
    """
    coarse = torch.zeros_like(pixels[0][:, :2])
    answers: list[Tensor] = []
    for one, (row, column) in zip(pixels, inside):
        if answers:
            coarse = enlarge(answers[-1].detach(), repeats)
            coarse = coarse[:, :, 2 * row:2 * row + one.shape[2], 2 * column:2 * column + one.shape[3]]
        answers.append(coarse + forward(one, coarse, repeats).float())
    return answers


def enlarge(slopes: Tensor, repeats: tuple[bool, bool]) -> Tensor:
    """Enlarge slopes to twice the size, linearly."""
    for axis, repeated in zip((3, 2), repeats):
        slopes = _pad(slopes, axis, repeated)
    return functional.interpolate(slopes, scale_factor=2, mode="bilinear")[:, :, 2:-2, 2:-2]


def sizes_of(pixels: Tensor, smallest: int) -> list[Tensor]:
    """Return a picture at 1, 1/2, 1/4, ... of its size, smallest first; each shorter side is at least `smallest`."""
    sizes = [pixels]
    while min(sizes[-1].shape[2:]) >= 2 * smallest:
        sizes.append(functional.avg_pool2d(sizes[-1], 2))
    return sizes[::-1]


def new_network(architecture: Architecture) -> Relief:
    """Return a network as training begins: nearly flat answers, and blocks that change nothing yet.

    With the last convolution of each block at 0 the depth of the network does not matter at the beginning, which is what
    normalisation is otherwise needed for (Zhang et al., "Fixup initialization", 2019).
    """
    network = Relief(architecture)
    for name, layer in network.layers.items():
        assert isinstance(layer, nn.Conv2d) and layer.bias is not None
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
        if name == "out":
            nn.init.normal_(layer.weight, std=1e-3)
    return network.to(memory_format=torch.channels_last)


def _new_layer(layer: Convolution) -> nn.Conv2d:
    """Return a layer for torch.

    All are standardised but the last one, whose outputs are slopes, and the first one where it reads slopes; that it is
    where it reads colours makes the network blind to a picture's brightness as a whole, but not to its changes.
    """
    if layer.name == "out":
        return nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size)
    if layer.name == "stem":
        return StandardisedConv2d(layer, 1.0, 1.0, plain=layer.in_channels - 4 * RGB_CHANNELS)
    if layer.name.endswith(".b"):
        return StandardisedConv2d(layer, RELU_GAIN, 0.0)
    return StandardisedConv2d(layer, RELU_GAIN if layer.name == "down1" else 1.0, 1.0)


def _to_array(values: Tensor) -> Array:
    return values.detach().float().cpu().numpy()


def load(network: Relief, path: Path) -> None:
    """Gives the network the numbers of a file of weights; raises WeightsError when it is of another architecture."""
    weights = read_weights(path)
    if weights.architecture != network.architecture:
        raise WeightsError(f"{path} is of another architecture; name the one it was trained with (--architecture).")
    network.load(weights)


def export(network: Relief, path: Path, factor: float = 1.0) -> None:
    """Write the network's file of weights; its slopes are multiplied by the factor."""
    write_weights(path, scale_slopes(network.weights(), factor))


def scale_slopes(weights: Weights, factor: float) -> Weights:
    """Return the weights of the same network with all slopes, given ones included, multiplied by the factor."""
    stem = weights.weights["stem"].copy()
    stem[:, 4 * RGB_CHANNELS:] /= factor
    return Weights(weights.architecture, {**weights.weights, "stem": stem, "out": weights.weights["out"] * factor},
                   {**weights.biases, "out": weights.biases["out"] * factor})


def _pad(x: Tensor, axis: int, repeated: bool) -> Tensor:
    """Add one value at both ends of an axis: the opposite end's where the axis repeats, else the end's own.

    torch's own circular padding copies in a way that made a step on whole samples 1.3 times as long on a CPU.
    """
    first, last = x.narrow(axis, 0, 1), x.narrow(axis, x.shape[axis] - 1, 1)
    return torch.cat([last, x, first] if repeated else [first, x, last], axis)


def _key(name: str) -> str:
    """Return a layer's name without dots, as torch requires."""
    return name.replace(".", "_")
