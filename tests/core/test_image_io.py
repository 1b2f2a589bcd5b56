"""PNG, TIFF and OpenEXR files, read back by other libraries and by this module."""

from __future__ import annotations

import io
import os
import struct
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from blender_midas_normal.core.image_io import decode_png, encode_exr, encode_png, encode_png_strips, encode_tiff

os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"  # before OpenCV is imported
EXR_SIZES = [(1, 1), (3, 5), (16, 7), (17, 33), (100, 64)]
TIFF_SIZES = [(1, 1), (3, 5), (16, 7), (700, 333), (2, 70000)]
PNG_SIDES = st.integers(1, 9)
PNG_SHAPES = st.tuples(PNG_SIDES, PNG_SIDES) | st.tuples(PNG_SIDES, PNG_SIDES, st.just(3))
WHOLE_PNG = encode_png(np.arange(60, dtype=np.uint16).reshape(4, 5, 3), True)


def noise(rows, columns, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


def smooth(rows, columns, seed=0):
    """Values that become shorter by compression; noise does not."""
    return np.rint(np.cumsum(noise(rows, columns, seed), axis=1) * 4) / 4


def read_exr(data):
    cv2 = pytest.importorskip("cv2")
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("values", [noise, smooth])
@pytest.mark.parametrize("size", EXR_SIZES)
def test_colours_of_exr_are_read_back_exactly(size, values, half):
    channels = {name: values(*size, seed) for seed, name in enumerate("RGB")}
    decoded = read_exr(encode_exr(channels, half))
    assert decoded.dtype == np.float32 and decoded.shape == (*size, 3)
    for channel, name in enumerate("BGR"):
        expected = channels[name].astype(np.float16) if half else channels[name]
        np.testing.assert_array_equal(decoded[..., channel], expected)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("size", EXR_SIZES)
def test_grey_exr_is_read_back_exactly(size, half):
    values = smooth(*size)
    np.testing.assert_array_equal(read_exr(encode_exr({"Y": values}, half)), values.astype(np.float16) if half else values)


@given(st.integers(1, 40), st.integers(1, 40), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_exr_keeps_any_bits(rows, columns, half, seed):
    size = (rows, columns)
    bits = np.random.default_rng(seed).integers(0, 2**16 if half else 2**32, size, np.uint16 if half else np.uint32)
    values = bits.view(np.float16 if half else np.float32).astype(np.float32)
    np.testing.assert_array_equal(read_exr(encode_exr({"Y": values}, half)), values)


def test_exr_of_zeros_views_and_the_extremes_of_half():
    values = np.array([[0, -0.0, 65504, -65504, 6e-8, np.inf, np.nan]], np.float32)
    np.testing.assert_array_equal(read_exr(encode_exr({"Y": values}, half=True)), values.astype(np.float16))
    turned = noise(20, 30).T
    np.testing.assert_array_equal(read_exr(encode_exr({"Y": turned}, half=False)), turned)


def test_exr_channels_stand_in_alphabetical_order():
    data = encode_exr({"R": noise(2, 2), "G": noise(2, 2), "B": noise(2, 2)}, half=True)
    names = data[data.index(b"chlist\0") + 11:]
    assert [names[18 * i:18 * i + 2] for i in range(3)] == [b"B\0", b"G\0", b"R\0"]


def test_exr_compression_makes_smooth_pictures_smaller_and_none_larger():
    slope = np.broadcast_to(np.linspace(0, 1, 512, dtype=np.float32), (512, 512))
    assert len(encode_exr({"Y": slope}, half=True)) < 512 * 512 * 2 / 4
    assert len(encode_exr({"Y": noise(512, 512)}, half=False)) < 512 * 512 * 4 + 1000


def test_exr_blocks_begin_where_the_table_says():
    data = encode_exr({"Y": smooth(50, 8)}, half=False)
    end = data.index(b"screenWindowWidth") + len("screenWindowWidth\0float\0") + 8 + 1
    for i, first in enumerate((0, 16, 32, 48)):
        start, = struct.unpack_from("<Q", data, end + 8 * i)
        assert struct.unpack_from("<i", data, start) == (first,)


@pytest.mark.slow
@pytest.mark.parametrize("half", [False, True])
def test_a_large_exr_takes_seconds_at_most(half):
    channels = {name: noise(2048, 2048, seed) for seed, name in enumerate("RGB")}
    start = time.process_time()  # others may be at work, too
    encode_exr(channels, half)
    assert time.process_time() - start < 6


def random_bits(shape, dtype, seed=0):
    """Random bits, all of them: also infinities and NaN."""
    bits = np.random.default_rng(seed).integers(0, 2 ** (8 * np.dtype(dtype).itemsize), shape, np.uint64)
    return bits.astype(np.uint16 if dtype == np.uint16 else np.uint32).view(dtype)


def read_tiff(data):
    cv2 = pytest.importorskip("cv2")
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return decoded[..., ::-1] if decoded.ndim == 3 else decoded


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("size", TIFF_SIZES)
def test_tiff_is_read_back_exactly(size, dtype, channels):
    pixels = random_bits((*size, *channels), dtype)
    decoded = read_tiff(encode_tiff(pixels))
    assert decoded.dtype == dtype
    np.testing.assert_array_equal(decoded, pixels[..., 0] if channels == (1,) else pixels)


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([(), (3,)]), st.sampled_from([np.uint16, np.float32]),
       st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_tiff_keeps_any_pixels(rows, columns, channels, dtype, seed):
    pixels = random_bits((rows, columns, *channels), dtype, seed)
    np.testing.assert_array_equal(read_tiff(encode_tiff(pixels)), pixels)


def test_tiff_of_views_and_other_byte_orders():
    pixels = random_bits((30, 20, 3), np.uint16)
    np.testing.assert_array_equal(read_tiff(encode_tiff(pixels.transpose(1, 0, 2)[::-1])), pixels.transpose(1, 0, 2)[::-1])
    np.testing.assert_array_equal(read_tiff(encode_tiff(pixels.astype(">u2"))), pixels)


def test_tiff_compression_makes_smooth_pictures_smaller():
    ramp = np.broadcast_to(np.arange(512, dtype=np.uint16), (512, 512))
    assert len(encode_tiff(ramp)) < 512 * 512 * 2 / 4


def test_another_library_reads_the_same_tiff():
    image = pytest.importorskip("PIL.Image")
    pixels = random_bits((8, 9), np.uint16)
    np.testing.assert_array_equal(image.open(io.BytesIO(encode_tiff(pixels))), pixels)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_large_tiff_takes_seconds_at_most(dtype):
    pixels = random_bits((2048, 2048, 3), dtype)
    start = time.process_time()  # others may be at work, too
    encode_tiff(pixels)
    assert time.process_time() - start < 6


@given(PNG_SHAPES.flatmap(lambda shape: arrays.arrays(np.uint16, shape) | arrays.arrays(np.uint8, shape)), st.booleans())
def test_png_is_read_back(pixels, compress):
    rows = np.split(pixels, len(pixels))
    for data in (encode_png(pixels, compress), b"".join(encode_png_strips(rows, len(pixels), compress))):
        decoded = decode_png(data)
        assert decoded.dtype == np.uint16
        np.testing.assert_array_equal(decoded, pixels if pixels.dtype == np.uint16 else pixels * np.uint16(257))


@given(st.integers(0, len(WHOLE_PNG) - 17))
def test_a_truncated_png_is_refused(end):
    with pytest.raises(ValueError, match="PNG"):
        decode_png(WHOLE_PNG[:end])


@pytest.mark.parametrize("data", [b"", b"no picture", WHOLE_PNG.replace(b"\x10\x02\x00\x00\x00", b"\x04\x02\x00\x00\x00"),
                                  WHOLE_PNG.replace(b"\x10\x02\x00\x00\x00", b"\x10\x06\x00\x00\x00")])
def test_what_is_no_png_of_ours_is_refused(data):
    with pytest.raises(ValueError, match="PNG"):
        decode_png(data)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (64, 33)])
def test_another_library_reads_the_same_png(compress, dtype, size):
    cv2 = pytest.importorskip("cv2")
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (*size, 3), dtype, endpoint=True)
    data = b"".join(encode_png_strips((pixels[top:top + 5] for top in range(0, len(pixels), 5)), len(pixels), compress))
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded.dtype == dtype
    np.testing.assert_array_equal(decoded[..., ::-1], pixels)
    image = pytest.importorskip("PIL.Image")
    assert image.open(io.BytesIO(data)).size == size[::-1]
