"""Maps of all types from one surface, and their files."""

import os

import numpy as np
import pytest

from blender_midas_normal.core.errors import SettingsError
from blender_midas_normal.core.gradients import gradient
from blender_midas_normal.core.image_io import ROWS_PER_STRIP, encode_float_map, encode_integer_map, height_scale_of_png
from blender_midas_normal.core.map_types import FILE_FORMATS, MAP_TYPES, check_format, check_map_type
from blender_midas_normal.core.maps import Map, MidasNodePicture, make_map
from blender_midas_normal.core.picture import Surface, Wrap
from blender_midas_normal.core.settings import Settings

os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"
cv2 = pytest.importorskip("cv2")

SIZE = 96


def bump() -> np.ndarray:
    """A round bump, heights in shorter sides."""
    v, u = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE - 0.5
    return (0.1 * np.exp(-(u * u + v * v) / 0.01)).astype(np.float32)


def surface(height=None):
    height = bump() if height is None else np.asarray(height, np.float32)
    return Surface(height, 1.0, False, Wrap(True, True), height.shape[::-1])


def plane_of(kind, **fields):
    rendered = make_map(kind, surface(), Settings(tileable="BOTH", **fields))
    assert len(rendered.planes) == 1
    return rendered.planes[0]


@pytest.mark.parametrize("kind", MAP_TYPES)
def test_every_map_is_finite_and_within_its_range_for_the_size_asked_for(kind):
    rendered = make_map(kind, Surface(bump(), 1.0, False, Wrap(), (200, 100)), Settings(strength=3))
    for plane in rendered.planes:
        assert plane.shape == (100, 200) and plane.dtype == np.float32
        assert rendered.low - 1e-6 <= plane.min() and plane.max() <= 1 + 1e-6


def test_heights_are_those_of_the_surface_times_the_strength():
    for strength in (1.0, 2.0):
        rendered = make_map("HEIGHT", surface(), Settings(strength=strength))
        decoded = (rendered.planes[0] - 0.5) * rendered.scale
        expected = strength * (bump() - bump().mean())
        assert np.abs(decoded - expected).max() < 0.02 * np.ptp(expected)


def test_the_slopes_of_the_heights_are_those_of_the_normals():
    """The round trip: heights to normals to heights to normals."""
    height, normal = (make_map(kind, surface(), Settings()) for kind in ("HEIGHT", "NORMAL"))
    gx, gy = gradient((height.planes[0] - 0.5) * np.float32(height.scale * SIZE), Wrap(True, True))
    np.testing.assert_allclose(gx, -normal.planes[0] / normal.planes[2], atol=0.02)
    np.testing.assert_allclose(gy, normal.planes[1] / normal.planes[2], atol=0.02)


def test_a_bump_is_bright_on_its_top_and_dark_around_its_foot():
    middle, foot = (SIZE // 2, SIZE // 2), (SIZE // 2, SIZE // 2 + 20)
    assert plane_of("HEIGHT")[middle] > 0.95 > plane_of("HEIGHT")[foot]
    assert plane_of("CURVATURE")[middle] > 0.52 and plane_of("CURVATURE")[foot] < 0.5
    assert plane_of("AO")[middle] > 0.99 > 0.97 > plane_of("AO", strength=2)[SIZE // 2, SIZE // 2 + 12]
    assert plane_of("AO", invert=True)[middle] < plane_of("AO", invert=True)[foot]


def test_a_flat_surface_is_grey_open_and_without_height():
    for kind, value in (("HEIGHT", 0.5), ("AO", 1.0), ("CURVATURE", 0.5)):
        rendered = make_map(kind, surface(np.zeros((20, 30))), Settings())
        np.testing.assert_allclose(rendered.planes[0], value, atol=1e-6)
        assert rendered.scale == 0


def test_what_cannot_be_made_is_refused_by_name():
    with pytest.raises(SettingsError, match="ROUGHNESS"):
        check_map_type("ROUGHNESS", Settings())
    with pytest.raises(SettingsError, match="NORMALISED"):
        check_map_type("AO", Settings(engine="MIDAS", depth_scale="RAW"))
    with pytest.raises(SettingsError, match="JPEG"):
        check_format("JPEG")


def read(parts, suffix, folder):
    path = folder / f"map{suffix}"
    path.write_bytes(b"".join(parts))
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("kind", ["NORMAL", "HEIGHT"])
@pytest.mark.parametrize("name", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [8, 16])
def test_files_of_integers_hold_8_or_16_bits(tmp_path, kind, name, bits):
    rendered = make_map(kind, surface(), Settings())
    pixels = rendered.encode(bits=bits)
    assert len(pixels) > ROWS_PER_STRIP and pixels.dtype == f"u{bits // 8}"
    assert np.abs(pixels / (2 ** bits - 1) - rendered.encode() / 65535).max() <= 0.51 / (2 ** bits - 1)
    decoded = read(encode_integer_map(rendered, name, bits, True), FILE_FORMATS[name].suffix, tmp_path)
    np.testing.assert_array_equal(decoded, pixels[..., ::-1] if kind == "NORMAL" else pixels)


@pytest.mark.parametrize(("name", "tolerance"), [("EXR", 0), ("EXR_HALF", 1e-3)])
def test_files_of_floats_hold_colours_and_true_heights(tmp_path, name, tolerance):
    normal, height = (make_map(kind, surface(), Settings()) for kind in ("NORMAL", "HEIGHT"))
    decoded = read([encode_float_map(normal, name)], ".exr", tmp_path)[..., ::-1]
    np.testing.assert_allclose(decoded, np.stack(normal.planes, 2) / 2 + 0.5, atol=tolerance + 1e-7)
    decoded = read([encode_float_map(height, name)], ".exr", tmp_path)
    decoded = decoded if decoded.ndim == 2 else decoded[..., 0]
    assert np.abs(decoded - (bump() - bump().mean())).max() < 0.002


def test_png_files_of_heights_tell_their_scale(tmp_path):
    """Without it nobody could tell afterwards how high a map is that was made outside Blender."""
    normal, height = (make_map(kind, surface(), Settings()) for kind in ("NORMAL", "HEIGHT"))
    files = [b"".join(encode_integer_map(each, "PNG", 16, True)) for each in (normal, height)]
    assert [height_scale_of_png(file) for file in files] == [0.0, height.scale] and height.scale > 0.0
    for damaged in (b"", files[1].replace(b"scale\0", b"scale\0-"), files[1].replace(b"scale\0", b"scale\0x")):
        assert height_scale_of_png(damaged) == 0.0


def test_the_nodes_picture_keeps_its_8_bits_in_a_tiff_file(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    encoded = encode_integer_map(MidasNodePicture(pixels), "TIFF", 16, True)
    np.testing.assert_array_equal(read(encoded, ".tif", tmp_path)[..., ::-1], pixels)


def test_black_and_white_are_the_ends_of_the_range():
    assert Map((np.array([[0.0, 0.5, 1.0]], np.float32),)).encode().tolist() == [[0, 32768, 65535]]
    assert Map((np.array([[-1.0, 0.0, 1.0]], np.float32),), low=-1).encode(bits=8).tolist() == [[0, 128, 255]]
