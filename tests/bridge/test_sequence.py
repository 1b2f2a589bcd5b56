"""An image sequence or a movie becomes a sequence of maps, each frame on its own."""

from __future__ import annotations

import bpy
import numpy as np
import PIL.Image
import pytest
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.map_metadata import find_map, stored_metadata
from bl_ext.user_default.midas_normal.core.errors import SourceError, TargetError
from blender_data import (
    add_material,
    feed_base_color,
    pixels_of,
    pixels_of_file,
    rendered,
    rgba,
    saved_by_blender,
    use_alpha,
)
from generation_runs import generate_map, generation_task

FOLLOWED = ("frame_start", "frame_offset", "frame_duration", "use_cyclic", "use_auto_refresh")


def sequence(folder, numbers=(3, 4, 5, 6), name="shot_{:04d}.png"):
    for number in numbers:
        saved_by_blender(folder / name.format(number), rgba(6, 8, number))
    image = bpy.data.images.load(str(folder / name.format(numbers[0])))
    image.source = "SEQUENCE"
    return image


def movie(folder, frames=5):
    """A lossless movie that Blender's sequencer renders from pictures of noise."""
    if not bpy.app.build_options.codec_ffmpeg:
        pytest.skip("this Blender has no FFmpeg")
    for number in range(1, frames + 1):
        saved_by_blender(folder / f"still_{number}.png", np.dstack([rgba(16, 32, number)[..., :3], np.ones((16, 32))]))
    scene = bpy.context.scene
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strip = strips.new_image("stills", str(folder / "still_1.png"), 1, 1)
    for number in range(2, frames + 1):
        strip.elements.append(f"still_{number}.png")
    render = scene.render
    scene.frame_start, scene.frame_end = 1, frames
    render.resolution_x, render.resolution_y, render.resolution_percentage = 32, 16, 100
    scene.view_settings.view_transform = "Standard"
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec = "MKV", "FFV1"
    render.filepath, render.use_file_extension = str(folder / "clip"), True
    bpy.ops.render.render(animation=True)
    return bpy.data.images.load(str(next(folder.glob("clip*.mkv")).rename(folder / "clip.mkv")))


def shown_in_material(image, **settings):
    """The material and the Image Texture that feeds its colour."""
    material = add_material()
    texture = feed_base_color(material, image)
    for name, value in settings.items():
        setattr(texture.image_user, name, value)
    return material, texture


def timing(node):
    return {name: getattr(node.image_user, name) for name in FOLLOWED}


def alone(path):
    """The map that is made of one frame when it is an image of its own."""
    return pixels_of(generate_map(bpy.data.images.load(str(path), check_existing=False))[0])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_each_frame_is_mapped_as_it_is_alone(tmp_path):
    image, report = generate_map(sequence(tmp_path))
    folder = tmp_path / "shot_normal"
    assert names(folder) == [f"shot_normal_{number:04d}.png" for number in (3, 4, 5, 6)]
    assert (image.name, image.source, image.colorspace_settings.is_data) == ("shot_normal", "SEQUENCE", True)
    assert image.filepath_raw == str(folder / "shot_normal_0003.png")
    assert "4 frames from luminance" in report.messages[0] and "cannot pack" in " ".join(report.messages)
    for number in (3, 6):
        values = pixels_of_file(folder / f"shot_normal_{number:04d}.png")
        np.testing.assert_allclose(values, alone(tmp_path / f"shot_{number:04d}.png"), atol=1e-4)
        assert np.ptp(values[..., 0]) > 0.005


def test_only_the_frames_that_are_shown_are_made_and_the_map_shows_them_alike(tmp_path):
    source = sequence(tmp_path, numbers=(1234, 1235, 1236, 1237))
    shown = {"frame_start": 20, "frame_offset": 1234, "frame_duration": 2, "use_cyclic": True, "use_auto_refresh": True}
    material, _ = shown_in_material(source, **shown)
    image, _ = generate_map(source, target="AUTO")
    assert names(tmp_path / "shot_normal") == ["shot_normal_1235.png", "shot_normal_1236.png"]
    node = material.node_tree.nodes["Principled BSDF"].inputs["Normal"].links[0].from_node.inputs["Color"].links[0].from_node
    assert node.image == image and timing(node) == shown


def test_a_hole_is_said_and_skipped(tmp_path):
    source = sequence(tmp_path)
    (tmp_path / "shot_0004.png").unlink()
    shown_in_material(source, frame_offset=2, frame_duration=6)
    _, report = generate_map(source)
    assert names(tmp_path / "shot_normal") == [f"shot_normal_{number:04d}.png" for number in (3, 5, 6)]
    assert "There are no files of these frames, so they have no map: 4, 7 to 8." in report.messages
    for number in (3, 5, 6):
        (tmp_path / f"shot_{number:04d}.png").unlink()
    with pytest.raises(SourceError, match="None of the frames"):
        generate_map(source)


