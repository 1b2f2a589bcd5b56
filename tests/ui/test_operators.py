"""What a user or a script does, on the real worker."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.bridge import making, session
from bl_ext.user_default.midas_normal.bridge.asking import Ask
from bl_ext.user_default.midas_normal.bridge.bug_report import bug_report
from bl_ext.user_default.midas_normal.bridge.making import begin
from bl_ext.user_default.midas_normal.bridge.places import log_file, preferences
from bl_ext.user_default.midas_normal.bridge.results import stored
from bl_ext.user_default.midas_normal.bridge.task import Report
from bl_ext.user_default.midas_normal.core.errors import MidasNormalError, SettingsError
from bl_ext.user_default.midas_normal.core.settings import PRESETS, Settings, domains, preset_of
from bl_ext.user_default.midas_normal.ui import comparison, pump, running

BUILT_IN = Settings(engine="LUMINANCE")


@pytest.fixture(autouse=True)
def quiet_panel():
    yield
    running.forget()
    pump.stop()


def textured(width=32, height=24, name="photo.png"):
    """An image of noise on the material of an active plane."""
    image = bpy.data.images.new(name, width, height)
    image.pixels.foreach_set(np.random.default_rng(0).random(width * height * 4, np.float32))
    bpy.ops.mesh.primitive_plane_add()
    material = bpy.data.materials.new("photo")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    texture = material.node_tree.nodes.new("ShaderNodeTexImage")
    texture.image = image
    principled = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    material.node_tree.links.new(texture.outputs["Color"], principled.inputs["Base Color"])
    bpy.context.object.data.materials.append(material)
    return image, material


def values(image):
    pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(image.size[1], image.size[0], 4)


def pumped(until, seconds=20.0):
    """Lets the timer's work be done by hand: timers do not run in background mode."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "nothing happened"
        pump._tick()
        time.sleep(0.005)


def counts():
    """How much of everything there is in the file."""
    return {kind: len(getattr(bpy.data, kind)) for kind in ("images", "materials", "node_groups", "objects")} | {
        "nodes": sum(len(m.node_tree.nodes) for m in bpy.data.materials if m.node_tree),
        "links": sum(len(m.node_tree.links) for m in bpy.data.materials if m.node_tree)}


def test_generate_makes_and_wires_a_map():
    image, material = textured()
    assert bpy.ops.midas_normal.generate(engine="LUMINANCE") == {"FINISHED"}
    normal = bpy.data.images["photo_normal"]
    assert tuple(normal.size) == tuple(image.size) and normal.is_float and normal.packed_file
    assert normal.colorspace_settings.is_data and (values(normal)[..., 3] == 1).all()
    lengths = np.linalg.norm(values(normal)[..., :3] * 2 - 1, axis=2)
    np.testing.assert_allclose(lengths, 1, atol=1e-3)
    principled = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    assert principled.inputs["Normal"].links[0].from_node.bl_idname == "ShaderNodeNormalMap"
    assert "photo_normal" in " ".join(running.last().sentences)


def test_relief_runs_on_blenders_own_python_and_retunes_without_the_network():
    textured()
    assert bpy.ops.midas_normal.generate(engine="RELIEF") == {"FINISHED"}
    normal = bpy.data.images["photo_normal"]
    facts, first = stored(normal)["facts"], values(normal)
    assert (facts["engine"], facts["device"]) == ("RELIEF", "cpu") and first[..., :2].std() > 0.001
    bpy.context.scene.midas_normal.strength = 3
    bpy.ops.midas_normal.retune()
    assert values(normal)[..., 0].std() > 1.5 * first[..., 0].std()
    assert "engine" not in stored(normal)["facts"]["seconds"]


def test_a_second_run_updates_the_same_image_and_nodes():
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    normal, before = bpy.data.images["photo_normal"], counts()
    first = values(normal)
    normal.name = "renamed by the user"
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=3)
    assert counts() == before and np.abs(values(normal) - first).max() > 0.02
    assert stored(normal)["settings"]["strength"] == 3


