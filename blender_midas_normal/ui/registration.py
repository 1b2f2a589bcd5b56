"""The one ordered list of what the extension adds to Blender, and the exact reverse."""

from __future__ import annotations

import bpy

CLASSES: tuple[type, ...] = ()


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
