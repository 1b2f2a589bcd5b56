"""PNG files that are read again with nothing but numpy and the standard library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from blender_midas_normal.core.image_io import decode_png, encode_png, encode_png_strips

SIDES = st.integers(1, 9)
SHAPES = st.tuples(SIDES, SIDES) | st.tuples(SIDES, SIDES, st.just(3))


@given(SHAPES.flatmap(lambda shape: arrays.arrays(np.uint16, shape) | arrays.arrays(np.uint8, shape)), st.booleans())
def test_what_is_written_is_read_again(pixels, compress):
    rows = np.split(pixels, len(pixels))
    for data in (encode_png(pixels, compress), b"".join(encode_png_strips(rows, len(pixels), compress))):
        found = decode_png(data)
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found, pixels if pixels.dtype == np.uint16 else pixels * np.uint16(257))


WHOLE = encode_png(np.arange(60, dtype=np.uint16).reshape(4, 5, 3), True)


@given(st.integers(0, len(WHOLE) - 17))
def test_a_file_that_ends_early_is_refused(end):
    with pytest.raises(ValueError, match="PNG"):
        decode_png(WHOLE[:end])


@pytest.mark.parametrize("data", [b"", b"no picture", WHOLE.replace(b"\x10\x02\x00\x00\x00", b"\x04\x02\x00\x00\x00"),
                                  WHOLE.replace(b"\x10\x02\x00\x00\x00", b"\x10\x06\x00\x00\x00")])
def test_another_kind_of_file_is_refused(data):
    with pytest.raises(ValueError, match="PNG"):
        decode_png(data)
