"""Add all parts of the extension to Blender in one order, its handlers among them, and remove them in the reverse order."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..bridge import addon
from ..bridge.map_state import forget_shown, release_saved_pixels, reload_changed
from . import (
    command,
    comparison,
    computer_check,
    farm,
    generation,
    live_paint,
    live_tuning,
    menus,
    operators,
    panels,
    preset_panel,
    rectify,
    setup,
    thumbnail,
    timer,
    translations,
)
from .operator_checks import running_operator
from .preferences import MidasNormalPreferences
from .properties import MidasNormalSettings

CLASSES: tuple[type, ...] = (MidasNormalSettings, MidasNormalPreferences, *operators.CLASSES, *setup.CLASSES,
                             *computer_check.CLASSES, *preset_panel.CLASSES, *rectify.CLASSES, *farm.CLASSES,
                             *menus.CLASSES, *panels.CLASSES)

STOP_FUNCTIONS = (generation.reset, live_tuning.stop, live_paint.stop, timer.clear, setup.close_setup, addon.client.close)
"""The functions that end what is running; the last one is called first."""


def register() -> None:
    """Add all parts; where one cannot be added, remove the others again."""
    with ExitStack() as added:
        for add, remove in PARTS:
            added.callback(remove)
            add()
        added.pop_all()


def unregister() -> None:
    """End what is running and remove all parts, also where one fails or was removed by others before."""
    with ExitStack() as ending:
        for _, remove in PARTS:
            ending.callback(remove)
        for stop in reversed(STOP_FUNCTIONS):
            ending.callback(stop)


def _add_classes() -> None:
    for cls in CLASSES:
        if not cls.is_registered:
            bpy.utils.register_class(cls)


def _remove_classes() -> None:
    for cls in reversed(CLASSES):
        if cls.is_registered:
            bpy.utils.unregister_class(cls)


def _add_property() -> None:
    bpy.types.Scene.midas_normal = bpy.props.PointerProperty(type=MidasNormalSettings, name="MiDaS Normal Map")


def _remove_property() -> None:
    if hasattr(bpy.types.Scene, "midas_normal"):
        del bpy.types.Scene.midas_normal


@persistent
def _before_load(*_: Any) -> None:
    """Cancel all tasks and forget all that belongs to the file that is going away."""
    generation.reset()
    live_tuning.stop()
    live_paint.stop()
    forget_shown()
    comparison.reset()
    rectify.stop_dragging()


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


def _add_handlers() -> None:
    """Add the handlers to Blender's lists."""
    for handlers, handler in HANDLERS:
        handlers.append(handler)


def _remove_handlers() -> None:
    """Remove the handlers that are still in Blender's lists; other scripts clear such lists."""
    for handlers, handler in HANDLERS:
        if handler in handlers:
            handlers.remove(handler)


PARTS = (
    (translations.register, translations.unregister),
    (_add_classes, _remove_classes),
    (_add_property, _remove_property),
    (preset_panel.register, preset_panel.unregister),
    (menus.register, menus.unregister),
    (command.register, command.unregister),
    (comparison.register, comparison.unregister),
    (thumbnail.register, thumbnail.unregister),
    (rectify.register, rectify.unregister),
    (_add_handlers, _remove_handlers),
)
"""By part, the functions that add and remove it; the latter do nothing where the part is missing."""
