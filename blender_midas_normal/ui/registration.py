"""Add all parts of the extension to Blender in one order, and remove them in the reverse order."""

from __future__ import annotations

from contextlib import ExitStack

import bpy

from ..bridge import addon
from . import (
    command,
    comparison,
    generation,
    handlers,
    live_paint,
    live_tuning,
    operators,
    panels,
    preset_panel,
    setup,
    timer,
    translations,
)
from .preferences import MidasNormalPreferences
from .properties import MidasNormalSettings

CLASSES: tuple[type, ...] = (MidasNormalSettings, MidasNormalPreferences, *operators.CLASSES, *setup.CLASSES,
                             *preset_panel.CLASSES, *panels.CLASSES)

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


PARTS = (
    (translations.register, translations.unregister),
    (_add_classes, _remove_classes),
    (_add_property, _remove_property),
    (preset_panel.register, preset_panel.unregister),
    (panels.register, panels.unregister),
    (command.register, command.unregister),
    (comparison.register, comparison.unregister),
    (handlers.register, handlers.unregister),
)
"""By part, the functions that add and remove it; the latter do nothing where the part is missing."""
