"""The relief network on torch, from the same file of weights and with the same results as on numpy.

The only module of the relief engine that imports torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..device_fallback import Attempt, check_finite
from ..torch_inference import make_pacer
from .architecture import Weights, WorkCounter, network_input, pixel_shuffle

if TYPE_CHECKING:
    from ....core.arrays import Array
    from ....core.picture import Wrap


PACED_SHARE = 1 / 8
"""Share of a pass after which the program waits for the device; waits after each convolution would take too long."""


class PaddedFeatures:
    """1 x C x H x W features in memory that has room for padding by one pixel: a 3 x 3 convolution needs no copy of them.

    On a CPU the copies that torch's own padding makes took as long as the convolutions: 0.41 of 0.93 s per megapixel.
    """

    def __init__(self, like: Tensor) -> None:
        """Allocate features of the shape, type and device of `like`, without values."""
        _, channels, rows, columns = like.shape
        self._padded = torch.empty((1, channels, rows + 2, columns + 2), dtype=like.dtype, device=like.device,
                                  memory_format=torch.channels_last)
        self.values = self._padded[..., 1:-1, 1:-1]

    def pad(self, wrap: Wrap) -> Tensor:
        """Return 1 x C x (H+2) x (W+2): padded with the opposite side's values where an axis repeats, else the nearest."""
        padded = self._padded
        padded[..., 0, :] = padded[..., -2 if wrap.y else 1, :]
        padded[..., -1, :] = padded[..., 1 if wrap.y else -2, :]
        padded[..., 0] = padded[..., -2 if wrap.x else 1]
        padded[..., -1] = padded[..., 1 if wrap.x else -2]
        return padded

    def quads(self) -> Tensor:
        """Return a view of 1 x C x H/2 x 2 x W/2 x 2, in which a pixel of half the size stands for 2 x 2 pixels."""
        return self.values.unflatten(3, (-1, 2)).unflatten(2, (-1, 2))


class TorchReliefNetwork:
    """The network on a device of torch, "cpu", "cuda", ...

    Args:
        weights: its parameters.
        device: torch's name.
        precision: AUTO for half precision on all devices but the CPU, or FLOAT32.

    Attributes:
        dtype: in which it computes.
    """

    def __init__(self, weights: Weights, device: str, precision: str = "AUTO") -> None:
        self.device = device
        self._attempt = Attempt(device, precision)
        self.architecture = weights.architecture
        self.dtype = torch.float32 if device == "cpu" or precision == "FLOAT32" else torch.float16
        self._weights = {name: self.to_device(values).contiguous(memory_format=torch.channels_last)
                         for name, values in weights.weights.items()}
        self._biases = {name: self.to_device(values) for name, values in weights.biases.items()}

    def forward(self, rgb: Array, coarse: Array, wrap: Wrap, on_progress: Callable[[float], None]) -> Array:
        """Predict slopes, see `inference.SlopeNetwork`; raise WrongValues as `check_finite` does."""
        wait, waited = make_pacer(self.device), 0.0

        def report(share: float) -> None:
            nonlocal waited
            if share - waited >= PACED_SHARE:
                wait()
                waited = share
            on_progress(share)

        work = WorkCounter(self.architecture.multiplications_per_pixel * rgb.shape[0] * rgb.shape[1], report)
        with torch.inference_mode():
            pixels = self.to_device(network_input(rgb, coarse))[None].contiguous(memory_format=torch.channels_last)
            residual = pixel_shuffle(self._run_layers(pixels, wrap, work)[0].float().cpu().numpy())
            return check_finite(coarse + residual, self._attempt)

    def _run_layers(self, pixels: Tensor, wrap: Wrap, work: WorkCounter) -> Tensor:
        """Return 1 x 8 x H x W of 1 x 20 x H x W."""
        levels = self.architecture.levels
        stem = self._convolve("stem", _copy_features(pixels).pad(wrap), work)
        x = _copy_features(stem.clamp_min_(0))
        finer: list[PaddedFeatures] = []
        for i, level in enumerate(levels):
            if i > 0:
                finer.append(x)
                x = _copy_features(self._convolve(f"down{i}", x.values, work, stride=2))
            self._add_blocks(f"down{i}", level.down, x, wrap, work)
        for i in reversed(range(len(levels))):
            if i < len(levels) - 1:
                coarse, x = x, finer.pop()
                quads = x.quads()
                quads += self._convolve(f"up{i}", coarse.values, work)[:, :, :, None, :, None]
            self._add_blocks(f"up{i}", levels[i].up, x, wrap, work)
        return self._convolve("out", x.pad(wrap), work)

    def _add_blocks(self, name: str, count: int, x: PaddedFeatures, wrap: Wrap, work: WorkCounter) -> None:
        """Apply a level's residual blocks, x += b(relu(a(x))), in place."""
        inner = PaddedFeatures(x.values) if count else None
        for block in range(count):
            assert inner is not None
            torch.clamp_min(self._convolve(f"{name}.{block}.a", x.pad(wrap), work), 0, out=inner.values)
            x.values += self._convolve(f"{name}.{block}.b", inner.pad(wrap), work)

    def _convolve(self, name: str, x: Tensor, work: WorkCounter, stride: int = 1) -> Tensor:
        weights = self._weights[name]
        convolved = functional.conv2d(x, weights, self._biases[name], stride)
        work.add(convolved.shape[2] * convolved.shape[3] * weights.numel())
        return convolved

    def to_device(self, values: Array) -> Tensor:
        """Copy values to the network's device and type."""
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device, self.dtype)


def _copy_features(values: Tensor) -> PaddedFeatures:
    features = PaddedFeatures(values)
    features.values.copy_(values)
    return features
