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
"""Width of all that is beside a text, in unscaled pixels: margins, an icon, the sidebar's tabs."""

FONT_ID = 0
"""The id of Blender's own font in `blf`."""

_has_message = False
"""Whether the status bars show a message of this extension."""


def draw_text(layout: bpy.types.UILayout, text: str, icon: str = "NONE") -> None:
    """Translate a text or message and draw it in as many lines as it needs, the icon before the first."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for paragraph in (translate_message(text, iface_) if isinstance(text, Message) else iface_(text)).splitlines():
        for line in wrap(paragraph, fits):
            column.label(text=line, icon=icon, translate=False)
            icon = "BLANK1" if icon != "NONE" else "NONE"


def wrap(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Split a text into lines that fit, between words, or within a word that is too long for a line."""
    lines, line = [], ""
    for word in text.split():
        if line and not fits(f"{line} {word}"):
            lines.append(line)
            line = ""
        line = f"{line} {word}".lstrip()
        while len(line) > 1 and not fits(line):
            end = next((end for end in range(len(line) - 1, 1, -1) if fits(line[:end])), 1)
            lines.append(line[:end])
            line = line[end:]
    return [*lines, line]


def fits(line: str) -> bool:
    """Whether the region that is being drawn is wide enough for a line of text."""
    region, preferences = bpy.context.region, bpy.context.preferences
    scale = preferences.system.ui_scale
    blf.size(FONT_ID, preferences.ui_styles[0].widget.points * scale)
    return blf.dimensions(FONT_ID, line)[0] <= (region.width if region is not None else 300) - TEXT_MARGIN * scale


def draw_progress(layout: bpy.types.UILayout, text: str, done: float | None) -> None:
    """Draw a progress bar with a text; `done` is a share 0..1, None where it is unknown."""
    layout.progress(text=text, factor=done or 0.0, type="BAR")


def draw_progress_placeholder(layout: bpy.types.UILayout) -> None:
    """Draw an invisible separator where a progress bar was; call it right after what is drawn there.

    While the mouse is over it, Blender 4.3 draws the next element that is no button as a progress bar, even a whole box;
    with the separator it draws nothing visible.
    """
    layout.separator(factor=0.0)


def redraw_editors() -> None:
    """Redraw the sidebars and the Preferences, where the extension is shown."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "IMAGE_EDITOR", "NODE_EDITOR", "PREFERENCES"):
                for region in area.regions:
                    if region.type in ("UI", "WINDOW") and (region.type == "UI" or area.type == "PREFERENCES"):
                        region.tag_redraw()


def show_status(text: str | None) -> None:
    """Show a message in the status bars of all windows; None removes a message of this extension, if any is shown.

    `status_text_set` changes the context's workspace, not the one it is called on, and needs a window in the context, where
    a Blender that ends has none while its Preferences or a render are open. A workspace that no window shows any more keeps
    its message, so all are cleared.
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
