"""Read the focal length that a camera has written into a photo's file (Exif 2.32, tag FocalLengthIn35mmFilm)."""

from __future__ import annotations

import struct
from pathlib import Path

from .settings import Number

FOCAL_LENGTH = Number("Focal Length", "Focal length of the lens in mm, as on 35 mm film. 0 takes that of the photo's file "
                      "or, where it has none, one that fits the lines or corners", 0.0, 1000.0, 1.0)

MAX_HEADER_BYTES = 1 << 18
"""Bytes at the start of a file in which its Exif data lie: of a JPEG file its first segments, of at most 64 KB each."""

EXIF_DIRECTORY, FOCAL_LENGTH_IN_35MM_FILM = 0x8769, 0xA405

TIFF_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}

JPEG_START, JPEG_SCAN, JPEG_APP1 = b"\xff\xd8", 0xDA, 0xE1


def focal_length_of_file(file: Path | None) -> float:
    """Return the focal length in mm, as on 35 mm film, that a photo's file tells; 0 without a file.

    Raises:
        OSError: it cannot be read.
    """
    if file is None:
        return 0.0
    with file.open("rb") as stream:
        return focal_length_of(stream.read(MAX_HEADER_BYTES))


def focal_length_of(header: bytes) -> float:
    """Return the focal length in mm, as on 35 mm film; 0 where the file does not tell it, or is damaged.

    Args:
        header: the first MAX_HEADER_BYTES of a JPEG or TIFF file, or of any other.
    """
    try:
        return _read_focal_length(_find_exif(header))
    except struct.error:  # damaged, or its directories lie further back
        return 0.0


def _find_exif(header: bytes) -> bytes:
    """Return the Exif data of a file, which are those of a TIFF file; empty where there are none."""
    if not header.startswith(JPEG_START):
        return header
    start = len(JPEG_START)
    while True:
        mark, kind, length = struct.unpack_from(">BBH", header, start)
        if mark != 0xFF or kind == JPEG_SCAN:
            return b""
        segment = header[start + 4:start + 2 + length]
        if kind == JPEG_APP1 and segment.startswith(b"Exif\0\0"):
            return segment[6:]
        start += 2 + length


def _read_focal_length(data: bytes) -> float:
    order = TIFF_BYTE_ORDERS.get(data[:4])
    if order is None:
        return 0.0
    entry = _find_entry(data, order, struct.unpack_from(order + "I", data, 4)[0], EXIF_DIRECTORY)
    if entry is None:
        return 0.0
    value = _find_entry(data, order, struct.unpack_from(order + "I", data, entry)[0], FOCAL_LENGTH_IN_35MM_FILM)
    return float(struct.unpack_from(order + "H", data, value)[0]) if value is not None else 0.0


def _find_entry(data: bytes, order: str, directory: int, tag: int) -> int | None:
    """Return the place of the value of a tag in a directory, None where it lacks the tag."""
    for number in range(struct.unpack_from(order + "H", data, directory)[0]):
        place = directory + 2 + 12 * number
        if struct.unpack_from(order + "H", data, place)[0] == tag:
            return place + 8
    return None
