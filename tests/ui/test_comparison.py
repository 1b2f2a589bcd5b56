"""A picture and its map side by side."""

from __future__ import annotations

import bpy
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
