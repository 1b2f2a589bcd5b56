"""Many pictures, one after the other, on the real worker."""

from __future__ import annotations

import csv
import json
import os
import signal

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.map_metadata import METADATA_PROPERTY, find_map
from bl_ext.user_default.midas_normal.bridge.queue import (
    FAILED,
    IN_PROGRESS,
    MADE,
    SKIPPED,
    WAITING,
)
from bl_ext.user_default.midas_normal.core.errors import (
    EngineUnavailable,
    MidasNormalError,
    SettingsError,
    SourceError,
    TargetError,
)
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import add_linked_material, pixels_of, rgba, saved_by_blender, write_png
from generation_runs import SETTINGS, generate_map, missing, noise, normal_node, queue, run_queue, select_object_with, states
from test_sequence import sequence
from test_udim import tile_set


def stepped(new, until):
    """The task of a queue, begun and gone on with until something is so, or it has ended."""
    task = new.task()
    while not until(task) and task.step() is None:
        while not task.is_ready and not until(task):
            addon.client.sleep_and_pump()
    return task


def test_every_colour_texture_of_the_file_is_made_and_wired_and_bad_ones_stop_no_other(tmp_path):
    bad = missing(tmp_path / "gone.png")
    materials = [select_object_with(image) for image in (noise("a", 1), bad, noise("b", 2))]
    data = noise("roughness")
    data.colorspace_settings.is_data = True
    select_object_with(data)
    noise("unused")
    done, report = run_queue()
    assert states(done) == {"a": MADE, "gone.png": FAILED, "b": MADE}
    assert [normal_node(material) for material in materials] == ["ShaderNodeNormalMap", None, "ShaderNodeNormalMap"]
    assert report.messages[0] == "Of 3 pictures 2 made, 0 skipped, 1 failed."
    assert "gone.png of the image 'gone.png' is missing." in report.messages[1]
    assert report.map_name == "b_normal" and bpy.data.images["b_normal"].packed_file


def test_a_map_in_a_queue_is_the_one_that_is_made_alone():
    image = noise("a", 1)
    select_object_with(image)
    run_queue()
    queued = pixels_of(find_map(image, "NORMAL"))
    generate_map(bpy.data.images["a"])
    np.testing.assert_array_equal(pixels_of(find_map(image, "NORMAL")), queued)
    assert np.ptp(queued[..., 0]) > 0.01


def test_selected_objects_give_each_of_their_images_once():
    shared = noise("shared", 1)
    first, second = select_object_with(shared, "A"), select_object_with(shared, "B")
    other = select_object_with(noise("other", 2), "C")
    bpy.context.view_layer.objects.active.select_set(False)
    done, _ = run_queue("SELECTED")
    assert states(done) == {"shared": MADE}
    assert [normal_node(material) for material in (first, second, other)] == ["ShaderNodeNormalMap"] * 2 + [None]


@pytest.mark.parametrize(("target", "wired"), [("ACTIVE_MATERIAL", "ShaderNodeNormalMap"), ("NONE", None)])
def test_each_picture_is_wired_where_it_is_used_or_nowhere(target, wired):
    materials = [select_object_with(noise(name), name) for name in "ab"]
    bpy.data.objects["a"].data.materials.append(materials[1])
    bpy.data.objects.remove(bpy.data.objects["b"])
    run_queue(target=target)
    assert [normal_node(material) for material in materials] == [wired] * 2


def test_heights_are_scaled_to_an_object_that_wears_the_picture():
    scales = []
    for side in (1, 3):
        material = select_object_with(noise(f"of {side}", 1), f"of {side}")
        bpy.context.view_layer.objects.active.data.transform(((side, 0, 0, 0), (0, side, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)))
        scales.append(material)
    run_queue(maps=("HEIGHT",))
    small, large = (material.node_tree.get_output_node("ALL").inputs["Displacement"].links[0].from_node.inputs["Scale"]
                    .default_value for material in scales)
    assert large == pytest.approx(3 * small) and small > 0


