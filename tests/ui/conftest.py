"""These tests run in Blender, as those of the bridge do."""

from types import SimpleNamespace

import pytest

from tests.bridge.conftest import empty_file, extension, pytest_pycollect_makemodule  # noqa: F401


@pytest.fixture(autouse=True)
def idle_extension():
    """Cancel all tasks and stop the timer after each test."""
    from bl_ext.user_default.midas_normal.ui import generation, live_paint, live_tuning, timer
    yield
    live_paint.stop()
    live_tuning.stop()
    generation.reset()
    timer.clear()


@pytest.fixture
def with_timers(monkeypatch):
    """Make timers available as in a Blender with a window, where no redraw was slow so far."""
    from bl_ext.user_default.midas_normal.ui import live_tuning, timer
    monkeypatch.setattr(timer, "is_available", lambda: True)
    monkeypatch.setattr(live_tuning, "redraw_timer", live_tuning.RedrawTimer())


@pytest.fixture
def settings():
    """The scene's settings, which the panel shows."""
    import bpy
    return bpy.context.scene.midas_normal


@pytest.fixture
def running_operators(monkeypatch):
    """The operators that are under way in FAKE windows, as background Blender has none; empty at first."""
    from bl_ext.user_default.midas_normal.ui import operator_checks
    operators = []
    windows = [SimpleNamespace(modal_operators=[]), SimpleNamespace(modal_operators=operators)]
    monkeypatch.setattr(operator_checks, "bpy",
                        SimpleNamespace(context=SimpleNamespace(window_manager=SimpleNamespace(windows=windows))))
    return operators
