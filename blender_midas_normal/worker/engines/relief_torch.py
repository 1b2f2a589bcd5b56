"""The network of the relief engine on torch, from the same file of weights and with the same answers as on numpy.

The only file of the relief engine that imports torch; the training program builds its network here too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .relief_network import GAIN, LARGEST_TILE, MIDDLE, Architecture, Weights, in_tiles

if TYPE_CHECKING:
    from ...core.picture import Array, Wrap
    from . import Report


class Relief(nn.Module):
    """The network as a torch module: N x 3 x H x W pixels, 0..1, to N x 2 x H x W slopes.

    H and W are multiples of the architecture's stride.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.layers = nn.ModuleDict({
            _key(layer.name): nn.Conv2d(layer.inputs, layer.outputs, layer.size, stride=2 if layer.size == 2 else 1)
            for layer, _ in architecture.convolutions()})

    def forward(self, pixels: Tensor, repeats: tuple[bool, bool] = (True, True),
                done: Callable[[float], None] = lambda _: None) -> Tensor:
        """`repeats`: whether x and y do; done(share) is called after each level."""
        levels = self.architecture.levels
        x = functional.pixel_unshuffle((pixels - MIDDLE) * GAIN, 2).contiguous(memory_format=torch.channels_last)
        x = functional.relu(self._convolved("stem", x, repeats))
        finer: list[Tensor] = []
        for i, level in enumerate(levels):
            if i > 0:
                finer.append(x)
                x = self._layer(f"down{i}", x)
            x = self._blocks(f"down{i}", level.down, x, repeats)
            done(0.5 * (i + 1) / len(levels))
        for i in reversed(range(len(levels))):
            if i < len(levels) - 1:
                x = finer.pop() + functional.interpolate(self._layer(f"up{i}", x), scale_factor=2.0)
            x = self._blocks(f"up{i}", levels[i].up, x, repeats)
            done(1 - 0.5 * i / len(levels))
        return functional.pixel_shuffle(self._convolved("out", x, repeats), 2)

    def load(self, weights: Weights) -> None:
        """Takes over the numbers of a file of weights for this architecture."""
        for name, values in weights.weights.items():
            layer = self.layers[_key(name)]
            assert isinstance(layer, nn.Conv2d) and layer.bias is not None
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(values))
                layer.bias.copy_(torch.from_numpy(weights.biases[name]))

    def weights(self) -> Weights:
        """The numbers as they go into a file of weights."""
        def array(name: str, part: str) -> Array:
            return getattr(self.layers[_key(name)], part).detach().float().cpu().numpy()

        names = [layer.name for layer, _ in self.architecture.convolutions()]
        return Weights(self.architecture, {name: array(name, "weight") for name in names},
                       {name: array(name, "bias") for name in names})

    def _blocks(self, name: str, count: int, x: Tensor, repeats: tuple[bool, bool]) -> Tensor:
        for block in range(count):
            inner = functional.relu(self._convolved(f"{name}.{block}.a", x, repeats))
            x = x + self._convolved(f"{name}.{block}.b", inner, repeats)
        return x

    def _convolved(self, name: str, x: Tensor, repeats: tuple[bool, bool]) -> Tensor:
        across, down = repeats
        if across == down:
            return self._layer(name, functional.pad(x, (1, 1, 1, 1), mode=_mode(across)))
        x = functional.pad(x, (1, 1, 0, 0), mode=_mode(across))
        return self._layer(name, functional.pad(x, (0, 0, 1, 1), mode=_mode(down)))

    def _layer(self, name: str, x: Tensor) -> Tensor:
        return self.layers[_key(name)](x)


class TorchReliefNetwork:
    """The network on a device of torch, "cpu", "cuda", ...; half precision on anything but the CPU."""

    def __init__(self, weights: Weights, device: str) -> None:
        self.device = device
        self.architecture = weights.architecture
        self._type = torch.float32 if device == "cpu" else torch.float16
        network = Relief(weights.architecture).eval().requires_grad_(False)
        network.load(weights)
        self._network = network.to(device, self._type, memory_format=torch.channels_last)

    def slopes(self, rgb: Array, wrap: Wrap, report: Report, largest: tuple[int, int] = LARGEST_TILE) -> Array:
        """H x W x 2 float32 slopes of H x W x 3 float32 sRGB, as `ReliefNetwork.slopes` gives them."""
        return in_tiles(rgb, wrap, self.architecture, self._run, report, largest)

    def _run(self, rgb: Array, wrap: Wrap, done: Callable[[float], None]) -> Array:
        pixels = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].to(self.device, self._type)
        with torch.inference_mode():
            slopes = self._network(pixels, (wrap.x, wrap.y), done)
        return slopes[0].permute(1, 2, 0).float().cpu().numpy()


def _mode(repeats: bool) -> str:
    return "circular" if repeats else "replicate"


def _key(name: str) -> str:
    """A layer's name as torch wants it, without dots."""
    return name.replace(".", "_")
