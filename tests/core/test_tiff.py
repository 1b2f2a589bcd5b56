import io
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_midas_normal.core.image_io import encode_tiff

SIZES = [(1, 1), (3, 5), (16, 7), (700, 333), (2, 70000)]


def values(shape, dtype, seed=0):
    """Random bits, all of them: also infinities and NaN."""
    words = np.random.default_rng(seed).integers(0, 2 ** (8 * np.dtype(dtype).itemsize), shape, np.uint64)
    return words.astype(np.uint16 if dtype == np.uint16 else np.uint32).view(dtype)


def read(data):
    cv2 = pytest.importorskip("cv2")
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return found[..., ::-1] if found.ndim == 3 else found


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("size", SIZES)
def test_pixels_are_read_back_exactly(size, dtype, channels):
    pixels = values((*size, *channels), dtype)
    found = read(encode_tiff(pixels))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, pixels[..., 0] if channels == (1,) else pixels)


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([(), (3,)]), st.sampled_from([np.uint16, np.float32]),
       st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_any_pixels_survive(rows, columns, channels, dtype, seed):
    pixels = values((rows, columns, *channels), dtype, seed)
    np.testing.assert_array_equal(read(encode_tiff(pixels)), pixels)


def test_views_and_foreign_byte_orders():
    pixels = values((30, 20, 3), np.uint16)
    np.testing.assert_array_equal(read(encode_tiff(pixels.transpose(1, 0, 2)[::-1])), pixels.transpose(1, 0, 2)[::-1])
    np.testing.assert_array_equal(read(encode_tiff(pixels.astype(">u2"))), pixels)


def test_what_is_smooth_becomes_shorter():
    ramp = np.broadcast_to(np.arange(512, dtype=np.uint16), (512, 512))
    assert len(encode_tiff(ramp)) < 512 * 512 * 2 / 4


def test_another_reader_agrees():
    image = pytest.importorskip("PIL.Image")
    pixels = values((8, 9), np.uint16)
    np.testing.assert_array_equal(image.open(io.BytesIO(encode_tiff(pixels))), pixels)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_big_picture_takes_seconds_at_most(dtype):
    pixels = values((2048, 2048, 3), dtype)
    begun = time.process_time()  # others may be at work, too
    encode_tiff(pixels)
    assert time.process_time() - begun < 6
