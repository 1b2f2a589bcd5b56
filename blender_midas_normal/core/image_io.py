"""Write maps as PNG, TIFF and OpenEXR files with numpy and zlib alone: Blender's Python has no library for them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from .errors import InvalidData

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from .arrays import Array
    from .maps import Map, NodeMap

def make_compressor(compress: bool) -> zlib._Compress:
    """What makes a zlib stream, with runs only (Z_RLE), or of bytes stored as they are.

    Maps hardly ever repeat: a search for repetitions takes twice the time and saves no space.
    """
    return zlib.compressobj(1 if compress else 0, strategy=zlib.Z_RLE)


def deflate(values: NDArray) -> bytes:
    """The bytes of a contiguous array as a zlib stream."""
    packer = make_compressor(compress=True)
    return packer.compress(values.data) + packer.flush()


PNG_GREY, PNG_RGB = 0, 2
"""Colour types; PNG specification, section 11.2.1."""

PNG_NO_FILTER, PNG_UP = 0, 2

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

SOFTWARE_TEXT = b"Software\0MiDaS Normal Map"
"""The text in each file that names its maker (PNG specification, section 11.3.4), also in one that Blender unpacks."""

SOFTWARE_TEXT_END = 33 + 12 + len(SOFTWARE_TEXT)
"""Bytes of a file up to the end of that text: signature, IHDR and tEXt."""


def encode_png(pixels: NDArray, compress: bool) -> bytes:
    """The PNG file of `encode_png_strips` for pixels that are there already."""
    return b"".join(encode_png_strips([pixels], len(pixels), compress))


def encode_png_strips(strips: Iterable[NDArray], height: int, compress: bool) -> Iterator[bytes]:
    """A PNG file, part by part, of H x W x 3 (RGB) or H x W (grey) uint8 or uint16 pixels.

    strips: some rows each, from the top down, in all as many as the height.
    compress: each row is subtracted from the one before it ("Up" filter; PNG specification, section 9.2) and deflated;
    else the rows are stored as they are.
    """
    packer, above = make_compressor(compress), None
    for pixels in strips:
        rows = pixels.astype(pixels.dtype.newbyteorder(">"), order="C").view(np.uint8).reshape(len(pixels), -1)
        if above is None:
            yield PNG_SIGNATURE + _png_chunk(b"IHDR", _png_header(pixels, height)) + _png_chunk(b"tEXt", SOFTWARE_TEXT)
        yield _png_chunk(b"IDAT", packer.compress(_filter_rows(rows, above, compress).data))
        above = rows[-1]
    yield _png_chunk(b"IDAT", packer.flush()) + _png_chunk(b"IEND", b"")


def _png_header(pixels: NDArray, height: int) -> bytes:
    depth, colours = pixels.dtype.itemsize * 8, PNG_RGB if pixels.ndim == 3 else PNG_GREY
    return struct.pack(">IIBBBBB", pixels.shape[1], height, depth, colours, 0, 0, 0)


def _filter_rows(rows: NDArray[np.uint8], above: NDArray[np.uint8] | None, compress: bool) -> NDArray[np.uint8]:
    """Rows of bytes as the file has them, the name of the filter before each; above: the row before them, if any."""
    lines = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    lines[:, 0] = PNG_UP if compress else PNG_NO_FILTER
    lines[:, 1:] = rows
    if compress:
        lines[1:, 1:] -= rows[:-1]
        if above is not None:
            lines[0, 1:] -= above
    return lines


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))))


def decode_png(data: bytes) -> NDArray[np.uint16]:
    """The pixels of a file that `encode_png_strips` wrote, those of 8 bits as 16 (0..255 to 0..65535).

    Raises InvalidData for any other file.
    """
    chunks = list(_read_png_chunks(data))
    header, packed = (b"".join(content for kind, content in chunks if kind == wanted) for wanted in (b"IHDR", b"IDAT"))
    try:
        width, height, depth, colours, *others = struct.unpack(">IIBBBBB", header)
        lines = np.frombuffer(zlib.decompress(packed), np.uint8)
    except (struct.error, zlib.error) as error:
        raise InvalidData("the PNG file is damaged ({reason})", reason=error) from None
    channels = {PNG_GREY: 1, PNG_RGB: 3}.get(colours, 0)
    if depth not in (8, 16) or not channels or any(others) or lines.size != height * (1 + depth // 8 * channels * width):
        raise InvalidData("the PNG file is another kind of picture")
    lines = lines.reshape(height, -1)
    is_up, rows = lines[0, 0] == PNG_UP, np.ascontiguousarray(lines[:, 1:])
    values = (np.add.accumulate(rows, axis=0, dtype=np.uint8) if is_up else rows).view(f">u{depth // 8}").astype(np.uint16)
    values *= np.uint16(257 if depth == 8 else 1)
    return values.reshape(height, width, 3) if channels == 3 else values


def _read_png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The kind and content of each chunk that is whole; PNG specification, section 5.3."""
    at = len(PNG_SIGNATURE)
    while data.startswith(PNG_SIGNATURE) and at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8:at + 8 + length]
        at += length + 12


