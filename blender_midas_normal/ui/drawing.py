"""Small pieces that panels are drawn from."""

from __future__ import annotations

import textwrap

import bpy
from bpy.app.translations import pgettext_iface as iface_

CHARACTER, BORDERS = 6.6, 75
"""Width of an average character of Blender's font, and of what stands left and right of a text, in unscaled pixels."""


def lines(layout: bpy.types.UILayout, text: str, icon: str = "NONE") -> None:
    """A text over as many lines as it needs, translated first as Blender's labels are."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for paragraph in iface_(text).splitlines():
        for line in textwrap.wrap(paragraph, _characters()) or [""]:
            column.label(text=line, icon=icon, translate=False)
            icon = "BLANK1" if icon != "NONE" else "NONE"


def _characters() -> int:
    """How many characters fit a line of the region that is being drawn."""
    region, scale = bpy.context.region, bpy.context.preferences.system.ui_scale
    width = region.width if region is not None else 300
    return max(16, int((width / scale - BORDERS) / CHARACTER))


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


def status(text: str | None) -> None:
    """A message in the status bars of all windows; None gives them back to Blender.

    Blender keeps the message in the context's workspace, whichever it is called on; one that was left meanwhile keeps it.
    """
    for window in bpy.context.window_manager.windows:
        with bpy.context.temp_override(window=window):
            window.workspace.status_text_set(text)
    for workspace in bpy.data.workspaces if text is None else ():
        with bpy.context.temp_override(workspace=workspace):
            workspace.status_text_set(None)
