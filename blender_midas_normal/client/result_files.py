"""The files of a result: found in the exchange folder, and checked before they are used."""

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
"""Bytes that a file may have for each pixel, three floats of 32 bits, and beside them."""


@dataclass(frozen=True)
class ResultFiles:
    """A result's files: the PNG file's content, and where they were asked for the pixels, an open file with its CRC-32.

    Both outlive the worker.
    """

    png: bytes
    pixels: BinaryIO | None = None
    checksum: int = 0


def find_map_file(folder: Path, result: Result) -> Path:
    """The result's file; raises WorkerError when it is gone, or its size or a PNG file's header is not what it says."""
    most = result.width * result.height * MAX_BYTES_PER_PIXEL + MAX_HEADER_BYTES
    file = _check_regular_file(folder / result.file, 24, most)
    if file.suffix != ".png":
        return file
    with file.open("rb") as stream:
        if stream.read(24)[16:] != struct.pack(">II", result.width, result.height):
            raise WorkerError(RESULT_DAMAGED)
    return file


def find_pixels_file(folder: Path, result: Result) -> Path | None:
    """The result's file of pixels, None where none were asked for; raises WorkerError as `find_map_file` does."""
    if not result.pixels:
        return None
    size = result.width * result.height * 16
    return _check_regular_file(folder / result.pixels, size, size)


def _check_regular_file(file: Path, least: int, most: int) -> Path:
    """The file; raises WorkerError when it is gone, no ordinary file, or not `least` to `most` bytes long."""
    try:
        found = file.lstat()
    except FileNotFoundError:
        raise WorkerError(RESULT_GONE) from None
    if not stat.S_ISREG(found.st_mode) or not least <= found.st_size <= most:
        raise WorkerError(RESULT_DAMAGED)
    return file
