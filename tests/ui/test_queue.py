"""Many images at once, as the operators and the panel do it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import bpy
import pytest
from bl_ext.user_default.midas_normal.batch.report import Record
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.image_source import Source
from bl_ext.user_default.midas_normal.bridge.map_metadata import find_map, stored_metadata
from bl_ext.user_default.midas_normal.bridge.queue import FAILED, IN_PROGRESS, MADE, SKIPPED, WAITING, Item
from bl_ext.user_default.midas_normal.bridge.tasks import Report
from bl_ext.user_default.midas_normal.core.settings import setting_domains
from bl_ext.user_default.midas_normal.ui import drawing, generation, menus, outcome, panels, timer
from bl_ext.user_default.midas_normal.ui.properties import queue_for

from .scenes import counts, pumped, textured
from .test_bad_input import missing


class Layout:
    """A FAKE layout that keeps what is drawn into it: texts, and the names of operators and menus."""

    def __init__(self, drawn=None):
        self.drawn = [] if drawn is None else drawn

    def __getattr__(self, name):
        def draw(*args, **kwargs):
            if name == "panel":
                self.drawn.append(args[0])
                return Layout(self.drawn), Layout(self.drawn)
            if name in ("operator", "menu", "label"):
                self.drawn.append(kwargs.get("text") or args[0])
            return Layout(self.drawn)
        return draw


@pytest.fixture(autouse=True)
def region(monkeypatch):
    """A place to draw in, which background Blender lacks."""
    monkeypatch.setattr(drawing, "fits", lambda line: True)


def panel():
    """What the panel shows."""
    layout = Layout()
    panels.MidasNormalPanel.draw(SimpleNamespace(layout=layout), bpy.context)
    return layout.drawn


def states():
    return {item.source.name: item.state for item in generation.queue().items}


class Background:
    """A queue that is worked through while Blender goes on, as a menu's entry does it."""

    def __init__(self, **fields):
        self.fields = {"scope": "FILE", "engine": "LUMINANCE", "existing": "OVERWRITE", "summary": ""} | fields

    def __enter__(self):
        given = SimpleNamespace(is_property_set=lambda name: name in self.fields)
        queue = queue_for(SimpleNamespace(preset="SCENE", properties=given, **self.fields), bpy.context)
        generation.start(queue.task(), bpy.context.scene, queue)
        return queue

    def __exit__(self, *_):
        pumped(lambda: generation.task() is None and timer.is_idle())


def many(*names, side=400):
    return [textured(side, side, name)[0] for name in names]


def test_one_call_makes_all_and_says_what_became_of_each(tmp_path):
    many("a", "b", side=32)
    textured()[1].node_tree.nodes["Image Texture"].image = bpy.data.images[missing(tmp_path)]
    summary = tmp_path / "done.json"
    assert bpy.ops.midas_normal.generate_all(scope="FILE", engine="LUMINANCE", summary=str(summary)) == {"FINISHED"}
    assert states() == {"a": MADE, "b": MADE, "gone": FAILED}
    assert generation.last_outcome().messages[0] == "Of 3 pictures 2 made, 0 skipped, 1 failed."
    assert [record["outcome"] for record in json.loads(summary.read_text())] == ["made", "made", "failed"]


def test_one_call_says_why_a_picture_has_no_map_and_fails_where_none_has_one():
    image, material = textured(32, 32, "kept")
    tree, shader = material.node_tree, material.node_tree.nodes["Principled BSDF"]
    normal = tree.nodes.new("ShaderNodeNormalMap")
    picture = tree.nodes.new("ShaderNodeTexImage")
    picture.image = bpy.data.images.new("own", 4, 4, is_data=True)
    tree.links.new(picture.outputs["Color"], normal.inputs["Color"])
    tree.links.new(normal.outputs["Normal"], shader.inputs["Normal"])
    sentence = "The shader 'Principled BSDF' keeps its own normal map 'own'; set Replace to wire the new map instead."
    with pytest.raises(RuntimeError, match=f"^Error: Of 1 picture 0 made, 1 skipped, 0 failed. kept: {sentence}"):
        bpy.ops.midas_normal.generate_all(scope="FILE", engine="LUMINANCE")
    assert states() == {"kept": SKIPPED} and find_map(image, "NORMAL") is None and sentence in " ".join(panel())
    many("a", side=32)
    assert bpy.ops.midas_normal.generate_all(scope="FILE", engine="LUMINANCE") == {"FINISHED"}
    assert states() == {"kept": SKIPPED, "a": MADE} and sentence in panel()
    assert f"kept: {sentence}" in generation.last_message()
    assert bpy.ops.midas_normal.generate_all(scope="FILE", engine="LUMINANCE", existing="SKIP") == {"FINISHED"}