def test_a_linked_material_stays_as_it_is_and_a_linked_image_of_the_same_name_has_its_own_map_on_request(tmp_path):
    image = noise("stone", 1)
    image.pack()
    linked = add_linked_material(image, tmp_path)
    select_object_with(image)
    done, report = run_queue()
    assert [(item.source.name, item.state) for item in done.items] == [("stone", MADE), ("stone", SKIPPED)]
    assert report.messages[1] == f"stone: The material {linked.name!r} is linked from another file and stays as it is."
    sources = [item.source.image() for item in done.items]
    assert [source.library is None for source in sources] == [True, False] and find_map(sources[1], "NORMAL") is None
    done, report = run_queue(target="NONE")
    assert normal_node(linked) is None and len({record.output for record in report.records}) == 2
    assert None not in [find_map(source, "NORMAL") for source in sources]


def test_sets_of_tiles_and_sequences_are_made_as_generate_makes_them(tmp_path):
    for folder in ("tiles", "frames"):
        (tmp_path / folder).mkdir()
    tiles, frames = tile_set(tmp_path / "tiles"), sequence(tmp_path / "frames")
    for image in (tiles, frames):
        select_object_with(image)
    done, _ = run_queue()
    assert set(states(done).values()) == {MADE}
    assert [find_map(image, "NORMAL").source for image in (tiles, frames)] == ["TILED", "SEQUENCE"]


def test_what_is_current_is_skipped_without_the_engine_until_its_pixels_or_settings_change():
    images = [noise(name, seed) for seed, name in enumerate("ab")]
    for image in images:
        select_object_with(image)
    run_queue(maps=("NORMAL", "AO"))
    metadata = [find_map(image, "NORMAL")[METADATA_PROPERTY] for image in images]
    addon.client.close()  # a new worker has no surface in memory, and would have to run the engine
    done, seen = queue(existing="SKIP", maps=("NORMAL", "AO")), set()
    stepped(done, lambda task: seen.add(task.job.stage))
    assert states(done) == {"a": SKIPPED, "b": SKIPPED} and not done.has_made_maps and seen == {"start", "read"}
    assert [find_map(image, "NORMAL")[METADATA_PROPERTY] for image in images] == metadata
    assert [(record.outcome, record.map, record.output) for record in done.items[0].records] == [
        (SKIPPED, "NORMAL", "a_normal"), (SKIPPED, "AO", "a_ao")]

    images[0].pixels[0] = 1 - images[0].pixels[0]
    assert states(run_queue(existing="SKIP")[0]) == {"a": MADE, "b": SKIPPED}
    for settings in (Settings(engine="LUMINANCE"), Settings(engine="LUMINANCE", tileable="X")):
        assert states(run_queue(existing="SKIP", settings=settings)[0]) == {"a": MADE, "b": MADE}
    assert states(run_queue(existing="OVERWRITE", settings=settings)[0]) == {"a": MADE, "b": MADE}


def test_a_map_that_generate_made_is_current_too():
    select_object_with(noise("a"))
    generate_map(bpy.data.images["a"], target="AUTO")
    assert states(run_queue(existing="SKIP")[0]) == {"a": SKIPPED}


def test_a_sequence_is_current_while_its_frames_and_their_smoothing_are_the_same(tmp_path):
    select_object_with(sequence(tmp_path, (3, 4)))
    outcomes = [states(run_queue(existing="SKIP", smoothing=smoothing)[0]).popitem()[1] for smoothing in (0, 0, 1, 1, 0)]
    assert outcomes == [MADE, SKIPPED, MADE, SKIPPED, MADE]


def test_a_set_of_tiles_is_current_while_it_is_seen_as_it_was(tmp_path):
    select_object_with(tile_set(tmp_path))
    outcomes = [states(run_queue(existing="SKIP", across=across)[0]).popitem()[1]
                for across in (False, False, True, True, False)]
    assert outcomes == [MADE, SKIPPED, MADE, SKIPPED, MADE]


def test_a_map_that_is_missing_or_kept_elsewhere_is_not_current(tmp_path):
    image = bpy.data.images.load(str(write_png(tmp_path / "wall.png", rgba(), 8)))
    select_object_with(image)
    run_queue(save="BESIDE")
    assert states(run_queue(existing="SKIP", save="BESIDE")[0]) == {"wall.png": SKIPPED}
    assert states(run_queue(existing="SKIP", save="BESIDE", maps=("NORMAL", "AO"))[0]) == {"wall.png": MADE}
    (tmp_path / "wall_normal.png").unlink()
    assert states(run_queue(existing="SKIP", save="BESIDE")[0]) == {"wall.png": MADE}
    assert states(run_queue(existing="SKIP", save="PACK")[0]) == {"wall.png": MADE}
    assert states(run_queue(existing="SKIP", save="PACK")[0]) == {"wall.png": SKIPPED}
    bpy.data.images.remove(find_map(image, "NORMAL"))
    assert states(run_queue(existing="SKIP", save="PACK")[0]) == {"wall.png": MADE}


