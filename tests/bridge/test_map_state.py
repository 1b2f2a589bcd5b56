"""Maps that somebody has changed since they were made stay as they are, and one sentence says so, unless Replace is on."""

from __future__ import annotations

import json
import shutil

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.bridge.image_pixels import View
from bl_ext.user_default.midas_normal.bridge.map_files import file_of
from bl_ext.user_default.midas_normal.bridge.map_metadata import METADATA_PROPERTY, find_map, stored_metadata
from bl_ext.user_default.midas_normal.bridge.map_state import CHECKSUM, DIGESTS
from bl_ext.user_default.midas_normal.bridge.queue import FAILED, MADE, SKIPPED
from bl_ext.user_default.midas_normal.bridge.regenerate import start_repaint, start_retune
from bl_ext.user_default.midas_normal.core.errors import TargetError
from blender_data import pixels_of, rgba, write_png
from generation_runs import SETTINGS, generate_map, generation_task, run_queue, select_object_with
from test_sequence import sequence
from test_udim import tile_set

STRONGER = SETTINGS.replace_fields({"strength": 8.0})
KEPT = r"The map '.+' was changed after it was made and stays as it is; turn on Replace to make it again\."
MEAN = 0.123


@pytest.fixture
def picture(tmp_path):
    return bpy.data.images.load(str(write_png(tmp_path / "wall.png", rgba(30, 40), 8)))


def paint(image):
    """As a brush does, which leaves the image modified."""
    values = pixels_of(image)[::-1].copy()
    values[:3, :2, :3] = MEAN
    image.pixels.foreach_set(values.ravel())
    assert image.is_dirty


def is_painted(image):
    return bool(np.abs(pixels_of(image)[::-1][:3, :2, :3] - MEAN).max() < 0.01)


def paint_and_pack(image):
    paint(image)
    image.pack()
    assert not image.is_dirty


def paint_and_save(image):
    paint(image)
    image.save()
    assert not image.is_dirty


WAYS = {
    "generate": lambda source, normal, replace: generate_map(source, STRONGER, replace=replace),
    "generate beside": lambda source, normal, replace: generate_map(source, STRONGER, replace=replace, save="BESIDE"),
    "function": lambda source, normal, replace: generate(source, STRONGER, replace=replace),
    "re-tune": lambda source, normal, replace: start_retune(normal, STRONGER, replace=replace).wait(),
    "repaint": lambda source, normal, replace: repainted(source, replace),
}
"""How a map is made again."""


def repainted(source, replace):
    values = pixels_of(source)[::-1].copy()
    values[5:25, 5:25, :3] = 1.0
    source.pixels.foreach_set(values.ravel())
    return start_repaint(source, View.of(bpy.context.scene), replace).wait()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("edit", [paint, paint_and_pack])
def test_a_packed_map_that_was_painted_on_is_made_again_only_with_replace(picture, edit, way):
    normal, _ = generate_map(picture)
    edit(normal)
    record, count = normal[METADATA_PROPERTY], len(bpy.data.images)
    with pytest.raises(TargetError, match=KEPT):
        WAYS[way](picture, normal, False)
    assert is_painted(normal) and normal[METADATA_PROPERTY] == record
    assert len(bpy.data.images) == count and normal.packed_file
    WAYS[way](picture, normal, True)
    assert not is_painted(normal) and normal[METADATA_PROPERTY] != record


def test_a_painted_map_of_a_saved_file_is_known_when_that_is_opened(picture, tmp_path):
    normal, _ = generate_map(picture)
    paint_and_pack(normal)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    with pytest.raises(TargetError, match=KEPT):
        generation_task(bpy.data.images["wall.png"], STRONGER).wait()
    assert is_painted(bpy.data.images["wall_normal"])


def nothing(normal):
    """Its pixels were set by this extension, and Blender counts it as modified."""
    assert normal.is_dirty


def packed_by_blender(normal):
    """As when Blender is asked at its end to keep modified images, in a format of its own."""
    normal.pack()
    assert normal.packed_file.data[:4] == b"v/1\x01" and not normal.is_dirty


def painted_and_undone(normal):
    before = pixels_of(normal)[::-1].copy()
    paint(normal)
    normal.pixels.foreach_set(before.ravel())


def read_again(normal):
    normal.buffers_free()
    assert not normal.is_dirty


def in_another_colour_space(normal):
    normal.colorspace_settings.name = "sRGB"


