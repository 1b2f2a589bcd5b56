"""What is made while Blender is in the middle of something, such as a stroke: it waits, and changes nothing till then."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import pytest
from bl_ext.user_default.midas_normal.bridge.map_metadata import stored_metadata
from bl_ext.user_default.midas_normal.ui import generation, live_tuning, operator_checks, operators, timer

from .scenes import Background, counts, operator, pumped, textured
from .test_queue import Background as BackgroundQueue
from .test_queue import many

pytestmark = pytest.mark.usefixtures("with_timers")

STROKES = ["PAINT_OT_image_paint", "SCULPT_OT_brush_stroke", "TRANSFORM_OT_translate", "RENDER_OT_render"]


@pytest.fixture
def pushed(monkeypatch):
    """How many maps there were at each undo step that was pushed; FAKE is only that none is, for not all Blenders can."""
    steps = []
    def undo_push(**_):
        steps.append(sum(stored_metadata(image) is not None for image in bpy.data.images))
    undo_push.poll = lambda: True
    fake = SimpleNamespace(ops=SimpleNamespace(ed=SimpleNamespace(undo_push=undo_push)), data=bpy.data, app=bpy.app)
    monkeypatch.setattr(generation, "bpy", fake)
    monkeypatch.setattr(operators, "bpy", fake)
    return steps


def ticked():
    for _ in range(20):
        timer.tick()


@pytest.mark.parametrize("name", STROKES)
def test_a_finished_map_waits_and_is_then_one_undo_step(running_operators, pushed, name):
    textured()
    before = counts()
    with Background() as task:
        running_operators.append(operator(name))
        pumped(lambda: task.job.outcome is not None)
        ticked()
        assert generation.task() is task and counts() == before and not pushed
        assert generation.describe_task(task) == "Waiting until Brush Stroke has ended"
        running_operators.clear()
    assert "photo_normal" in bpy.data.images and pushed == [1]


def test_an_operator_that_begins_when_the_map_is_stored_holds_the_undo_step_back(running_operators, pushed):
    textured()
    with Background():
        pumped(lambda: generation.task() is None)
        running_operators.append(operator("PAINT_OT_image_paint"))
        ticked()
        assert "photo_normal" in bpy.data.images and not pushed
        running_operators.clear()
    assert pushed == [1]


def test_a_queue_waits_with_all_that_it_makes(running_operators, pushed):
    many("a", "b", side=32)
    with BackgroundQueue() as queue:
        pumped(lambda: queue.count("made") == 1)
        running_operators.append(operator("TRANSFORM_OT_translate"))
        ticked()
        assert queue.count("made") == 1 and not pushed
        running_operators.clear()
    assert pushed == [2]


def test_what_runs_for_long_and_changes_nothing_is_not_waited_for(running_operators, pushed):
    textured()
    running_operators.extend(map(operator, operator_checks.HARMLESS_OPERATORS))
    with Background():
        pass
    assert "photo_normal" in bpy.data.images and pushed == [1]


def test_a_map_that_waits_can_be_given_up(running_operators):
    textured()
    before = counts()
    with Background() as task:
        running_operators.append(operator("PAINT_OT_image_paint"))
        pumped(lambda: task.job.outcome is not None)
        bpy.ops.midas_normal.cancel()
        assert generation.task() is None
    assert counts() == before


def test_a_setting_that_changes_meanwhile_is_followed_afterwards(running_operators):
    textured()
    with Background():
        pass
    settings = bpy.context.scene.midas_normal
    running_operators.append(operator("TRANSFORM_OT_translate"))
    settings.strength = 3
    ticked()
    assert live_tuning.task() is None and stored_metadata(settings.result)["settings"]["strength"] == 1
    running_operators.clear()
    pumped(lambda: stored_metadata(settings.result)["settings"]["strength"] == 3)


def test_a_map_that_follows_a_slider_waits_too(running_operators):
    textured()
    with Background():
        pass
    settings = bpy.context.scene.midas_normal
    settings.strength = 3
    running_operators.append(operator("SCULPT_OT_brush_stroke"))
    pumped(lambda: live_tuning.task().job.outcome is not None)
    ticked()
    assert stored_metadata(settings.result)["settings"]["strength"] == 1
    running_operators.clear()
    pumped(lambda: stored_metadata(settings.result)["settings"]["strength"] == 3)


def test_an_operator_that_calls_this_one_has_all_in_its_own_undo_step(running_operators, pushed):
    """Such as one of an add-on that makes one map after the other."""
    textured()
    running_operators.append(operator("OBJECT_OT_of_an_add_on"))
    assert bpy.ops.midas_normal.generate(engine="LUMINANCE") == {"FINISHED"}
    assert "photo_normal" in bpy.data.images and not pushed
    running_operators.clear()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    assert pushed == [1]


def test_a_file_that_is_saved_in_the_middle_of_a_stroke_has_no_map_read_again(running_operators, tmp_path):
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    normal = bpy.data.images["photo_normal"]
    running_operators.append(operator("PAINT_OT_image_paint"))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    assert normal.is_dirty
    running_operators.clear()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    assert not normal.is_dirty
