"""Other threads than Blender's main one: those of scripts, and that of a render, in which handlers are called."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import bpy
import pytest
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.bridge.tasks import WRONG_THREAD_MESSAGE
from bl_ext.user_default.midas_normal.core.errors import WrongThread
from bl_ext.user_default.midas_normal.ui import generation, live_paint, live_tuning, registration, timer

from .scenes import textured

OPERATORS = [cls.bl_idname for cls in registration.CLASSES if issubclass(cls, bpy.types.Operator)]


def elsewhere(function):
    """What a function that is called in a thread of its own returns, or the exception that it raises."""
    outcome = []

    def run():
        try:
            outcome.append(function())
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    return outcome[0]


def operator(idname):
    module, name = idname.split(".")
    return getattr(getattr(bpy.ops, module), name)


def test_the_function_refuses_with_a_sentence_and_works_in_the_main_thread_afterwards():
    image, _ = textured()
    error = elsewhere(lambda: generate(image, engine="luminance"))
    assert isinstance(error, WrongThread) and str(error) == WRONG_THREAD_MESSAGE
    assert generate(image, engine="luminance").name == "photo_normal"


@pytest.mark.parametrize("idname", OPERATORS)
def test_every_operator_refuses_with_a_sentence(idname):
    textured()
    assert len(OPERATORS) > 15
    before = generation.last_outcome()
    error = elsewhere(operator(idname))
    assert isinstance(error, RuntimeError) and str(error).strip().endswith(WRONG_THREAD_MESSAGE)
    assert generation.last_outcome() is before and timer.is_idle()


@pytest.fixture
def in_a_window(monkeypatch):
    """A FAKE of Blender with a window, where timers run."""
    monkeypatch.setattr(timer, "bpy", SimpleNamespace(app=SimpleNamespace(background=False, timers=bpy.app.timers)))
    yield
    live_paint.stop()
    live_tuning.stop()


def test_settings_that_another_thread_touches_start_nothing(in_a_window):
    """A handler may set them during a render; in the main thread they are followed."""
    textured()
    settings = bpy.context.scene.midas_normal
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    settings.result = bpy.data.images["photo_normal"]
    for run, is_followed in ((elsewhere, False), (lambda function: function(), True)):
        run(lambda: setattr(settings, "live_paint", True))
        run(lambda: setattr(settings, "strength", settings.strength + 1))
        run(bpy.context.view_layer.update)
        assert (not timer.is_idle()) == is_followed
        assert (not live_paint.is_idle()) == is_followed and (live_tuning.task() is not None) == is_followed


def test_a_map_that_another_thread_picks_changes_no_setting(in_a_window):
    textured()
    settings = bpy.context.scene.midas_normal
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=3)
    elsewhere(lambda: setattr(settings, "result", bpy.data.images["photo_normal"]))
    assert settings.strength == 1
    settings.result = bpy.data.images["photo_normal"]
    assert settings.strength == 3
