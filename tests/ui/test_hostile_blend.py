"""A .blend file from a stranger: opening it, and looking at it, starts nothing, writes nothing and raises nothing."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.addon import extension_folder
from bl_ext.user_default.midas_normal.bridge.map_metadata import (
    METADATA_PROPERTY,
    SOURCE_PROPERTY,
    find_map,
    source_of,
    stored_metadata,
)
from bl_ext.user_default.midas_normal.bridge.map_state import release_saved_pixels, reload_changed
from bl_ext.user_default.midas_normal.core.errors import MidasNormalError
from bl_ext.user_default.midas_normal.ui import (
    drawing,
    generation,
    live_tuning,
    operators,
    panels,
    registration,
    setup,
    timer,
)

from tests.reliability.traces import children

from .scenes import textured

pytestmark = pytest.mark.reliability

FACTS = {"engine": "LUMINANCE", "surface": "0" * 32}

RECORDS = (
    "", "no JSON", "[]", "3", "null", "[" * 100_000, '{"settings": 3, "facts": 3}', '{"settings": {}, "facts": {}}',
    json.dumps({"settings": {}, "facts": {"engine": [], "surface": {}}}),
    json.dumps({"settings": {"engine": "ROOTKIT"}, "facts": FACTS}),
    json.dumps({"settings": {"engine": "LUMINANCE", "depth_scale": "RAW"}, "facts": FACTS}),
    json.dumps({"settings": {"a": float("nan"), "strength": 1e999}, "facts": FACTS}),
    json.dumps({"settings": {"resolution": 10 ** 4000}, "facts": FACTS}),
    '{"settings": {"resolution": ' + "9" * 5000 + '}, "facts": {}}',
    json.dumps({"settings": {"__class__": "x", "../": []}, "facts": FACTS}),
    json.dumps({"settings": {}, "facts": {"engine": "MIDAS", "surface": "/etc/passwd\0" * 99}}),
    json.dumps({"settings": {"strength": 5.0}, "facts": {"engine": "../../bin/sh", "surface": "\ud800"}}),
    7, 1.5, [1, 2, 3], {"settings": {"engine": "MIDAS"}}, b"\xff\0",
)
"""What a stranger may have written where the extension keeps a map's settings."""


PATHS = ("/etc/passwd", "//../../../outside.png", "\\\\server\\share\\x.png")


class AnyLayout:
    """A FAKE layout that takes whatever is drawn into it."""

    def __getattr__(self, name):
        return lambda *_, **__: (AnyLayout(), AnyLayout()) if name == "panel" else AnyLayout()


@pytest.fixture(autouse=True)
def region(monkeypatch):
    """A place to draw in, which background Blender lacks."""
    monkeypatch.setattr(drawing, "fits", lambda line: len(line) <= 60)


@pytest.fixture
def hostile(tmp_path) -> Path:
    """The .blend file, made by Blender itself."""
    obj = bpy.data.objects.new("thing", None)
    bpy.context.collection.objects.link(obj)
    for number, record in enumerate(RECORDS):
        image = bpy.data.images.new(f"hostile{number}", 4, 4)
        image.use_fake_user = True
        image[METADATA_PROPERTY] = record
        assert image[METADATA_PROPERTY] == record or not isinstance(record, (str, int, float)), number
        image[SOURCE_PROPERTY] = (image, obj, "text", 5, bpy.context.scene)[number % 5]
        if number % 2:
            image.source, image.filepath_raw = "FILE", PATHS[number % 3]
    settings = bpy.context.scene.midas_normal
    with live_tuning.suspend_updates():
        settings.engine, settings.depth_scale, settings.save, settings.source = "RELIEF", "RAW", "BESIDE", "RENDER"
        settings.strength = 3.0
    raw = raw_settings(bpy.context.scene)
    raw["strength"], raw["a"], raw["engine"], raw["tileable"], raw["resolution"] = float("nan"), 1e30, 99, "text", -5
    raw["unknown"] = "x" * 10_000
    drive(bpy.context.scene, tmp_path / "written")
    path = tmp_path / "hostile.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), check_existing=False)
    bpy.ops.wm.read_homefile(use_empty=True)
    addon.client.close()
    return path


