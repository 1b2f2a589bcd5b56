"""Memory of processes, as Linux counts it; elsewhere nothing is known, which is 0."""

from __future__ import annotations

import os
from pathlib import Path

PROCESSES = Path("/proc")


def most_of_children() -> float:
    """Megabytes that the child of this process with the largest peak has had in memory at most."""
    return max((_megabytes(child, "VmHWM") for child in _children(os.getpid())), default=0.0)


def now_and_of_children() -> tuple[float, float]:
    """Megabytes that this process has in memory now, and its children together."""
    return _megabytes(os.getpid(), "VmRSS"), sum(_megabytes(child, "VmRSS") for child in _children(os.getpid()))


def _children(parent: int) -> list[int]:
    if not PROCESSES.is_dir():
        return []
    numbers = [int(path.name) for path in PROCESSES.iterdir() if path.name.isdigit()]
    return [number for number in numbers if _field(number, "PPid") == str(parent)]


def _megabytes(process: int, name: str) -> float:
    return int(_field(process, name) or 0) * 1024 / 1e6


def _field(process: int, name: str) -> str:
    """A number in a process's status; "" when there is none, as of processes that have ended."""
    try:
        lines = (PROCESSES / str(process) / "status").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split()[1] for line in lines if line.startswith(f"{name}:")), "")
