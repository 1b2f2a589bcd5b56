"""The relief network on numpy alone: convolutions as matrix products (im2col), with or without a BLAS library."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ...memory import parallel_products
from .architecture import WorkCounter, network_input, pixel_shuffle

if TYPE_CHECKING:
    from ....core.arrays import Array
    from ....core.picture import Wrap
    from .architecture import Weights

MatMul = Callable[["Array", "Array"], "Array"]
"""Multiplies M x K float32 by K x N float32."""

MAX_PRODUCT_VALUES = 1 << 18
"""Values of the right matrix of one product: 1 MB of float32 stays in the second-level cache."""


def matmul_einsum(left: Array, right: Array) -> Array:
    """Multiply matrices without BLAS; fastest while `right` fits into the second-level cache."""
    return np.einsum("mk,kn->mn", left, right)


@cache
def fastest_matmul() -> MatMul:
    """Return the faster one of `numpy.matmul` and `matmul_einsum`, measured once in a few milliseconds."""
    left, right = np.ones((48, 432), np.float32), np.ones((432, 512), np.float32)
    candidates: tuple[MatMul, ...] = (np.matmul, matmul_einsum)
    return min(candidates, key=lambda matmul: measure_seconds(matmul, left, right))


def measure_seconds(matmul: MatMul, left: Array, right: Array) -> float:
    def measure_once() -> float:
        start = time.perf_counter()
        matmul(left, right)
        return time.perf_counter() - start

    return min(measure_once() for _ in range(3))


class ReliefNetwork:
    """The network on numpy; `forward` may be called from one thread at a time."""

    def __init__(self, weights: Weights, matmul: MatMul | None = None) -> None:
        """matmul: multiplies matrices; `fastest_matmul()` by default."""
        self._matmul = matmul or fastest_matmul()
        self.architecture = weights.architecture
        self._matrices = {name: values.reshape(len(values), -1) for name, values in weights.weights.items()}
        self._biases = {name: values[:, None] for name, values in weights.biases.items()}
        self._pool = ThreadPoolExecutor(parallel_products())

    def forward(self, rgb: Array, coarse: Array, wrap: Wrap, on_progress: Callable[[float], None]) -> Array:
        """Predict slopes; see `inference.SlopeNetwork`."""
        work = WorkCounter(self.architecture.multiplications_per_pixel * rgb.shape[0] * rgb.shape[1], on_progress)
        levels = self.architecture.levels
        x = self._convolve("stem", network_input(rgb, coarse), wrap, work)
        np.maximum(x, 0, out=x)
        finer: list[Array] = []
        for i, level in enumerate(levels):
            if i > 0:
                finer.append(x)
                x = self._downsample(f"down{i}", x, work)
            self._add_blocks(f"down{i}", level.down, x, wrap, work)
        for i in reversed(range(len(levels))):
            if i < len(levels) - 1:
                x = self._add_upsampled(finer.pop(), f"up{i}", x, work)
            self._add_blocks(f"up{i}", levels[i].up, x, wrap, work)
        slopes = pixel_shuffle(self._convolve("out", x, wrap, work))
        slopes += coarse
        return slopes

    def _add_blocks(self, name: str, count: int, x: Array, wrap: Wrap, work: WorkCounter) -> None:
        """Apply a level's residual blocks, x += b(relu(a(x))), in place."""
        for block in range(count):
            inner = self._convolve(f"{name}.{block}.a", x, wrap, work)
            np.maximum(inner, 0, out=inner)

            def add(rows: slice, values: Array) -> None:
                x[:, rows] += values

            self._convolve_strips(f"{name}.{block}.b", inner, wrap, work, add)

    def _convolve(self, name: str, x: Array, wrap: Wrap, work: WorkCounter) -> Array:
        """Return the 3 x 3 convolution of C x H x W."""
        out = np.empty((len(self._matrices[name]), *x.shape[1:]), np.float32)

        def store(rows: slice, values: Array) -> None:
            out[:, rows] = values

        self._convolve_strips(name, x, wrap, work, store)
        return out

    def _convolve_strips(self, name: str, x: Array, wrap: Wrap, work: WorkCounter,
                         store: Callable[[slice, Array], None]) -> None:
        """Pass the 3 x 3 convolution of C x H x W to `store`, one strip of rows at a time."""
        def columns_of(rows: slice) -> Array:
            return _im2col(_pad_rows(x, rows, wrap))

        self._multiply_strips(name, columns_of, x.shape[1:], work, store)

    def _downsample(self, name: str, x: Array, work: WorkCounter) -> Array:
        """Return the 2 x 2 convolution with stride 2 of C x H x W."""
        channels, rows, columns = len(x), x.shape[1] // 2, x.shape[2] // 2
        quarters = x.reshape(channels, rows, 2, columns, 2).transpose(0, 2, 4, 1, 3)
        out = np.empty((len(self._matrices[name]), rows, columns), np.float32)

        def store(rows: slice, values: Array) -> None:
            out[:, rows] = values

        def columns_of(rows: slice) -> Array:
            return quarters[..., rows, :].reshape(channels * 4, -1)

        self._multiply_strips(name, columns_of, (rows, columns), work, store)
        return out

    def _add_upsampled(self, finer: Array, name: str, x: Array, work: WorkCounter) -> Array:
        """Add the 1 x 1 convolution of x to `finer`, in place and each pixel to 2 x 2 of them, and return that."""
        channels, rows, columns = x.shape
        pairs = finer.reshape(len(finer), rows, 2, columns * 2)

        def add(rows: slice, values: Array) -> None:
            pairs[:, rows] += np.repeat(values, 2, axis=2)[:, :, None]

        self._multiply_strips(name, lambda rows: x[:, rows].reshape(channels, -1), (rows, columns), work, add)
        return finer

    def _multiply_strips(self, name: str, inputs: Callable[[slice], Array], shape: tuple[int, ...], work: WorkCounter,
                         store: Callable[[slice, Array], None]) -> None:
        """Compute a layer as one matrix product for each strip of rows.

        Args:
            name: of the layer.
            inputs: inputs(rows) is the matrix that the layer's is multiplied by, one column for each pixel of the rows.
            shape: rows and columns of the output.
            work: counts the multiplications.
            store: store(rows, values) gets C x rows x columns of the output, from several threads.
        """
        matrix, bias, (rows, columns) = self._matrices[name], self._biases[name], shape
        step = max(1, MAX_PRODUCT_VALUES // (columns * matrix.shape[1]))

        def multiply(top: int) -> None:
            strip = slice(top, min(top + step, rows))
            values = self._matmul(matrix, inputs(strip))
            values += bias
            store(strip, values.reshape(len(matrix), -1, columns))

        for _ in self._pool.map(multiply, range(0, rows, step)):
            work.add(min(step, rows) * columns * matrix.size)


def _pad_rows(x: Array, rows: slice, wrap: Wrap) -> Array:
    """Return some rows of C x H x W padded by one pixel: the opposite side's where an axis repeats, else the nearest."""
    channels, height, columns = x.shape
    padded = np.empty((channels, rows.stop - rows.start + 2, columns + 2), np.float32)
    first, last = rows.start - 1, rows.stop
    padded[:, 1:-1, 1:-1] = x[:, rows]
    padded[:, 0, 1:-1] = x[:, first % height if wrap.y else max(first, 0)]
    padded[:, -1, 1:-1] = x[:, last % height if wrap.y else min(last, height - 1)]
    padded[..., 0] = padded[..., -2 if wrap.x else 1]
    padded[..., -1] = padded[..., 1 if wrap.x else -2]
    return padded


def _im2col(padded: Array) -> Array:
    """Return the 3 x 3 neighbours of each pixel as one column: C x (H+2) x (W+2) becomes 9C x H*W."""
    windows = np.lib.stride_tricks.sliding_window_view(padded, (padded.shape[1] - 2, padded.shape[2] - 2), (1, 2))
    return windows.reshape(len(padded) * 9, -1)
