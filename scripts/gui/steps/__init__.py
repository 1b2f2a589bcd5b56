"""What gui_test.py does in a window, in this order; each step leaves the window to the next one.

A step raises GuiError when Blender's data are not what they should be; it may return what it measured.
"""

from __future__ import annotations

from collections.abc import Callable

from ..window import Window
from .blocking import never_block
from .editors import shader_editor, viewport
from .ending import disable
from .file import save_and_reopen
from .panel import cancel, compare, generate, open_the_sidebar, undo_and_redo
from .tuning import tune

Step = Callable[[Window], str]

STEPS: tuple[Step, ...] = (open_the_sidebar, generate, undo_and_redo, compare, tune, never_block, cancel, save_and_reopen,
                           shader_editor, viewport, disable)
