"""The network of the relief engine on torch, from the same file of weights and with the same answers as on numpy.

The only file of the relief engine that imports torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..fallback import Attempt, check_finite
from .architecture import Progress, Weights, network_input, pixel_shuffle

if TYPE_CHECKING:
    from ....core.arrays import Array
    from ....core.picture import Wrap


class Field:
    """1 x C x H x W values with a border of one pixel around them, so that a 3 x 3 convolution needs no copy of them.

    On a CPU the copies that torch's own padding makes took as long as the convolutions: 0.41 of 0.93 s per megapixel.
    """

    def __init__(self, like: Tensor) -> None:
        """Of the shape, type and device of `like`; the values are left open."""
        _, channels, rows, columns = like.shape
        self._whole = torch.empty((1, channels, rows + 2, columns + 2), dtype=like.dtype, device=like.device,
                                  memory_format=torch.channels_last)
        self.values = self._whole[..., 1:-1, 1:-1]

    def bordered(self, wrap: Wrap) -> Tensor:
        """The values and their border: the other side's values where the axis repeats, else those next to it."""
        whole = self._whole
        whole[..., 0, :] = whole[..., -2 if wrap.y else 1, :]
        whole[..., -1, :] = whole[..., 1 if wrap.y else -2, :]
        whole[..., 0] = whole[..., -2 if wrap.x else 1]
        whole[..., -1] = whole[..., 1 if wrap.x else -2]
        return whole

    def doubled(self) -> Tensor:
        """The values as 1 x C x H/2 x 2 x W/2 x 2: whatever is added to a pixel of half the size goes to all four."""
        return self.values.unflatten(3, (-1, 2)).unflatten(2, (-1, 2))


class TorchReliefNetwork:
    """The network on a device of torch, "cpu", "cuda", ...; with precision AUTO, in half precision on anything but the CPU.

    Its methods raise WrongValues where that, or the device, gives values that are no numbers.
    """

    def __init__(self, weights: Weights, device: str, precision: str = "AUTO") -> None:
        self.device = device
        self._attempt = Attempt(device, precision)
        self.architecture = weights.architecture
        self._type = torch.float32 if device == "cpu" or precision == "FLOAT32" else torch.float16
        self._weights = {name: self._tensor(values).contiguous(memory_format=torch.channels_last)
                         for name, values in weights.weights.items()}
        self._biases = {name: self._tensor(values) for name, values in weights.biases.items()}

    def forward(self, rgb: Array, coarse: Array, wrap: Wrap, done: Callable[[float], None]) -> Array:
        """See `pyramid.Network`."""
        tell = Progress(self.architecture.work * rgb.shape[0] * rgb.shape[1], done)
        with torch.inference_mode():
            pixels = self._tensor(network_input(rgb, coarse))[None].contiguous(memory_format=torch.channels_last)
            added = pixel_shuffle(self._answer(pixels, wrap, tell)[0].float().cpu().numpy())
            return check_finite(coarse + added, self._attempt)

    def _answer(self, pixels: Tensor, wrap: Wrap, tell: Progress) -> Tensor:
        """1 x 8 x H x W from 1 x 20 x H x W."""
        levels = self.architecture.levels
        stem = self._layer("stem", self._field(pixels).bordered(wrap), tell)
        x = self._field(stem.clamp_min_(0))
        finer: list[Field] = []
        for i, level in enumerate(levels):
            if i > 0:
                finer.append(x)
                x = self._field(self._layer(f"down{i}", x.values, tell, stride=2))
            self._blocks(f"down{i}", level.down, x, wrap, tell)
        for i in reversed(range(len(levels))):
            if i < len(levels) - 1:
                coarse, x = x, finer.pop()
                doubled = x.doubled()
                doubled += self._layer(f"up{i}", coarse.values, tell)[:, :, :, None, :, None]
            self._blocks(f"up{i}", levels[i].up, x, wrap, tell)
        return self._layer("out", x.bordered(wrap), tell)

    def _blocks(self, name: str, count: int, x: Field, wrap: Wrap, tell: Progress) -> None:
        """x += b(relu(a(x))) for each of the level's blocks."""
        inner = Field(x.values) if count else None
        for block in range(count):
            assert inner is not None
            torch.clamp_min(self._layer(f"{name}.{block}.a", x.bordered(wrap), tell), 0, out=inner.values)
            x.values += self._layer(f"{name}.{block}.b", inner.bordered(wrap), tell)

    def _layer(self, name: str, x: Tensor, tell: Progress, stride: int = 1) -> Tensor:
        weights = self._weights[name]
        convolved = functional.conv2d(x, weights, self._biases[name], stride)
        tell(convolved.shape[2] * convolved.shape[3] * weights.numel())
        return convolved

    def _field(self, values: Tensor) -> Field:
        field = Field(values)
        field.values.copy_(values)
        return field

    def _tensor(self, values: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device, self._type)