def drive(scene, file):
    """Settings that follow the frame, by a driver and by keys, and two programs that would write the file: a driver's and a
    text that is to be run when it is loaded.
    """
    program = f"open({str(file)!r}, 'w')"
    for name, expression in (("blur", "frame / 10"), ("detail", f"{program} and frame")):
        scene.driver_add(f"midas_normal.{name}").driver.expression = expression
    for frame in (1, 50):
        scene.midas_normal.keyframe_insert("high_pass", frame=frame)
        scene.midas_normal.high_pass += 100
    text = bpy.data.texts.new("run_me.py")
    text.write(program)
    text.use_module = True


def raw_settings(scene):
    """The scene's settings as they lie in the file, without their types and ranges."""
    return scene["midas_normal"] if bpy.app.version < (5, 0) else scene.bl_system_properties_get()["midas_normal"]


def opened(path):
    bpy.ops.wm.open_mainfile(filepath=str(path))
    assert sum(image.name.startswith("hostile") for image in bpy.data.images) == len(RECORDS)


def files():
    folders = (extension_folder(), Path(tempfile.gettempdir()))
    return {path for folder in folders for path in folder.rglob("*")}


def started():
    """The processes that this one has started, to install and to download too, where the system tells them."""
    return children(os.getpid()) if sys.platform == "linux" else ()


def looked_at():
    """Everything that Blender asks the extension by itself while a file is shown, undone and saved."""
    for image in bpy.data.images:
        stored_metadata(image), source_of(image), find_map(image, "NORMAL"), live_tuning.can_retune(image)
    draw()
    for _, handler in registration.HANDLERS[1:]:
        handler(bpy.context.scene, bpy.context.evaluated_depsgraph_get())
    reload_changed()
    release_saved_pixels()
    for operator in (*operators.CLASSES, *setup.CLASSES):
        if hasattr(operator, "poll"):
            operator.poll(bpy.context)


def draw():
    panels.MidasNormalPanel.draw(SimpleNamespace(layout=AnyLayout()), bpy.context)


def test_opening_and_looking_starts_and_writes_nothing(hostile, capfd, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before, processes = files(), started()
    capfd.readouterr()
    opened(hostile)
    looked_at()
    assert not addon.client.is_running and generation.task() is None and timer.is_idle()
    assert files() == before and started() == processes
    assert "Traceback" not in capfd.readouterr().err


def test_settings_that_a_driver_or_a_key_changes_start_and_write_nothing(hostile, tmp_path, monkeypatch):
    """As when the file is played: only a user who moves a slider has a map follow it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    opened(hostile)
    monkeypatch.setattr(timer, "is_available", lambda: True)
    scene = bpy.context.scene
    scene.midas_normal.result = bpy.data.images["hostile1"]
    before, processes = files(), started()
    for frame in (1, 30, 50):
        scene.frame_set(frame)
        looked_at()
    assert scene.midas_normal.blur == pytest.approx(5.0) and scene.midas_normal.high_pass > 90
    timer.tick()  # all that waits is the thumbnail of the map that the panel has drawn
    assert not addon.client.is_running and generation.task() is None and timer.is_idle()
    assert files() == before and started() == processes and not (tmp_path / "written").exists()


def test_picking_each_of_its_maps_raises_nothing_and_asks_the_worker_for_nothing_it_has_not(hostile, capfd, monkeypatch):
    """With a worker at hand, as after a map of another file."""
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE", source="IMAGE", image=bpy.data.images[0].name, target="NONE")
    worker = addon.client.worker
    opened(hostile)
    monkeypatch.setattr(timer, "is_available", lambda: True)
    capfd.readouterr()
    for image in list(bpy.data.images):
        bpy.context.scene.midas_normal.result = image
        draw()
        live_tuning.schedule_retune(bpy.context.scene)
        for _ in range(200):
            timer.tick()
        for operator in ("retune", "generate"):
            call(operator, image)
    live_tuning.stop()
    timer.clear()
    assert addon.client.worker is worker
    assert "Traceback" not in capfd.readouterr().err


def call(operator, image):
    """As a user who goes on with it: it works, or ends with one of our sentences."""
    fields = {"source": "IMAGE", "image": image.name, "engine": "LUMINANCE"} if operator == "generate" else {}
    try:
        getattr(bpy.ops.midas_normal, operator)(**fields)
    except RuntimeError as error:
        assert "Traceback" not in str(error), error
        assert isinstance(generation.last_outcome(), MidasNormalError) or "poll" in str(error), error
