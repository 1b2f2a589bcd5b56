"""Maps that follow the scene's settings, with the real worker; the timer's work is done by hand."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.generate import start_generation
from bl_ext.user_default.midas_normal.bridge.map_metadata import stored_metadata
from bl_ext.user_default.midas_normal.ui import generation, live_tuning, operators, properties, timer
from bl_ext.user_default.midas_normal.ui.live_tuning import MAX_REDRAW_S, RedrawTimer
from bl_ext.user_default.midas_normal.ui.properties import request_of

from .scenes import Background, counts, pumped, textured, values

pytestmark = pytest.mark.usefixtures("with_timers")


def made(**fields):
    """The map of a new picture, which the panel shows."""
    image, _ = textured(**fields)
    with Background():
        pass
    return bpy.context.scene.midas_normal.result, image


def strength(image):
    return stored_metadata(image)["settings"]["strength"]


def test_a_map_follows_a_slider_without_the_engine_and_skips_what_came_meanwhile(settings, monkeypatch):
    normal, _ = made()
    first, before, calls = values(normal), counts(), []
    start_original = live_tuning.start_retune
    monkeypatch.setattr(live_tuning, "start_retune", lambda *args: calls.append(args) or start_original(*args))
    for value in (1.5, 2.0, 2.5, 3.0):
        settings.strength = value
    pumped(lambda: strength(normal) == 3)
    assert len(calls) == 2 and counts() == before
    assert values(normal)[..., 0].std() > 1.5 * first[..., 0].std()
    assert "engine" not in stored_metadata(normal)["facts"]["seconds"]


def test_a_map_on_disk_follows_in_its_file(settings, tmp_path):
    image, _ = textured()
    image.filepath_raw, image.file_format = str(tmp_path / "photo.png"), "PNG"
    image.save()
    with Background(save="BESIDE"):
        pass
    normal = settings.result
    file = tmp_path / "photo_normal.png"
    before = file.read_bytes()
    settings.strength = 3
    pumped(lambda: strength(normal) == 3)
    assert normal.packed_file is None and file.read_bytes() != before


def test_picking_a_map_loads_its_settings_and_leaves_the_maps_alone(settings):
    first, _ = made(name="first.png")
    settings.strength = 3
    pumped(lambda: strength(first) == 3)
    settings.result = None
    settings.strength = 1
    second, _ = made(name="second.png")
    shown = values(first), values(second)
    settings.result = first
    assert settings.strength == 3 and timer.is_idle()
    np.testing.assert_array_equal(values(first), shown[0])
    np.testing.assert_array_equal(values(second), shown[1])


def test_settings_changed_while_a_map_is_made_stay_and_the_map_follows_them(settings):
    textured()
    with Background():
        settings.strength, settings.engine, settings.resolution = 3.0, "RELIEF", 1024
    assert (settings.strength, settings.engine, settings.resolution) == (3.0, "RELIEF", 1024)
    assert strength(settings.result) == 3 and settings.result.name == "photo_normal"


def test_a_map_that_was_made_leaves_the_scenes_settings_as_they_are(settings):
    textured()
    settings.engine, settings.convention = "RELIEF", "DIRECTX"
    before = settings.values()
    with Background():
        pass
    assert settings.values() == before and settings.result.name == "photo_normal"


@pytest.mark.parametrize("fields", [{}, {"maps": {"NORMAL"}, "target": "NONE"}, {"strength": 3.0}, {"preset": "MATERIAL"},
                                    {"mask_image": "mask"}], ids=str)
def test_a_button_with_settings_of_its_own_leaves_those_of_the_scene_alone(settings, fields):
    """FAKE is only the operator: background Blender executes the real one, and never invokes it."""
    textured()
    bpy.data.images.new("mask", 4, 4)
    settings.engine, settings.strength, settings.bg_softness = "LUMINANCE", 2.0, 0.5
    before = settings.snapshot()
    given = SimpleNamespace(is_property_set=lambda name: name in fields)
    operator = SimpleNamespace(**{"preset": "SCENE", **fields}, properties=given)
    operator.start_task = lambda context: (start_generation(context, request_of(operator, context)), None)
    operator.uses_scene_settings = lambda: operators.GenerateOperatorMixin.uses_scene_settings(operator)
    assert operators.GenerateOperatorMixin.invoke(operator, bpy.context, None) == {"FINISHED"}
    pumped(lambda: generation.task() is None)
    made = bpy.data.images["photo_normal"]
    assert stored_metadata(made)["settings"]["strength"] == fields.get("strength", 1.0 if "preset" in fields else 2.0)
    assert settings.snapshot().values == before.values and settings.mask_image is None
    assert settings.result == (None if {"strength", "preset", "mask_image"} & set(fields) else made)


def test_another_map_picked_while_one_is_made_stays_picked(settings):
    first, _ = made(name="first.png")
    made(name="second.png")
    textured(name="third.png")
    with Background():
        settings.result = first
    assert settings.result == first and "third_normal" in bpy.data.images


def test_only_what_needs_no_engine_is_followed(settings):
    normal, _ = made()
    metadata = normal["midas_normal"]
    settings.engine, settings.resolution = "RELIEF", 256
    assert normal["midas_normal"] == metadata and timer.is_idle()


def test_a_map_whose_surface_is_gone_stays_as_it_is_and_the_panel_can_tell(settings):
    normal, _ = made()
    shown = values(normal)
    assert live_tuning.can_retune(normal)
    addon.client.close()
    settings.strength = 3
    assert not live_tuning.can_retune(normal) and timer.is_idle()
    np.testing.assert_array_equal(values(normal), shown)


@pytest.mark.parametrize("is_told", [True, False])
def test_a_map_whose_surface_was_gone_follows_again_once_it_is_generated_again(settings, is_told):
    """The same picture with the same settings has the same surface.  is_told: whether the worker had to say it was gone."""
    normal, picture = made()
    surface = stored_metadata(normal)["facts"]["surface"]
    addon.client.close()
    made(name="other.png", width=8)
    if is_told:
        addon.client.surfaces.add(surface)
    settings.result, settings.strength = normal, 3
    pumped(lambda: timer.is_idle())
    assert strength(normal) == 1 and not live_tuning.can_retune(normal)
    with Background(source="IMAGE", image_uid=picture.session_uid):
        pass
    assert live_tuning.can_retune(normal) and stored_metadata(normal)["facts"]["surface"] == surface
    settings.strength = 2
    pumped(lambda: strength(normal) == 2)


def test_a_re_tune_starts_no_worker(settings):
    """A new one has no surface."""
    made()
    addon.client.close()
    with pytest.raises(RuntimeError, match="'photo_normal' is no longer in memory; generate it again"):
        bpy.ops.midas_normal.retune()
    assert not addon.client.is_running


def test_a_map_that_was_unpacked_follows_in_its_file(settings, tmp_path):
    normal, _ = made()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    normal.unpack(method="WRITE_LOCAL")
    file, = (tmp_path / "textures").iterdir()
    before = file.read_bytes()
    settings.strength = 3
    pumped(lambda: timer.is_idle())
    assert strength(normal) == 3 and file.read_bytes() != before and normal.packed_file is None


@pytest.mark.parametrize("save", ["PACK", "BESIDE"])
def test_a_map_of_another_file_is_neither_offered_nor_tuned(settings, tmp_path, save):
    """It belongs to the library: what is changed here would be lost, or lie where the library never looks."""
    library, here = tmp_path / "library", tmp_path / "here"
    library.mkdir()
    here.mkdir()
    image, _ = textured()
    image.filepath_raw, image.file_format = str(library / "photo.png"), "PNG"
    image.save()
    with Background(save=save):
        pass
    bpy.ops.wm.save_as_mainfile(filepath=str(library / "library.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(here / "scene.blend"))
    with bpy.data.libraries.load(str(library / "library.blend"), link=True) as (_, into):
        into.materials = ["photo"]
    normal, settings = bpy.data.images["photo_normal"], bpy.context.scene.midas_normal
    shown, files = values(normal), contents(tmp_path)
    assert not properties.is_map(settings, normal) and not live_tuning.can_retune(normal)
    settings.result = normal
    settings.strength = 3
    pumped(lambda: timer.is_idle())
    assert strength(normal) == 1 and contents(tmp_path) == files
    np.testing.assert_array_equal(values(normal), shown)


def contents(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_map_of_several_pictures_is_not_tuned_but_left_as_it_is(settings, tmp_path):
    for number in (1001, 1002):
        image, _ = textured(name="tile")
        image.filepath_raw, image.file_format = str(tmp_path / f"wall.{number}.png"), "PNG"
        image.save()
    image.source = "TILED"
    with Background(source="IMAGE", image_uid=image.session_uid):
        pass
    normal = settings.result
    assert len(normal.packed_files) == 2 and not live_tuning.can_retune(normal)
    settings.strength = 3.0
    with pytest.raises(RuntimeError, match="generate it again"):
        bpy.ops.midas_normal.retune()
    assert strength(normal) == 1 and len(normal.packed_files) == 2


def test_what_cannot_be_given_is_asked_for_once(settings, monkeypatch):
    """The node's size of a strip has too many pixels."""
    normal, _ = made(width=1, height=4096)
    calls, start_original = [], live_tuning.start_retune
    monkeypatch.setattr(live_tuning, "start_retune", lambda *args: calls.append(args) or start_original(*args))
    settings.size = "NODE"
    pumped(lambda: timer.is_idle())
    assert len(calls) == 1 and "too many" in generation.last_message()
    settings.strength = 2.0
    pumped(lambda: timer.is_idle())
    assert len(calls) == 2
    settings.size = "SOURCE"
    pumped(lambda: strength(normal) == 2)
    assert "made again" in generation.last_message()


