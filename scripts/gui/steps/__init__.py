"""What gui_test.py does in a window, in this order; each step leaves the window to the next one.

A step raises GuiError when Blender's data are not what they should be; it may return what it measured.
"""

from __future__ import annotations

from collections.abc import Callable

from ..window import Window
from .blocking import never_block
from .editors import compare_from_viewport, node_menu, pinned, shader_editor, viewport
from .ending import disable, quit_beside_other_windows, reenable, two_blenders
from .file import revert, save_and_reopen
from .from_bump import from_bump
from .live_paint import paint
from .live_tuning import tune
from .looks import panel_looks
from .map_types import all_map_types
from .modal import grab, strokes
from .panel import cancel, cancel_twice, compare, generate, open_the_sidebar, scripted, thumbnail, undo_and_redo
from .places import linked, quad_view, second_window
from .queue import generate_many
from .rectify import drag_corners
from .rendering import render_handlers
from .setup import set_up
from .theme import twice_the_size

Step = Callable[[Window], str]

STEPS: tuple[Step, ...] = (
    open_the_sidebar, generate, undo_and_redo, all_map_types, compare, paint, tune, thumbnail, never_block, cancel,
    cancel_twice, second_window, quad_view, linked, generate_many, twice_the_size, save_and_reopen, revert, shader_editor,
    pinned, scripted, node_menu, from_bump, viewport, compare_from_viewport, strokes, grab, drag_corners, set_up, reenable,
    two_blenders, render_handlers, quit_beside_other_windows, disable)

LOOKS: tuple[Step, ...] = (open_the_sidebar, generate, panel_looks)
"""Those that take pictures of the panel in both sizes and themes."""
