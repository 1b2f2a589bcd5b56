"""The network to be trained: where it begins, and how it becomes a file of weights."""

from __future__ import annotations

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


class Relief(nn.Module):
    """The network as torch trains it: pixels and the slopes of half the size to slopes; see `forward`.

    H and W are multiples of the architecture's stride.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.layers = nn.ModuleDict({
            _key(layer.name): nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size,
                                       stride=2 if layer.kernel_size == 2 else 1)
            for layer, _ in architecture.convolutions()})

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
                layer.weight.copy_(torch.from_numpy(values))
                layer.bias.copy_(torch.from_numpy(weights.biases[name]))

    def weights(self) -> Weights:
        """Return the parameters as a file of weights has them."""
        def array(name: str, part: str) -> Array:
            return getattr(self.layers[_key(name)], part).detach().float().cpu().numpy()

        names = [layer.name for layer, _ in self.architecture.convolutions()]
        return Weights(self.architecture, {name: array(name, "weight") for name in names},
                       {name: array(name, "bias") for name in names})

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
    """Return a network as training begins: He's weights, biases of 0, and blocks that change nothing yet.

    With the last convolution of each block at 0 the depth of the network does not matter at the beginning, which is what
    normalisation is otherwise needed for (Zhang et al., "Fixup initialization", 2019).
    """
    network = Relief(architecture)
    for name, layer in network.layers.items():
        assert isinstance(layer, nn.Conv2d) and layer.bias is not None
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
        if name.endswith("_b"):
            nn.init.zeros_(layer.weight)
        if name == "out":
            nn.init.normal_(layer.weight, std=1e-3)  # nearly flat
    return network.to(memory_format=torch.channels_last)


ALIVE = 1e-3
"""Share of a picture's pixels at which a hidden unit is positive, from which on it counts as alive."""


def revive(network: Relief, pictures: Sequence[Tensor], smallest: int) -> int:
    """Reinitialise hidden units of the blocks that no picture makes active; the predictions stay the same.

    A ReLU that is never positive gets no gradient, so it stays as it is for good.  Its weights become random (He), and those
    that read it zero.

    Args:
        network: changed in place.
        pictures: 1 x 3 x H x W each, 0..1, of sides that are multiples of the stride at all sizes.
        smallest: see `sizes_of`.

    Returns:
        How many units began anew.
    """
    firsts = {name: layer for name, layer in network.layers.items() if name.endswith("_a")}
    active = {name: torch.zeros(layer.out_channels) for name, layer in firsts.items()}

    def observe(name: str) -> Callable[[nn.Module, tuple, Tensor], None]:
        def hook(layer: nn.Module, inputs: tuple, output: Tensor) -> None:
            active[name] = torch.maximum(active[name], (output > 0).float().mean((0, 2, 3)).cpu())
        return hook

    hooks = [layer.register_forward_hook(observe(name)) for name, layer in firsts.items()]
    with torch.no_grad():
        for pixels in pictures:
            sizes = sizes_of(pixels, smallest)
            through_sizes(network, sizes, [(0, 0)] * len(sizes), (True, True))
        for hook in hooks:
            hook.remove()
        for name, first in firsts.items():
            dead = (active[name] < ALIVE).to(first.weight.device)
            fresh = nn.init.kaiming_normal_(torch.empty_like(first.weight), nonlinearity="relu")
            first.weight[dead], first.bias[dead] = fresh[dead], 0.0
            network.layers[name.removesuffix("a") + "b"].weight[:, dead] = 0.0
    return sum(int((share < ALIVE).sum()) for share in active.values())


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