def test_what_was_given_up_once_is_not_stopping_again_while_a_map_follows(settings, monkeypatch):
    monkeypatch.setattr(live_tuning.redraw_timer, "seconds", 0.0)
    textured()
    with Background():
        bpy.ops.midas_normal.cancel()
    normal, _ = made(name="other.png")
    settings.strength = 3.0
    assert addon.client.is_busy
    assert generation.draining_task() is None and not bpy.ops.midas_normal.cancel.poll()
    pumped(lambda: strength(normal) == 3)


def test_where_drawing_takes_long_the_map_is_there_before_it(settings, monkeypatch):
    normal, _ = made()
    monkeypatch.setattr(live_tuning.redraw_timer, "seconds", 10.0)
    settings.strength = 3.0
    assert strength(normal) == 3 and live_tuning.task() is None
    pumped(lambda: timer.is_idle())
    assert live_tuning.redraw_timer.seconds < 10


def test_a_map_is_waited_for_as_long_as_was_drawn_last_within_bounds(monkeypatch):
    now = 100.0
    monkeypatch.setattr(live_tuning, "time", SimpleNamespace(monotonic=lambda: now))
    measured = RedrawTimer()
    for pause, seconds in ((0.0, 0.0), (0.06, 0.05), (0.2, MAX_REDRAW_S)):
        measured.start()
        now += pause
        measured.stop(0.01)
        assert measured.seconds == pytest.approx(seconds)
        now += 1.0
        measured.stop(0.01)  # a later look says nothing of drawing
        assert measured.seconds == pytest.approx(seconds)
