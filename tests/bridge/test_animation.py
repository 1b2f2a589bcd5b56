"""A rendered animation becomes a sequence of maps, from the files that Blender wrote."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge.generate import start_generation
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest
from bl_ext.user_default.midas_normal.core.errors import SourceError
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import add_material, pixels_of, pixels_of_file
from generation_runs import generate_map

SETTINGS = Settings(engine="LUMINANCE", strength=4.0, tileable="OFF")


def rendered_animation(path, frames=(3, 6), step=1, movie=False):
    """Cycles renders a bright square that moves, into files that begin with `path`."""
    scene, material = bpy.context.scene, add_material()
    square = bpy.context.view_layer.objects.active
    light = material.node_tree.nodes.new("ShaderNodeEmission")
    material.node_tree.links.new(light.outputs[0], material.node_tree.get_output_node("ALL").inputs["Surface"])
    for frame in frames:
        square.location = (0.3 * (frame - frames[0]) - 1, -0.5, -4)
        square.keyframe_insert("location", frame=frame)
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    render = scene.render
    render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    render.resolution_x, render.resolution_y, render.resolution_percentage = 32, 16, 100
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "VIDEO" if movie else "IMAGE"
    render.image_settings.file_format = "FFMPEG" if movie else "PNG"
    if movie:
        render.ffmpeg.format, render.ffmpeg.codec = "MKV", "FFV1"
    (scene.frame_start, scene.frame_end), scene.frame_step = frames, step
    render.filepath = str(path)
    bpy.ops.render.render(animation=True)


def made(**fields):
    report = start_generation(bpy.context, GenerateRequest(SETTINGS, source="RENDER", animation=True, target="NONE",
                                                           **fields)).wait()
    return bpy.data.images[report.map_name], report


def alone(path):
    """The map that is made of one frame when it is an image of its own."""
    image = bpy.data.images.load(str(path), check_existing=False)
    return pixels_of(generate_map(image, SETTINGS)[0])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_each_frame_of_the_scenes_range_gets_a_map(tmp_path):
    rendered_animation(tmp_path / "out" / "shot_")
    image, report = made()
    folder = tmp_path / "out" / "shot_normal"
    assert (image.name, image.source) == ("shot_normal", "SEQUENCE") and "4 frames" in report.messages[0]
    assert names(folder) == [f"shot_normal_{number:04d}.png" for number in (3, 4, 5, 6)]
    values = {number: pixels_of_file(folder / f"shot_normal_{number:04d}.png") for number in (3, 6)}
    assert np.abs(values[3] - values[6]).max() > 0.02
    for number, found in values.items():
        np.testing.assert_allclose(found, alone(tmp_path / "out" / f"shot_{number:04d}.png"), atol=1e-4)


def test_the_range_is_the_scenes_and_what_is_missing_is_said(tmp_path):
    rendered_animation(tmp_path / "shot_", frames=(1, 7), step=2)
    (tmp_path / "shot_0003.png").unlink()
    bpy.context.scene.frame_end = 5
    _, report = made()
    assert names(tmp_path / "shot_normal") == ["shot_normal_0001.png", "shot_normal_0005.png"]
    assert "There are no files of these frames, so they have no map: 3." in report.messages


def test_the_sequence_is_loaded_once_and_a_single_image_of_its_file_stays_one(tmp_path):
    rendered_animation(tmp_path / "shot_")
    lone = bpy.data.images.load(str(tmp_path / "shot_0003.png"))
    image, _ = made()
    count = len(bpy.data.images)
    assert made()[0] == image and len(bpy.data.images) == count and lone.source == "FILE"


def test_a_movie_of_the_animation(tmp_path):
    if not bpy.app.build_options.codec_ffmpeg:
        pytest.skip("this Blender has no FFmpeg")
    rendered_animation(tmp_path / "clip_", movie=True)
    image, report = made()
    assert image.source == "SEQUENCE" and "4 frames" in report.messages[0]
    folder = next(path for path in tmp_path.iterdir() if path.is_dir())
    assert [name[-8:] for name in names(folder)] == [f"{number:04d}.png" for number in (1, 2, 3, 4)]


def test_an_animation_that_was_not_rendered_is_said_so(tmp_path):
    bpy.context.scene.render.filepath = str(tmp_path / "shot_")
    count = len(bpy.data.images)
    with pytest.raises(SourceError, match=r"shot_0001\.png; render it"):
        made()
    assert len(bpy.data.images) == count


def test_files_whose_last_number_is_not_the_frames_are_refused(tmp_path):
    rendered_animation(tmp_path / "shot_####_v2", frames=(3, 4))
    with pytest.raises(SourceError, match="does not read 3 as the frame"):
        made()


def test_without_the_option_a_render_is_the_render_result():
    with pytest.raises(SourceError, match="render first"):
        start_generation(bpy.context, GenerateRequest(SETTINGS, source="RENDER", target="NONE")).wait()