def test_what_a_call_does_not_give_comes_from_the_scene():
    textured()
    scene = bpy.context.scene.midas_normal
    scene.engine, scene.strength, scene.target = "LUMINANCE", 2.0, "NONE"
    bpy.ops.midas_normal.generate(a=1.0)
    words = stored(bpy.data.images["photo_normal"])["settings"]
    assert (words["engine"], words["strength"], words["a"]) == ("LUMINANCE", 2.0, 1.0)
    bpy.ops.midas_normal.generate(preset="MATERIAL", engine="LUMINANCE")
    assert stored(bpy.data.images["photo_normal"])["settings"] == BUILT_IN.words()


def test_every_setting_is_a_described_property_of_the_operator_and_the_scene():
    for rna in (bpy.ops.midas_normal.generate.get_rna_type(), bpy.context.scene.midas_normal.bl_rna):
        for name, domain in domains().items():
            assert rna.properties[name].description.startswith(domain.description[:20])
    assert preset_of(bpy.context.scene.midas_normal.values()) == "MATERIAL"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_all_settings_of_the_scene(name):
    bpy.ops.midas_normal.preset(preset=name)
    assert preset_of(bpy.context.scene.midas_normal.values()) == name


def test_the_function_for_scripts():
    image, _ = textured()
    before = counts()
    normal = generate(image, BUILT_IN, strength=2.0)
    assert normal.name == "photo_normal" and counts() == before | {"images": before["images"] + 1}
    assert generate(image, BUILT_IN) == normal
    with pytest.raises(SettingsError):
        generate(image, tilt=3)


def test_a_map_is_not_mapped_again_but_made_anew_from_its_source():
    image, _ = textured()
    normal = generate(image, BUILT_IN)
    first = values(normal)
    assert generate(normal, BUILT_IN) == normal
    np.testing.assert_array_equal(values(normal), first)


