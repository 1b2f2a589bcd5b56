"""How much memory is left for a network, errors that say there is not enough, and memory that OpenBLAS takes beforehand."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import numpy as np

from ..core.errors import EngineError, Message

SIDE, TIMES = 512, 4
"""Of the products that take memory, a few milliseconds each: long enough that all threads are at one at the same time."""


def products_at_once() -> int:
    """As many as there are cores where the products leave the cores to us.

    One product after the other, each on all cores, takes two to ten times as long as this when other programs use the cores
    too, since the threads of a product wait for each other.
    """
    return min(8, os.cpu_count() or 1) if os.environ.get("OPENBLAS_NUM_THREADS") == "1" else 1


def preallocate_blas() -> None:
    """Has OpenBLAS take what each product at once works in: asked for later, where there is none, it tries for ever."""
    count, matrix = products_at_once(), np.ones((SIDE, SIDE), np.float32)
    together = Barrier(count)

    def multiply(_: int) -> None:
        together.wait()
        for _ in range(TIMES):
            matrix @ matrix

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(multiply, range(count)))


@dataclass(frozen=True)
class Container:
    """Where Linux says what a container may use, and what it uses; cache: what of that is kept of files, and given up."""

    folder: Path
    limit: str
    used: str
    cache: tuple[str, ...]

    def free(self) -> int:
        """Bytes.  Raises OSError where there is no container, ValueError where it may use everything ("max")."""
        stat = dict(line.split() for line in (self.folder / "memory.stat").read_text().splitlines())
        limit, used = (int((self.folder / name).read_text()) for name in (self.limit, self.used))
        return limit - used + sum(int(stat.get(name, 0)) for name in self.cache)


CONTAINERS = (
    Container(Path("/sys/fs/cgroup"), "memory.max", "memory.current", ("active_file", "inactive_file")),
    Container(Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes",
              ("total_active_file", "total_inactive_file")),
)
"""Of Linux's second and first version."""

TOO_LITTLE_MEMORY = Message("There is not enough memory for this picture; use a smaller one, or close other programs.")

OUT_OF_MEMORY = (
    "out of memory", "out_of_memory", "outofmemory", "can't allocate memory", "cannot allocate memory", "memoryallocation",
    "insufficient memory", "not enough memory", "bad_alloc", "bad allocation", "can't start new thread",
    "alloc_failed", "allocation_failed",  # of cuBLAS, cuFFT and cuDNN, and of their like for ROCm
    "out_of_device_memory", "out_of_host_memory", "out_of_resources",  # of Intel's Level Zero
    "invalid buffer size",  # of Metal
)
"""What errors say, in small letters, when memory ran out."""


def available_bytes(device: str) -> int:
    """Bytes that the device ("cpu", "cuda", ...) has free; where that cannot be told, all that it has and we do not use."""
    if device == "cpu":
        return _free_of_computer()
    import torch

    if device == "mps":  # the computer's own memory, of which Metal says how much of it may be used
        return max(0, int(torch.mps.recommended_max_memory()) - int(torch.mps.current_allocated_memory()))
    module = getattr(torch, device)
    try:
        return int(module.mem_get_info()[0]) + int(module.memory_reserved() - module.memory_allocated())
    except RuntimeError:  # some of Intel's drivers do not tell
        return max(0, int(module.get_device_properties().total_memory) - int(module.memory_allocated()))


def _free_of_computer() -> int:
    if sys.platform == "win32":
        return _free_on_windows()
    if sys.platform == "linux":
        return _free_on_linux()
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of Python, the system, torch or OpenCV means that memory ran out."""
    torch = sys.modules.get("torch")
    if isinstance(error, (MemoryError, getattr(torch, "OutOfMemoryError", MemoryError))):
        return True
    text = str(error).lower()
    return any(words in text for words in OUT_OF_MEMORY)


@contextmanager
def memory_errors_as(sentence: Message) -> Iterator[None]:
    """Raises EngineError with the sentence where memory ran out."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise EngineError(sentence) from error


def _free_on_linux() -> int:
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free = [int(fields["MemAvailable"].split()[0]) * 1024]
    for container in CONTAINERS:
        try:
            free.append(container.free())
        except (OSError, ValueError):  # no container, or one that may use everything ("max")
            continue
    return max(0, min(free))


def _free_on_windows() -> int:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong),
                    *((name, ctypes.c_ulonglong) for name in ("total", "available", "total_page", "available_page",
                                                              "total_virtual", "available_virtual", "extended"))]

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status.available)
