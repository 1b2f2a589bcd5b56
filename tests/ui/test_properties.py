"""What the panel and the operator say of sources of several pictures."""

from __future__ import annotations

import bpy
import numpy as np
import pytest


def frames(folder, count=3):
    """An image sequence of noise, saved by Blender."""
    for number in range(1, count + 1):
        image = bpy.data.images.new("frame", 16, 12)
        image.pixels.foreach_set(np.random.default_rng(number).random(16 * 12 * 4, np.float32))
        image.filepath_raw, image.file_format = str(folder / f"shot_{number:04d}.png"), "PNG"
        image.save()
        bpy.data.images.remove(image)
    sequence = bpy.data.images.load(str(folder / "shot_0001.png"))
    sequence.source = "SEQUENCE"
    return sequence


def test_seeing_across_tiles_is_the_scenes_unless_the_call_gives_it(tmp_path):
    frames(tmp_path, count=2)
    for number in (1, 2):
        (tmp_path / f"shot_{number:04d}.png").rename(tmp_path / f"wall.{1000 + number}.png")
    tiles = bpy.data.images.load(str(tmp_path / "wall.1001.png"))
    tiles.filepath_raw, tiles.source = str(tmp_path / "wall.<UDIM>.png"), "TILED"

    def made(**fields):
        bpy.ops.midas_normal.generate(engine="LUMINANCE", image=tiles.name, target="NONE", save="BESIDE", **fields)
        return (tmp_path / "wall_normal.1001.png").read_bytes()

    alone, across = made(), made(across=True)
    assert alone != across
    bpy.context.scene.midas_normal.across = True
    assert made() == across and made(across=False) == alone


def test_an_animation_is_the_scenes_unless_the_call_gives_it(tmp_path):
    frames(tmp_path, count=2)
    scene = bpy.context.scene
    scene.render.filepath, scene.frame_start, scene.frame_end = str(tmp_path / "shot_"), 1, 2
    scene.midas_normal.source, scene.midas_normal.animation = "RENDER", True
    with pytest.raises(RuntimeError, match="render first"):
        bpy.ops.midas_normal.generate(engine="LUMINANCE", target="NONE", animation=False)
    bpy.ops.midas_normal.generate(engine="LUMINANCE", target="NONE")
    assert len(list((tmp_path / "shot_normal").iterdir())) == 2


def test_smoothing_is_the_scenes_unless_the_call_gives_it(tmp_path):
    source = frames(tmp_path)

    def made(**fields):
        bpy.ops.midas_normal.generate(engine="LUMINANCE", image=source.name, target="NONE", **fields)
        return (tmp_path / "shot_normal" / "shot_normal_0002.png").read_bytes()

    rough, smoothed = made(), made(smoothing=1)
    assert rough != smoothed
    bpy.context.scene.midas_normal.smoothing = 1
    assert made() == smoothed and made(smoothing=0) == rough
