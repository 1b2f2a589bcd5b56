"""A picture and its map side by side."""

from __future__ import annotations

import bpy
import pytest
from bl_ext.user_default.midas_normal.ui import comparison

from .scenes import Background, textured


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


def test_from_the_viewport_the_comparison_takes_an_image_editor_or_opens_one(monkeypatch):
    image, _ = textured()
    with Background():
        pass
    window = bpy.context.window_manager.windows[0]
    viewport = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    before = len(window.screen.areas)
    with bpy.context.temp_override(area=viewport):
        bpy.ops.midas_normal.compare()
        editor = comparison.find_area(bpy.context)
        assert editor.type == "IMAGE_EDITOR" and editor.spaces.active.image == image and comparison.is_shown(editor)
        assert len(window.screen.areas) == before + 1 and viewport.type == "VIEW_3D"
        bpy.ops.midas_normal.compare()
        assert not comparison.is_shown(editor) and len(window.screen.areas) == before + 1
        editor.type = "OUTLINER"
        monkeypatch.setattr(comparison, "open_area", lambda context: None)
        with pytest.raises(RuntimeError, match="no room for an Image Editor"):
            bpy.ops.midas_normal.compare()
