"""Free memory, errors that mean memory ran out, and the buffers that OpenBLAS allocates in advance."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import numpy as np

from ..core.errors import EngineError, Message

PRODUCT_SIDE, PRODUCT_COUNT = 512, 4
"""Size and number of the matrix products for `preallocate_blas`: long enough that all threads multiply at the same time."""

TOO_LITTLE_MEMORY = Message("There is not enough memory for this picture; use a smaller one, or close other programs.")

OUT_OF_MEMORY_TEXTS = (
    "out of memory", "out_of_memory", "outofmemory", "can't allocate memory", "cannot allocate memory", "memoryallocation",
    "insufficient memory", "not enough memory", "bad_alloc", "bad allocation", "can't start new thread",
    "alloc_failed", "allocation_failed",  # cuBLAS, cuFFT and cuDNN, and ROCm's counterparts
    "out_of_device_memory", "out_of_host_memory", "out_of_resources",  # Intel's Level Zero
    "invalid buffer size",  # Metal
)
"""Parts of the messages of errors, in lower case, that mean memory ran out."""


def parallel_products() -> int:
    """Return how many matrix products to run at the same time: one for each core, if each product uses only one.

    Products that use all cores, one after the other, take two to ten times as long while other programs use the cores,
    since the threads of a product wait for each other.
    """
    return min(8, os.cpu_count() or 1) if os.environ.get("OPENBLAS_NUM_THREADS") == "1" else 1


def preallocate_blas() -> None:
    """Make OpenBLAS allocate its buffers for all threads now; later, with too little memory, it would retry forever."""
    count, matrix = parallel_products(), np.ones((PRODUCT_SIDE, PRODUCT_SIDE), np.float32)
    barrier = Barrier(count)

    def multiply(_: int) -> None:
        barrier.wait()
        for _ in range(PRODUCT_COUNT):
            matrix @ matrix

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(multiply, range(count)))


@dataclass(frozen=True)
class Cgroup:
    """Files that contain the limit and use of memory of a control group of Linux.

    Attributes:
        folder: of these files and `memory.stat`.
        limit, used: names of the files.
        cache: fields of `memory.stat` whose bytes are counted as used, and released when needed.
    """

    folder: Path
    limit: str
    used: str
    cache: tuple[str, ...]

    def free(self) -> int:
        """Return free bytes; raise OSError where there is no such group, ValueError where it has no limit."""
        stat = dict(line.split() for line in (self.folder / "memory.stat").read_text().splitlines())
        limit, used = (int((self.folder / name).read_text()) for name in (self.limit, self.used))
        return limit - used + sum(int(stat.get(name, 0)) for name in self.cache)


CGROUPS = (
    Cgroup(Path("/sys/fs/cgroup"), "memory.max", "memory.current", ("active_file", "inactive_file")),
    Cgroup(Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes",
           ("total_active_file", "total_inactive_file")),
)
"""Control groups of version 2 and version 1."""


def available_bytes(device: str) -> int:
    """Return the free bytes of a device ("cpu", "cuda", ...); where they are unknown, its total minus this process's use."""
    if device == "cpu":
        return _free_system_memory()
    import torch

    if device == "mps":  # shares the computer's memory; Metal recommends how much of it to use
        return max(0, int(torch.mps.recommended_max_memory()) - int(torch.mps.current_allocated_memory()))
    module = getattr(torch, device)
    try:
        return int(module.mem_get_info()[0]) + int(module.memory_reserved() - module.memory_allocated())
    except RuntimeError:  # some of Intel's drivers do not report free memory
        return max(0, int(module.get_device_properties().total_memory) - int(module.memory_allocated()))


def _free_system_memory() -> int:
    if sys.platform == "win32":
        return _free_on_windows()
    if sys.platform == "linux":
        return _free_on_linux()
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def trim_heap() -> None:
    """Give freed memory back to the system, where the C library is glibc: it keeps what lies between blocks in use."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL("libc.so.6").malloc_trim(0)


def format_gigabytes(count: int) -> str:
    """Format a number of bytes."""
    return f"{count / 1e9:.1f} GB"


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an exception of Python, the system, torch or OpenCV means that memory ran out."""
    torch = sys.modules.get("torch")
    if isinstance(error, (MemoryError, getattr(torch, "OutOfMemoryError", MemoryError))):
        return True
    text = str(error).lower()
    return any(part in text for part in OUT_OF_MEMORY_TEXTS)


@contextmanager
def memory_errors_as(message: Message) -> Iterator[None]:
    """Raise EngineError with the message where memory runs out in the `with` block."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise EngineError(message) from error


def _free_on_linux() -> int:
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free = [int(fields["MemAvailable"].split()[0]) * 1024]
    for cgroup in CGROUPS:
        try:
            free.append(cgroup.free())
        except (OSError, ValueError):  # no control group, or one without limit ("max")
            continue
    return max(0, min(free))


def _free_on_windows() -> int:
    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong),
                    *((name, ctypes.c_ulonglong) for name in ("total", "available", "total_page", "available_page",
                                                              "total_virtual", "available_virtual", "extended"))]

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status.available)