TIFF_STRIP_BYTES = 1 << 18
"""Bytes of a strip before compression, unless a single row is longer."""

TIFF_SHORT, TIFF_LONG, TIFF_RATIONAL = 3, 4, 5
TIFF_TYPE_CODES = {TIFF_SHORT: "H", TIFF_LONG: "I", TIFF_RATIONAL: "II"}

TIFF_DEFLATE = 8
TIFF_GREY, TIFF_RGB = 1, 2
TIFF_UINT, TIFF_FLOAT = 1, 3
TIFF_NO_PREDICTOR, TIFF_HORIZONTAL = 1, 2


def encode_tiff(pixels: NDArray[np.uint8] | NDArray[np.uint16] | Array) -> bytes:
    """A TIFF file of H x W (grey) or H x W x 3 (RGB) pixels, uint8, uint16 or float32, rows from the top down.

    Little-endian, deflated in strips; of integers, the differences of neighbours in a row are.  Below 4 GB.
    Source: TIFF 6.0, sections 2, 4, 6, 14 (differences) and 19 (floats); Adobe's "TIFF Technical Notes", 2002 (Deflate).
    """
    rows, columns, channels = pixels.shape if pixels.ndim == 3 else (*pixels.shape, 1)
    integers = pixels.dtype.kind == "u"
    lines = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).reshape(rows, columns, channels)
    in_strip = max(1, TIFF_STRIP_BYTES // lines[0].nbytes)

    def strip(first: int) -> bytes:
        part = lines[first:first + in_strip]
        return deflate(_horizontal_differences(part) if integers else part)

    with ThreadPoolExecutor() as pool:
        strips = list(pool.map(strip, range(0, rows, in_strip)))
    sizes = [len(strip) for strip in strips]
    starts = np.cumsum([8, *sizes]).tolist()
    padding = starts[-1] % 2
    directory = _tiff_directory(starts[-1] + padding, {
        256: (TIFF_LONG, [columns]), 257: (TIFF_LONG, [rows]), 258: (TIFF_SHORT, [8 * pixels.dtype.itemsize] * channels),
        259: (TIFF_SHORT, [TIFF_DEFLATE]), 262: (TIFF_SHORT, [TIFF_GREY if channels == 1 else TIFF_RGB]),
        273: (TIFF_LONG, starts[:-1]),
        277: (TIFF_SHORT, [channels]), 278: (TIFF_LONG, [in_strip]), 279: (TIFF_LONG, sizes), 282: (TIFF_RATIONAL, [72, 1]),
        283: (TIFF_RATIONAL, [72, 1]), 317: (TIFF_SHORT, [TIFF_HORIZONTAL if integers else TIFF_NO_PREDICTOR]),
        339: (TIFF_SHORT, [TIFF_UINT if integers else TIFF_FLOAT] * channels),
    })
    return b"".join((b"II", struct.pack("<HI", 42, starts[-1] + padding), *strips, bytes(padding), directory))


def _horizontal_differences(lines: NDArray) -> NDArray:
    """Each pixel but the first of a row less the one before it, modulo 65536."""
    less = lines.copy()
    less[:, 1:] -= lines[:, :-1]
    return less


def _tiff_directory(start: int, fields: dict[int, tuple[int, list[int]]]) -> bytes:
    """The image file directory at a place in the file: tags to types and values, the long ones behind the directory."""
    entries, behind = [], b""
    after = start + 2 + 12 * len(fields) + 4
    for tag, (kind, values) in fields.items():
        data = struct.pack(f"<{len(values)}{TIFF_TYPE_CODES[kind][0]}", *values)
        if len(data) > 4:
            data, behind = struct.pack("<I", after + len(behind)), behind + data
        entries.append(struct.pack("<HHI4s", tag, kind, len(values) // len(TIFF_TYPE_CODES[kind]), data))
    return b"".join((struct.pack("<H", len(entries)), *entries, bytes(4), behind))


EXR_ROWS_PER_BLOCK = 16
"""Rows in a block of ZIP compression."""

EXR_ZIP = 3
EXR_HALF, EXR_FLOAT = 1, 2


def encode_exr(channels: Mapping[str, Array], half: bool) -> bytes:
    """An OpenEXR file (version 2, scan lines, ZIP compression) of H x W float32 channels, rows from the top down.

    channels: at least one, all of one size, by names of at most 31 ASCII characters; R, G, B and A are a picture's colours,
    Y alone is a grey one.  half: 16 bits a value, which end at 65504, else 32.  Values are stored as they are.
    Source: "OpenEXR File Layout", openexr.com.
    """
    names = sorted(channels)
    rows, columns = channels[names[0]].shape
    kind = np.dtype("<f2" if half else "<f4")

    def block(first: int) -> bytes:
        planes = [channels[name][first:first + EXR_ROWS_PER_BLOCK] for name in names]
        data = _compress_block(np.stack(planes, axis=1).astype(kind, order="C"))
        return struct.pack("<ii", first, len(data)) + data

    with ThreadPoolExecutor() as pool:
        blocks = list(pool.map(block, range(0, rows, EXR_ROWS_PER_BLOCK)))
    header = _exr_header(names, EXR_HALF if half else EXR_FLOAT, columns, rows)
    return b"".join((header, _offset_table(blocks, len(header)), *blocks))


def _exr_header(names: list[str], kind: int, columns: int, rows: int) -> bytes:
    window = struct.pack("<iiii", 0, 0, columns - 1, rows - 1)
    listed = b"".join(name.encode("ascii") + struct.pack("<xiB3xii", kind, 0, 1, 1) for name in names) + b"\0"
    return b"".join((
        b"\x76\x2f\x31\x01", struct.pack("<i", 2),
        _exr_attribute("channels", "chlist", listed), _exr_attribute("compression", "compression", bytes([EXR_ZIP])),
        _exr_attribute("dataWindow", "box2i", window), _exr_attribute("displayWindow", "box2i", window),
        _exr_attribute("lineOrder", "lineOrder", b"\0"), _exr_attribute("pixelAspectRatio", "float", struct.pack("<f", 1)),
        _exr_attribute("screenWindowCenter", "v2f", struct.pack("<ff", 0, 0)),
        _exr_attribute("screenWindowWidth", "float", struct.pack("<f", 1)), b"\0"))


def _exr_attribute(name: str, kind: str, value: bytes) -> bytes:
    return b"".join((name.encode(), b"\0", kind.encode(), b"\0", struct.pack("<i", len(value)), value))


def _offset_table(blocks: list[bytes], start: int) -> bytes:
    """Where each block begins in the file, behind the header and this table."""
    sizes = [start + 8 * len(blocks), *(len(block) for block in blocks[:-1])]
    return np.cumsum(sizes, dtype="<u8").tobytes()


def _compress_block(values: NDArray) -> bytes:
    """The values' bytes, first the even and then the odd ones, as differences plus 128, deflated; as they are if shorter."""
    plain = values.view(np.uint8).reshape(-1)
    sorted_bytes = np.concatenate([plain[::2], plain[1::2]])
    differences = sorted_bytes.copy()
    differences[1:] -= sorted_bytes[:-1]
    differences[1:] += 128
    packed = deflate(differences)
    return packed if len(packed) < len(plain) else plain.tobytes()


ROWS_PER_STRIP = 32
"""Encoded at a time: they stay in the processor's cache."""


def encode_integer_map(made: Map | NodeMap, name: str, bits: int, compress: bool) -> Iterable[bytes]:
    """The parts of a map's PNG or TIFF file of 8 or 16 bits.

    compress: a PNG file as small as it gets, else it is written faster.
    """
    if name != "PNG":
        return [encode_tiff(made.encode(bits=bits))]
    strips = (made.encode(slice(top, top + ROWS_PER_STRIP), bits) for top in range(0, made.height, ROWS_PER_STRIP))
    return encode_png_strips(strips, made.height, compress)


def encode_float_map(made: Map, name: str) -> bytes:
    """The OpenEXR file of a map, in half or single precision."""
    planes = made.to_floats()
    return encode_exr(dict(zip("RGB" if len(planes) == 3 else "Y", planes, strict=True)), half=name == "EXR_HALF")


def to_blender_pixels(made: Map | NodeMap) -> Iterator[Array]:
    """A map as Blender holds it, some rows of it at a time: rows x W x 4 float32 of 0..1, opaque, from the bottom up."""
    for end in range(made.height, 0, -ROWS_PER_STRIP):
        yield _to_rgba(made.encode(slice(max(0, end - ROWS_PER_STRIP), end)))


def _to_rgba(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> Array:
    """They are spread as integers first, because numpy multiplies values that lie side by side six times as fast."""
    held = np.empty((*pixels.shape[:2], 4), pixels.dtype)
    for channel in range(3):
        held[..., channel] = pixels[::-1, :, channel] if pixels.ndim == 3 else pixels[::-1]
    white = np.iinfo(pixels.dtype).max
    held[..., 3] = white
    return np.multiply(held, np.float32(1 / white), dtype=np.float32)
