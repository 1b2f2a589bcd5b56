"""Free memory, errors that mean memory ran out, and memory for matrix products."""

from __future__ import annotations

import subprocess
import sys

import pytest

from blender_midas_normal.worker.memory import Cgroup, available_bytes, is_out_of_memory
from tests.conftest import ROOT

FULL = [
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 7.79 GiB",
    "CUDA error: out of memory",
    "HIP error: hipErrorOutOfMemory",
    "cuFFT error: CUFFT_ALLOC_FAILED",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "Native API failed. Native API returns: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)",
    "Native API failed. Native API returns: 40 (UR_RESULT_ERROR_OUT_OF_RESOURCES)",
    "MPS backend out of memory (MPS allocated: 8.10 GB, other allocations: 1.2 GB, max allowed: 9.07 GB)",
    "Invalid buffer size: 12.34 GiB",
    "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 400 bytes",
    "std::bad_alloc",
]
"""By torch, on its devices."""


def test_free_memory_is_known():
    assert 1e8 < available_bytes("cpu") < 1e15


@pytest.mark.parametrize("error", [MemoryError(), *map(RuntimeError, FULL)], ids=str)
def test_errors_that_say_that_memory_ran_out_are_recognised(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize("text", ["size mismatch", "CUDA error: no kernel image is available for execution on the device",
                                  "CUDA error: an illegal memory access was encountered", "CUDNN_STATUS_EXECUTION_FAILED",
                                  "CUBLAS_STATUS_NOT_INITIALIZED"])
def test_others_are_not(text):
    assert not is_out_of_memory(RuntimeError(text))


@pytest.mark.midas
def test_torchs_own_type_is_enough(midas_python):
    program = ("import sys; sys.path.insert(0, sys.argv[1]); import torch\n"
               "from blender_midas_normal.worker.memory import is_out_of_memory\n"
               "assert is_out_of_memory(torch.OutOfMemoryError('')) and not is_out_of_memory(torch.AcceleratorError(''))")
    subprocess.run([str(midas_python), "-c", program, str(ROOT)], check=True)


def test_what_a_container_keeps_of_files_is_free(tmp_path):
    """Reading a library fills it with them, up to its limit."""
    (tmp_path / "limit").write_text("1000\n")
    (tmp_path / "used").write_text("900\n")
    (tmp_path / "memory.stat").write_text("anon 200\nactive_file 300\ninactive_file 400\n")
    container = Cgroup(tmp_path, "limit", "used", ("active_file", "inactive_file"))
    assert container.free() == 800
    (tmp_path / "limit").write_text("max\n")
    with pytest.raises(ValueError, match="max"):
        container.free()


LITTLE_BYTES = 1 << 20

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
barrier = Barrier({COUNT})

def multiply(out):
    barrier.wait()
    for _ in range(20):
        np.matmul(matrix, matrix, out=out)

with ThreadPoolExecutor({COUNT}) as pool:
    list(pool.map(lambda _: barrier.wait(), range({COUNT})))  # the threads are there before memory becomes short
    memory.preallocate_blas()
    used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + {LITTLE_BYTES}, resource.RLIM_INFINITY))
    list(pool.map(multiply, outs))
print(outs.min(), outs.max())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does it")
def test_parallel_products_need_no_memory_once_it_is_preallocated():
    """OpenBLAS would retry forever to allocate it later."""
    result = subprocess.run([sys.executable, "-c", PRODUCTS, str(ROOT)], capture_output=True, text=True, check=False,
                          timeout=60)
    assert result.stdout.split() == ["512.0", "512.0"], result.stderr
