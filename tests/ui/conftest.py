"""These tests run in Blender, as those of the bridge do."""

from types import SimpleNamespace

import pytest

from tests.bridge.conftest import empty_file, extension, pytest_pycollect_makemodule  # noqa: F401


@pytest.fixture
def under_way(monkeypatch):
    """The operators that are under way in FAKE windows, as background Blender has none; empty at first."""
    from bl_ext.user_default.midas_normal.ui import operator_checks
    operators = []
    windows = [SimpleNamespace(modal_operators=[]), SimpleNamespace(modal_operators=operators)]
    monkeypatch.setattr(operator_checks, "bpy",
                        SimpleNamespace(context=SimpleNamespace(window_manager=SimpleNamespace(windows=windows))))
    return operators
