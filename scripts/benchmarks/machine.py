"""A description of the machine."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe_machine() -> str:
    """Return processor, cores, memory and system as text."""
    parts = [_processor(), f"{os.cpu_count()} cores", *_memory(), f"{platform.system()} {platform.release()}"]
    return ", ".join(parts)


def load() -> float:
    """Return the average number of processes that waited for a processor in the last minute; 0 where unknown."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> list:
    if not hasattr(os, "sysconf"):  # Windows
        return []
    return [f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.0f} GB"]
