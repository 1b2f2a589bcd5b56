"""What Blender itself reads from the EXR and TIFF files that core writes."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.core.image_io import encode_exr, encode_tiff
from blender_data import pixels_of

SIZE = (37, 21)


def loaded(path, data):
    path.write_bytes(data)
    image = bpy.data.images.load(str(path), check_existing=False)
    image.colorspace_settings.is_data = True
    return image


def heights(rows, columns, channels):
    """H x W x C float32 beyond 0..1, a little more than half precision can hold."""
    return np.random.default_rng(0).uniform(-3, 3, (rows, columns, channels)).astype(np.float32)


def colours(rows, columns, channels):
    return np.random.default_rng(0).integers(0, 65535, (rows, columns, channels), np.uint16, endpoint=True)


def assert_shown(image, values, tolerance):
    rows, columns = values.shape[:2]
    assert tuple(image.size) == (columns, rows) and image.is_float
    found = pixels_of(image)
    np.testing.assert_allclose(found[..., :3], np.broadcast_to(values, (rows, columns, 3)), rtol=0, atol=tolerance)
    np.testing.assert_array_equal(found[..., 3], 1)


@pytest.mark.parametrize("names", ["RGB", "Y"])
@pytest.mark.parametrize("half", [False, True])
def test_exr(tmp_path, half, names):
    values = heights(*SIZE, len(names))
    channels = {name: values[..., i] for i, name in enumerate(names)}
    assert_shown(loaded(tmp_path / "a.exr", encode_exr(channels, half)), values.astype(np.float16) if half else values, 0)


@pytest.mark.parametrize("channels", [3, 1])
def test_tiff_of_16_bits(tmp_path, channels):
    values = colours(*SIZE, channels)
    assert_shown(loaded(tmp_path / "a.tif", encode_tiff(values)), values / 65535, 1e-6)


@pytest.mark.parametrize("channels", [3, 1])
def test_tiff_of_floats(tmp_path, channels):
    values = heights(*SIZE, channels)
    assert_shown(loaded(tmp_path / "a.tif", encode_tiff(values)), values, 0)
