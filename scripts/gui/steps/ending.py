"""What is left when the extension goes."""

from __future__ import annotations

from ..window import EXTENSION, Window
from .common import check


def disable(window: Window) -> str:
    """Without the extension no timer, handler, class, property, temporary file or process of it is left."""
    window.blender.do(f"""
import tempfile
from pathlib import Path
tick = pump._tick
bpy.ops.preferences.addon_disable(module='{EXTENSION}')
lists = [getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)]
left = [f"handler {{h.__name__}}" for handlers in lists if isinstance(handlers, list) for h in handlers
        if '{EXTENSION}' in getattr(h, '__module__', '')]
left += [f"class {{c.__name__}}" for base in (bpy.types.Panel, bpy.types.Operator, bpy.types.Menu, bpy.types.PropertyGroup)
         for c in base.__subclasses__() if '{EXTENSION}' in c.__module__ and c.is_registered]
left += ['the timer'] if bpy.app.timers.is_registered(tick) else []
left += ['the scene property'] if hasattr(bpy.types.Scene, 'midas_normal') else []
left += ['the worker'] if session.client.is_running else []
left += [str(path) for path in Path(tempfile.gettempdir()).glob('midas_normal_*')]
""")
    left = window.blender.value("left")
    check(not left, f"disabling left {left}")
    return ""
