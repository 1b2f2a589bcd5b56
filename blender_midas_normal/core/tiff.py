"""Writing TIFF files with nothing but zlib and numpy."""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from .deflate import deflated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array

STRIP = 1 << 18
"""Bytes of a strip before compression, unless a single row is longer."""

SHORT, LONG, RATIONAL = 3, 4, 5
FORMATS = {SHORT: "H", LONG: "I", RATIONAL: "II"}

DEFLATE = 8
GREY, RGB = 1, 2
UNSIGNED, FLOATING = 1, 3
NO_PREDICTOR, DIFFERENCES = 1, 2


def tiff_bytes(pixels: NDArray[np.uint8] | NDArray[np.uint16] | Array) -> bytes:
    """A TIFF file of H x W (grey) or H x W x 3 (RGB) pixels, uint8, uint16 or float32, rows from the top down.

    Little-endian, deflated in strips; of integers, the differences of neighbours in a row are.  Below 4 GB.
    Source: TIFF 6.0, sections 2, 4, 6, 14 (differences) and 19 (floats); Adobe's "TIFF Technical Notes", 2002 (Deflate).
    """
    rows, columns, channels = pixels.shape if pixels.ndim == 3 else (*pixels.shape, 1)
    integers = pixels.dtype.kind == "u"
    lines = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).reshape(rows, columns, channels)
    in_strip = max(1, STRIP // lines[0].nbytes)

    def strip(first: int) -> bytes:
        part = lines[first:first + in_strip]
        return deflated(_differences(part) if integers else part)

    with ThreadPoolExecutor() as pool:
        strips = list(pool.map(strip, range(0, rows, in_strip)))
    sizes = [len(strip) for strip in strips]
    starts = np.cumsum([8, *sizes]).tolist()
    padding = starts[-1] % 2
    directory = _directory(starts[-1] + padding, {
        256: (LONG, [columns]), 257: (LONG, [rows]), 258: (SHORT, [8 * pixels.dtype.itemsize] * channels),
        259: (SHORT, [DEFLATE]), 262: (SHORT, [GREY if channels == 1 else RGB]), 273: (LONG, starts[:-1]),
        277: (SHORT, [channels]), 278: (LONG, [in_strip]), 279: (LONG, sizes), 282: (RATIONAL, [72, 1]),
        283: (RATIONAL, [72, 1]), 317: (SHORT, [DIFFERENCES if integers else NO_PREDICTOR]),
        339: (SHORT, [UNSIGNED if integers else FLOATING] * channels),
    })
    return b"".join((b"II", struct.pack("<HI", 42, starts[-1] + padding), *strips, bytes(padding), directory))


def _differences(lines: NDArray) -> NDArray:
    """Each pixel but the first of a row less the one before it, modulo 65536."""
    less = lines.copy()
    less[:, 1:] -= lines[:, :-1]
    return less


def _directory(start: int, fields: dict[int, tuple[int, list[int]]]) -> bytes:
    """The image file directory at a place in the file: tags to types and values, the long ones behind the directory."""
    entries, behind = [], b""
    after = start + 2 + 12 * len(fields) + 4
    for tag, (kind, values) in fields.items():
        data = struct.pack(f"<{len(values)}{FORMATS[kind][0]}", *values)
        if len(data) > 4:
            data, behind = struct.pack("<I", after + len(behind)), behind + data
        entries.append(struct.pack("<HHI4s", tag, kind, len(values) // len(FORMATS[kind]), data))
    return b"".join((struct.pack("<H", len(entries)), *entries, bytes(4), behind))
