"""Drawing functions that the panels share: wrapped text, progress bars, status bars."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import blf
import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..core.errors import Message
from .translations import translate_message

TEXT_MARGIN = 95
"""What stands left and right of a text, in unscaled pixels: margins, an icon, the sidebar's tabs."""

FONT_ID = 0
"""Blender's own."""

_has_message = False
"""Whether the status bars show a message of this extension."""


def draw_text(layout: bpy.types.UILayout, text: str, icon: str = "NONE") -> None:
    """A text over as many lines as it needs, translated first: a message, or a text as Blender's labels are."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for paragraph in (translate_message(text, iface_) if isinstance(text, Message) else iface_(text)).splitlines():
        for line in wrap(paragraph, fits):
            column.label(text=line, icon=icon, translate=False)
            icon = "BLANK1" if icon != "NONE" else "NONE"


def wrap(text: str, fits: Callable[[str], bool]) -> list[str]:
    """The text in lines that fit, cut between words, or within a word that fits no line."""
    whole, line = [], ""
    for word in text.split():
        if line and not fits(f"{line} {word}"):
            whole.append(line)
            line = ""
        line = f"{line} {word}".lstrip()
        while len(line) > 1 and not fits(line):
            end = next((end for end in range(len(line) - 1, 1, -1) if fits(line[:end])), 1)
            whole.append(line[:end])
            line = line[end:]
    return [*whole, line]


def fits(line: str) -> bool:
    """Whether the region that is being drawn is wide enough for the line."""
    region, preferences = bpy.context.region, bpy.context.preferences
    scale = preferences.system.ui_scale
    blf.size(FONT_ID, preferences.ui_styles[0].widget.points * scale)
    return blf.dimensions(FONT_ID, line)[0] <= (region.width if region is not None else 300) - TEXT_MARGIN * scale


def draw_progress(layout: bpy.types.UILayout, text: str, done: float | None) -> None:
    """A progress bar; without a share that is known it stands at nothing."""
    layout.progress(text=text, factor=done or 0.0, type="BAR")


def draw_progress_placeholder(layout: bpy.types.UILayout) -> None:
    """Draw an invisible separator where a progress bar was; call it right after what is drawn there.

    Blender 4.3 takes the first thing that is no button for that bar as long as the mouse is there, and draws a whole box as
    one; here it finds nothing to be seen.
    """
    layout.separator(factor=0.0)


def redraw_editors() -> None:
    """Redraw the places where the extension shows itself."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "IMAGE_EDITOR", "NODE_EDITOR", "PREFERENCES"):
                for region in area.regions:
                    if region.type in ("UI", "WINDOW") and (region.type == "UI" or area.type == "PREFERENCES"):
                        region.tag_redraw()


def show_status(text: str | None) -> None:
    """A message in the status bars of all windows; None gives them back to Blender, where there is one of this extension's.

    Blender keeps the message in the context's workspace, whichever it is called on, and needs a window in the context: a
    Blender that is ending has none there while its Preferences or a render are open.  A workspace that was left meanwhile
    keeps its message.
    """
    global _has_message
    if text is None and not _has_message:
        return
    _has_message = text is not None
    windows = bpy.context.window_manager.windows
    for window in windows:
        with bpy.context.temp_override(window=window):
            window.workspace.status_text_set(text)
    for window, workspace in product(windows[:1], bpy.data.workspaces if text is None else ()):
        with bpy.context.temp_override(window=window), bpy.context.temp_override(workspace=workspace):  # not both in one
            workspace.status_text_set(None)
