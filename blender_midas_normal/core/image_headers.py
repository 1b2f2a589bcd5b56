"""Read the size of a picture from the header of its file, without decoding it."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from .errors import InvalidData, SourceError, reason_of
from .files import HEADER_BYTES, check_picture_file, detect_format, with_article

MAX_SIDE = 16384
"""Most pixels of a side: what the project supports."""

SEARCHED_BYTES = 1 << 16
"""Bytes at the start of a file in which boxes and lines are searched that have no fixed place."""

MAX_FIELDS = 4096
"""Segments or attributes of a header that are looked at before the file counts as damaged."""

Size = tuple[int, int]
"""Width and height in pixels."""


def check_size(width: int, height: int) -> None:
    """Raise SourceError for a picture without pixels or with a side above MAX_SIDE."""
    if width < 1 or height < 1:
        raise SourceError("The picture has no pixels; save or reload it first.")
    if max(width, height) > MAX_SIDE:
        raise SourceError("The picture is {width} x {height} pixels; the longest side may be {longest}.", width=width,
                          height=height, longest=MAX_SIDE)


def read_size(path: Path) -> Size:
    """Return the width and height of a picture file, as its header has them, before it is turned upright.

    Raises:
        SourceError: the file is missing, cannot be read, is no picture, or has no pixels or too many.
    """
    try:
        check_picture_file(path)
        with path.open("rb") as stream:
            name = detect_format(stream.read(HEADER_BYTES))
            if name not in SIZE_READERS:
                raise InvalidData("it is {what}", what=with_article(name)) if name else InvalidData(
                    "it is none of the formats that are known")
            stream.seek(0)
            width, height = SIZE_READERS[name](stream)
    except (struct.error, IndexError):  # it ends within the header
        raise SourceError("{path} is not a readable picture: its header is damaged.", path=path) from None
    except ValueError as error:
        raise SourceError("{path} is not a readable picture: {reason}.", path=path, reason=reason_of(error)) from None
    except OSError as error:
        raise SourceError("{path} cannot be read: {reason}.", path=path, reason=reason_of(error)) from None
    check_size(width, height)
    return width, height


def _at(offset: int, layout: str) -> Callable[[BinaryIO], Size]:
    """Return a reader of two numbers at a fixed place; the layout is that of `struct`, with `<` or `>`.

    The height comes first where the layout ends with `*`.
    """
    def read(stream: BinaryIO) -> Size:
        stream.seek(offset)
        first, second = _unpack(stream, layout.rstrip("*"))
        return (second, first) if layout.endswith("*") else (first, second)

    return read


def _unpack(stream: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, stream.read(struct.calcsize(layout)))


def _damaged() -> InvalidData:
    return InvalidData("its header is damaged")


def _read_jpeg(stream: BinaryIO) -> Size:
    """Go through the segments to the start of the frame (ITU-T T.81, B.2.2)."""
    stream.seek(2)
    for _ in range(MAX_FIELDS):
        mark, kind = _unpack(stream, ">BB")
        while kind == 0xFF:  # padding
            kind, = _unpack(stream, ">B")
        if mark != 0xFF:
            break
        length, = _unpack(stream, ">H")
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            _, height, width = _unpack(stream, ">BHH")
            return width, height
        stream.seek(length - 2, 1)
    raise _damaged()


def _read_tiff(stream: BinaryIO) -> Size:
    """Find the tags 256 and 257 in the first directory, also of files with 64-bit offsets (BigTIFF)."""
    beginning = stream.read(4)
    order = "<" if beginning.startswith(b"II") else ">"
    is_big = 43 in beginning[2:]
    stream.seek(8 if is_big else 4)
    directory, = _unpack(stream, order + ("Q" if is_big else "I"))
    stream.seek(directory)
    count, = _unpack(stream, order + ("Q" if is_big else "H"))
    sides = {}
    for _ in range(min(count, MAX_FIELDS)):
        tag, kind = _unpack(stream, order + "HH")
        stream.seek(8 if is_big else 4, 1)
        value = stream.read(8 if is_big else 4)
        if tag in (256, 257):
            sides[tag], = struct.unpack_from(order + {3: "H", 16: "Q"}.get(kind, "I"), value)
    if len(sides) < 2:
        raise _damaged()
    return sides[256], sides[257]


def _read_exr(stream: BinaryIO) -> Size:
    """Find the attribute dataWindow in the first header."""
    stream.seek(8)
    for _ in range(MAX_FIELDS):
        name, kind = _read_text(stream), _read_text(stream)
        length, = _unpack(stream, "<I")
        if (name, kind) == (b"dataWindow", b"box2i"):
            left, top, right, bottom = _unpack(stream, "<4i")
            return right - left + 1, bottom - top + 1
        stream.seek(length, 1)
    raise _damaged()


def _read_text(stream: BinaryIO) -> bytes:
    """Read to the next zero byte; raise InvalidData where there is none within the longest name."""
    text = stream.read(256)
    end = text.find(b"\0")
    if end < 1:
        raise _damaged()
    stream.seek(end + 1 - len(text), 1)
    return text[:end]


def _read_bmp(stream: BinaryIO) -> Size:
    stream.seek(14)
    length, = _unpack(stream, "<I")
    width, height = _unpack(stream, "<HH" if length == 12 else "<ii")
    return width, abs(height)  # rows from the top down have a negative height


def _read_webp(stream: BinaryIO) -> Size:
    """Read the first chunk: VP8X, VP8L (lossless) or VP8 (RFC 9649)."""
    stream.seek(12)
    chunk = stream.read(18)
    if chunk.startswith(b"VP8X"):
        return int.from_bytes(chunk[12:15], "little") + 1, int.from_bytes(chunk[15:18], "little") + 1
    if chunk.startswith(b"VP8L"):
        bits, = struct.unpack_from("<I", chunk, 9)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if not chunk.startswith(b"VP8 "):
        raise _damaged()
    width, height = struct.unpack_from("<HH", chunk, 14)
    return width & 0x3FFF, height & 0x3FFF


def _read_avif(stream: BinaryIO) -> Size:
    """Return the largest of the sizes: the file may hold thumbnails as well."""
    header = stream.read(SEARCHED_BYTES)
    sizes: list[Size] = [struct.unpack_from(">II", header, match.end() + 4) for match in re.finditer(b"ispe", header)]
    if not sizes:
        raise _damaged()
    return max(sizes, key=lambda size: size[0] * size[1])


def _read_jpeg_2000(stream: BinaryIO) -> Size:
    """Read the image header box, or the marker SIZ of a bare codestream (ITU-T T.800, A.5.1)."""
    header = stream.read(SEARCHED_BYTES)
    if header.startswith(b"\xff\x4f"):
        right, bottom, left, top = struct.unpack_from(">4I", header, 8)
        return right - left, bottom - top
    height, width = struct.unpack_from(">II", header, header.index(b"ihdr") + 4)
    return width, height


def _read_lines(pattern: bytes) -> Callable[[BinaryIO], Size]:
    """Return a reader of the numbers that the groups `width` and `height` of a pattern match."""
    def read(stream: BinaryIO) -> Size:
        match = re.search(pattern, stream.read(SEARCHED_BYTES))
        if match is None:
            raise _damaged()
        return int(match["width"]), int(match["height"])

    return read


def _read_icon(stream: BinaryIO) -> Size:
    stream.seek(6)
    width, height = _unpack(stream, "BB")
    return width or 256, height or 256


def _read_pcx(stream: BinaryIO) -> Size:
    stream.seek(4)
    left, top, right, bottom = _unpack(stream, "<4H")
    return right - left + 1, bottom - top + 1


SIZE_READERS: dict[str, Callable[[BinaryIO], Size]] = {
    "PNG": _at(16, ">II"), "JPEG": _read_jpeg, "TIFF": _read_tiff, "OpenEXR": _read_exr,
    "Radiance HDR": _read_lines(rb"\n[-+]Y (?P<height>\d{1,9}) [-+]X (?P<width>\d{1,9})\n"),
    "WebP": _read_webp, "AVIF": _read_avif, "BMP": _read_bmp, "DDS": _at(12, "<II*"), "Photoshop": _at(14, ">II*"),
    "JPEG 2000": _read_jpeg_2000, "GIF": _at(6, "<HH"), "SGI": _at(6, ">HH"),
    "Netpbm": _read_lines(rb"^P[1-6Ff](?:\s|#[^\n]*\n)+(?P<width>\d{1,9})(?:\s|#[^\n]*\n)+(?P<height>\d{1,9})\s"),
    "icon": _read_icon, "QOI": _at(4, ">II"), "PCX": _read_pcx, "Targa": _at(12, "<HH"),
}
"""Readers of the formats that pictures are read from, by the names of `files.detect_format`."""
