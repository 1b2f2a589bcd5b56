"""Maps made while Blender goes on, and what may happen meanwhile."""

from __future__ import annotations

import os
import signal

import bpy
import pytest
from bl_ext.user_default.midas_normal.bridge import addon, generate
from bl_ext.user_default.midas_normal.bridge.map_metadata import stored_metadata
from bl_ext.user_default.midas_normal.bridge.tasks import Report
from bl_ext.user_default.midas_normal.ui import generation

from .scenes import Background, counts, pumped, textured


def test_a_map_is_made_while_blender_goes_on():
    textured()
    with Background() as task:
        assert task.job.outcome is None and generation.last_outcome() is None
        assert not bpy.ops.midas_normal.generate.poll()
    assert isinstance(generation.last_outcome(), Report) and "photo_normal" in bpy.data.images


def test_a_report_tells_of_maps_that_are_there():
    """An undo takes a map away, which background Blender cannot always do."""
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE", maps={"NORMAL", "AO"})
    report = generation.last_outcome()
    assert report.maps == ("photo_normal", "photo_ao") and report.exists_in_file
    bpy.data.images.remove(bpy.data.images["photo_ao"])
    assert not report.exists_in_file


def test_cancel_frees_the_panel_at_once(monkeypatch):
    """It waits for nothing, as a worker that has been stopped shows."""
    textured(2000, 2000)
    before = counts()
    with Background():
        os.kill(addon.client.worker.pid, signal.SIGSTOP)
        with monkeypatch.context() as patch:
            patch.setattr("time.sleep", lambda seconds: pytest.fail("it waits"))
            bpy.ops.midas_normal.cancel()
        os.kill(addon.client.worker.pid, signal.SIGCONT)
        assert generation.task() is None and generation.draining_task() is not None
    pumped(lambda: generation.draining_task() is None)
    assert counts() == before and str(generation.last_outcome()) == "Cancelled."
    bpy.ops.midas_normal.generate(engine="LUMINANCE")


def test_an_image_deleted_meanwhile_is_said_to_be_gone():
    image, _ = textured()
    before = counts()
    with Background():
        bpy.data.images.remove(image)
    assert "no longer there" in str(generation.last_outcome())
    assert counts() == before | {"images": before["images"] - 1}
    assert not list(addon.client.worker.folder.iterdir())


def active(name):
    """A material of this name in the active object's active slot."""
    obj, material = bpy.context.object, bpy.data.materials.new(name)
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    obj.data.materials.append(material)
    obj.active_material_index = len(obj.data.materials) - 1
    return material


def is_wired(material):
    return "NORMAL_MAP" in [node.type for node in material.node_tree.nodes]


@pytest.mark.parametrize("meanwhile", [lambda obj: setattr(obj, "active_material_index", 2),
                                       lambda obj: bpy.data.objects.remove(obj)], ids=["another slot", "no object"])
def test_the_material_that_was_active_at_the_click_is_wired(meanwhile):
    textured()
    chosen, other = active("chosen"), active("other")
    bpy.context.object.active_material_index = 1
    with Background(source="IMAGE", image_uid=bpy.data.images["photo.png"].session_uid, target="ACTIVE_MATERIAL"):
        meanwhile(bpy.context.object)
    assert is_wired(chosen) and not is_wired(other)


def test_a_map_whose_material_is_deleted_meanwhile_is_made_and_saved_with_the_file():
    textured()
    with Background(target="ACTIVE_MATERIAL"):
        bpy.data.materials.remove(bpy.context.object.active_material)
    assert "no longer there" in generation.last_outcome().messages[-1]
    assert bpy.context.scene.midas_normal.result.use_fake_user


def test_a_file_loaded_meanwhile_gives_the_map_up():
    textured(2000, 2000)
    with Background():
        bpy.ops.wm.read_homefile(use_empty=True)
        assert generation.task() is None
    pumped(lambda: generation.draining_task() is None)
    assert not any(stored_metadata(image) for image in bpy.data.images)
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")


def test_a_worker_killed_meanwhile_is_reported_and_replaced():
    textured(2000, 2000)
    before = counts()
    with Background():
        os.kill(addon.client.worker.pid, signal.SIGKILL)
    assert "killed" in str(generation.last_outcome()) and counts() == before
    bpy.ops.midas_normal.generate(engine="LUMINANCE")


def test_blender_ends_no_timer_handler_or_process_behind():
    """What `unregister` must take away is there while it is registered, so that the test can fail."""
    import bl_ext.user_default.midas_normal as extension
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    worker, folder = addon.client.worker.pid, addon.client.worker.folder
    def handlers():
        return [h for name in ("load_pre", "undo_post", "redo_post") for h in getattr(bpy.app.handlers, name)
                if "midas_normal" in h.__module__]
    assert handlers() and folder.exists()
    extension.unregister()
    try:
        assert not handlers() and not folder.exists() and not hasattr(bpy.types.Scene, "midas_normal")
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
    finally:
        extension.register()


def test_disabled_while_a_map_is_made_it_starts_afresh_when_it_is_enabled_again():
    import bl_ext.user_default.midas_normal as extension
    textured(2000, 2000)
    with Background():
        extension.unregister()
        extension.register()
        assert generation.task() is None and generation.draining_task() is None and generation.last_outcome() is None
    assert bpy.ops.midas_normal.generate(engine="LUMINANCE") == {"FINISHED"}


@pytest.mark.parametrize("fields", [{}, {"mask_image": "photo.png"}], ids=["picture", "mask"])
def test_a_worker_that_ends_while_the_picture_is_read_is_one_sentence(monkeypatch, fields):
    textured()
    reading = generate.export_image_pixels

    def ends_meanwhile(image, path, view):
        pixels = yield from reading(image, path, view)
        addon.client.close()
        return pixels

    monkeypatch.setattr(generate, "export_image_pixels", ends_meanwhile)
    with pytest.raises(RuntimeError, match=r"The worker ended .* try again\."):
        bpy.ops.midas_normal.generate(engine="LUMINANCE", **fields)
    monkeypatch.undo()
    assert bpy.ops.midas_normal.generate(engine="LUMINANCE") == {"FINISHED"}


def test_a_map_that_has_arrived_is_stored_although_its_worker_ends():
    textured()
    with Background() as task:
        pumped(lambda: task.job.outcome is not None)
        addon.client.close()
    assert generation.last_outcome().maps == ("photo_normal",) and bpy.data.images["photo_normal"].packed_file is not None


def test_what_nobody_foresaw_is_one_sentence_and_the_next_map_can_be_made(monkeypatch, capsys):
    textured()

    def unforeseen(*_):
        raise ZeroDivisionError("nobody foresaw it")

    with Background():
        monkeypatch.setattr(generate, "store_map", unforeseen)
    assert str(generation.last_outcome()).startswith("It failed (ZeroDivisionError: nobody foresaw it)")
    assert capsys.readouterr().err.count("Traceback") == 1
    monkeypatch.undo()
    assert bpy.ops.midas_normal.generate(engine="LUMINANCE") == {"FINISHED"}
