"""What a process leaves behind: open descriptors, children (zombies too) and files; Linux only."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Traces:
    """What this process holds now, and what lies in its temporary folder."""

    descriptors: int
    children: tuple[int, ...]
    files: tuple[str, ...]


def traces(temporary: Path) -> Traces:
    files = sorted(str(path.relative_to(temporary)) for path in temporary.rglob("*"))
    return Traces(len(list(Path("/proc/self/fd").iterdir())), children(os.getpid()), tuple(files))


def children(parent: int) -> tuple[int, ...]:
    """The numbers of a process's children, also of those that have ended and were not waited for."""
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return tuple(number for number in numbers if status(number)[1] == parent)


def is_alive(number: int) -> bool:
    """Whether the process runs, with any of its threads; one that has ended and was not waited for does not."""
    try:
        return status(number)[0] not in ("", "Z", "X") or len(list(Path(f"/proc/{number}/task").iterdir())) > 1
    except FileNotFoundError:
        return False


def status(number: int) -> tuple[str, int]:
    """The state's letter and the parent's number; ("", 0) for no such process."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "", 0
    return stat[0], int(stat[1])


def processor_seconds(number: int) -> float:
    """Seconds for which all threads of the process have had a processor; how busy the computer is besides changes little."""
    stat = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def resident(number: int) -> int:
    """Bytes of memory that the process holds."""
    return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def waited(condition: Callable[[], object], seconds: float = 20.0) -> bool:
    """Whether the condition came true within the time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return bool(condition())
