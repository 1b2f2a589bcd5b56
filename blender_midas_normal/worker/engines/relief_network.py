"""The network of the relief engine: its architecture as data, its file of weights, and its runtime on numpy alone.

A U-Net of residual blocks without any normalisation, so that a tile of a picture gives what the whole gives.  It begins at
half resolution: each 2 x 2 square of pixels becomes one pixel of 12 channels, and at the end 8 channels become 2 x 2 slopes.

    python: network = ReliefNetwork(read_weights(path)); slopes = network.slopes(rgb, wrap, report)
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...core.difference import Area, Stretch
from ...core.errors import InvalidData, WeightsError, reason_of
from ...core.picture import Wrap
from ..blas import products_at_once
from .products import Product, fastest_product

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ...core.arrays import Array
    from . import Report

MIDDLE, GAIN = 0.5, 4.0
"""The network sees (pixel - MIDDLE) * GAIN."""

LARGEST_TILE = (2048, 4096)
"""Rows and columns of the picture that are worked on at once.  At 4096 x 4096 what each tile sees around it costs 14% more
time."""

STRIP = 1 << 18
"""Values of the matrix that one product takes: 1 MB of float32 stays in the second-level cache."""

LARGEST_FILE = 5_000_000
"""Bytes; a file above it holds no weights of ours."""


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
    def reach(self) -> int:
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
        found = [(Convolution("stem", self.levels[0].channels, 12, 3), 2)]
        for i, level in enumerate(self.levels):
            if i > 0:
                found.append((Convolution(f"down{i}", level.channels, self.levels[i - 1].channels, 2), 2 ** (i + 1)))
            found += _blocks(f"down{i}", level.down, level.channels, 2 ** (i + 1))
        for i in reversed(range(len(self.levels))):
            if i < len(self.levels) - 1:
                found.append((Convolution(f"up{i}", self.levels[i].channels, self.levels[i + 1].channels, 1), 2 ** (i + 2)))
            found += _blocks(f"up{i}", self.levels[i].up, self.levels[i].channels, 2 ** (i + 1))
        return [*found, (Convolution("out", 8, self.levels[0].channels, 3), 2)]


def _blocks(name: str, count: int, channels: int, side: int) -> list[tuple[Convolution, int]]:
    return [(Convolution(f"{name}.{block}.{half}", channels, channels, 3), side) for block in range(count) for half in "ab"]


RELIEF = Architecture((Level(24, 0, 1), Level(48, 1, 1), Level(80, 1, 1), Level(128, 1, 1), Level(192, 2, 0)))
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
        if path.stat().st_size > LARGEST_FILE:
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


@dataclass(frozen=True)
class Span:
    """A stretch of one axis that the network sees at once.

    seen: indices of the picture's pixels, in the order seen; kept: which of them are answered for; place: where those lie
    in the answer; closed: the last pixel seen is followed by the first one.
    """

    seen: NDArray[np.intp]
    kept: slice
    place: slice
    closed: bool


def spans(length: int, repeats: bool, largest: int, stride: int, reach: int) -> list[Span]:
    """The stretches that cover an axis of `length` pixels, each beginning and ending at a multiple of the stride.

    An axis that repeats and whose length is a multiple of the stride is closed on itself.  Any other length that repeats is
    continued by `reach` pixels of its repetition, so that no slope depends on where the repetition was cut.  An axis that
    does not repeat is mirrored up to the next multiple.
    """
    end = -(-length // stride) * stride
    if length <= largest and (end == length or not repeats):
        return [Span(_indices(0, end, length, repeats), slice(0, length), slice(0, length), repeats)]
    return _spans_of(Stretch(0, length), length, repeats, largest, stride, reach)


def spans_over(changed: Stretch, length: int, repeats: bool, largest: int, stride: int, reach: int) -> list[Span]:
    """The stretches that cover, of an axis of `length` pixels, those within `reach` of the changed ones."""
    pieces = changed.pieces(reach, length, repeats)
    if pieces == [Stretch(0, length)]:
        return spans(length, repeats, largest, stride, reach)
    return [span for piece in pieces for span in _spans_of(piece, length, repeats, largest, stride, reach)]


def _spans_of(piece: Stretch, length: int, repeats: bool, largest: int, stride: int, reach: int) -> list[Span]:
    end, parts = -(-length // stride) * stride, []
    for start in range(piece.start, piece.stop, largest):
        stop = min(piece.stop, start + largest)
        first, last = (start - reach) // stride * stride, -(-(stop + reach) // stride) * stride
        if not repeats:
            first, last = max(first, 0), min(last, end)
        kept, place = slice(start - first, stop - first), slice(start, stop)
        parts.append(Span(_indices(first, last, length, repeats), kept, place, False))
    return parts


def _indices(first: int, last: int, length: int, repeats: bool) -> NDArray[np.intp]:
    """Which pixel stands at each position first..last of a line that repeats, or is mirrored at its ends."""
    positions = np.arange(first, last)
    if repeats:
        return positions % length
    positions = positions % (2 * length)
    return np.minimum(positions, 2 * length - 1 - positions)


Run = Callable[["Array", Wrap, Callable[[float], None]], "Array"]
"""run(rgb, wrap, done): the slopes of a picture whose sides are multiples of the stride."""


def in_tiles(rgb: Array, wrap: Wrap, architecture: Architecture, run: Run, report: Report,
             largest: tuple[int, int] = LARGEST_TILE) -> Array:
    """H x W x 2 float32 slopes of H x W x 3 float32 pixels, tile by tile; each tile sees all that its slopes depend on."""
    rows, columns = (spans(length, repeats, side, architecture.stride, architecture.reach)
                     for length, repeats, side in zip(rgb.shape[:2], (wrap.y, wrap.x), largest, strict=True))
    return _filled(np.empty((*rgb.shape[:2], 2), np.float32), rgb, rows, columns, run, report)


def in_tiles_again(before: Array, changed: Area, rgb: Array, wrap: Wrap, architecture: Architecture, run: Run,
                   report: Report, reach: int, largest: tuple[int, int] = LARGEST_TILE) -> Array:
    """The same, when the slopes `before` are those of a picture that differs in the changed area only.

    reach: how far beyond it slopes are taken to change, and how much is seen around those.
    """
    rows, columns = (spans_over(stretch, length, repeats, side, architecture.stride, reach)
                     for stretch, length, repeats, side in zip((changed.rows, changed.columns), rgb.shape[:2],
                                                               (wrap.y, wrap.x), largest, strict=True))
    return _filled(before.copy(), rgb, rows, columns, run, report)


def _filled(slopes: Array, rgb: Array, rows: list[Span], columns: list[Span], run: Run, report: Report) -> Array:
    """The slopes, those of all tiles anew."""
    tiles = [(row, column) for row in rows for column in columns]
    for number, (row, column) in enumerate(tiles):
        def done(share: float, number: int = number) -> None:
            report("network", (number + share) / len(tiles))

        answer = run(rgb[np.ix_(row.seen, column.seen)], Wrap(column.closed, row.closed), done)
        slopes[row.place, column.place] = answer[row.kept, column.kept]
    return slopes


class ReliefNetwork:
    """The network on numpy; `slopes` may be called from one thread at a time."""

    device = "cpu"

    def __init__(self, weights: Weights, product: Product | None = None) -> None:
        """product: what multiplies matrices; the fastest one when it is not given."""
        self._product = product or fastest_product()
        self.architecture = weights.architecture
        self._matrices = {name: values.reshape(len(values), -1) for name, values in weights.weights.items()}
        self._biases = {name: values[:, None] for name, values in weights.biases.items()}
        self._pool = ThreadPoolExecutor(products_at_once())

    def slopes(self, rgb: Array, wrap: Wrap, report: Report, largest: tuple[int, int] = LARGEST_TILE) -> Array:
        """H x W x 2 float32 dimensionless slopes dh/dx, dh/dy (rows downwards) of H x W x 3 float32 sRGB, 0..1.

        Calls report("network", done) for every strip; what that raises ends the work.
        """
        return in_tiles(rgb, wrap, self.architecture, self._run, report, largest)

    def slopes_again(self, before: Array, changed: Area, rgb: Array, wrap: Wrap, report: Report, reach: int) -> Array:
        """The same, given the slopes of a picture that differs in the changed area only; see `in_tiles_again`."""
        return in_tiles_again(before, changed, rgb, wrap, self.architecture, self._run, report, reach)

    def _run(self, rgb: Array, wrap: Wrap, done: Callable[[float], None]) -> Array:
        tell = Progress(self.architecture.work * rgb.shape[0] * rgb.shape[1], done)
        levels = self.architecture.levels
        x = self._convolved("stem", squares((rgb - np.float32(MIDDLE)) * np.float32(GAIN)), wrap, tell)
        np.maximum(x, 0, out=x)
        finer: list[Array] = []
        for i, level in enumerate(levels):
            if i > 0:
                finer.append(x)
                x = self._halved(f"down{i}", x, tell)
            self._blocks(f"down{i}", level.down, x, wrap, tell)
        for i in reversed(range(len(levels))):
            if i < len(levels) - 1:
                x = self._doubled_onto(finer.pop(), f"up{i}", x, tell)
            self._blocks(f"up{i}", levels[i].up, x, wrap, tell)
        return unsquared(self._convolved("out", x, wrap, tell))

    def _blocks(self, name: str, count: int, x: Array, wrap: Wrap, tell: Progress) -> None:
        """x += b(relu(a(x))) for each of the level's blocks."""
        for block in range(count):
            inner = self._convolved(f"{name}.{block}.a", x, wrap, tell)
            np.maximum(inner, 0, out=inner)

            def add(rows: slice, values: Array) -> None:
                x[:, rows] += values

            self._in_strips(f"{name}.{block}.b", inner, wrap, tell, add)

    def _convolved(self, name: str, x: Array, wrap: Wrap, tell: Progress) -> Array:
        """The 3 x 3 convolution of inputs x H x W."""
        out = np.empty((len(self._matrices[name]), *x.shape[1:]), np.float32)

        def put(rows: slice, values: Array) -> None:
            out[:, rows] = values

        self._in_strips(name, x, wrap, tell, put)
        return out

    def _in_strips(self, name: str, x: Array, wrap: Wrap, tell: Progress, take: Callable[[slice, Array], None]) -> None:
        """Hands the 3 x 3 convolution of C x H x W to `take`, strip of rows by strip of rows."""
        def patches(rows: slice) -> Array:
            return _patches(_with_border(x, rows, wrap))

        self._products(name, patches, x.shape[1:], tell, take)

    def _halved(self, name: str, x: Array, tell: Progress) -> Array:
        """The 2 x 2 convolution with stride 2 of inputs x H x W."""
        channels, rows, columns = len(x), x.shape[1] // 2, x.shape[2] // 2
        quarters = x.reshape(channels, rows, 2, columns, 2).transpose(0, 2, 4, 1, 3)
        out = np.empty((len(self._matrices[name]), rows, columns), np.float32)

        def put(rows: slice, values: Array) -> None:
            out[:, rows] = values

        self._products(name, lambda rows: quarters[..., rows, :].reshape(channels * 4, -1), (rows, columns), tell, put)
        return out

    def _doubled_onto(self, finer: Array, name: str, x: Array, tell: Progress) -> Array:
        """`finer`, to which the 1 x 1 convolution of x is added, each of its pixels to 2 x 2 of them."""
        channels, rows, columns = x.shape
        pairs = finer.reshape(len(finer), rows, 2, columns * 2)

        def add(rows: slice, values: Array) -> None:
            pairs[:, rows] += np.repeat(values, 2, axis=2)[:, :, None]

        self._products(name, lambda rows: x[:, rows].reshape(channels, -1), (rows, columns), tell, add)
        return finer

    def _products(self, name: str, inputs: Callable[[slice], Array], shape: tuple[int, ...], tell: Progress,
                  take: Callable[[slice, Array], None]) -> None:
        """Hands a layer's values, outputs x rows x columns, to `take`, strip of rows by strip of rows, one product each.

        inputs(rows): what the layer's matrix is multiplied with, one column for each pixel of the rows; shape: of all rows.
        """
        matrix, bias, (rows, columns) = self._matrices[name], self._biases[name], shape
        step = max(1, STRIP // (columns * matrix.shape[1]))

        def work(top: int) -> None:
            strip = slice(top, min(top + step, rows))
            values = self._product(matrix, inputs(strip))
            values += bias
            take(strip, values.reshape(len(matrix), -1, columns))

        for _ in self._pool.map(work, range(0, rows, step)):
            tell(min(step, rows) * columns * matrix.size)


class Progress:
    """Adds up multiplications and says which share of all is done."""

    def __init__(self, total: float, done: Callable[[float], None]) -> None:
        self._total, self._sum, self._done = total, 0.0, done

    def __call__(self, multiplications: int) -> None:
        self._sum += multiplications
        self._done(min(1.0, self._sum / self._total))


def _with_border(x: Array, rows: slice, wrap: Wrap) -> Array:
    """The rows of C x H x W with one pixel more on each side, repeated or the same as the last one."""
    channels, height, columns = x.shape
    padded = np.empty((channels, rows.stop - rows.start + 2, columns + 2), np.float32)
    first, last = rows.start - 1, rows.stop
    padded[:, 1:-1, 1:-1] = x[:, rows]
    padded[:, 0, 1:-1] = x[:, first % height if wrap.y else max(first, 0)]
    padded[:, -1, 1:-1] = x[:, last % height if wrap.y else min(last, height - 1)]
    padded[..., 0] = padded[..., -2 if wrap.x else 1]
    padded[..., -1] = padded[..., 1 if wrap.x else -2]
    return padded


def _patches(padded: Array) -> Array:
    """The 3 x 3 neighbours of each pixel as one column: C x (H+2) x (W+2) to 9C x H*W."""
    windows = np.lib.stride_tricks.sliding_window_view(padded, (padded.shape[1] - 2, padded.shape[2] - 2), (1, 2))
    return windows.reshape(len(padded) * 9, -1)


def squares(x: Array) -> Array:
    """H x W x C to 4C x H/2 x W/2: channel c of the four pixels of a square, then the next channel."""
    rows, columns, channels = x.shape
    return x.reshape(rows // 2, 2, columns // 2, 2, channels).transpose(4, 1, 3, 0, 2).reshape(-1, rows // 2, columns // 2)


def unsquared(x: Array) -> Array:
    """8 x H x W to 2H x 2W x 2, the inverse of `squares`."""
    _, rows, columns = x.shape
    return x.reshape(2, 2, 2, rows, columns).transpose(3, 1, 4, 2, 0).reshape(rows * 2, columns * 2, 2)