def test_files_that_only_look_alike_are_no_frames(tmp_path):
    source = sequence(tmp_path, name="shot_{:02d}_col.png")
    for name in ("shot_7_col.png", "shot_007_col.png", "shot_07_rough.png", "a_shot_07_col.png"):
        saved_by_blender(tmp_path / name, rgba())
    generate_map(source)
    assert names(tmp_path / "shot_col_normal") == [f"shot_col_normal_{number:04d}.png" for number in (3, 4, 5, 6)]


def test_a_file_without_a_number_is_no_sequence(tmp_path):
    saved_by_blender(tmp_path / "shot.png", rgba())
    image = bpy.data.images.load(str(tmp_path / "shot.png"))
    image.source = "SEQUENCE"
    with pytest.raises(SourceError, match="has no number"):
        generate_map(image)


def test_a_movie_becomes_a_sequence_of_maps(tmp_path):
    source = movie(tmp_path)
    before = pixels_of(source)
    counts = len(bpy.data.images), len(bpy.data.textures)
    image, report = generate_map(source)
    assert (image.name, image.source) == ("clip_normal", "SEQUENCE") and "5 frames" in report.messages[0]
    assert names(tmp_path / "clip_normal") == [f"clip_normal_{number:04d}.png" for number in range(1, 6)]
    assert (len(bpy.data.images), len(bpy.data.textures)) == (counts[0] + 1, counts[1])
    np.testing.assert_array_equal(pixels_of(source), before)
    for number in (1, 4, 5):
        values = pixels_of_file(tmp_path / "clip_normal" / f"clip_normal_{number:04d}.png")
        expected = alone(tmp_path / f"still_{number}.png")
        np.testing.assert_allclose(values, expected, atol=0.01)
        assert np.abs(expected[..., :2] - 0.5).max() > 0.03


def test_a_movie_that_ends_early_ends_the_map(tmp_path):
    source = movie(tmp_path, frames=3)
    shown_in_material(source, frame_offset=1, frame_duration=9)
    _, report = generate_map(source)
    assert names(tmp_path / "clip_normal") == ["clip_normal_0002.png", "clip_normal_0003.png"]
    assert "The movie ends before the frame 4, and so does the map." in report.messages


def test_a_movie_that_cannot_be_read_is_said_so(tmp_path):
    (tmp_path / "clip.mkv").write_bytes(b"no movie")
    image = bpy.data.images.load(str(tmp_path / "clip.mkv"))
    image.source = "MOVIE"
    with pytest.raises(SourceError, match=r"clip\.mkv of the image 'clip\.mkv' is no picture or movie of a known kind\."):
        generate_map(image)
    assert names(tmp_path) == ["clip.mkv"] and len(bpy.data.images) == 1


def test_a_gif_file_is_a_movie_or_is_said_not_to_be_readable_as_one(tmp_path):
    """Since 4.5, Blender finds no frame in a still picture."""
    PIL.Image.fromarray(np.rint(rgba(48, 64)[..., :3] * 255).astype(np.uint8)).save(tmp_path / "clip.gif")
    image = bpy.data.images.load(str(tmp_path / "clip.gif"))
    if bpy.app.version < (4, 5):
        generate_map(image)
        assert names(tmp_path / "clip_normal") == ["clip_normal_0001.png"]
        return
    with pytest.raises(SourceError) as caught:
        generate_map(image)
    assert str(caught.value) == (f"The file {tmp_path / 'clip.gif'} of the image 'clip.gif' is a GIF file, which this "
                                 "Blender cannot read, or damaged; save its frames as PNG files.")
    assert names(tmp_path) == ["clip.gif"] and len(bpy.data.images) == 1


def test_the_map_survives_saving_and_is_updated_where_it_is_shown(tmp_path):
    use_alpha(shown_in_material(sequence(tmp_path), frame_offset=2, frame_duration=4)[1])
    generate_map(bpy.data.images["shot_0003.png"], target="AUTO")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    source, image = bpy.data.images["shot_0003.png"], bpy.data.images["shot_normal"]
    assert find_map(source, "NORMAL") == image and image.source == "SEQUENCE"
    first = looked_at(image, 5)
    saved_by_blender(tmp_path / "shot_0005.png", rgba(6, 8, 99))
    assert generate_map(source, target="AUTO")[0] == image
    assert image.filepath_raw.replace("\\", "/") == "//shot_normal/shot_normal_0003.png"
    assert np.abs(looked_at(image, 5) - first).max() > 0.005
    np.testing.assert_allclose(looked_at(image, 5), alone(tmp_path / "shot_0005.png"), atol=1e-4)


