"""The examples of docs/python-api.md and of the page on photos at an angle run as printed."""

from __future__ import annotations

import re

import bpy
import numpy as np
import pytest

from tests.brick_photos import take_photo
from tests.conftest import ROOT

EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8"), re.DOTALL)


ANGLE = (ROOT / "docs" / "guide" / "photos-at-an-angle.md").read_text(encoding="utf-8")


def run(example):
    exec(compile(example, "python-api.md", "exec"), {"bpy": bpy})


def test_the_example_runs_as_printed(capsys):
    run(EXAMPLES[0])
    assert capsys.readouterr().out.splitlines()[0] == "Tiles_normal (512, 512) True"
    material = bpy.context.object.active_material
    assert any(node.bl_idname == "ShaderNodeNormalMap" for node in material.node_tree.nodes)


def test_the_last_map_is_made_again_with_the_scenes_settings_as_printed():
    run(EXAMPLES[0])
    normal = bpy.data.images["Tiles_normal"]
    before = np.array(normal.pixels)
    run(next(example for example in EXAMPLES if "retune" in example))
    assert np.abs(np.array(normal.pixels) - before).max() > 0.05


def test_all_textures_of_the_file_are_mapped_as_printed(tmp_path):
    run(EXAMPLES[0])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.context.scene.midas_normal.engine = "LUMINANCE"
    run(next(example for example in EXAMPLES if "generate_all" in example))
    assert "Tiles" in (tmp_path / "maps.csv").read_text()


@pytest.mark.slow
def test_a_photo_at_an_angle_is_rectified_as_printed(tmp_path):
    """With luminance, since the photo is large."""
    photo = bpy.data.images.new("photo", 3000, 2400)
    rgba = np.ones((2400, 3000, 4), np.float32)
    small = take_photo(40, 50, 4, 32)[::-1] / np.float32(255)
    rgba[..., :3] = small[np.arange(2400) * len(small) // 2400][:, np.arange(3000) * small.shape[1] // 3000]
    photo.pixels.foreach_set(rgba.ravel())
    photo.filepath_raw, photo.file_format = str(tmp_path / "wall.jpg"), "JPEG"
    photo.save()
    example = re.search(r"```python\n(.*?)```", ANGLE, re.DOTALL)[1].replace("/home/me/wall.jpg", str(tmp_path / "wall.jpg"))
    run(re.sub(r"= generate\((.*)\)$", r"= generate(\1, engine='luminance')", example, flags=re.MULTILINE))
    names = {image.name for image in bpy.data.images}
    assert {"wall rectified", "wall rectified_normal", "wall rectified.001", "wall rectified.002"} <= names
