"""Maps that follow the brush, with the real worker; Blender tells as after a stroke, the timer's work is done by hand."""

from __future__ import annotations

import os
import signal
import time

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.map_metadata import stored_metadata
from bl_ext.user_default.midas_normal.core.errors import WorkerError
from bl_ext.user_default.midas_normal.ui import generation, live_paint, timer

from .scenes import operator, pumped, textured, values

pytestmark = pytest.mark.usefixtures("with_timers")


def made(settings, width=64, height=48, engine="LUMINANCE", **fields):
    """A picture and its map, which the panel shows; live paint is on."""
    image, _ = textured(width, height)
    bpy.ops.midas_normal.generate(engine=engine, **fields)
    settings.live_paint = True
    return image, bpy.data.images["photo_normal"]


def paint(image, corner=(20, 24), side=8, value=1.0):
    """A square of one grey; Blender tells of it as after a stroke.  The pixels as they were before."""
    before = values(image)
    after = before.copy()
    after[corner[0]:corner[0] + side, corner[1]:corner[1] + side, :3] = value
    put(image, after)
    return before


def put(image, pixels):
    image.pixels.foreach_set(pixels.ravel())
    image.update_tag()
    bpy.context.view_layer.update()


def surface(normal):
    return stored_metadata(normal)["facts"]["surface"]


def is_idle():
    return timer.is_idle()


def followed(normal, before, seconds=20.0):
    pumped(lambda: surface(normal) != before and is_idle(), seconds)


def fresh(image, **fields):
    """The map that a whole new run makes."""
    addon.client.close()
    bpy.ops.midas_normal.generate(**fields)
    return values(bpy.data.images["photo_normal"])


def test_a_map_follows_the_brush_and_is_what_a_new_run_makes(settings):
    image, normal = made(settings)
    first, key = values(normal), surface(normal)
    paint(image)
    followed(normal, key)
    painted = values(normal)
    changed = np.abs(painted - first).max(axis=2) > 0.01
    assert changed[18:30, 22:34].any() and normal.packed_file
    assert stored_metadata(normal)["settings"]["engine"] == "LUMINANCE"
    np.testing.assert_allclose(painted, fresh(image, engine="LUMINANCE"), atol=1e-4)


@pytest.mark.worker
def test_relief_makes_only_the_neighbourhood_of_the_stroke_anew(settings, monkeypatch):
    """Which the worker does when it is told what precedes."""
    image, normal = made(settings, 500, 450, "RELIEF")
    key, predecessors, submit = surface(normal), [], addon.client.submit
    monkeypatch.setattr(addon.client, "submit", lambda request: predecessors.append(request.preceding) or submit(request))
    paint(image, side=32)
    followed(normal, key)
    monkeypatch.undo()
    assert predecessors == [key]
    np.testing.assert_allclose(values(normal), fresh(image, engine="RELIEF"), atol=1e-3)


def test_undoing_the_stroke_brings_the_map_back_without_the_engine(settings):
    image, normal = made(settings)
    first, key = values(normal), surface(normal)
    before = paint(image)
    followed(normal, key)
    key_after = surface(normal)
    put(image, before)
    followed(normal, key_after)
    np.testing.assert_array_equal(values(normal), first)
    assert surface(normal) == key and "engine" not in stored_metadata(normal)["facts"]["seconds"]


def test_a_map_keeps_its_own_settings_and_its_file(settings, tmp_path):
    image, _ = textured()
    image.filepath_raw, image.file_format = str(tmp_path / "photo.png"), "PNG"
    image.save()
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=3.0, save="BESIDE")
    normal, file = bpy.data.images["photo_normal"], tmp_path / "photo_normal.png"
    settings.live_paint = True
    key, written = surface(normal), file.read_bytes()
    paint(image)
    followed(normal, key)
    assert normal.packed_file is None and file.read_bytes() != written
    assert stored_metadata(normal)["settings"]["strength"] == 3.0


def test_all_maps_of_the_surface_follow_in_place(settings):
    image, normal = made(settings, maps={"NORMAL", "HEIGHT", "AO"})
    others = [bpy.data.images[name] for name in ("photo_height", "photo_ao")]
    shown, key, count = [values(other) for other in others], surface(normal), len(bpy.data.images)
    paint(image)
    followed(normal, key)
    assert [surface(other) for other in others] == [surface(normal)] * 2 and len(bpy.data.images) == count
    assert all((values(other) != before).any() for other, before in zip(others, shown, strict=True))


def test_strokes_that_come_while_a_map_is_made_are_followed_once(settings, monkeypatch):
    image, normal = made(settings)
    key, begun = surface(normal), []
    begin = live_paint.start_repaint
    monkeypatch.setattr(live_paint, "start_repaint", lambda *args: begun.append(1) or begin(*args))
    paint(image)
    timer.tick()
    for value in (0.2, 0.4, 0.6):
        paint(image, value=value)
    followed(normal, key)
    pumped(is_idle)
    assert len(begun) == 2
    np.testing.assert_allclose(values(normal), fresh(image, engine="LUMINANCE"), atol=1e-4)