@pytest.mark.parametrize("save", ["PACK", "BESIDE"])
def test_a_set_of_tiles_is_current_as_a_whole(tmp_path, save):
    image = tile_set(tmp_path)
    select_object_with(image)
    run_queue(save=save)
    addon.client.close()
    assert set(states(run_queue(existing="SKIP", save=save)[0]).values()) == {SKIPPED}
    saved_by_blender(tmp_path / "wall.1002.png", rgba(9, 5, 77))
    assert set(states(run_queue(existing="SKIP", save=save)[0]).values()) == {MADE}
    assert set(states(run_queue(existing="SKIP", save=save)[0]).values()) == {SKIPPED}
    assert len(list(addon.client.worker.folder.iterdir())) == 0
    if save == "BESIDE":
        (tmp_path / "wall_normal.1011.png").unlink()
        assert set(states(run_queue(existing="SKIP", save=save)[0]).values()) == {MADE}


@pytest.mark.parametrize("record", [
    "", "[" * 100_000, json.dumps({"settings": {"engine": "ROOTKIT"}, "facts": {"engine": "LUMINANCE", "surface": ""}}),
    json.dumps({"settings": SETTINGS.to_dict(), "facts": {"engine": "LUMINANCE", "surface": "x" * (2 << 20)}}),
    json.dumps({"settings": SETTINGS.to_dict(), "facts": {"engine": "LUMINANCE", "surface": "", "surfaces": {"": 3}}}),
    json.dumps({"settings": SETTINGS.to_dict(), "facts": {"engine": "LUMINANCE", "surface": "", "surfaces": [1]}}),
])
def test_a_record_that_cannot_be_read_only_makes_work(record):
    image = noise("a")
    select_object_with(image)
    run_queue()
    find_map(image, "NORMAL")[METADATA_PROPERTY] = record
    assert states(run_queue(existing="SKIP")[0]) == {"a": MADE}


def test_maps_that_would_have_one_name_do_not_overwrite_each_other(tmp_path):
    for name in ("wall.png", "wall.tga"):
        select_object_with(bpy.data.images.load(str(write_png(tmp_path / name, rgba(seed=len(name)), 8))))
    select_object_with(bpy.data.images.load(str(tmp_path / "wall.png"), check_existing=False))
    done, _ = run_queue(save="BESIDE")
    assert sorted(item.state for item in done.items) == [FAILED, FAILED, MADE]
    assert all("is the map of" in item.message for item in done.items if item.state == FAILED)
    packed, report = run_queue(save="PACK")
    assert set(states(packed).values()) == {MADE} and len({record.output for record in report.records}) == 3


def test_a_picture_whose_worker_ends_fails_alone():
    for name, side in (("a", 16), ("b", 2000), ("c", 16)):
        select_object_with(noise(name, side=side))
    new = queue()
    task = stepped(new, lambda task: new.items[1].state == IN_PROGRESS and not task.is_ready)
    os.kill(addon.client.worker.pid, signal.SIGKILL)
    task.wait()
    assert states(new) == {"a": MADE, "b": FAILED, "c": MADE} and "killed" in new.items[1].message


def test_giving_up_in_the_middle_loses_nothing_that_was_made_and_running_again_goes_on(tmp_path):
    for number, name in enumerate("abcd"):
        select_object_with(noise(name, number, 400))
    new = queue(summary=tmp_path / "done.json")
    task = stepped(new, lambda task: new.items[2].state == IN_PROGRESS and not task.is_ready)
    task.cancel()
    assert states(new) == {"a": MADE, "b": MADE, "c": WAITING, "d": WAITING} and new.has_made_maps
    assert [record["outcome"] for record in json.loads((tmp_path / "done.json").read_text())] == ["made", "made"]
    assert find_map(bpy.data.images["c"], "NORMAL") is None and find_map(bpy.data.images["a"], "NORMAL").packed_file
    again, _ = run_queue(existing="SKIP")
    assert states(again) == {"a": SKIPPED, "b": SKIPPED, "c": MADE, "d": MADE}


