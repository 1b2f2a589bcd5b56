"""Pictures made of the pixels of Blender."""

import numpy as np
import pytest

from blender_midas_normal.core.errors import SourceError
from blender_midas_normal.core.protocol import Pixels
from blender_midas_normal.worker.pictures import picture_from_pixels
from tests.requests_for_tests import noise, opaque, write_pixels


def read(folder, rgba, **fields):
    return picture_from_pixels(folder, Pixels(**write_pixels(folder / "pixels", rgba, **fields)))


def test_byte_pixels_are_the_files_own_values_top_row_first(tmp_path):
    rgba = noise(5, 7)
    picture = read(tmp_path, rgba)
    np.testing.assert_array_equal(picture.rgb, np.rint(rgba[..., :3] * 255))
    assert picture.alpha is None


def test_linear_pixels_become_display_referred(tmp_path):
    picture = read(tmp_path, opaque(np.full((2, 2, 3), 0.21404114)), encoding="LINEAR")
    np.testing.assert_allclose(picture.rgb, 0.5, atol=1e-4)


@pytest.mark.parametrize("encoding", ["LINEAR", "DECODED", "DISPLAY", "BYTE"])
def test_a_scene_linear_picture_is_exposed_and_no_other(tmp_path, encoding):
    rgba = opaque(np.full((2, 2, 3), 0.05))
    pixels = Pixels(**write_pixels(tmp_path / "pixels", rgba, encoding))
    plain, brighter = (picture_from_pixels(tmp_path, pixels, stops).rgb_float() for stops in (0.0, 1.0))
    twice = read(tmp_path, opaque(np.full((2, 2, 3), 0.1)), encoding=encoding).rgb_float()
    np.testing.assert_array_equal(brighter, twice if encoding == "LINEAR" else plain)


def test_exposure_cannot_make_anything_but_numbers(tmp_path):
    rgba = opaque(np.array([[[np.inf, -np.inf, np.nan], [3e38, -3e38, 0.0]]]))
    pixels = Pixels(**write_pixels(tmp_path / "pixels", rgba, "LINEAR"))
    for stops in (-32.0, 32.0):
        rgb = picture_from_pixels(tmp_path, pixels, stops).rgb
        assert np.isfinite(rgb).all() and 0 <= rgb.min() <= rgb.max() <= 1


def test_primaries_become_those_of_rec709_in_what_blender_made_linear(tmp_path):
    """Rec. 709's red, in Rec. 2020."""
    to_rec709 = [1.6605, -0.5876, -0.0728, -0.1246, 1.1329, -0.0083, -0.0182, -0.1006, 1.1187]
    rgba = opaque(np.broadcast_to((0.6274, 0.0691, 0.0164), (2, 2, 3)))
    for encoding in ("LINEAR", "DECODED"):
        pixels = Pixels(**write_pixels(tmp_path / "pixels", rgba, encoding), to_rec709=to_rec709)
        picture = picture_from_pixels(tmp_path, pixels)
        np.testing.assert_allclose(picture.rgb, np.broadcast_to((1, 0, 0), (2, 2, 3)), atol=2e-2)
    pixels = Pixels(**write_pixels(tmp_path / "pixels", opaque(np.full((1, 1, 3), np.inf)), "LINEAR"), to_rec709=to_rec709)
    assert np.isfinite(picture_from_pixels(tmp_path, pixels).rgb).all()


def test_data_pixels_stay_as_they_are(tmp_path):
    picture = read(tmp_path, opaque(np.full((2, 2, 3), 0.25)), encoding="DISPLAY")
    np.testing.assert_allclose(picture.rgb, 0.25)


def test_premultiplied_colours_are_divided_by_alpha(tmp_path):
    rgba = np.full((2, 2, 4), 0.5, np.float32)
    rgba[..., :3] = 0.2
    rgba[0, 0] = 0
    picture = read(tmp_path, rgba, encoding="DISPLAY", premultiplied=True)
    np.testing.assert_allclose(picture.rgb[1, 1], 0.4, atol=1e-6)
    assert np.isfinite(picture.rgb).all() and picture.alpha[0, 0] == 0


def test_nan_and_infinity_are_cleaned(tmp_path):
    rgba = opaque(np.full((3, 3, 3), 0.5))
    rgba[0, 0], rgba[1, 1, 0], rgba[2, 2, 1] = np.nan, np.inf, -np.inf
    for encoding in ("LINEAR", "DISPLAY"):
        picture = read(tmp_path, rgba, encoding=encoding)
        assert np.isfinite(picture.rgb).all() and 0 <= picture.rgb.min() <= picture.rgb.max() <= 1
        assert picture.alpha is None or np.isfinite(picture.alpha).all()


@pytest.mark.parametrize(("width", "height"), [(0, 5), (16385, 1)])
def test_impossible_sizes_are_refused(tmp_path, width, height):
    with pytest.raises(SourceError):
        picture_from_pixels(tmp_path, Pixels("none", width, height, "BYTE"))


def test_a_file_of_another_length_is_refused(tmp_path):
    (tmp_path / "pixels").write_bytes(b"123")
    with pytest.raises(SourceError, match="bytes"):
        picture_from_pixels(tmp_path, Pixels("pixels", 4, 4, "BYTE"))
