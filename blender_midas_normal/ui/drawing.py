"""Small pieces that panels are drawn from."""

from __future__ import annotations

import textwrap

import bpy

WIDTH = 44
"""Characters that fit a line of the sidebar at its usual width."""


def lines(layout: bpy.types.UILayout, text: str, icon: str = "NONE") -> None:
    """A text over as many lines as it needs."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for paragraph in text.splitlines():
        for line in textwrap.wrap(paragraph, WIDTH) or [""]:
            column.label(text=line, icon=icon, translate=False)
            icon = "BLANK1" if icon != "NONE" else "NONE"


def progress(layout: bpy.types.UILayout, text: str, done: float | None) -> None:
    """A progress bar; without a share that is known it stands at nothing."""
    layout.progress(text=text, factor=done or 0.0, type="BAR")


def redraw() -> None:
    """Redraws the places where the extension shows itself."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "IMAGE_EDITOR", "NODE_EDITOR", "PREFERENCES"):
                for region in area.regions:
                    if region.type in ("UI", "WINDOW") and (region.type == "UI" or area.type == "PREFERENCES"):
                        region.tag_redraw()