def looked_at(image, number):
    """What a texture with the image shows at a frame."""
    texture = bpy.data.textures.new("look", "IMAGE")
    texture.image, texture.image_user.frame_current = image, number
    texture.evaluate((0, 0, 0))
    return pixels_of(image)


def test_cycles_shows_the_maps_frames_at_the_same_times(tmp_path):
    source = sequence(tmp_path)
    material, _ = shown_in_material(source, frame_start=1, frame_offset=2, frame_duration=4, use_auto_refresh=True)
    image, _ = generate_map(source, target="AUTO")
    texture = next(node for node in material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image == image)
    for frame in (1, 4):
        bpy.context.scene.frame_set(frame)
        expected = pixels_of_file(tmp_path / "shot_normal" / f"shot_normal_{frame + 2:04d}.png")[..., :3]
        np.testing.assert_allclose(rendered(texture, (8, 6), tmp_path / "render.png"), expected, atol=1e-4)


def test_a_material_without_the_source_shows_the_frames_of_the_map(tmp_path):
    source = sequence(tmp_path)
    material = add_material()
    image, _ = generate_map(source, target="ACTIVE_MATERIAL")
    user = next(node for node in material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image == image).image_user
    assert (user.frame_start, user.frame_offset, user.frame_duration, user.use_auto_refresh) == (1, 2, 4, True)


def test_the_users_own_timing_of_a_map_stays(tmp_path):
    """Of a node of the user's own all of it, of one made here the frame at which it begins."""
    source = sequence(tmp_path)
    material = add_material()
    image, _ = generate_map(source, target="ACTIVE_MATERIAL")
    ours = next(node for node in material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image == image)
    theirs = add_material("Mine").node_tree.nodes.new("ShaderNodeTexImage")
    theirs.image, theirs.image_user.frame_duration = image, 3
    ours.image_user.frame_start = theirs.image_user.frame_start = 50
    before = timing(ours), timing(theirs)
    generate_map(source)
    assert (timing(ours), timing(theirs)) == before


def noisy(folder, numbers, deviation=0.05):
    """An image sequence of one picture with noise, as Blender saves it; deviation: that of the noise."""
    still = 0.5 + 0.2 * np.sin(np.mgrid[:24, :32][1] / 5)[..., None].repeat(4, axis=2)
    still[..., 3] = 1
    for number in numbers:
        noise = np.random.default_rng(number).normal(0, deviation, (24, 32, 1)) * (1, 1, 1, 0)
        saved_by_blender(folder / f"shot_{number:04d}.png", np.clip(still + noise, 0, 1))
    image = bpy.data.images.load(str(folder / f"shot_{numbers[0]:04d}.png"))
    image.source = "SEQUENCE"
    return image


def maps_in(folder):
    """Frames x H x W x 4, in the order of their numbers."""
    return np.stack([pixels_of_file(path) for path in sorted(folder.iterdir())])


def slopes_in(folder):
    """Frames x H x W x 2."""
    directions = maps_in(folder)[..., :3] * 2 - 1
    return directions[..., :2] / directions[..., 2:]


@pytest.mark.parametrize(("radius", "promised"), [(1, 0.375), (2, 0.235)])
def test_smoothing_takes_away_the_flicker_that_its_shares_promise(tmp_path, radius, promised):
    (tmp_path / "still").mkdir()
    generate_map(noisy(tmp_path / "still", (1,), deviation=0))
    true = slopes_in(tmp_path / "still" / "shot_normal")[0]
    source = noisy(tmp_path, range(1, 16))
    generate_map(source)
    rough = slopes_in(tmp_path / "shot_normal")
    generate_map(source, smoothing=radius)
    smoothed = slopes_in(tmp_path / "shot_normal")
    assert smoothed.var(axis=0).mean() < promised * rough.var(axis=0).mean()
    before, after = (((slopes[radius:-radius] - true) ** 2).mean() for slopes in (rough, smoothed))
    assert after == pytest.approx(promised * before, rel=0.15)


