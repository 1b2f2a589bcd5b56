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
    from .maps import Map, MidasNodePicture

PNG_GREY, PNG_RGB, PNG_RGBA = 0, 2, 6
"""Colour types; PNG specification, section 11.2.1."""

PNG_NO_FILTER, PNG_UP = 0, 2

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

PNG_END = b"IEND\xaeB`\x82"
"""The last bytes of each whole file: type and checksum of its last chunk."""

SOFTWARE_TEXT = b"Software\0MiDaS Normal Map"
"""The tEXt chunk of each file (PNG specification, section 11.3.4); by it a map is recognised that Blender has unpacked."""

SOFTWARE_TEXT_END = 33 + 12 + len(SOFTWARE_TEXT)
"""Bytes of a file up to the end of that text: signature, IHDR and tEXt."""

HEIGHT_SCALE_KEYWORD = b"Height scale\0"
"""Begins the tEXt chunk of height maps with their `core.maps.Map.scale`, which pixels alone do not tell."""

TIFF_STRIP_BYTES = 1 << 18
"""Bytes of a strip before compression, unless a single row is longer."""

TIFF_SHORT, TIFF_LONG, TIFF_RATIONAL = 3, 4, 5

TIFF_TYPE_CODES = {TIFF_SHORT: "H", TIFF_LONG: "I", TIFF_RATIONAL: "II"}

TIFF_DEFLATE = 8

TIFF_GREY, TIFF_RGB = 1, 2

TIFF_UINT, TIFF_FLOAT = 1, 3

TIFF_NO_PREDICTOR, TIFF_HORIZONTAL = 1, 2

EXR_ROWS_PER_BLOCK = 16
"""Rows in a block of ZIP compression."""

EXR_ZIP = 3

EXR_HALF, EXR_FLOAT = 1, 2

ROWS_PER_STRIP = 32
"""Rows encoded at a time: they stay in the processor's cache."""


def make_compressor(compress: bool) -> zlib._Compress:
    """Return a zlib compressor that finds runs only (Z_RLE), or one that stores bytes as they are.

    Maps hardly ever repeat: a search for repetitions takes twice the time and saves no space.
    """
    return zlib.compressobj(1 if compress else 0, strategy=zlib.Z_RLE)


def deflate(values: NDArray) -> bytes:
    """Compress the bytes of a contiguous array to a zlib stream."""
    packer = make_compressor(compress=True)
    return packer.compress(values.data) + packer.flush()


def encode_png(pixels: NDArray, compress: bool) -> bytes:
    """Encode H x W x 3 (RGB), x 4 (RGBA) or H x W (grey) uint8 or uint16 pixels as a PNG file; see `encode_png_strips`.

    >>> decode_png(encode_png(np.array([[0, 65535]], np.uint16), compress=True)).tolist()
    [[0, 65535]]
    """
    return b"".join(encode_png_strips([pixels], len(pixels), compress))


def encode_png_strips(strips: Iterable[NDArray], height: int, compress: bool, height_scale: float = 0.0) -> Iterator[bytes]:
    """Encode strips of uint8 or uint16 pixels as a PNG file, and yield the file in parts.

    Args:
        strips: some rows each of H x W x 3 (RGB), x 4 (RGBA) or H x W (grey) pixels, from the top down.
        height: rows of all strips together.
        compress: subtract each row from the one before it ("Up" filter; PNG specification, section 9.2) and deflate; else
            rows are stored as they are.
        height_scale: of height maps, `core.maps.Map.scale`; else 0.
    """
    packer, above = make_compressor(compress), None
    for pixels in strips:
        rows = pixels.astype(pixels.dtype.newbyteorder(">"), order="C").view(np.uint8).reshape(len(pixels), -1)
        if above is None:
            yield PNG_SIGNATURE + _png_chunk(b"IHDR", _png_header(pixels, height)) + _png_chunk(b"tEXt", SOFTWARE_TEXT)
            if height_scale:
                yield _png_chunk(b"tEXt", HEIGHT_SCALE_KEYWORD + repr(float(height_scale)).encode())
        yield _png_chunk(b"IDAT", packer.compress(_filter_rows(rows, above, compress).data))
        above = rows[-1]
    yield _png_chunk(b"IDAT", packer.flush()) + _png_chunk(b"IEND", b"")


def _png_header(pixels: NDArray, height: int) -> bytes:
    depth, colours = pixels.dtype.itemsize * 8, PNG_GREY
    if pixels.ndim == 3:
        colours = PNG_RGB if pixels.shape[2] == 3 else PNG_RGBA
    return struct.pack(">IIBBBBB", pixels.shape[1], height, depth, colours, 0, 0, 0)


def _filter_rows(rows: NDArray[np.uint8], above: NDArray[np.uint8] | None, compress: bool) -> NDArray[np.uint8]:
    """Filter rows of bytes and put the filter's type before each; above: the row before the first, if any."""
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
    """Decode a PNG file that `encode_png_strips` wrote.

    Returns:
        H x W x 3 or H x W uint16; pixels of 8 bits are scaled from 0..255 to 0..65535.

    Raises:
        InvalidData: it is another or a damaged file.
    """
    chunks = list(_read_png_chunks(data))
    header, packed = (b"".join(content for kind, content in chunks if kind == name) for name in (b"IHDR", b"IDAT"))
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
    """Yield type and content of each complete chunk; PNG specification, section 5.3."""
    offset = len(PNG_SIGNATURE)
    while data.startswith(PNG_SIGNATURE) and offset + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        yield kind, data[offset + 8:offset + 8 + length]
        offset += length + 12