def test_a_directx_map_is_marked_on_the_node_or_made_as_opengl():
    _, material = textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=5)
    opengl = values(bpy.data.images["photo_normal"])
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=5, convention="DIRECTX")
    directx = values(bpy.data.images["photo_normal"])
    node = next(node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeNormalMap")
    if hasattr(node, "convention"):
        assert node.convention == "DIRECTX"
        np.testing.assert_allclose(directx[..., 1], 1 - opengl[..., 1], atol=1e-4)
    else:
        np.testing.assert_array_equal(directx, opengl)
        assert "OpenGL" in " ".join(running.last().sentences)


def test_a_controlnet_map_is_made_but_never_wired():
    _, material = textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE", convention="CONTROLNET")
    assert not any(node.bl_idname == "ShaderNodeNormalMap" for node in material.node_tree.nodes)
    assert values(bpy.data.images["photo_normal"])[..., 0].mean() > 0.9
    assert "ControlNet" in " ".join(running.last().sentences)


def test_retune_needs_no_engine():
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    first = values(bpy.data.images["photo_normal"])
    bpy.context.scene.midas_normal.strength = 4
    assert bpy.ops.midas_normal.retune() == {"FINISHED"}
    assert "engine" not in running.last().facts["seconds"]
    assert np.abs(values(bpy.data.images["photo_normal"]) - first).max() > 0.02


def test_a_render_becomes_a_map():
    bpy.ops.mesh.primitive_plane_add(size=2)
    scene = bpy.context.scene
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    camera.location, scene.camera = (0, 0, 3), camera
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 40, 30, 100
    bpy.ops.render.render()
    bpy.ops.midas_normal.generate(source="RENDER", engine="LUMINANCE", target="NONE")
    normal = bpy.data.images[running.last().map_name]
    assert tuple(normal.size) == (40, 30)


class Background:
    """A map that is made while Blender goes on, as a button does it."""

    def __init__(self, **words):
        self.ask = Ask(BUILT_IN, **words)

    def __enter__(self):
        running.start(begin(bpy.context, self.ask), bpy.context.scene)
        pumped(lambda: running.task().job.id)  # it is at the worker
        return running.task()

    def __exit__(self, *_):
        pumped(lambda: running.task() is None and not pump._watched)


def test_a_map_is_made_while_blender_goes_on():
    textured()
    with Background() as task:
        assert task.job.outcome is None and running.last() is None
        assert not bpy.ops.midas_normal.generate.poll()
    assert isinstance(running.last(), Report) and "photo_normal" in bpy.data.images


def test_cancel_frees_the_panel_at_once():
    textured(2000, 2000)
    before = counts()
    with Background():
        start = time.monotonic()
        bpy.ops.midas_normal.cancel()
        assert time.monotonic() - start < 0.3 and running.task() is None
    pumped(lambda: running.cancelled() is None)
    assert counts() == before and str(running.last()) == "Cancelled."
    bpy.ops.midas_normal.generate(engine="LUMINANCE")


def test_an_image_deleted_meanwhile_is_said_to_be_gone():
    image, _ = textured()
    before = counts()
    with Background():
        bpy.data.images.remove(image)
    assert "no longer there" in str(running.last())
    assert counts() == before | {"images": before["images"] - 1}
    assert not list(session.client._worker.folder.iterdir())


def test_a_file_loaded_meanwhile_gives_the_map_up():
    textured(2000, 2000)
    with Background():
        bpy.ops.wm.read_homefile(use_empty=True)
        assert running.task() is None
    pumped(lambda: running.cancelled() is None)
    assert not any(stored(image) for image in bpy.data.images)
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")


def test_a_worker_killed_meanwhile_is_reported_and_replaced():
    textured(2000, 2000)
    before = counts()
    with Background():
        os.kill(session.client._worker.pid, signal.SIGKILL)
    assert "killed" in str(running.last()) and counts() == before
    bpy.ops.midas_normal.generate(engine="LUMINANCE")


def test_undo_brings_the_pixels_back():
    if not bpy.ops.ed.undo.poll():
        pytest.skip("this Blender has no undo in background mode")
    textured()
    bpy.ops.ed.undo_push(message="start")
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    first = values(bpy.data.images["photo_normal"])
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=5)
    second = values(bpy.data.images["photo_normal"])
    bpy.ops.ed.undo()
    np.testing.assert_array_equal(values(bpy.data.images["photo_normal"]), first)
    bpy.ops.ed.redo()
    np.testing.assert_array_equal(values(bpy.data.images["photo_normal"]), second)
    bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    assert "photo_normal" not in bpy.data.images
    assert not any(n.bl_idname == "ShaderNodeNormalMap" for n in bpy.data.materials["photo"].node_tree.nodes)


def test_a_saved_file_needs_no_extension(tmp_path):
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    first = values(bpy.data.images["photo_normal"])
    bpy.data.images["photo.png"].pack()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "lit.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "lit.blend"))
    normal = bpy.data.images["photo_normal"]
    np.testing.assert_array_equal(values(normal), first)
    assert normal.colorspace_settings.is_data and json.loads(normal["midas_normal"])["facts"]["engine"] == "LUMINANCE"


def test_blender_ends_no_timer_handler_or_process_behind():
    """What `unregister` must take away is there while it is registered, so that the test can fail."""
    import bl_ext.user_default.midas_normal as extension
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    worker, folder = session.client._worker.pid, session.client._worker.folder
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
        assert running.task() is None and running.cancelled() is None and running.last() is None
    assert bpy.ops.midas_normal.generate(engine="LUMINANCE") == {"FINISHED"}


def test_the_log_and_the_folders_are_the_extensions_own():
    assert "midas_normal" in str(log_file()) and not preferences().environment_folder


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
    words = prepare(tmp_path)
    before = counts()
    with pytest.raises(RuntimeError, match=sentence) as caught:
        bpy.ops.midas_normal.generate(**words)
    assert "Traceback" not in str(caught.value)
    assert isinstance(running.last(), MidasNormalError) and counts() == before
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
    assert "flat" in " ".join(running.last().sentences)