def of_an_earlier_version(normal):
    """It noted no checksum, and read the file that it had packed."""
    metadata = json.loads(normal[METADATA_PROPERTY])
    del metadata["facts"][CHECKSUM]
    normal[METADATA_PROPERTY] = json.dumps(metadata)
    normal.buffers_free()


@pytest.mark.parametrize("edit", [nothing, packed_by_blender, painted_and_undone, read_again, in_another_colour_space,
                                  of_an_earlier_version])
@pytest.mark.parametrize("is_reopened", [False, True])
def test_a_map_that_nobody_has_changed_is_made_again(picture, edit, is_reopened, tmp_path):
    normal, _ = generate_map(picture)
    edit(normal)
    if is_reopened:
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    normal, _ = generate_map(bpy.data.images["wall.png"], STRONGER)
    assert stored_metadata(normal)["settings"]["strength"] == 8.0


def test_a_map_of_an_earlier_version_that_was_painted_on_stays(picture):
    normal, _ = generate_map(picture)
    of_an_earlier_version(normal)
    for edit in (paint, paint_and_pack):
        edit(normal)
        with pytest.raises(TargetError, match=KEPT):
            generate_map(picture, STRONGER)
        assert is_painted(normal)


def replaced_by_another_map(normal):
    file = write_png(file_of(normal).with_name("other.png"), rgba(30, 40, 1), 8)
    other, _ = generate_map(bpy.data.images.load(str(file)), save="BESIDE")
    shutil.copy(file_of(other), file_of(normal))
    normal.reload()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("edit", [paint, paint_and_save, replaced_by_another_map])
def test_a_map_beside_that_was_changed_is_made_again_only_with_replace(picture, edit, way):
    normal, _ = generate_map(picture, save="BESIDE")
    edit(normal)
    shown, record, content = pixels_of(normal), normal[METADATA_PROPERTY], file_of(normal).read_bytes()
    with pytest.raises(TargetError, match=KEPT):
        WAYS[way](picture, normal, False)
    np.testing.assert_array_equal(pixels_of(normal), shown)
    assert normal[METADATA_PROPERTY] == record and file_of(normal).read_bytes() == content and not normal.packed_file
    if edit == paint_and_save and way not in ("generate", "function"):
        with pytest.raises(TargetError, match="was not made by this extension"):  # nor is it any more
            WAYS[way](picture, normal, True)
        return
    WAYS[way](picture, normal, True)
    assert normal[METADATA_PROPERTY] != record and (pixels_of(normal) != shown).any()


def test_a_map_beside_that_nobody_has_changed_or_whose_file_is_gone_is_made_again(picture):
    normal, _ = generate_map(picture, save="BESIDE")
    generate_map(picture, STRONGER, save="BESIDE")
    assert stored_metadata(normal)["settings"]["strength"] == 8.0
    file_of(normal).unlink()
    generate_map(picture, save="BESIDE")
    assert stored_metadata(normal)["settings"]["strength"] == 4.0 and file_of(normal).exists()


@pytest.mark.parametrize("save", ["PACK", "BESIDE"])
def test_the_maps_of_tiles_stay_when_one_was_changed(tmp_path, save):
    tiles = tile_set(tmp_path)
    normal, _ = generate_map(tiles, save=save)
    generate_map(tiles, STRONGER, save=save)
    record = normal[METADATA_PROPERTY]
    assert set(stored_metadata(normal)["facts"][DIGESTS]) == {"1001", "1002", "1011"}
    if save == "BESIDE":
        shutil.copy(tmp_path / "wall_normal.1001.png", tmp_path / "wall_normal.1011.png")
    else:
        normal.pixels[0] = MEAN
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(TargetError, match=KEPT):
        generate_map(tiles, save=save)
    assert normal[METADATA_PROPERTY] == record and {file.name: file.read_bytes() for file in tmp_path.iterdir()} == files
    generate_map(tiles, save=save, replace=True)
    assert stored_metadata(normal)["settings"]["strength"] == 4.0


def test_packed_tiles_that_were_painted_and_packed_stay(tmp_path):
    normal, _ = generate_map(tile_set(tmp_path))
    normal.pixels[0] = MEAN
    normal.pack()
    with pytest.raises(TargetError, match=KEPT):
        generate_map(bpy.data.images["wall.1001.png"], STRONGER)