def test_selected_objects_are_what_a_call_takes_by_default():
    many("a", "b", side=32)  # each new plane is selected alone
    bpy.ops.midas_normal.generate_all(engine="LUMINANCE")
    assert states() == {"b": MADE}
    bpy.ops.object.select_all(action="DESELECT")
    before = counts()
    with pytest.raises(RuntimeError, match="selected objects has a colour texture"):
        bpy.ops.midas_normal.generate_all(engine="LUMINANCE")
    assert counts() == before


def test_what_a_call_does_not_give_comes_from_the_scene():
    image, = many("a", side=32)
    scene = bpy.context.scene.midas_normal
    scene.engine, scene.strength, scene.maps, scene.existing, scene.target = "LUMINANCE", 2.0, {"AO"}, "SKIP", "NONE"
    for state in (MADE, SKIPPED):
        bpy.ops.midas_normal.generate_all(scope="FILE")
        assert states() == {"a": state}
    bpy.ops.midas_normal.generate_all(scope="FILE", existing="OVERWRITE", a=3.0)
    settings = stored_metadata(find_map(image, "AO"))["settings"]
    assert states() == {"a": MADE} and (settings["strength"], settings["a"]) == (2.0, 3.0)
    assert find_map(image, "NORMAL") is None
    assert not any(node.type == "TEX_IMAGE" and node.image != image for node in bpy.data.materials["photo"].node_tree.nodes)


def test_every_setting_is_a_property_of_the_call():
    properties = bpy.ops.midas_normal.generate_all.get_rna_type().properties
    for name in (*setting_domains(), "preset", "target", "replace", "save", "maps", "scope", "existing", "summary"):
        assert properties[name].description
    assert "source" not in properties and "image" not in properties


def test_a_queue_is_worked_through_while_blender_goes_on_and_the_panel_shows_where_it_is():
    images = many("a", "b", "c")
    assert "midas_normal_queue" not in panel()
    with Background() as queue:
        pumped(lambda: queue.items[1].state == IN_PROGRESS)
        shown = {"midas_normal_queue", "1 of 3 pictures", "Being made", "Waiting", "Made", "midas_normal.cancel"}
        assert shown <= set(panel())
        assert not bpy.ops.midas_normal.generate_all.poll() and not bpy.ops.midas_normal.generate.poll()
        worker = addon.client.worker
    assert addon.client.worker is worker and isinstance(generation.last_outcome(), Report)
    assert "3 made, 0 skipped, 0 failed" in panel() and "3 of 3 pictures" in panel()
    assert bpy.context.scene.midas_normal.result == find_map(images[2], "NORMAL")


def test_a_map_that_is_deleted_before_the_queue_ends_is_missed_by_nobody(tmp_path):
    image, = many("a")
    textured()[1].node_tree.nodes["Image Texture"].image = bpy.data.images[missing(tmp_path)]
    with Background() as queue:
        pumped(lambda: queue.items[0].state == MADE)
        bpy.data.images.remove(find_map(image, "NORMAL"))
    assert isinstance(generation.last_outcome(), Report) and states() == {"a": MADE, "gone": FAILED}
    assert bpy.context.scene.midas_normal.result is None


def test_a_new_map_takes_the_queue_off_the_panel():
    many("a", side=32)
    bpy.ops.midas_normal.generate_all(scope="FILE", engine="LUMINANCE")
    assert "midas_normal_queue" in panel()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    assert "midas_normal_queue" not in panel() and "a_normal" in " ".join(panel())


def test_cancel_in_the_middle_keeps_what_was_made_as_one_undo_step(monkeypatch):
    images = many("a", "b", "c")
    pushed = []
    monkeypatch.setattr(generation, "push_undo_step", lambda: pushed.append(1) and False)
    with Background() as queue:
        pumped(lambda: queue.items[1].state == IN_PROGRESS and not generation.task().is_ready)
        bpy.ops.midas_normal.cancel()
        assert generation.task() is None and states() == {"a": MADE, "b": WAITING, "c": WAITING}
    assert len(pushed) == 1 and [find_map(image, "NORMAL") is not None for image in images] == [True, False, False]
    pumped(lambda: not addon.client.is_busy)
    shown = panel()
    assert "Cancelled." in shown and "1 of 3 pictures" in shown
    with Background(existing="SKIP"):
        pass
    assert states() == {"a": SKIPPED, "b": MADE, "c": MADE}