def test_pixels_that_are_no_numbers_spoil_nothing():
    image = bpy.data.images.new("photo.exr", 16, 16, float_buffer=True)
    pixels = np.random.default_rng(0).random((16, 16, 4), np.float32)
    pixels[3, 3], pixels[9, 9], pixels[..., 3] = np.nan, np.inf, 1
    image.pixels.foreach_set(pixels.ravel())
    made = values(generate(image, BUILT_IN))
    assert np.isfinite(made).all()
    np.testing.assert_allclose(np.linalg.norm(made[..., :3] * 2 - 1, axis=2), 1, atol=1e-3)


def test_a_transparent_image_is_flat_and_said_to_be():
    image, _ = textured()
    image.pixels.foreach_set(np.zeros(32 * 24 * 4, np.float32))
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    assert np.abs(values(bpy.data.images["photo_normal"]) - (0.5, 0.5, 1, 1)).max() < 1e-4
    assert "transparent" in " ".join(running.last().sentences)


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
    assert "linked" in " ".join(running.last().sentences)


def test_a_map_that_nothing_uses_survives_saving(tmp_path):
    image, _ = textured()
    generate(image, BUILT_IN)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
    assert "photo_normal" in bpy.data.images


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 64 KB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        ended = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True,
                               check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if ended.returncode:
        pytest.skip("only an administrator of Linux may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_sentence_and_changes_nothing(small_disk):
    image, _ = textured(200, 200)
    image.filepath_raw, image.file_format = str(small_disk / "photo.jpg"), "JPEG"
    image.save()
    before, files = counts(), sorted(small_disk.iterdir())
    with pytest.raises(RuntimeError, match="No space left"):
        bpy.ops.midas_normal.generate(engine="LUMINANCE", save="BESIDE")
    assert counts() == before and sorted(small_disk.iterdir()) == files
    bpy.ops.midas_normal.generate(engine="LUMINANCE")


def test_a_report_tells_what_is_needed_and_not_whose_home_it_is(monkeypatch):
    bpy.ops.midas_normal.generate(engine="LUMINANCE", source="IMAGE", image=textured()[0].name)
    log = log_file()
    log.write_text(f"first\nTrouble in {log}\n", encoding="utf-8")
    monkeypatch.setattr(Path, "home", lambda: log.parent)
    text = bug_report(running.last_sentence())
    for word in (bpy.app.version_string, "MiDaS Normal Map 1.", platform.system(), "photo_normal", "Trouble in ~"):
        assert word in text
    assert str(log.parent) not in text
    monkeypatch.undo()
    log.unlink()
    assert "none" in bug_report("none") and not bpy.ops.midas_normal.show_log.poll()


def test_an_image_editor_compares_a_picture_with_its_map_and_stops():
    image, _ = textured()
    with Background():
        pass
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.type = "IMAGE_EDITOR"
    area.spaces.active.image = image
    normal = bpy.context.scene.midas_normal.result
    with bpy.context.temp_override(area=area):
        for shown in (True, False):
            area.spaces.active.image = normal
            bpy.ops.midas_normal.compare()
            assert area.spaces.active.image == image and comparison.is_shown(area) == shown
        bpy.context.scene.midas_normal.result = None
        assert not bpy.ops.midas_normal.compare.poll()


def test_a_worker_that_ends_while_the_picture_is_read_is_one_sentence(monkeypatch):
    textured()
    reading = making.reading

    def ends_meanwhile(image, path):
        pixels = yield from reading(image, path)
        session.client.close()
        return pixels

    monkeypatch.setattr(making, "reading", ends_meanwhile)
    with pytest.raises(RuntimeError, match="ended while it was given the picture"):
        bpy.ops.midas_normal.generate(engine="LUMINANCE")
    monkeypatch.undo()
    assert bpy.ops.midas_normal.generate(engine="LUMINANCE") == {"FINISHED"}
