"""Sizes of pictures, read from the headers of their files: those that the decoders find."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.core.errors import SourceError
from blender_midas_normal.core.image_headers import MAX_SIDE, SIZE_READERS, read_size
from blender_midas_normal.worker.decoding import OPENIMAGEIO_FORMATS, PILLOW_FORMATS
from tests.conftest import ROOT


def test_the_formats_are_those_that_pictures_are_read_from():
    assert set(SIZE_READERS) == {*OPENIMAGEIO_FORMATS, *PILLOW_FORMATS}


def test_sizes_are_those_of_the_decoded_pictures(tmp_path):
    subprocess.run([sys.executable, ROOT / "tests" / "bridge" / "picture_files.py", tmp_path], check=True,
                   stdout=subprocess.DEVNULL)
    decoded = np.load(tmp_path / "pictures.npz")
    names = [key[:-len(".rgb")] for key in decoded if key.endswith(".rgb")]
    assert len(names) > 60
    for name in names:
        width, height = read_size(tmp_path / name)
        assert decoded[f"{name}.rgb"].shape[:2] == (height, width), name


@pytest.mark.parametrize("format_", ["GIF", "SGI", "PPM", "ICO", "PCX", "JPEG2000", "WebP"])
def test_sizes_of_formats_that_few_textures_have(tmp_path, format_):
    file = tmp_path / "picture"
    size = (48, 48) if format_ == "ICO" else (48, 33)
    PIL.Image.new("RGB", size).save(file, format_, **({"sizes": [size]} if format_ == "ICO" else {}))
    assert read_size(file) == size


def test_a_photo_with_large_metadata_and_a_big_tiff_file(tmp_path):
    image = PIL.Image.new("RGB", (70, 50))
    image.save(tmp_path / "photo.jpg", icc_profile=bytes(300_000))
    image.save(tmp_path / "big.tif", big_tiff=True)
    (tmp_path / "image.qoi").write_bytes(b"qoif" + (70).to_bytes(4, "big") + (50).to_bytes(4, "big") + b"\3\0")
    for name in ("photo.jpg", "big.tif", "image.qoi"):
        assert read_size(tmp_path / name) == (70, 50)


def test_headers_that_end_early_or_tell_nothing_are_damaged(tmp_path):
    buffers = {}
    for format_ in ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WebP", "PPM", "DDS", "AVIF", "JPEG2000"):
        buffers[format_] = io.BytesIO()
        PIL.Image.new("RGB", (20, 10)).save(buffers[format_], format_)
    file = tmp_path / "cut.png"
    for buffer in buffers.values():
        for count in range(12, 40, 3):
            file.write_bytes(buffer.getvalue()[:count])
            try:
                assert read_size(file) == (20, 10)
            except SourceError as error:
                assert "cut.png is not a readable picture: " in str(error)


def test_what_is_no_picture_is_said(tmp_path):
    for content, sentence in ((b"no picture", "none of the formats"), (b"%PDF-1.4", "it is a PDF file"),
                              (b"\x89PNG\r\n\x1a\n" + bytes(8) + (0).to_bytes(4, "big") * 2, "has no pixels"),
                              (b"\x89PNG\r\n\x1a\n" + bytes(8) + (MAX_SIDE + 1).to_bytes(4, "big") * 2, "longest side")):
        (tmp_path / "file.png").write_bytes(content)
        with pytest.raises(SourceError, match=sentence):
            read_size(tmp_path / "file.png")
    with pytest.raises(SourceError, match="There is no picture"):
        read_size(tmp_path / "none.png")