def test_giving_up_between_two_pictures_leaves_the_rest_waiting():
    for name in "ab":
        select_object_with(noise(name))
    new = queue()
    task = stepped(new, lambda task: new.items[0].state == MADE)
    task.cancel()
    assert states(new) == {"a": MADE, "b": WAITING} and not addon.client.is_busy


def test_pictures_that_go_away_meanwhile_fail_alone():
    for name in "ab":
        select_object_with(noise(name))
    new = queue()
    bpy.data.images.remove(bpy.data.images["a"])
    new.task().wait()
    assert states(new) == {"a": FAILED, "b": MADE} and "no longer there" in new.items[0].message


def test_what_no_part_of_ours_foresaw_fails_alone_and_is_in_the_console(monkeypatch, capfd):
    from bl_ext.user_default.midas_normal.bridge import generate
    for name in "ab":
        select_object_with(noise(name))
    read = generate.export_image_pixels
    monkeypatch.setattr(generate, "export_image_pixels", lambda image, path, view: 1 / \
                        0 if image.name == "a" else read(image, path, view))
    done, _ = run_queue()
    assert states(done) == {"a": FAILED, "b": MADE} and "ZeroDivisionError" in done.items[0].message
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert not list(addon.client.worker.folder.iterdir())


def test_an_engine_that_ceases_to_work_ends_the_queue(monkeypatch):
    from bl_ext.user_default.midas_normal.bridge import queue as module
    for name in "abc":
        select_object_with(noise(name))

    def broken(order):
        raise EngineUnavailable("The weights are damaged.")
        yield

    monkeypatch.setattr(module, "generation_steps", broken)
    new = queue()
    with pytest.raises(MidasNormalError, match=r"1 failed, 2 not tried\. a: The weights are damaged\."):
        new.task().wait()
    assert states(new) == {"a": FAILED, "b": WAITING, "c": WAITING}


@pytest.mark.parametrize(("fields", "error", "sentence"), [
    ({}, SourceError, "selected objects has a colour texture"),
    ({"scope": "FILE"}, SourceError, "of this file has a colour texture"),
    ({"settings": Settings(engine="MIDAS")}, EngineUnavailable, "not installed"),
    ({"settings": Settings(depth_scale="RAW"), "maps": ("AO",)}, SettingsError, "RAW"),
    ({"summary": "done.docx"}, SettingsError, r"\.txt, \.json, \.csv"),
    ({"summary": "mine.txt"}, TargetError, r"mine\.txt is there already and is no report; choose another name"),
])
def test_what_cannot_be_is_one_sentence_before_anything_is_made(fields, error, sentence, tmp_path):
    if "summary" in fields:
        (tmp_path / "mine.txt").write_text("mine")
        fields = {"summary": tmp_path / fields["summary"]}
    with pytest.raises(error, match=sentence):
        queue(**{"scope": "SELECTED", **fields})
    assert not bpy.data.images


def test_the_summary_tells_what_became_of_each_map(tmp_path):
    select_object_with(missing(tmp_path / "gone.png"))
    select_object_with(noise("a"))
    for ending in ("txt", "json", "csv"):
        run_queue(existing="SKIP", maps=("NORMAL", "AO"), summary=tmp_path / f"done.{ending}")
    rows = list(csv.DictReader((tmp_path / "done.csv").open(encoding="utf-8")))
    assert [(row["input"], row["outcome"], row["map"], row["output"]) for row in rows] == [
        ("gone.png", "failed", "", ""), ("a", "skipped", "NORMAL", "a_normal"), ("a", "skipped", "AO", "a_ao")]
    text = (tmp_path / "done.txt").read_text()
    assert "2 made" in text and "1 failed" in text and "gone.png: The file " in text
    run_queue(maps=("NORMAL",), summary=tmp_path / "done.json")
    failed, new = json.loads((tmp_path / "done.json").read_text())
    assert failed["error"].startswith("The file") and new["map"] == "NORMAL"
    assert (new["engine"], new["size"]) == ("LUMINANCE", [16, 16])


def test_a_summary_that_cannot_be_written_is_said_and_what_was_made_stays(tmp_path):
    image = noise("a")
    select_object_with(image)
    new = queue(summary=tmp_path / "nowhere" / "done.txt")
    with pytest.raises(TargetError, match="cannot be written"):
        new.task().wait()
    assert new.has_made_maps and find_map(image, "NORMAL")