def height_scale_of_png(data: bytes) -> float:
    """Return the scale of a height map, see `core.maps.Map`; 0 where the file does not tell it.

    >>> height_scale_of_png(b"".join(encode_png_strips([np.zeros((1, 1), np.uint16)], 1, True, height_scale=0.25)))
    0.25
    """
    texts = (text[len(HEIGHT_SCALE_KEYWORD):] for kind, text in _read_png_chunks(data)
             if kind == b"tEXt" and text.startswith(HEIGHT_SCALE_KEYWORD))
    try:
        scale = float(next(texts, b"0"))
    except ValueError:
        return 0.0
    return scale if 0.0 <= scale < float("inf") else 0.0


def encode_tiff(pixels: NDArray[np.uint8] | NDArray[np.uint16] | Array) -> bytes:
    """Encode H x W (grey) or H x W x 3 (RGB) pixels, uint8, uint16 or float32, as a TIFF file.

    Little-endian, in strips compressed by Deflate, integers with horizontal differencing.  Below 4 GB.
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
    """Subtract from each pixel the one before it in its row, modulo 65536; the first stays."""
    less = lines.copy()
    less[:, 1:] -= lines[:, :-1]
    return less


def _tiff_directory(start: int, fields: dict[int, tuple[int, list[int]]]) -> bytes:
    """Encode the image file directory that begins at `start`: tags with types and values, long values behind it."""
    entries, behind = [], b""
    after = start + 2 + 12 * len(fields) + 4
    for tag, (kind, values) in fields.items():
        data = struct.pack(f"<{len(values)}{TIFF_TYPE_CODES[kind][0]}", *values)
        if len(data) > 4:
            data, behind = struct.pack("<I", after + len(behind)), behind + data
        entries.append(struct.pack("<HHI4s", tag, kind, len(values) // len(TIFF_TYPE_CODES[kind]), data))
    return b"".join((struct.pack("<H", len(entries)), *entries, bytes(4), behind))


def encode_exr(channels: Mapping[str, Array], half: bool) -> bytes:
    """Encode channels as an OpenEXR file (version 2, scan lines, ZIP compression), values stored as they are.

    Source: "OpenEXR File Layout", openexr.com.

    Args:
        channels: H x W float32 each, at least one, by names of at most 31 ASCII characters; R, G, B and A are colours, Y
            alone is grey.
        half: 16 bits a value, which end at 65504, instead of 32.
    """
    names = sorted(channels)
    rows, columns = channels[names[0]].shape
    dtype = np.dtype("<f2" if half else "<f4")

    def block(first: int) -> bytes:
        planes = [channels[name][first:first + EXR_ROWS_PER_BLOCK] for name in names]
        data = _compress_block(np.stack(planes, axis=1).astype(dtype, order="C"))
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
    """Encode the table of the blocks' offsets in the file; start: the offset of the table itself."""
    sizes = [start + 8 * len(blocks), *(len(block) for block in blocks[:-1])]
    return np.cumsum(sizes, dtype="<u8").tobytes()


def _compress_block(values: NDArray) -> bytes:
    """Compress a block as OpenEXR's ZIP does: even bytes, then odd ones, as differences plus 128; or raw if shorter."""
    plain = values.view(np.uint8).reshape(-1)
    sorted_bytes = np.concatenate([plain[::2], plain[1::2]])
    differences = sorted_bytes.copy()
    differences[1:] -= sorted_bytes[:-1]
    differences[1:] += 128
    packed = deflate(differences)
    return packed if len(packed) < len(plain) else plain.tobytes()


def encode_integer_map(rendered: Map | MidasNodePicture, name: str, bits: int, compress: bool) -> Iterable[bytes]:
    """Encode a map as a PNG or TIFF file, and return the file in parts.

    Args:
        rendered: the map.
        name: of the format, "PNG" or "TIFF".
        bits: 8 or 16.
        compress: make a PNG file small, else write it fast.
    """
    if name != "PNG":
        return [encode_tiff(rendered.encode(bits=bits))]
    strips = (rendered.encode(slice(top, top + ROWS_PER_STRIP), bits) for top in range(0, rendered.height, ROWS_PER_STRIP))
    return encode_png_strips(strips, rendered.height, compress, rendered.scale)


def encode_float_map(rendered: Map, name: str) -> bytes:
    """Encode a map as an OpenEXR file; name: EXR_HALF for 16 bits, EXR for 32."""
    planes = rendered.to_floats()
    return encode_exr(dict(zip("RGB" if len(planes) == 3 else "Y", planes, strict=True)), half=name == "EXR_HALF")


def to_blender_pixels(rendered: Map | MidasNodePicture) -> Iterator[Array]:
    """Yield a map as Blender holds pixels, some rows at a time: rows x W x 4 float32, 0..1, opaque, from the bottom up."""
    for end in range(rendered.height, 0, -ROWS_PER_STRIP):
        yield _to_rgba(rendered.encode(slice(max(0, end - ROWS_PER_STRIP), end)))


def _to_rgba(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> Array:
    """Turn rows over, add alpha, and scale to 0..1.

    The channels are spread as integers first, because numpy multiplies contiguous values six times as fast.
    """
    rgba = np.empty((*pixels.shape[:2], 4), pixels.dtype)
    for channel in range(3):
        rgba[..., channel] = pixels[::-1, :, channel] if pixels.ndim == 3 else pixels[::-1]
    white = np.iinfo(pixels.dtype).max
    rgba[..., 3] = white
    return np.multiply(rgba, np.float32(1 / white), dtype=np.float32)