def test_the_worker_averages_the_frames(tmp_path, monkeypatch):
    """In Blender each would be felt."""
    requests, submit = [], addon.client.submit
    monkeypatch.setattr(addon.client, "submit", lambda request: requests.append(request) or submit(request))
    generate_map(noisy(tmp_path, (1, 2, 4)), smoothing=1)
    shares = [[share for share, _ in request.frames] for request in requests if request.frames]
    assert shares == [[pytest.approx(2 / 3), pytest.approx(1 / 3)], [pytest.approx(1 / 3), pytest.approx(2 / 3)], [1.0]]


def test_a_still_sequence_is_the_same_smoothed(tmp_path):
    source = noisy(tmp_path, range(1, 5), deviation=0)
    generate_map(source, maps=("NORMAL", "HEIGHT"))
    before = [maps_in(tmp_path / f"shot_{kind}") for kind in ("normal", "height")]
    generate_map(source, maps=("NORMAL", "HEIGHT"), smoothing=2)
    for kind, maps in zip(("normal", "height"), before, strict=True):
        np.testing.assert_allclose(maps_in(tmp_path / f"shot_{kind}"), maps, atol=1.5 / 65535)
        assert np.ptp(maps) > 0.01


def test_without_smoothing_the_files_are_what_they_were(tmp_path):
    source = noisy(tmp_path, (1, 2, 3))
    files = [tmp_path / "shot_normal" / f"shot_normal_000{number}.png" for number in (1, 2, 3)]
    generate_map(source)
    before = [file.read_bytes() for file in files]
    generate_map(source, smoothing=1)
    assert all(file.read_bytes() != old for file, old in zip(files, before, strict=True))
    generate_map(source, smoothing=0)
    assert [file.read_bytes() for file in files] == before


def test_frames_of_another_size_and_holes_take_no_part_in_smoothing(tmp_path):
    source = noisy(tmp_path, (1, 2, 4, 5))
    saved_by_blender(tmp_path / "shot_0005.png", rgba(6, 8))
    generate_map(source)
    files = [tmp_path / "shot_normal" / f"shot_normal_000{number}.png" for number in (4, 5)]
    before = [pixels_of_file(file) for file in files]
    generate_map(source, smoothing=1)
    for file, old in zip(files, before, strict=True):
        np.testing.assert_allclose(pixels_of_file(file), old, atol=1.5 / 65535)


def test_heights_are_smoothed_at_one_scale(tmp_path):
    source = noisy(tmp_path, (1, 2, 3))
    saved_by_blender(tmp_path / "shot_0002.png", rgba(24, 32) * (1, 1, 1, 0) + (0, 0, 0, 1))
    image, _ = generate_map(source, maps=("HEIGHT",))
    rough = maps_in(tmp_path / "shot_height")
    scale = stored_metadata(image)["facts"]["scale"]
    image, _ = generate_map(source, maps=("HEIGHT",), smoothing=1)
    assert stored_metadata(image)["facts"]["scale"] == scale
    smoothed = maps_in(tmp_path / "shot_height")
    np.testing.assert_allclose(smoothed[1], 0.25 * rough[0] + 0.5 * rough[1] + 0.25 * rough[2], atol=1e-4)


def test_a_sequence_that_is_deleted_while_it_is_smoothed_leaves_no_files(tmp_path):
    source = noisy(tmp_path, (1, 2, 3))
    before = names(tmp_path)
    task = generation_task(source, smoothing=1)
    while task.current_step.number < 3 or task.job.outcome is None:
        if task.is_ready:
            task.step()
        addon.client.sleep_and_pump()
    assert task.step() is None
    bpy.data.images.remove(source)
    with pytest.raises(SourceError, match="no longer there"):
        task.wait()
    assert names(tmp_path) == before and not bpy.data.images


@pytest.mark.parametrize("jobs", [3, 6])
def test_a_cancelled_sequence_leaves_nothing(tmp_path, jobs):
    """While its frames are made, and while they are averaged."""
    source = sequence(tmp_path)
    before = names(tmp_path)
    task = generation_task(source, smoothing=1)
    seen = set()
    while len(seen) < jobs:
        addon.client.sleep_and_pump()
        if task.is_ready:
            assert task.step() is None
            seen.add(task.job.id)
    task.cancel()
    assert names(tmp_path) == before and find_map(source, "NORMAL") is None
    while addon.client.is_busy:
        addon.client.sleep_and_pump()


def test_two_sequences_do_not_share_a_folder_of_maps_though_their_numbers_differ(tmp_path):
    generate_map(sequence(tmp_path))
    other = sequence(tmp_path, (13, 14), "shot_{:04d}.tga")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(TargetError, match=r"is the map of 'shot_0003\.png' already"):
        generate_map(other)
    assert sorted(tmp_path.rglob("*")) == before and find_map(other, "NORMAL") is None
