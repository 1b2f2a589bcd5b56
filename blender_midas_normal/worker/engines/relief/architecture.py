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

PIXEL_OFFSET, PIXEL_GAIN = 0.5, 4.0
"""Pixels, 0..1, are normalised to (pixel - PIXEL_OFFSET) * PIXEL_GAIN."""

RGB_CHANNELS, INPUT_CHANNELS = 3, 5
"""Red, green, blue; then the slopes in x and y that the network predicted for the same picture at half its size."""

SLOPE_GAIN = 4.0
"""Factor of those slopes in the network's input."""

MAX_WEIGHTS_BYTES = 12_000_000
"""Largest file that is read as weights of this network."""


@dataclass(frozen=True)
class Level:
    """One resolution of the U-Net.

    Attributes:
        channels: of all its features.
        down: residual blocks of two 3 x 3 convolutions in the encoder.
        up: residual blocks in the decoder.
    """

    channels: int
    down: int
    up: int


@dataclass(frozen=True)
class Convolution:
    """A layer: its name, its channels, and the side of its square kernel."""

    name: str
    out_channels: int
    in_channels: int
    kernel_size: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of its weights, as torch has it."""
        return self.out_channels, self.in_channels, self.kernel_size, self.kernel_size


@dataclass(frozen=True)
class Architecture:
    """A U-Net; level 0 has half the picture's resolution, each further one half that of the level before."""

    levels: tuple[Level, ...]

    @property
    def stride(self) -> int:
        """Side, in pixels of the picture, of one pixel of the coarsest level."""
        return 2 ** len(self.levels)

    @property
    def receptive_field(self) -> int:
        """The largest distance in pixels at which a pixel affects a slope, rounded up to a multiple of the stride."""
        blocks = sum((level.down + level.up) * 2 * 2 ** (i + 1) for i, level in enumerate(self.levels))
        stem_and_output = 2 * 2
        return -(-(blocks + stem_and_output + self.stride) // self.stride) * self.stride

    @property
    def multiplications_per_pixel(self) -> float:
        """Of a forward pass, by pixels of the picture."""
        return sum(math.prod(layer.shape) / side ** 2 for layer, side in self.convolutions())

    def convolutions(self) -> list[tuple[Convolution, int]]:
        """Return all layers in the order of the forward pass, each with the side of its output's pixels in the picture."""
        layers = [(Convolution("stem", self.levels[0].channels, 4 * INPUT_CHANNELS, 3), 2)]
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


RELIEF_ARCHITECTURE = Architecture((Level(24, 0, 1), Level(48, 1, 1), Level(96, 1, 1), Level(192, 1, 1), Level(256, 2, 0)))
"""The network that is trained and shipped.  Half of the time goes into the two finest levels, so they have few channels."""


@dataclass(frozen=True)
class Weights:
    """An architecture with its trained parameters.

    Attributes:
        architecture: the layers.
        weights: by a layer's name, float32 of `Convolution.shape`.
        biases: by a layer's name, float32 of its output channels.
    """

    architecture: Architecture
    weights: dict[str, Array]
    biases: dict[str, Array]

    @property
    def count(self) -> int:
        """The number of parameters."""
        return sum(values.size for arrays in (self.weights, self.biases) for values in arrays.values())


def write_weights(path: Path, weights: Weights) -> None:
    """Write weights to an .npz file in half precision."""
    levels = [[level.channels, level.down, level.up] for level in weights.architecture.levels]
    arrays: dict[str, NDArray] = {"levels": np.array(levels, np.int32)}
    arrays |= {f"{name}.weight": values.astype(np.float16) for name, values in weights.weights.items()}
    arrays |= {f"{name}.bias": values.astype(np.float16) for name, values in weights.biases.items()}
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_weights(path: Path) -> Weights:
    """Read a file of `write_weights`; raise WeightsError when it is missing, damaged or holds something else."""
    try:
        if path.stat().st_size > MAX_WEIGHTS_BYTES:
            raise WeightsError("{path} is too large to hold the weights of the relief network; reinstall the extension.",
                               path=path)
        with np.load(path, allow_pickle=False) as file:
            architecture = Architecture(tuple(Level(*map(int, row)) for row in file["levels"]))
            layers = [layer for layer, _ in architecture.convolutions()]
            weights = {layer.name: _check_array(file[f"{layer.name}.weight"], layer.shape) for layer in layers}
            biases = {layer.name: _check_array(file[f"{layer.name}.bias"], (layer.out_channels,)) for layer in layers}
    except OSError as error:
        raise WeightsError("{path} cannot be read ({reason}); reinstall the extension.", path=path,
                           reason=reason_of(error)) from None
    except (ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError("{path} holds no weights of the relief network ({reason}); reinstall the extension.", path=path,
                           reason=reason_of(error)) from None
    return Weights(architecture, weights, biases)


def _check_array(values: NDArray, shape: tuple[int, ...]) -> Array:
    """Return values as float32; raise InvalidData for another shape or type, NaN and infinity."""
    if values.shape != shape or values.dtype != np.float16:
        raise InvalidData("{dtype} of shape {shape} instead of float16 of {expected}", dtype=values.dtype,
                          shape=values.shape, expected=shape)
    if not np.isfinite(values).all():
        raise InvalidData("a weight is not finite")
    return values.astype(np.float32)


def network_input(rgb: Array, coarse: Array) -> Array:
    """Normalise and join the inputs of the network.

    Args:
        rgb: H x W x 3 float32 sRGB, 0..1; H and W are even.
        coarse: H x W x 2 float32, the enlarged slopes that were predicted at half the size.

    Returns:
        4 INPUT_CHANNELS x H/2 x W/2 float32.
    """
    return pixel_unshuffle(np.concatenate([(rgb - np.float32(PIXEL_OFFSET)) * np.float32(PIXEL_GAIN),
                                           coarse * np.float32(SLOPE_GAIN)], axis=2))


def pixel_unshuffle(x: Array) -> Array:
    """Turn H x W x C into 4C x H/2 x W/2: the first channel of each 2 x 2 pixels, then the next channel, as torch does."""
    rows, columns, channels = x.shape
    return x.reshape(rows // 2, 2, columns // 2, 2, channels).transpose(4, 1, 3, 0, 2).reshape(-1, rows // 2, columns // 2)


def pixel_shuffle(x: Array) -> Array:
    """Turn 8 x H x W into 2H x 2W x 2; the inverse of `pixel_unshuffle`."""
    _, rows, columns = x.shape
    return x.reshape(2, 2, 2, rows, columns).transpose(3, 1, 4, 2, 0).reshape(rows * 2, columns * 2, 2)


class WorkCounter:
    """Adds up the multiplications of a forward pass, and reports their share of all of them."""

    def __init__(self, total: float, on_progress: Callable[[float], None]) -> None:
        self._total, self._sum, self._on_progress = total, 0.0, on_progress

    def add(self, multiplications: int) -> None:
        self._sum += multiplications
        self._on_progress(min(1.0, self._sum / self._total))
