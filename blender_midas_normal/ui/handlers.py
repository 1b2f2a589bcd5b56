"""Blender's handlers: before a file is loaded, after undo, after an update of data, after saving."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..bridge.map_state import forget_shown, release_saved_pixels, reload_changed
from . import comparison, generation, live_paint, live_tuning
from .operator_checks import running_operator


@persistent
def _before_load(*_: Any) -> None:
    """Cancel all tasks and forget all that belongs to the file that is going away."""
    generation.reset()
    live_tuning.stop()
    live_paint.stop()
    forget_shown()
    comparison.reset()


@persistent
def _after_undo(*_: Any) -> None:
    """Reload maps, because undo restores a packed file but not the pixels that are shown, and re-tune the scene's."""
    reload_changed()
    live_tuning.schedule_retune(bpy.context.scene)


@persistent
def _after_update(scene: bpy.types.Scene, graph: bpy.types.Depsgraph) -> None:
    """Look for images that were painted on."""
    live_paint.note_painted_images(scene, graph)


@persistent
def _after_save(*_: Any) -> None:
    """Let Blender read maps from the saved packed files, unless a script saved during a stroke."""
    if running_operator() is None:
        release_saved_pixels()


HANDLERS = ((bpy.app.handlers.load_pre, _before_load), (bpy.app.handlers.undo_post, _after_undo),
            (bpy.app.handlers.redo_post, _after_undo), (bpy.app.handlers.save_post, _after_save),
            (bpy.app.handlers.depsgraph_update_post, _after_update))


def register() -> None:
    """Add the handlers to Blender's lists."""
    for handlers, handler in HANDLERS:
        handlers.append(handler)


def unregister() -> None:
    """Remove the handlers that are still in Blender's lists; other scripts clear such lists."""
    for handlers, handler in HANDLERS:
        if handler in handlers:
            handlers.remove(handler)
