"""What the panel and the preferences look like in another size and other colours of Blender's interface."""

from __future__ import annotations

from ..window import EXTENSION, Window
from .common import MAP, check, make

WIDE_NAME = "MEDIEVAL_BRICK_WALL_MOSSY_DIFFUSE_4096.PNG"

PREFERENCES = f"""
bpy.context.preferences.active_section = 'ADDONS'
bpy.context.window_manager.addon_search = 'MiDaS'
bpy.ops.preferences.addon_expand(module='{EXTENSION}')
with bpy.context.temp_override(area=area):
    bpy.ops.screen.screen_full_area()
"""
"""The largest area shows the extension's preferences in the whole window."""

THEME = """
theme = bpy.utils.preset_find({0!r}, 'interface_theme', ext='.xml')
bpy.ops.script.execute_preset(filepath=theme, menu_idname='USERPREF_MT_interface_theme_presets')
"""


def twice_the_size(window: Window) -> str:
    """With everything twice as large, and in light colours, panel and preferences can be read and clicked."""
    window.blender.do(f"image = picture(256, 10); image.name = {WIDE_NAME!r}; area.spaces.active.image = image")
    window.blender.do("bpy.context.preferences.view.ui_scale = 2.0")
    window.settle()
    check(window.blender.value("bpy.context.preferences.system.ui_scale") > 1.9, "Blender's interface is not larger")
    make(window)
    check(window.blender.value(f"source_of({MAP}) == image"), "the picture with the wide name has no map")
    window.shoot("panel_twice_the_size")
    window.turn_into("PREFERENCES")
    window.blender.do(PREFERENCES)
    window.find_again()
    window.shoot("preferences_twice_the_size")
    window.press("Next")
    window.shoot("preferences_twice_the_size_below")
    window.blender.do("bpy.context.preferences.view.ui_scale = 1.0")
    window.shoot("preferences")
    window.blender.do(THEME.format("Blender_Light"))
    window.shoot("preferences_light")
    window.blender.do("bpy.ops.screen.back_to_previous()")
    window.find_again()
    window.turn_into("IMAGE_EDITOR")
    window.shoot("panel_light")
    window.blender.do(THEME.format("Blender_Dark"))
    return ""
