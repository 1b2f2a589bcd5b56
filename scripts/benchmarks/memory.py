"""Memory of processes, as Linux counts it; elsewhere nothing is known, which is 0."""

from __future__ import annotations

import os
from pathlib import Path

PROCESSES = Path("/proc")


def most_of_children() -> float:
    """Return the peak megabytes of that child of this process which had the most."""
    return max((_megabytes(child, "VmHWM") for child in _children(os.getpid())), default=0.0)


def now_and_of_children() -> tuple[float, float]:
    """Return the megabytes of this process now, and of all its children together."""
    return _megabytes(os.getpid(), "VmRSS"), sum(_megabytes(child, "VmRSS") for child in _children(os.getpid()))


def private_bytes() -> int:
    """Return the bytes of this process that no file backs."""
    return int(_field(os.getpid(), "RssAnon") or 0) * 1024


def _children(parent: int) -> list[int]:
    if not PROCESSES.is_dir():
        return []
    numbers = [int(path.name) for path in PROCESSES.iterdir() if path.name.isdigit()]
    return [number for number in numbers if _field(number, "PPid") == str(parent)]


def _megabytes(process: int, name: str) -> float:
    return int(_field(process, name) or 0) * 1024 / 1e6


def _field(process: int, name: str) -> str:
    """Return a number of a process's status; "" where there is none, as for processes that have ended."""
    try:
        lines = (PROCESSES / str(process) / "status").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split()[1] for line in lines if line.startswith(f"{name}:")), "")
