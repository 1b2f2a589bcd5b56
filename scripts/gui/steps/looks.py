"""Pictures of the panel in both sizes and in both of Blender's themes, and how tall it is."""

from __future__ import annotations

from ..window import Window
from .common import check
from .theme import THEME

SCALES = (1, 2)
THEMES = {"dark": "Blender_Dark", "light": "Blender_Light"}

MAX_HEIGHT = 700
"""Pixels that the panel may take at scale 1, with a map and with all its parts closed."""

TABS_WIDTH, BORDER = 40, 8
"""Pixels at the right of the sidebar, with its tabs and the scroll bar, and at its other borders, with their lines."""


def panel_looks(window: Window) -> str:
    """The panel in both sizes and themes; it fits 700 pixels at scale 1."""
    window.blender.do("bpy.context.preferences.system.use_region_overlap = False")
    heights = []
    for scale in SCALES:
        for name, theme in THEMES.items():
            window.blender.do(f"bpy.context.preferences.view.ui_scale = {scale}")
            window.blender.do(THEME.format(theme))
            window.settle(1)
            heights.append(_content_height(window, scale))
            window.shoot_sidebar(f"panel_{scale}_{name}", heights[-1] + BORDER * scale)
    window.blender.do(THEME.format(THEMES["dark"]))
    window.blender.do("bpy.context.preferences.view.ui_scale = 1")
    check(0 < heights[0] <= MAX_HEIGHT, f"the panel is {heights[0]} pixels tall, more than {MAX_HEIGHT}")
    return f"{heights[0]} pixels tall"


def _content_height(window: Window, scale: int) -> int:
    """Return the number of pixels from the sidebar's upper border to the lower end of what is drawn in it."""
    width, height = window.sidebar_size()
    pixels, start, end = window.sidebar(), BORDER * scale * 3, (width - TABS_WIDTH * scale) * 3
    rows = [pixels[row * width * 3:(row + 1) * width * 3][start:end] for row in range(height - BORDER * scale)]
    empty = rows[-1][:3] * (len(rows[-1]) // 3)
    return max((number for number, row in enumerate(rows, 1) if row != empty), default=0)
