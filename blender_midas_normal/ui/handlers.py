"""What Blender tells the extension: a file is loaded, a step is undone, an image has changed, Blender ends."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..bridge.map_state import forget_shown, release_saved_pixels, reload_changed
from . import comparison, generation, live_paint, live_tuning
from .operator_checks import running_operator


@persistent
def _before_load(*_: Any) -> None:
    """The task belongs to the file that is going away."""
    generation.reset()
    live_tuning.stop()
    live_paint.stop()
    forget_shown()
    comparison.reset()


@persistent
def _after_undo(*_: Any) -> None:
    """Blender's undo brings the packed file back, but not the pixels that are shown."""
    reload_changed()
    live_tuning.schedule_retune(bpy.context.scene)


@persistent
def _after_update(scene: bpy.types.Scene, graph: bpy.types.Depsgraph) -> None:
    """Something was painted, perhaps."""
    live_paint.note_painted_images(scene, graph)


@persistent
def _after_save(*_: Any) -> None:
    """The packed files are on disk now; a script may have saved them in the middle of a stroke."""
    if running_operator() is None:
        release_saved_pixels()


HANDLERS = ((bpy.app.handlers.load_pre, _before_load), (bpy.app.handlers.undo_post, _after_undo),
            (bpy.app.handlers.redo_post, _after_undo), (bpy.app.handlers.save_post, _after_save),
            (bpy.app.handlers.depsgraph_update_post, _after_update))


def register() -> None:
    for handlers, handler in HANDLERS:
        handlers.append(handler)


def unregister() -> None:
    """Take away those that are there: other scripts clear such lists."""
    for handlers, handler in HANDLERS:
        if handler in handlers:
            handlers.remove(handler)
