"""The relief network as data: its architecture, and the file that holds its weights."""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ....core.errors import InvalidData, WeightsError, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from ....core.arrays import Array

MIDDLE, GAIN = 0.5, 4.0
"""The network sees (pixel - MIDDLE) * GAIN."""

COLOURS, INPUTS = 3, 5
"""Red, green, blue, and the slopes in x and y that the network answered of the same picture at half its size."""

COARSE_GAIN = 4.0
"""The network sees those slopes times this."""

MAX_FILE_BYTES = 12_000_000
"""A file above it holds no weights of ours."""


@dataclass(frozen=True)
class Level:
    """One resolution of the U-Net: residual blocks of two 3 x 3 convolutions on the way down and on the way up."""

    channels: int
    down: int
    up: int


@dataclass(frozen=True)
class Convolution:
    """A layer's name and the shape of its weights, outputs x inputs x size x size."""

    name: str
    outputs: int
    inputs: int
    size: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.outputs, self.inputs, self.size, self.size


@dataclass(frozen=True)
class Architecture:
    """Level 0 lies at half the picture's resolution, each next one at half of the one before."""

    levels: tuple[Level, ...]

    @property
    def stride(self) -> int:
        """Pixels of the picture to one of the coarsest level."""
        return 2 ** len(self.levels)

    @property
    def receptive_field(self) -> int:
        """How far from a pixel, at most, a pixel lies that its slopes depend on; a multiple of the stride."""
        blocks = sum((level.down + level.up) * 2 * 2 ** (i + 1) for i, level in enumerate(self.levels))
        ends = 2 * 2
        return -(-(blocks + ends + self.stride) // self.stride) * self.stride

    @property
    def work(self) -> float:
        """Multiplications per pixel of the picture."""
        return sum(math.prod(layer.shape) / side ** 2 for layer, side in self.convolutions())

    def convolutions(self) -> list[tuple[Convolution, int]]:
        """Every layer in the order of work, with the side in pixels of the square that one of its outputs stands for."""
        layers = [(Convolution("stem", self.levels[0].channels, 4 * INPUTS, 3), 2)]
        for i, level in enumerate(self.levels):
            if i > 0:
                layers.append((Convolution(f"down{i}", level.channels, self.levels[i - 1].channels, 2), 2 ** (i + 1)))
            layers += _blocks(f"down{i}", level.down, level.channels, 2 ** (i + 1))
        for i in reversed(range(len(self.levels))):
            if i < len(self.levels) - 1:
                layers.append((Convolution(f"up{i}", self.levels[i].channels, self.levels[i + 1].channels, 1), 2 ** (i + 2)))
            layers += _blocks(f"up{i}", self.levels[i].up, self.levels[i].channels, 2 ** (i + 1))
        return [*layers, (Convolution("out", 8, self.levels[0].channels, 3), 2)]


def _blocks(name: str, count: int, channels: int, side: int) -> list[tuple[Convolution, int]]:
    return [(Convolution(f"{name}.{block}.{half}", channels, channels, 3), side) for block in range(count) for half in "ab"]


RELIEF = Architecture((Level(24, 0, 1), Level(48, 1, 1), Level(96, 1, 1), Level(192, 1, 1), Level(256, 2, 0)))
"""The network that is trained and shipped.  Half of the time goes into the two finest levels, so they are thin."""


@dataclass(frozen=True)
class Weights:
    """An architecture and, by a layer's name, its weights (outputs x inputs x size x size) and biases, float32."""

    architecture: Architecture
    weights: dict[str, Array]
    biases: dict[str, Array]

    @property
    def count(self) -> int:
        return sum(values.size for part in (self.weights, self.biases) for values in part.values())


def write_weights(path: Path, weights: Weights) -> None:
    """Writes the .npz file in half precision."""
    levels = [[level.channels, level.down, level.up] for level in weights.architecture.levels]
    arrays: dict[str, NDArray] = {"levels": np.array(levels, np.int32)}
    arrays |= {f"{name}.weight": values.astype(np.float16) for name, values in weights.weights.items()}
    arrays |= {f"{name}.bias": values.astype(np.float16) for name, values in weights.biases.items()}
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_weights(path: Path) -> Weights:
    """The weights in a file that `write_weights` wrote; raises WeightsError when it is missing, damaged or another one."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise WeightsError("{path} is too large to hold the weights of the relief network; reinstall the extension.",
                               path=path)
        with np.load(path, allow_pickle=False) as file:
            architecture = Architecture(tuple(Level(*map(int, row)) for row in file["levels"]))
            layers = [layer for layer, _ in architecture.convolutions()]
            weights = {layer.name: _array(file[f"{layer.name}.weight"], layer.shape) for layer in layers}
            biases = {layer.name: _array(file[f"{layer.name}.bias"], (layer.outputs,)) for layer in layers}
    except OSError as error:
        raise WeightsError("{path} cannot be read ({reason}); reinstall the extension.", path=path,
                           reason=reason_of(error)) from None
    except (ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError("{path} holds no weights of the relief network ({reason}); reinstall the extension.", path=path,
                           reason=reason_of(error)) from None
    return Weights(architecture, weights, biases)


def _array(values: NDArray, shape: tuple[int, ...]) -> Array:
    """The values as float32; raises InvalidData for another shape or for what is no number."""
    if values.shape != shape or values.dtype != np.float16:
        raise InvalidData("{kind} of shape {shape} instead of float16 of {wanted}", kind=values.dtype, shape=values.shape,
                          wanted=shape)
    if not np.isfinite(values).all():
        raise InvalidData("a weight is not finite")
    return values.astype(np.float32)


def network_input(rgb: Array, coarse: Array) -> Array:
    """4 INPUTS x H/2 x W/2 from H x W x 3 sRGB, 0..1, and H x W x 2 slopes of half the size."""
    return pixel_unshuffle(np.concatenate([(rgb - np.float32(MIDDLE)) * np.float32(GAIN),
                                           coarse * np.float32(COARSE_GAIN)], axis=2))


def pixel_unshuffle(x: Array) -> Array:
    """H x W x C to 4C x H/2 x W/2: channel c of the four pixels of a square, then the next channel."""
    rows, columns, channels = x.shape
    return x.reshape(rows // 2, 2, columns // 2, 2, channels).transpose(4, 1, 3, 0, 2).reshape(-1, rows // 2, columns // 2)


def pixel_shuffle(x: Array) -> Array:
    """8 x H x W to 2H x 2W x 2, the inverse of `pixel_unshuffle`."""
    _, rows, columns = x.shape
    return x.reshape(2, 2, 2, rows, columns).transpose(3, 1, 4, 2, 0).reshape(rows * 2, columns * 2, 2)


class Progress:
    """Adds up multiplications and says which share of all is done."""

    def __init__(self, total: float, done: Callable[[float], None]) -> None:
        self._total, self._sum, self._done = total, 0.0, done

    def __call__(self, multiplications: int) -> None:
        self._sum += multiplications
        self._done(min(1.0, self._sum / self._total))
