import os
import re
import sys
from pathlib import Path

import numpy as np
import PIL.EpsImagePlugin
import PIL.Image
import pytest

from blender_midas_normal.client.environment import MIDAS_REQUIREMENTS
from blender_midas_normal.core.errors import SourceError
from blender_midas_normal.core.exr import exr_bytes
from blender_midas_normal.worker.picture_files import OPENCV, ORIENTATION, PILLOW, picture_from_file
from tests.requests_for_tests import LUMINANCE
from tests.worker.talk import Talk

os.environ.update(OPENCV)  # before OpenCV is imported
ROOT = Path(__file__).resolve().parents[2]


def pin_of_opencv(file):
    return re.search(r"opencv-python-headless==\S+", file.read_text())[0]


@pytest.mark.midas
def test_the_midas_environment_reads_every_kind_of_deep_file(midas_python, test_weights, tmp_path):
    """Not every build of OpenCV can."""
    ramp = np.tile(np.linspace(0.1, 0.9, 32, dtype=np.float32), (16, 1))
    (tmp_path / "ramp.exr").write_bytes(exr_bytes(dict.fromkeys("RGB", ramp), half=False))
    PIL.Image.fromarray((ramp * 65535).astype(np.uint16)).save(tmp_path / "ramp.png")
    PIL.Image.fromarray((ramp * 65535).astype(np.uint16)).save(tmp_path / "ramp.tif")
    with Talk(midas_python, tmp_path / "exchange", test_weights) as talk:
        for name in ("ramp.exr", "ramp.png", "ramp.tif"):
            assert talk.ask(LUMINANCE, picture=str(tmp_path / name)).ok.shape == (16, 32, 3)


@pytest.mark.parametrize("file", ["maps.txt", "training.txt"])
def test_every_environment_has_the_same_opencv(file):
    assert pin_of_opencv(ROOT / "scripts/requirements" / file) == pin_of_opencv(MIDAS_REQUIREMENTS)


def test_colours_of_openexr_files_are_multiplied_by_alpha(tmp_path):
    """As the format's own convention is, and as Blender reads and writes them."""
    alpha = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (16, 1))
    (tmp_path / "soft.exr").write_bytes(exr_bytes({**dict.fromkeys("RGB", alpha * 0.5), "A": alpha}, half=False))
    picture = picture_from_file(tmp_path / "soft.exr")
    np.testing.assert_allclose(picture.alpha, alpha)
    np.testing.assert_allclose(picture.rgb[:, 1:], 0.7354, atol=1e-3)


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


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "1", "CMYK"])
def test_ordinary_files_are_read(tmp_path, mode):
    path = tmp_path / f"picture.{'tif' if mode == 'CMYK' else 'png'}"
    PIL.Image.fromarray(np.full((4, 6, 3), 200, np.uint8)).convert(mode).save(path)
    picture = picture_from_file(path)
    assert picture.rgb.shape == (4, 6, 3) and picture.rgb.dtype == np.uint8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photographs_orientation_is_applied_whatever_its_depth(tmp_path, orientation):
    exif = PIL.Image.Exif()
    exif[ORIENTATION] = orientation
    grey = np.random.default_rng(0).integers(0, 256, (4, 6), np.uint8)
    PIL.Image.fromarray(grey).save(tmp_path / "bytes.png", exif=exif)
    PIL.Image.fromarray(grey * np.uint16(257)).save(tmp_path / "deep.png", exif=exif)
    PIL.Image.fromarray(grey * np.uint16(257)).save(tmp_path / "deep.tif", exif=exif)
    expected = picture_from_file(tmp_path / "bytes.png").rgb_float()
    assert expected.shape == ((4, 6, 3) if orientation < 5 else (6, 4, 3))
    for name in ("deep.png", "deep.tif"):
        np.testing.assert_allclose(picture_from_file(tmp_path / name).rgb, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["deep.jp2", "deep.png", "deep.tif", "zstd.tif"])
def test_sixteen_bits_of_grey_are_kept(tmp_path, name):
    cv2 = pytest.importorskip("cv2")
    values = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    if name == "zstd.tif":  # which OpenCV cannot read
        PIL.Image.fromarray(values).save(tmp_path / name, compression="zstd")
    else:
        assert cv2.imwrite(str(tmp_path / name), values)
    np.testing.assert_allclose(picture_from_file(tmp_path / name).rgb[..., 0], values / 65535, atol=2e-3)


def test_whole_numbers_without_a_range_are_refused(tmp_path):
    PIL.Image.fromarray(np.arange(16, dtype=np.int32).reshape(4, 4)).save(tmp_path / "whole.tif")
    with pytest.raises(SourceError, match=r"whole\.tif.*int32"):
        picture_from_file(tmp_path / "whole.tif")


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


POSTSCRIPT = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 16 16
%%EndComments
0 0 16 16 rectfill
showpage
%%EOF
"""


@pytest.mark.skipif(sys.platform == "win32", reason="its Ghostscript is a shell script")
@pytest.mark.parametrize("name", ["picture.jpg", "picture.png", "picture.tif", "picture.eps"])
def test_a_page_of_postscript_starts_no_program_whatever_it_is_called(tmp_path, monkeypatch, name):
    """Pillow hands such a file to Ghostscript, for which a program stands that only says that it was started."""
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n: > {tmp_path / 'started'}\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setattr(PIL.EpsImagePlugin, "gs_binary", None)  # it is looked for once
    (tmp_path / name).write_bytes(POSTSCRIPT)
    with pytest.raises(SourceError, match=name):
        picture_from_file(tmp_path / name)
    assert not (tmp_path / "started").exists()


def test_pillow_has_the_decoders_that_a_file_may_reach():
    """It stops with another error at a name that it does not know."""
    PIL.Image.init()
    assert set(PILLOW) <= set(PIL.Image.OPEN) and "EPS" in PIL.Image.OPEN


def test_a_truncated_picture_is_refused(tmp_path):
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:5000])
    with pytest.raises(SourceError, match=r"cut\.png"):
        picture_from_file(tmp_path / "cut.png")


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(SourceError, match=r"missing\.png"):
        picture_from_file(tmp_path / "missing.png")
