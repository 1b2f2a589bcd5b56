"""What is in a file, and what becomes of it when it is opened."""

from __future__ import annotations

from ..window import Window
from .common import MAP, PIXELS, check


def save_and_reopen(window: Window) -> str:
    """The map and its wiring are in the saved file; it no longer follows the settings, and the panel says so."""
    before = window.blender.value(PIXELS)
    file = window.picture("saved").with_suffix(".blend")
    window.blender.do(f"bpy.ops.wm.save_as_mainfile(filepath={str(file)!r})")
    check(not window.blender.value("bpy.data.is_dirty"), "the saved file counts as modified")
    window.blender.do(f"bpy.ops.wm.open_mainfile(filepath={str(file)!r})")
    window.find_again()
    check(window.blender.value(f"{MAP} is not None and {MAP}.packed_file is not None"), "the map is not in the file")
    check(window.blender.value(PIXELS) == before, "the map has other pixels")
    window.shoot("reopened")
    return ""
