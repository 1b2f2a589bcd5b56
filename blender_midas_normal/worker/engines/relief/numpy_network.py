"""The relief network on numpy alone, with matrix products that do not depend on a BLAS library being there."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ...memory import parallel_products
from .architecture import Progress, network_input, pixel_shuffle

if TYPE_CHECKING:
    from ....core.arrays import Array
    from ....core.picture import Wrap
    from .architecture import Weights

Product = Callable[["Array", "Array"], "Array"]
"""M x K float32 and K x N float32 to M x N float32."""

STRIP = 1 << 18
"""Values of the matrix that one product takes: 1 MB of float32 stays in the second-level cache."""


def by_rows(left: Array, right: Array) -> Array:
    """The product without BLAS; best while `right` fits into the second-level cache."""
    return np.einsum("mk,kn->mn", left, right)


@cache
def fastest_product() -> Product:
    """The faster one of numpy's own product and `by_rows`, measured once in a few milliseconds."""
    left, right = np.ones((48, 432), np.float32), np.ones((432, 512), np.float32)
    products: tuple[Product, ...] = (np.matmul, by_rows)
    return min(products, key=lambda product: _seconds(product, left, right))


def _seconds(product: Product, left: Array, right: Array) -> float:
    def once() -> float:
        start = time.perf_counter()
        product(left, right)
        return time.perf_counter() - start

    return min(once() for _ in range(3))


class ReliefNetwork:
    """The network on numpy; `forward` may be called from one thread at a time."""

    def __init__(self, weights: Weights, product: Product | None = None) -> None:
        """product: what multiplies matrices; the fastest one when it is not given."""
        self._product = product or fastest_product()
        self.architecture = weights.architecture
        self._matrices = {name: values.reshape(len(values), -1) for name, values in weights.weights.items()}
        self._biases = {name: values[:, None] for name, values in weights.biases.items()}
        self._pool = ThreadPoolExecutor(parallel_products())

    def forward(self, rgb: Array, coarse: Array, wrap: Wrap, done: Callable[[float], None]) -> Array:
        """See `pyramid.Network`."""
        tell = Progress(self.architecture.work * rgb.shape[0] * rgb.shape[1], done)
        levels = self.architecture.levels
        x = self._convolved("stem", network_input(rgb, coarse), wrap, tell)
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
        slopes = pixel_shuffle(self._convolved("out", x, wrap, tell))
        slopes += coarse
        return slopes

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