def test_the_maps_of_frames_stay_when_one_was_changed(tmp_path):
    frames = sequence(tmp_path)
    normal, _ = generate_map(frames, save="BESIDE")
    generate_map(frames, STRONGER, save="BESIDE")
    folder = tmp_path / "shot_normal"
    shutil.copy(folder / "shot_normal_0003.png", folder / "shot_normal_0005.png")
    content = (folder / "shot_normal_0005.png").read_bytes()
    with pytest.raises(TargetError, match=KEPT):
        generate_map(frames, save="BESIDE")
    assert (folder / "shot_normal_0005.png").read_bytes() == content
    assert stored_metadata(normal)["settings"]["strength"] == 8.0
    generate_map(frames, save="BESIDE", replace=True)
    assert stored_metadata(normal)["settings"]["strength"] == 4.0


def test_a_frame_that_is_changed_while_the_maps_are_made_stops_them_too(tmp_path):
    frames = sequence(tmp_path)
    normal, _ = generate_map(frames, save="BESIDE")
    folder = tmp_path / "shot_normal"
    running_task = generation_task(frames, STRONGER, save="BESIDE")
    while running_task.job.id == 0:
        running_task.step()
    shutil.copy(folder / "shot_normal_0003.png", folder / "shot_normal_0005.png")
    with pytest.raises(TargetError, match=KEPT):
        running_task.wait()
    assert (folder / "shot_normal_0005.png").read_bytes() == (folder / "shot_normal_0003.png").read_bytes()
    assert stored_metadata(normal)["settings"]["strength"] == 4.0


@pytest.mark.parametrize("changed", ["NORMAL", "HEIGHT"])
def test_of_several_maps_those_that_nobody_has_changed_are_made(picture, changed):
    generate_map(picture, maps=("NORMAL", "HEIGHT"))
    kept, other = (find_map(picture, kind) for kind in ((changed, "HEIGHT") if changed == "NORMAL" else (changed, "NORMAL")))
    paint(kept)
    _, report = generate_map(picture, STRONGER, maps=("NORMAL", "HEIGHT"))
    assert is_painted(kept) and stored_metadata(other)["settings"]["strength"] == 8.0 and report.maps == (other.name,)
    assert f"The map {kept.name!r} was changed" in report.messages[-1]
    assert [(record.outcome, record.error is not None) for record in report.records] == [(MADE, False), (FAILED, True)]


@pytest.mark.parametrize("changed", ["NORMAL", "HEIGHT"])
def test_the_other_maps_follow_the_brush(picture, changed):
    generate_map(picture, maps=("NORMAL", "HEIGHT"))
    kept, other = (find_map(picture, kind) for kind in ((changed, "HEIGHT") if changed == "NORMAL" else (changed, "NORMAL")))
    paint(kept)
    surface = stored_metadata(other)["facts"]["surface"]
    with pytest.raises(TargetError, match=KEPT):
        repainted(picture, replace=False)
    assert is_painted(kept) and stored_metadata(other)["facts"]["surface"] != surface


def test_a_queue_keeps_it_and_makes_the_others(picture):
    other = bpy.data.images.new("other", 16, 16)
    for image in (picture, other):
        select_object_with(image)
        generate_map(image)
    normal = find_map(picture, "NORMAL")
    paint(normal)
    queue, _ = run_queue(settings=STRONGER)
    assert {item.source.name: item.state for item in queue.items} == {"wall.png": FAILED, "other": MADE}
    assert "turn on Replace" in next(item.message for item in queue.items if item.state == FAILED) and is_painted(normal)
    queue, _ = run_queue(settings=STRONGER, replace=True)
    assert [item.state for item in queue.items] == [MADE, MADE] and not is_painted(normal)


def test_what_is_to_be_skipped_is_skipped_though_it_was_changed(picture):
    select_object_with(picture)
    run_queue()
    normal = find_map(picture, "NORMAL")
    paint(normal)
    queue, _ = run_queue(existing="SKIP")
    assert [item.state for item in queue.items] == [SKIPPED] and is_painted(normal)


@pytest.mark.parametrize("digests", [None, [1], {"x": 1}, {"9" * 5000: "a"}, {"": 3}, {"1": "a"}], ids=str)
def test_a_record_that_another_hand_has_written_harms_nothing(picture, digests):
    normal, _ = generate_map(picture)
    metadata = json.loads(normal[METADATA_PROPERTY])
    metadata["facts"] |= {CHECKSUM: digests, DIGESTS: digests}
    normal[METADATA_PROPERTY] = json.dumps(metadata)
    with pytest.raises(TargetError, match=KEPT):
        generate_map(picture, STRONGER)
    generate_map(picture, STRONGER, replace=True)