def test_nothing_is_read_while_the_brush_is_down(settings, monkeypatch, running_operators):
    image, normal = made(settings)
    key = surface(normal)
    running_operators.append(operator("PAINT_OT_image_paint"))
    with monkeypatch.context() as patch:
        patch.setattr(live_paint, "start_repaint", lambda *_: pytest.fail("the picture was read"))
        paint(image)
        for _ in range(20):
            timer.tick()
    running_operators.clear()
    followed(normal, key)


def test_a_map_that_is_made_when_the_next_stroke_begins_is_stored_after_it(settings, running_operators):
    image, normal = made(settings)
    key, first = surface(normal), values(normal)
    paint(image)
    pumped(lambda: live_paint.task() is not None and live_paint.task().job.id > 0)
    running_operators.append(operator("SCULPT_OT_brush_stroke"))
    pumped(lambda: live_paint.task().job.outcome is not None)
    for _ in range(20):
        timer.tick()
    assert surface(normal) == key and (values(normal) == first).all()
    running_operators.clear()
    followed(normal, key)


def test_a_slider_that_is_moved_meanwhile_is_followed_too(settings):
    image, normal = made(settings)
    settings.result = normal
    pumped(is_idle)
    key = surface(normal)
    paint(image)
    settings.strength = 3.0
    pumped(lambda: surface(normal) != key and stored_metadata(normal)["settings"]["strength"] == 3.0 and is_idle())
    np.testing.assert_allclose(values(normal), fresh(image, engine="LUMINANCE", strength=3.0), atol=1e-4)


def test_turning_it_on_brings_the_map_up_to_date(settings):
    image, normal = made(settings)
    settings.live_paint, settings.result = False, normal
    key = surface(normal)
    paint(image)
    assert is_idle()
    settings.live_paint = True
    followed(normal, key)


def test_what_nobody_painted_on_is_left_alone(settings):
    image, normal = made(settings)
    image.pack()
    assert not image.is_dirty
    image.update_tag()
    normal.update_tag()
    bpy.context.view_layer.update()
    assert is_idle()


def test_a_picture_that_cannot_be_followed_has_a_reason(settings, tmp_path):
    image, _ = textured()
    settings.live_paint = True
    assert live_paint.inactive_reason(
        bpy.context) == "The image 'photo.png' has no map that could follow the brush; generate one."
    paint(image)
    assert is_idle()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    assert live_paint.inactive_reason(bpy.context) == ""
    image.filepath_raw, image.file_format = str(tmp_path / "wall.1001.png"), "PNG"
    image.save()
    image.source = "TILED"
    assert "UDIM" in live_paint.inactive_reason(bpy.context)


def test_a_failure_is_a_sentence_in_the_panel_and_the_next_stroke_is_followed(settings):
    image, normal = made(settings)
    key = surface(normal)
    os.kill(addon.client.worker.pid, signal.SIGSTOP)
    paint(image)
    pumped(lambda: live_paint.task() is not None and live_paint.task().job.id > 0)
    os.kill(addon.client.worker.pid, signal.SIGKILL)
    pumped(is_idle)
    assert isinstance(generation.last_outcome(), WorkerError) and surface(normal) == key
    paint(image, value=0.5)
    followed(normal, key)


def test_another_file_ends_it(settings):
    image, _ = made(settings)
    paint(image)
    timer.tick()
    bpy.ops.wm.read_homefile(use_empty=True)
    assert live_paint.is_idle()


@pytest.mark.slow
@pytest.mark.worker
@pytest.mark.parametrize(("engine", "times", "most"), [("RELIEF", 3, 0.85), ("LUMINANCE", 20, 1.5)])
def test_a_stroke_is_followed_sooner_than_a_whole_run_ends(settings, engine, times, most):
    """Prints the seconds from the end of a stroke 64 pixels wide to the map's new pixels, beside those of a whole run.

    A busy computer may make one of them last twice as long as the next one, but not the sum of many that take turns.
    """
    size = 1024
    image, _ = textured(size, size)
    opaque = values(image)
    opaque[..., 3] = 1.0
    put(image, opaque)
    bpy.ops.midas_normal.generate(engine=engine)
    normal, strokes, runs = bpy.data.images["photo_normal"], [], []
    settings.live_paint = True
    for number in range(times):
        key = surface(normal)
        paint(image, (size // 2, size // 4 + 9 * number), 64, 0.3 + 0.02 * number)
        start = time.perf_counter()
        followed(normal, key, 120)
        values(normal)
        strokes.append(time.perf_counter() - start)
        stages = stored_metadata(normal)["facts"]["seconds"]
        settings.live_paint = False
        paint(image, (9, 9), 64, 0.3 + 0.02 * number)
        start = time.perf_counter()
        bpy.ops.midas_normal.generate(engine=engine)
        values(normal)
        runs.append(time.perf_counter() - start)
        settings.live_paint = True
    ratio = sum(strokes) / sum(runs)
    print(f"{engine.lower()} at {size} x {size}: a stroke of 64 pixels {sum(strokes) / times:.2f} s, a whole run "
          f"{sum(runs) / times:.2f} s, ratio {ratio:.2f}; the last stroke's stages:",
          ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in stages.items()))
    assert ratio < most
