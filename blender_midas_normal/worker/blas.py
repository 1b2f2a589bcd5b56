"""Matrix products side by side by numpy's OpenBLAS, which start.py tells to use one core for each."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np

SIDE, TIMES = 512, 4
"""Of the products that take memory, a few milliseconds each: long enough that all threads are at one at the same time."""


def products_at_once() -> int:
    """As many as there are cores where the products leave the cores to us.

    One product after the other, each on all cores, takes two to ten times as long as this when other programs use the cores
    too, since the threads of a product wait for each other.
    """
    return min(8, os.cpu_count() or 1) if os.environ.get("OPENBLAS_NUM_THREADS") == "1" else 1


def take_memory() -> None:
    """Has OpenBLAS take what each product at once works in: asked for later, where there is none, it tries for ever."""
    count, matrix = products_at_once(), np.ones((SIDE, SIDE), np.float32)
    together = Barrier(count)

    def multiply(_: int) -> None:
        together.wait()
        for _ in range(TIMES):
            matrix @ matrix

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(multiply, range(count)))
