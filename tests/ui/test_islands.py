"""Islands of an unwrapped mesh by operator, panel, function and `blender --command`: tuned again, and skipped."""

from __future__ import annotations

import bl_ext.user_default.midas_normal as extension
import bpy
import numpy as np
from bl_ext.user_default.midas_normal.ui import generation
from bl_ext.user_default.midas_normal.ui.command import run
from bl_ext.user_default.midas_normal.ui.panels import is_hidden

from .scenes import textured, values

SIDE = 64
ISLAND = np.s_[8:56, 8:56]


def wall():
    """An image of noise on black that a plane shows, whose UVs are the part that is not black."""
    image, _ = textured(SIDE, SIDE)
    colours = values(image)
    outside = np.ones((SIDE, SIDE), bool)
    outside[ISLAND] = False
    colours[outside] = (0, 0, 0, 1)
    image.pixels.foreach_set(colours.ravel())
    mesh = bpy.context.object.data
    move(mesh, 0.125, 0.75)
    return image, mesh


def move(mesh, start, side):
    uv = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32) * side + start
    mesh.uv_layers.active.uv.foreach_set("vector", uv.ravel())


def continues(normal):
    """Whether a map is not flat outside of the island."""
    return np.abs(values(normal)[:6, 8:56, :2] - 0.5).max() > 0.005


def test_operator_panel_and_function_follow_the_setting_and_sliders_keep_the_islands():
    image, _ = wall()
    scene = bpy.context.scene.midas_normal
    scene.engine, scene.strength, scene.tileable = "LUMINANCE", 8, "OFF"
    bpy.ops.midas_normal.generate()
    normal = bpy.data.images[generation.last_outcome().map_name]
    assert continues(normal) and any("Islands: 1," in message for message in generation.last_outcome().messages)
    before = values(normal)
    scene.strength = 4
    bpy.ops.midas_normal.retune()
    assert continues(normal) and np.abs(values(normal)[..., 0] - 0.5).mean() < np.abs(before[..., 0] - 0.5).mean()
    scene.islands = "OFF"
    bpy.ops.midas_normal.generate()
    assert not continues(normal)
    settings = {"engine": "LUMINANCE", "strength": 8, "tileable": "OFF"}
    assert continues(extension.generate(image, islands="AUTO", **settings))
    assert not continues(extension.generate(image, islands="OFF", **settings))


def test_the_panel_shows_the_setting_where_it_acts():
    scene = bpy.context.scene.midas_normal
    assert not is_hidden("islands", scene)
    scene.source = "RENDER"
    assert is_hidden("islands", scene)
    scene.source, scene.engine, scene.depth_scale = "ACTIVE", "MIDAS", "RAW"
    assert is_hidden("islands", scene)


def test_the_command_takes_the_islands_of_the_files_meshes_and_makes_the_map_again_when_they_move(tmp_path):
    _, mesh = wall()
    arguments = ["--out", str(tmp_path), "--engine", "luminance", "--strength", "8", "--existing", "skip"]
    made = []
    for _ in range(2):
        assert run(arguments) == 0
        made.append((tmp_path / "photo_normal.png").stat().st_mtime_ns)
    normal = bpy.data.images.load(str(tmp_path / "photo_normal.png"))
    assert made[0] == made[1] and continues(normal)
    before = values(normal)
    move(mesh, 0.25, 0.5)
    assert run(arguments) == 0
    normal.reload()
    assert np.abs(values(normal) - before).max() > 0.005
