"""Writing PNG files, and reading these, with nothing but zlib, for where only numpy is at hand."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from .deflate import packer_of
from .errors import InvalidData

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

GREY, RGB = 0, 2
"""Colour types; PNG specification, section 11.2.1."""

NO_FILTER, UP = 0, 2

SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAKER = b"Software\0MiDaS Normal Map"
"""The text in each file that names its maker (PNG specification, section 11.3.4), also in one that Blender unpacks."""

MAKER_END = 33 + 12 + len(MAKER)
"""Bytes of a file up to the end of that text: signature, IHDR and tEXt."""


def png_bytes(pixels: NDArray, compress: bool) -> bytes:
    """The PNG file of `png_parts` for pixels that are there already."""
    return b"".join(png_parts([pixels], len(pixels), compress))


def png_parts(strips: Iterable[NDArray], height: int, compress: bool) -> Iterator[bytes]:
    """A PNG file, part by part, of H x W x 3 (RGB) or H x W (grey) uint8 or uint16 pixels.

    strips: some rows each, from the top down, in all as many as the height.
    compress: each row is subtracted from the one before it ("Up" filter; PNG specification, section 9.2) and deflated;
    else the rows are stored as they are.
    """
    packer, above = packer_of(compress), None
    for pixels in strips:
        rows = pixels.astype(pixels.dtype.newbyteorder(">"), order="C").view(np.uint8).reshape(len(pixels), -1)
        if above is None:
            yield SIGNATURE + _chunk(b"IHDR", _header(pixels, height)) + _chunk(b"tEXt", MAKER)
        yield _chunk(b"IDAT", packer.compress(_lines(rows, above, compress).data))
        above = rows[-1]
    yield _chunk(b"IDAT", packer.flush()) + _chunk(b"IEND", b"")


def _header(pixels: NDArray, height: int) -> bytes:
    depth, colours = pixels.dtype.itemsize * 8, RGB if pixels.ndim == 3 else GREY
    return struct.pack(">IIBBBBB", pixels.shape[1], height, depth, colours, 0, 0, 0)


def _lines(rows: NDArray[np.uint8], above: NDArray[np.uint8] | None, compress: bool) -> NDArray[np.uint8]:
    """Rows of bytes as the file has them, the name of the filter before each; above: the row before them, if any."""
    lines = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    lines[:, 0] = UP if compress else NO_FILTER
    lines[:, 1:] = rows
    if compress:
        lines[1:, 1:] -= rows[:-1]
        if above is not None:
            lines[0, 1:] -= above
    return lines


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))))


def pixels_of_png(data: bytes) -> NDArray[np.uint16]:
    """The pixels of a file that `png_parts` wrote, those of 8 bits as 16 (0..255 to 0..65535).

    Raises InvalidData for any other file.
    """
    chunks = list(_chunks(data))
    header, packed = (b"".join(content for kind, content in chunks if kind == wanted) for wanted in (b"IHDR", b"IDAT"))
    try:
        width, height, depth, colours, *others = struct.unpack(">IIBBBBB", header)
        lines = np.frombuffer(zlib.decompress(packed), np.uint8)
    except (struct.error, zlib.error) as error:
        raise InvalidData("the PNG file is damaged ({reason})", reason=error) from None
    channels = {GREY: 1, RGB: 3}.get(colours, 0)
    if depth not in (8, 16) or not channels or any(others) or lines.size != height * (1 + depth // 8 * channels * width):
        raise InvalidData("the PNG file is another kind of picture")
    lines = lines.reshape(height, -1)
    is_up, rows = lines[0, 0] == UP, np.ascontiguousarray(lines[:, 1:])
    values = (np.add.accumulate(rows, axis=0, dtype=np.uint8) if is_up else rows).view(f">u{depth // 8}").astype(np.uint16)
    values *= np.uint16(257 if depth == 8 else 1)
    return values.reshape(height, width, 3) if channels == 3 else values


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The kind and content of each chunk that is whole; PNG specification, section 5.3."""
    at = len(SIGNATURE)
    while data.startswith(SIGNATURE) and at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8:at + 8 + length]
        at += length + 12
