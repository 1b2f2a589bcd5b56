"""The one ordered list of what the extension adds to Blender, and the exact reverse."""

from __future__ import annotations

import bpy

from ..bridge import session
from . import (
    command,
    comparison,
    handlers,
    menus,
    operators,
    painting,
    panels,
    preset_panel,
    pump,
    queue_panel,
    running,
    setup,
    setup_operators,
    translations,
    tuning,
)
from .preferences import MidasNormalPreferences
from .properties import MidasNormalSettings

CLASSES: tuple[type, ...] = (MidasNormalSettings, MidasNormalPreferences, *operators.CLASSES, *setup_operators.CLASSES,
                             *preset_panel.CLASSES, *queue_panel.CLASSES, *panels.CLASSES)


def register() -> None:
    translations.add()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.midas_normal = bpy.props.PointerProperty(type=MidasNormalSettings, name="MiDaS Normal Map")
    preset_panel.add()
    menus.add()
    command.add()
    comparison.add()
    handlers.add()


def unregister() -> None:
    running.forget()
    tuning.stop()
    painting.stop()
    pump.stop()
    setup.close()
    session.client.close()
    handlers.remove()
    comparison.remove()
    command.remove()
    menus.remove()
    preset_panel.remove()
    del bpy.types.Scene.midas_normal
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    translations.remove()
