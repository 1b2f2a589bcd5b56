"""The map follows a slider."""

from __future__ import annotations

import statistics

from ..blender import GuiError
from ..window import Window
from .common import MAP, PIXELS, check

STRENGTH = "bpy.context.scene.midas_normal.strength"

TRIES = 3
"""A busy Blender may miss the press of the mouse, and a person presses again."""


def tune(window: Window) -> str:
    """Dragging the strength makes the map follow at once, in one undo step."""
    before, strength = window.blender.value(PIXELS), window.blender.value(STRENGTH)
    _drag(window, strength)
    window.blender.wait_until(FOLLOWED, 20)
    window.shoot("tuned")
    check(window.blender.value(PIXELS) != before, "the map did not follow the slider")
    window.press("ctrl+z")
    window.blender.wait_until(FOLLOWED, 20)
    restored = window.blender.value(STRENGTH)
    check(abs(restored - strength) < 1e-6, "a drag is not one undo step")
    check(window.blender.value(PIXELS) == before, "undo did not bring the pixels back")
    window.blender.do(WATCHED)
    seconds = statistics.median(_tune(window, 1.0 + 0.1 * step) for step in range(1, 6))
    window.blender.do(f"bpy.context.scene.midas_normal.strength = {strength}; live_tuning.redraw_editors = redraw_editors")
    window.blender.wait_until(FOLLOWED, 20)
    drawing = window.blender.value("drawn()")
    return f"slider to new pixels at 1024 x 1024: {seconds * 1000:.0f} ms; a redraw takes {drawing * 1000:.0f} ms"


WATCHED = """
changes = []
redraw_editors = live_tuning.redraw_editors
def redraw():
    redraw_editors()
    changes.append(time.perf_counter())
live_tuning.redraw_editors = redraw
def drawn():
    start = time.perf_counter()
    bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=5)
    return (time.perf_counter() - start) / 5
"""
FOLLOWED = f"abs(stored_metadata({MAP})['settings']['strength'] - bpy.context.scene.midas_normal.strength) < 1e-6"


def _drag(window: Window, strength: float) -> None:
    """Drag the slider until it is beyond this strength; raise GuiError when it does not move."""
    for _ in range(TRIES):
        window.settle()
        x, y = window.find_button("midas_normal.strength")  # looked up each time: rows above it come and go
        window.display.drag((x, y), (x + 12, y))
        window.settle(1)
        if window.blender.value(STRENGTH) > strength:
            return
    raise GuiError("The slider did not move.")


def _tune(window: Window, strength: float) -> float:
    """Change the strength once; return the seconds until the map has it."""
    window.blender.do(f"set_at = time.perf_counter(); bpy.context.scene.midas_normal.strength = {strength}")
    window.blender.wait_until(FOLLOWED, 20)
    window.settle(0.1)
    return window.blender.value("changes[-1] - set_at")
