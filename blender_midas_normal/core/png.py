"""Writing PNG files with nothing but zlib, for where only numpy is at hand."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from .deflate import deflated

if TYPE_CHECKING:
    from numpy.typing import NDArray

GREY, RGB = 0, 2
"""Colour types; PNG specification, section 11.2.1."""


def png_bytes(pixels: NDArray, compress: bool) -> bytes:
    """A PNG file of H x W x 3 (RGB) or H x W (grey) uint8 or uint16 pixels, rows from the top down.

    compress: each row is subtracted from the one before it ("Up" filter; PNG specification, section 9.2) and deflated;
    else the rows are stored as they are.
    """
    height, width = pixels.shape[:2]
    depth = pixels.dtype.itemsize * 8
    rows = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    lines = np.empty((height, rows.shape[1] + 1), np.uint8)
    lines[:, 0] = 2 if compress else 0
    lines[:, 1:] = rows
    if compress:
        lines[1:, 1:] -= rows[:-1]
    header = struct.pack(">IIBBBBB", width, height, depth, RGB if pixels.ndim == 3 else GREY, 0, 0, 0)
    return b"".join((b"\x89PNG\r\n\x1a\n", *_chunk(b"IHDR", header), *_chunk(b"IDAT", deflated(lines, compress)),
                     *_chunk(b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, ...]:
    """Its parts, which are joined once: they may be large."""
    return struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
