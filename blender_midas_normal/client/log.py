"""The worker's log: what it and its libraries print, in a file that does not grow without end."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

LARGEST = 1 << 20
"""Bytes; a larger log is set aside as `<name>.old` when the next worker starts, where no other worker has it open."""


def opened_log(path: Path) -> BinaryIO:
    """The log, open for appending; only its owner may read a new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LARGEST:
        with suppress(OSError):  # another program has just done it, or, on Windows, a worker writes it: it grows on
            path.replace(path.with_name(path.name + ".old"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def tail(path: Path, since: int, lines: int = 5) -> str:
    """The last lines that were written after byte `since`; none where somebody has taken the log away."""
    try:
        with path.open("rb") as file:
            file.seek(since)
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-lines:])
