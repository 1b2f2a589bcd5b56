"""Writing OpenEXR files with nothing but zlib and numpy."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from .deflate import deflated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array

ROWS = 16
"""Rows in a block of ZIP compression."""

ZIP = 3
HALF, FLOAT = 1, 2


def exr_bytes(channels: Mapping[str, Array], half: bool) -> bytes:
    """An OpenEXR file (version 2, scan lines, ZIP compression) of H x W float32 channels, rows from the top down.

    channels: at least one, all of one size, by names of at most 31 ASCII characters; R, G, B and A are a picture's colours,
    Y alone is a grey one.  half: 16 bits a value, which end at 65504, else 32.  Values are stored as they are.
    Source: "OpenEXR File Layout", openexr.com.
    """
    names = sorted(channels)
    rows, columns = channels[names[0]].shape
    kind = np.dtype("<f2" if half else "<f4")

    def block(first: int) -> bytes:
        planes = [channels[name][first:first + ROWS] for name in names]
        data = _packed(np.stack(planes, axis=1).astype(kind, order="C"))
        return struct.pack("<ii", first, len(data)) + data

    with ThreadPoolExecutor() as pool:
        blocks = list(pool.map(block, range(0, rows, ROWS)))
    header = _header(names, HALF if half else FLOAT, columns, rows)
    return b"".join((header, _offsets(blocks, len(header)), *blocks))


def _header(names: list[str], kind: int, columns: int, rows: int) -> bytes:
    window = struct.pack("<iiii", 0, 0, columns - 1, rows - 1)
    listed = b"".join(name.encode("ascii") + struct.pack("<xiB3xii", kind, 0, 1, 1) for name in names) + b"\0"
    return b"".join((
        b"\x76\x2f\x31\x01", struct.pack("<i", 2),
        _attribute("channels", "chlist", listed), _attribute("compression", "compression", bytes([ZIP])),
        _attribute("dataWindow", "box2i", window), _attribute("displayWindow", "box2i", window),
        _attribute("lineOrder", "lineOrder", b"\0"), _attribute("pixelAspectRatio", "float", struct.pack("<f", 1)),
        _attribute("screenWindowCenter", "v2f", struct.pack("<ff", 0, 0)),
        _attribute("screenWindowWidth", "float", struct.pack("<f", 1)), b"\0"))


def _attribute(name: str, kind: str, value: bytes) -> bytes:
    return b"".join((name.encode(), b"\0", kind.encode(), b"\0", struct.pack("<i", len(value)), value))


def _offsets(blocks: list[bytes], start: int) -> bytes:
    """Where each block begins in the file, behind the header and this table."""
    sizes = [start + 8 * len(blocks), *(len(block) for block in blocks[:-1])]
    return np.cumsum(sizes, dtype="<u8").tobytes()


def _packed(values: NDArray) -> bytes:
    """The values' bytes, first the even and then the odd ones, as differences plus 128, deflated; as they are if shorter."""
    plain = values.view(np.uint8).reshape(-1)
    sorted_bytes = np.concatenate([plain[::2], plain[1::2]])
    differences = sorted_bytes.copy()
    differences[1:] -= sorted_bytes[:-1]
    differences[1:] += 128
    packed = deflated(differences)
    return packed if len(packed) < len(plain) else plain.tobytes()
