"""Memory of matrix products."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

LITTLE = 1 << 20

COUNT = 8
"""Products at once, as on a computer with as many cores: fewer have had enough memory from the start."""

PRODUCTS = f"""
import os, resource, sys
os.environ["OPENBLAS_NUM_THREADS"] = "1"
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
import numpy as np
sys.path.insert(0, sys.argv[1])
from blender_midas_normal.worker import memory
memory.parallel_products = lambda: {COUNT}
matrix, outs = np.ones((512, 512), np.float32), np.empty(({COUNT}, 512, 512), np.float32)
together = Barrier({COUNT})

def multiply(out):
    together.wait()
    for _ in range(20):
        np.matmul(matrix, matrix, out=out)

with ThreadPoolExecutor({COUNT}) as pool:
    list(pool.map(lambda _: together.wait(), range({COUNT})))  # the threads are there before memory becomes short
    memory.preallocate_blas()
    used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + {LITTLE}, resource.RLIM_INFINITY))
    list(pool.map(multiply, outs))
print(outs.min(), outs.max())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does it")
def test_products_side_by_side_need_no_memory_once_it_is_taken():
    """Where it is asked for later and there is none, OpenBLAS tries for ever."""
    result = subprocess.run([sys.executable, "-c", PRODUCTS, str(ROOT)], capture_output=True, text=True, check=False,
                          timeout=60)
    assert result.stdout.split() == ["512.0", "512.0"], result.stderr
