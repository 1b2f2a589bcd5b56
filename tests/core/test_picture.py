"""Pictures in bytes and in floats."""

from __future__ import annotations

import numpy as np

from blender_midas_normal.core.picture import Picture


def test_bytes_converted_to_floats_and_back_stay_the_same():
    values = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    np.testing.assert_array_equal(Picture(Picture(values).rgb_float()).to_uint8(), values)
