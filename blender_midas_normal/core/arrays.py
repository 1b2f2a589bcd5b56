"""The type of float32 arrays, work on their rows in parallel, and a smooth step."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

VALUES_PER_STRIP = 1 << 17
"""Values that a thread works on at a time: half a megabyte of float32, the size of a common second-level cache."""

MAX_THREADS = 8
"""More do not help: numpy takes some tens of microseconds for a strip, and in between the threads wait for Python's lock."""


def parallel_rows(work: Callable[[slice], None], count: int, row_size: int) -> None:
    """Call work(rows) for consecutive slices of `count` rows, from one thread for each processor.

    An exception in `work` is raised here.

    Args:
        work: takes a slice of rows; numpy releases Python's lock, so calls run at the same time.
        count: number of rows.
        row_size: values in one row, which decides how many rows a slice has.

    >>> squares = np.empty(5)
    >>> def work(rows):
    ...     squares[rows] = np.arange(5)[rows] ** 2
    >>> parallel_rows(work, 5, 1)
    >>> squares.tolist()
    [0.0, 1.0, 4.0, 9.0, 16.0]
    """
    step = max(1, VALUES_PER_STRIP // max(1, row_size))
    strips = [slice(start, min(count, start + step)) for start in range(0, count, step)]
    threads = min(len(strips), os.cpu_count() or 1, MAX_THREADS)
    waiting = iter(strips)

    def work_on(_: int) -> None:
        for strip in waiting:
            work(strip)

    if threads < 2:
        return work_on(0)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work_on, range(threads)))


def smoothstep(values: Array, low: float, high: float) -> Array:
    """Map values to 0 below low and 1 above high, with the cubic 3t^2 - 2t^3 between.

    >>> smoothstep(np.array([0, 1, 1.5, 2, 3], np.float32), 1, 2).tolist()
    [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)
