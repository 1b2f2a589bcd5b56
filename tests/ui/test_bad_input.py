"""Sources that cannot be mapped, or only just, and disks that take no map."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.core.errors import MidasNormalError
from bl_ext.user_default.midas_normal.core.settings import Settings
from bl_ext.user_default.midas_normal.ui import generation
from blender_data import use_alpha

from .scenes import counts, textured, values

BUILT_IN = Settings(engine="LUMINANCE")


BAD = {
    "unknown image": (lambda path: {"image": "nope"}, "no image named"),
    "missing file": (lambda path: {"image": missing(path)}, "missing"),
    "midas that is not installed": (lambda path: {"image": textured()[0].name, "engine": "MIDAS"}, "not installed"),
    "no active object": (lambda path: {}, "No object is active"),
    "nothing rendered": (lambda path: {"source": "RENDER"}, "render first"),
    "viewer in the background": (lambda path: {"source": "VIEWER"}, "[Vv]iewer"),
    "unsaved source beside which to save": (lambda path: {"image": textured()[0].name, "save": "BESIDE"}, "save it first"),
    "raw depth without midas": (
        lambda path: {"image": textured()[0].name, "engine": "LUMINANCE", "depth_scale": "RAW"}, "RAW"),
}


def missing(path):
    image = bpy.data.images.new("gone", 8, 8)
    image.filepath_raw = str(path / "gone.png")
    image.source = "FILE"
    return image.name


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_changes_nothing(case, tmp_path):
    prepare, sentence = BAD[case]
    fields = prepare(tmp_path)
    before = counts()
    with pytest.raises(RuntimeError, match=sentence) as caught:
        bpy.ops.midas_normal.generate(**fields)
    assert "Traceback" not in str(caught.value)
    assert isinstance(generation.last_outcome(), MidasNormalError) and counts() == before
    textured(name="good.png")
    bpy.ops.midas_normal.generate(engine="LUMINANCE", image="good.png")


@pytest.mark.parametrize("size", [(1, 1), (3, 10000), (10000, 3), (16384, 2)])
def test_odd_sizes_are_mapped(size):
    textured(*size)
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    assert tuple(bpy.data.images["photo_normal"].size) == size


def test_one_colour_is_flat_and_said_to_be():
    image, _ = textured()
    image.pixels.foreach_set(np.full(32 * 24 * 4, 1.0, np.float32))
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    assert np.abs(values(bpy.data.images["photo_normal"]) - (0.5, 0.5, 1, 1)).max() < 1e-4
    assert "flat" in " ".join(generation.last_outcome().messages)


def test_pixels_that_are_no_numbers_spoil_nothing():
    image = bpy.data.images.new("photo.exr", 16, 16, float_buffer=True)
    pixels = np.random.default_rng(0).random((16, 16, 4), np.float32)
    pixels[3, 3], pixels[9, 9], pixels[..., 3] = np.nan, np.inf, 1
    image.pixels.foreach_set(pixels.ravel())
    made = values(generate(image, BUILT_IN))
    assert np.isfinite(made).all()
    np.testing.assert_allclose(np.linalg.norm(made[..., :3] * 2 - 1, axis=2), 1, atol=1e-3)


def test_a_transparent_image_is_flat_and_said_to_be():
    image, material = textured()
    use_alpha(material.node_tree.nodes["Image Texture"])
    image.pixels.foreach_set(np.zeros(32 * 24 * 4, np.float32))
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    assert np.abs(values(bpy.data.images["photo_normal"]) - (0.5, 0.5, 1, 1)).max() < 1e-4
    assert "transparent" in " ".join(generation.last_outcome().messages)


def test_a_linked_material_stays_as_it_is_and_the_map_is_made(tmp_path):
    textured()[0].pack()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, into):
        into.materials = ["photo"]
    bpy.ops.mesh.primitive_plane_add()
    bpy.context.object.data.materials.append(bpy.data.materials["photo"])
    before = counts()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    assert counts() == before | {"images": before["images"] + 1}
    assert "linked" in " ".join(generation.last_outcome().messages)


def test_a_full_disk_is_one_sentence_and_changes_nothing(disk):
    small_disk = disk("size=64k")
    image, _ = textured(200, 200)
    image.filepath_raw, image.file_format = str(small_disk / "photo.jpg"), "JPEG"
    image.save()
    before, files = counts(), sorted(small_disk.iterdir())
    with pytest.raises(RuntimeError, match="No space left"):
        bpy.ops.midas_normal.generate(engine="LUMINANCE", save="BESIDE")
    assert counts() == before and sorted(small_disk.iterdir()) == files
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
