import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.core.errors import SourceError
from blender_midas_normal.core.protocol import Pixels
from blender_midas_normal.worker.pictures import picture_from_file, picture_from_pixels
from tests.requests_for_tests import noise, opaque, write_pixels


def read(folder, rgba, **words):
    return picture_from_pixels(folder, Pixels(**write_pixels(folder / "pixels", rgba, **words)))


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


@pytest.mark.parametrize("suffix", [".hdr", ".tif", ".png"])
def test_files_of_floats_are_exposed_and_no_others(tmp_path, suffix):
    cv2 = pytest.importorskip("cv2")
    values = np.random.default_rng(0).uniform(0.01, 0.2, (6, 7, 3)).astype(np.float32)
    for name, factor in (("one", 1), ("two", 2)):
        scaled = values * factor
        cv2.imwrite(str(tmp_path / (name + suffix)), scaled if suffix != ".png" else (scaled * 65535).astype(np.uint16))
    one, two, darker = (picture_from_file(tmp_path / (name + suffix), stops).rgb
                        for name, stops in (("one", 0.0), ("two", 0.0), ("two", -1.0)))
    assert np.abs(two - one).max() > 0.1
    np.testing.assert_array_equal(darker, one if suffix != ".png" else two)


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


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "1", "CMYK"])
def test_ordinary_files_are_read(tmp_path, mode):
    path = tmp_path / f"picture.{'tif' if mode == 'CMYK' else 'png'}"
    PIL.Image.fromarray(np.full((4, 6, 3), 200, np.uint8)).convert(mode).save(path)
    picture = picture_from_file(path)
    assert picture.rgb.shape == (4, 6, 3) and picture.rgb.dtype == np.uint8


def test_a_photographs_orientation_is_applied(tmp_path):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.new("RGB", (6, 4)).save(tmp_path / "photo.jpg", exif=exif)
    assert picture_from_file(tmp_path / "photo.jpg").rgb.shape == (6, 4, 3)


def test_sixteen_bits_are_kept(tmp_path):
    cv2 = pytest.importorskip("cv2")
    values = np.arange(12, dtype=np.uint16).reshape(2, 2, 3) * 5000
    cv2.imwrite(str(tmp_path / "deep.png"), values)
    np.testing.assert_allclose(picture_from_file(tmp_path / "deep.png").rgb, values[..., ::-1] / 65535, atol=1e-6)


def test_alpha_of_files_is_kept(tmp_path):
    PIL.Image.new("RGBA", (3, 3), (10, 20, 30, 128)).save(tmp_path / "leaf.png")
    assert (picture_from_file(tmp_path / "leaf.png").alpha == 128).all()


@pytest.mark.parametrize(("name", "content"), [
    ("text.png", b"not a picture"), ("cut.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 20), ("empty.jpg", b""),
    ("cut.exr", b"v/1\x01"),
])
def test_what_is_no_picture_is_refused_by_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=name):
        picture_from_file(tmp_path / name)


def test_a_truncated_picture_is_refused(tmp_path):
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:5000])
    with pytest.raises(SourceError, match=r"cut\.png"):
        picture_from_file(tmp_path / "cut.png")


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(SourceError, match=r"missing\.png"):
        picture_from_file(tmp_path / "missing.png")
