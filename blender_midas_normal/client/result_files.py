"""Find the files of a result in the exchange folder, and check them before they are used."""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..core.errors import Message, WorkerError
from ..core.protocol import Result

RESULT_GONE = Message("The worker ended before its map was taken; try again.")
RESULT_DAMAGED = Message("The worker's map is damaged; try again.")

MAX_BYTES_PER_PIXEL, MAX_HEADER_BYTES = 12, 1 << 16
"""The most bytes that a map file may have for each pixel, three floats of 32 bits, and for everything else."""


@dataclass(frozen=True)
class ResultFiles:
    """The contents of a result's files; they stay readable when the worker ends.

    Attributes:
        png: the PNG file.
        pixels: an open file of height x width x 4 float32 values, rows bottom-up, where the request asked for them.
        checksum: CRC-32 of the pixels.
    """

    png: bytes
    pixels: BinaryIO | None = None
    checksum: int = 0


def find_map_file(folder: Path, result: Result) -> Path:
    """Return the path of a result's map file; raise WorkerError when it is gone, or its size or PNG header is wrong."""
    max_size = result.width * result.height * MAX_BYTES_PER_PIXEL + MAX_HEADER_BYTES
    file = _check_regular_file(folder / result.file, 24, max_size)
    if file.suffix != ".png":
        return file
    with file.open("rb") as stream:
        if stream.read(24)[16:] != struct.pack(">II", result.width, result.height):
            raise WorkerError(RESULT_DAMAGED)
    return file


def find_pixels_file(folder: Path, result: Result) -> Path | None:
    """Return the path of a result's pixels, None where it has none; raise WorkerError when they are gone or damaged."""
    if not result.pixels:
        return None
    size = result.width * result.height * 16
    return _check_regular_file(folder / result.pixels, size, size)


def _check_regular_file(file: Path, min_size: int, max_size: int) -> Path:
    """Return the path of a file; raise WorkerError when it is gone, not a regular file, or too small or too large."""
    try:
        status = file.lstat()
    except FileNotFoundError:
        raise WorkerError(RESULT_GONE) from None
    if not stat.S_ISREG(status.st_mode) or not min_size <= status.st_size <= max_size:
        raise WorkerError(RESULT_DAMAGED)
    return file
