"""The pixels of picture files, before any engine sees them: Blender's own and those that the worker reads are the same."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import bpy
import environments
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge.image_pixels import read_pixels
from bl_ext.user_default.midas_normal.worker.pictures import picture_from_pixels

PROGRAM = Path(__file__).with_name("picture_files.py")


@dataclass(frozen=True)
class Row:
    """How a file is compared.

    bits: 8 where both sides have bytes, else their floats, display-referred, may differ by as much as Blender's way to
    scene-linear values and the way back make of them.
    since: the first Blender that reads it, where not all do; tolerance: of bytes.
    alpha_mode, colorspace: what a user has to set in Blender, which takes the file for something that it does not say it is.
    """

    bits: int = 8
    since: tuple[int, int] = (0, 0)
    tolerance: int = 0
    alpha_mode: str = ""
    colorspace: str = ""


DEEP = Row(bits=16)

FILES = {
    **dict.fromkeys(("grey8.png", "grey_alpha8.png", "rgb8.png", "rgba8.png", "palette.png", "bilevel.png"), Row()),
    **dict.fromkeys(("grey16.png", "grey_alpha16.png", "rgb16.png", "rgba16.png"), DEEP),
    **dict.fromkeys(("photo.jpg", "photo.jfif", "photo.jpe", "grey.jpg", "cmyk.jpg", "png_called.jpg"), Row()),
    **dict.fromkeys(("rgb8.tif", "rgba8_straight.tif", "palette.tif", "cmyk.tif", "jpeg.tif"), Row()),
    "bilevel.tif": Row(since=(4, 5)),  # 4.2 swaps black and white
    **dict.fromkeys(("rgb16.tif", "lzw.tif", "planar.tif", "planar_lzw.tif", "planar_tiles.tif", "grey16.tif",
                     "half.tif", "float.tif", "float_grey.tif", "uint32.tif", "int16.tif", "rgba16_associated.tif",
                     "grey_alpha16_straight.tif"), DEEP),
    "rgba16_straight.tif": Row(bits=16, alpha_mode="STRAIGHT"),  # Blender takes all RGBA of 16 bits for associated
    **dict.fromkeys(("rgb.exr", "rgba.exr", "lower_case.exr", "only_y.exr", "only_r.exr", "xyz.exr", "window.exr",
                     "dwaa.exr", "layers_of_blender.exr", "layers_and_a_picture.exr", "layers_alone.exr",
                     "parts.exr"), DEEP),
    "only_z.exr": Row(bits=16, since=(5, 2)),  # earlier ones show what was in the memory
    "light.hdr": DEEP,
    **dict.fromkeys(("rgb.tga", "rgba.tga", "rgb.webp", "rgba.webp", "rgb.bmp", "rgba.bmp"), Row()),
    **dict.fromkeys(("rgb.dds", "rgba.dds", "bc1.dds", "bc1_srgb.dds", "bc3.dds", "bc4.dds", "bc5.dds", "bc7.dds"), Row()),
    **dict.fromkeys(("rgb.jp2", "rgba.jp2"), Row()),
    "grey16.jp2": DEEP,
    "rgb8.psd": Row(),
    "rgb16.psd": Row(bits=16, colorspace="sRGB"),  # Blender takes it for scene-linear, which no such picture is
    **dict.fromkeys(("rgb.avif", "rgba.avif"), Row(since=(5, 2), tolerance=1)),  # two libraries round as they like
}
"""By the name of a file that picture_files.py writes."""


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """The folder with the files, and with what the worker's Python reads from them."""
    folder = tmp_path_factory.mktemp("pictures")
    subprocess.run([environments.maps_python(), PROGRAM, folder], check=True)
    return folder


def test_the_table_has_every_file_that_is_written(written):
    assert {file.name for file in written.iterdir()} == {*FILES, "pictures.npz"}


@pytest.mark.parametrize("name", FILES)
def test_blender_and_the_worker_read_the_same_pixels(written, tmp_path, name):
    row = FILES[name]
    if bpy.app.version < row.since:
        pytest.skip(f"Blender reads {name} since {row.since}")
    image = bpy.data.images.load(str(written / name), check_existing=False)
    if row.alpha_mode:
        image.alpha_mode = row.alpha_mode
    if row.colorspace:
        image.colorspace_settings.name = row.colorspace
    in_blender = picture_from_pixels(tmp_path, read_pixels(image, tmp_path / "pixels"))
    with np.load(written / "pictures.npz") as pictures:
        rgb, alpha = pictures[f"{name}.rgb"], pictures.get(f"{name}.alpha")
    assert rgb.dtype == (np.uint8 if row.bits == 8 else np.float32)
    tolerance = row.tolerance if row.bits == 8 else 2e-5
    assert (alpha is None) == (in_blender.alpha is None)
    np.testing.assert_allclose(rgb.astype(float), in_blender.rgb.astype(float), rtol=0, atol=tolerance)
    if alpha is not None:
        np.testing.assert_allclose(alpha.astype(float), in_blender.alpha.astype(float), rtol=0, atol=1e-6)
    assert np.ptp(rgb.astype(float)) > 0.1, "there is something to be seen"
