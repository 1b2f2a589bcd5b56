"""The focal length that a camera has written into a photo's file."""

from __future__ import annotations

import io
import struct

import pytest

from blender_midas_normal.core.exif import focal_length_of, focal_length_of_file

PIL = pytest.importorskip("PIL.Image")


def exif(focal):
    """Exif data of a photo."""
    data = PIL.Exif()
    data[0x0110] = "Camera"
    data.get_ifd(0x8769)[0xA405] = focal
    return data


def photo(focal=28):
    """The bytes of a small JPEG file with Exif data."""
    file = io.BytesIO()
    PIL.new("RGB", (8, 8)).save(file, "JPEG", exif=exif(focal))
    return file.getvalue()


def test_jpeg_and_tiff_files_tell_it(tmp_path):
    (tmp_path / "photo").write_bytes(photo(26))
    assert focal_length_of_file(tmp_path / "photo") == 26
    assert focal_length_of(exif(35).tobytes().removeprefix(b"Exif\0\0")) == 35


def test_the_other_order_of_bytes():
    entries = [struct.pack(">H", 1) + struct.pack(">HHII", tag, kind, 1, value) + bytes(4)
               for tag, kind, value in ((0x8769, 4, 26), (0xA405, 3, 50 << 16))]
    assert focal_length_of(b"MM\0*" + struct.pack(">I", 8) + b"".join(entries)) == 50


def test_other_and_damaged_files_tell_none():
    data = photo()
    assert focal_length_of(b"") == focal_length_of(b"\x89PNG\r\n") == 0
    assert focal_length_of(b"\xff\xd8" + data[2:30]) == 0
    for end in range(0, len(data), 7):
        assert focal_length_of(data[:end]) in (0, 28)
    for place in range(2, 120):
        assert focal_length_of(data[:place] + b"\xff" + data[place + 1:]) >= 0


def test_a_picture_without_a_file_tells_none():
    assert focal_length_of_file(None) == 0
