"""Blender's main thread, the only one in which its data, windows and timers may be touched.

Scripts have other ones: those that they start, and that of a render in a window, in which Blender calls `render_pre`,
`render_post`, `render_write` and other handlers.
"""

from __future__ import annotations

import threading

from ..core.errors import WrongThread
from ..core.messages import Message

ELSEWHERE = Message("MiDaS Normal Map works in Blender's main thread only; from another thread, and from a handler during a "
                    "render, have a timer (bpy.app.timers) call it.")


def is_main_thread() -> bool:
    """Whether this is Blender's main thread."""
    return threading.get_ident() == threading.main_thread().ident


def check_main_thread() -> None:
    """Raises WrongThread in any other thread than Blender's main one."""
    if not is_main_thread():
        raise WrongThread(ELSEWHERE)