def test_what_made_nothing_is_no_undo_step(monkeypatch, tmp_path):
    textured()[1].node_tree.nodes["Image Texture"].image = bpy.data.images[missing(tmp_path)]
    monkeypatch.setattr(generation, "push_undo_step", lambda: pytest.fail("an undo step for nothing"))
    with Background():
        pass
    assert states() == {"gone": FAILED} and bpy.context.scene.midas_normal.result is None
    assert not bpy.ops.midas_normal.retune.poll()


def test_one_undo_takes_all_of_it_back():
    if not bpy.ops.ed.undo.poll():
        pytest.skip("this Blender has no undo in background mode")
    many("a", "b", side=32)
    bpy.ops.ed.undo_push(message="start")
    bpy.ops.midas_normal.generate_all(scope="FILE", engine="LUMINANCE")
    assert {"a_normal", "b_normal"} <= set(bpy.data.images.keys())
    bpy.ops.ed.undo()
    assert not {"a_normal", "b_normal"} & set(bpy.data.images.keys()) and {"a", "b"} <= set(bpy.data.images.keys())


def test_a_file_loaded_meanwhile_takes_the_queue_along(monkeypatch):
    many("a", "b", "c")
    monkeypatch.setattr(generation, "push_undo_step", lambda: pytest.fail("an undo step in the new file"))
    with Background() as queue:
        pumped(lambda: queue.items[1].state == IN_PROGRESS)
        bpy.ops.wm.read_homefile(use_empty=True)
        assert generation.task() is None and generation.queue() is None and generation.last_outcome() is None
    pumped(lambda: generation.draining_task() is None)
    assert not any(stored_metadata(image) for image in bpy.data.images)


def test_a_summary_lies_beside_the_blend_file_once_that_is_saved(tmp_path, monkeypatch, recwarn):
    many("a", side=32)
    monkeypatch.chdir(tmp_path)
    fields = {"scope": "FILE", "engine": "LUMINANCE", "summary": "//done.csv"}
    with pytest.raises(RuntimeError, match="has no folder to lie in"):
        bpy.ops.midas_normal.generate_all(**fields)
    assert generation.queue() is None and not any(tmp_path.iterdir())
    (tmp_path / "project").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "project" / "a.blend"))
    bpy.ops.midas_normal.generate_all(**fields)
    warned = [str(each.message) for each in recwarn if each.category is not ResourceWarning]  # those come with what is freed
    assert (tmp_path / "project" / "done.csv").is_file() and not warned


def test_a_summary_that_cannot_be_written_is_an_error_though_all_was_made(tmp_path):
    image, = many("a", side=32)
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.midas_normal.generate_all(scope="FILE", engine="LUMINANCE", summary=str(tmp_path / "no" / "done.csv"))
    assert find_map(image, "NORMAL") and states() == {"a": MADE}


def test_giving_up_says_so_when_the_summary_cannot_be_written(tmp_path):
    many("a", "b")
    with Background(summary=str(tmp_path / "no" / "done.csv")) as queue:
        pumped(lambda: queue.items[1].state == IN_PROGRESS and not generation.task().is_ready)
        bpy.ops.midas_normal.cancel()
    assert "cannot be written" in generation.last_message() and generation.task() is None
    pumped(lambda: not addon.client.is_busy)


def test_both_scopes_are_in_the_menu_which_is_in_the_panel_and_in_blenders_own():
    layout = Layout()
    menus.MIDAS_NORMAL_MT_generate_all.draw(SimpleNamespace(layout=layout), bpy.context)
    assert layout.drawn[:2] == ["All Images of the Selected Objects", "All Materials of This File"]
    assert "MIDAS_NORMAL_MT_generate_all" in panel()
    for draw in (menus.draw_image_menu, menus.draw_object_menu):
        layout = Layout()
        draw(SimpleNamespace(layout=layout), bpy.context)
        assert "MIDAS_NORMAL_MT_generate_all" in layout.drawn


def test_the_panel_shows_what_tells_most_and_all_that_failed():
    outcomes = [MADE] * 300 + [FAILED] * 20 + [None] * 5
    items = [Item(Source("IMAGE", str(number), number), None, (Record("", outcome, error=f"{number}."),) if outcome else ())
             for number, outcome in enumerate(outcomes)]
    items[320].is_in_progress = True
    items[0].records = (Record("", SKIPPED, notes=["It is kept."]),)
    shown = outcome.order_for_display(items)
    assert shown[0] is items[320] and [item.state for item in shown[1:]] == [FAILED] * 20
    items = items[:3] + items[318:]
    assert [item.state for item in outcome.order_for_display(items)] == [IN_PROGRESS, *[FAILED] * 2, SKIPPED, *[WAITING] * 4]
