"""The type of float32 fields, and work on their rows in parallel."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


VALUES_PER_STRIP = 1 << 17
"""Of a strip: half a megabyte of float32, the size of a common second-level cache."""

MAX_THREADS = 8
"""numpy takes some tens of microseconds for a strip, and Python's lock goes from thread to thread in between."""


def parallel_rows(work: Callable[[slice], None], count: int, values: int) -> None:
    """Calls work(rows) for all of `count` rows, a few at a time, from a thread for each processor.

    values: in one row.  What the work raises is raised here.
    """
    step = max(1, VALUES_PER_STRIP // max(1, values))
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
