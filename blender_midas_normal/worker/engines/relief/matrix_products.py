"""Matrix products that do not depend on a BLAS library being there.

numpy built from source, as in many Blenders, multiplies matrices with a loop that reads memory again and again: 5 GFLOP/s a
core were measured where OpenBLAS reaches 60.  `einsum`, whose inner loop runs along a row, is two to three times that loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ....core.arrays import Array

Product = Callable[["Array", "Array"], "Array"]
"""M x K float32 and K x N float32 to M x N float32."""


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
