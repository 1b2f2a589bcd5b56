import os
import struct
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_midas_normal.core.image_io import encode_exr

os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"  # before OpenCV is imported
SIZES = [(1, 1), (3, 5), (16, 7), (17, 33), (100, 64)]


def noise(rows, columns, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


def smooth(rows, columns, seed=0):
    """Values that become shorter by compression; noise does not."""
    return np.rint(np.cumsum(noise(rows, columns, seed), axis=1) * 4) / 4


def read(data):
    cv2 = pytest.importorskip("cv2")
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("values", [noise, smooth])
@pytest.mark.parametrize("size", SIZES)
def test_colours_are_read_back_exactly(size, values, half):
    channels = {name: values(*size, seed) for seed, name in enumerate("RGB")}
    found = read(encode_exr(channels, half))
    assert found.dtype == np.float32 and found.shape == (*size, 3)
    for channel, name in enumerate("BGR"):
        held = channels[name].astype(np.float16) if half else channels[name]
        np.testing.assert_array_equal(found[..., channel], held)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_a_grey_picture_is_read_back_exactly(size, half):
    values = smooth(*size)
    np.testing.assert_array_equal(read(encode_exr({"Y": values}, half)), values.astype(np.float16) if half else values)


@given(st.integers(1, 40), st.integers(1, 40), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_any_bits_survive(rows, columns, half, seed):
    size = (rows, columns)
    bits = np.random.default_rng(seed).integers(0, 2**16 if half else 2**32, size, np.uint16 if half else np.uint32)
    values = bits.view(np.float16 if half else np.float32).astype(np.float32)
    np.testing.assert_array_equal(read(encode_exr({"Y": values}, half)), values)


def test_zeros_and_views_and_the_extremes_of_half():
    values = np.array([[0, -0.0, 65504, -65504, 6e-8, np.inf, np.nan]], np.float32)
    np.testing.assert_array_equal(read(encode_exr({"Y": values}, half=True)), values.astype(np.float16))
    turned = noise(20, 30).T
    np.testing.assert_array_equal(read(encode_exr({"Y": turned}, half=False)), turned)


def test_channels_stand_in_alphabetical_order():
    data = encode_exr({"R": noise(2, 2), "G": noise(2, 2), "B": noise(2, 2)}, half=True)
    listed = data[data.index(b"chlist\0") + 11:]
    assert [listed[18 * i:18 * i + 2] for i in range(3)] == [b"B\0", b"G\0", b"R\0"]


def test_compression_shortens_what_is_smooth_and_lengthens_nothing():
    slope = np.broadcast_to(np.linspace(0, 1, 512, dtype=np.float32), (512, 512))
    assert len(encode_exr({"Y": slope}, half=True)) < 512 * 512 * 2 / 4
    assert len(encode_exr({"Y": noise(512, 512)}, half=False)) < 512 * 512 * 4 + 1000


def test_each_block_begins_where_the_table_says():
    data = encode_exr({"Y": smooth(50, 8)}, half=False)
    end = data.index(b"screenWindowWidth") + len("screenWindowWidth\0float\0") + 8 + 1
    for i, first in enumerate((0, 16, 32, 48)):
        start, = struct.unpack_from("<Q", data, end + 8 * i)
        assert struct.unpack_from("<i", data, start) == (first,)


@pytest.mark.slow
@pytest.mark.parametrize("half", [False, True])
def test_a_big_picture_takes_seconds_at_most(half):
    channels = {name: noise(2048, 2048, seed) for seed, name in enumerate("RGB")}
    begun = time.process_time()  # others may be at work, too
    encode_exr(channels, half)
    assert time.process_time() - begun < 6
