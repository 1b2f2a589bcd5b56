"""The map follows the brush."""

from __future__ import annotations

from ..window import EXTENSION, Window
from .common import MAP, check

SWITCH = "midas_normal.live_paint"
LEFT, RIGHT = (0.45, 0.55), (0.55, 0.55)
"""Ends of the stroke, as shares of the picture's width and height."""

BRUSH = """
paint = bpy.context.scene.tool_settings.{settings}
if paint.brush is None:  # Debian's 4.3 comes without brushes
    brush = bpy.data.brushes.new("{mode}", mode="{mode}")
    brush.asset_mark()
    with bpy.context.temp_override(area=area, region=next(r for r in area.regions if r.type == "WINDOW")):
        bpy.ops.brush.asset_activate(asset_library_type="LOCAL", relative_asset_identifier="Brush/{mode}")
"""
"""A brush for a mode, in which the editor is."""

READY = """
from {package}.ui import live_paint
paint.brush.color = 1, 1, 1
times = []
note_painted_images, redraw_editors = live_paint.note_painted_images, live_paint.redraw_editors
def note(scene, graph):
    note_painted_images(scene, graph)
    if not live_paint.is_idle() and not times:
        times.append(time.perf_counter())
def redraw():
    redraw_editors()
    times[1:] = [time.perf_counter()]
live_paint.note_painted_images, live_paint.redraw_editors = note, redraw
def shown():
    values = np.empty(1024 * 1024 * 4, np.float32)
    {map}.pixels.foreach_get(values)
    return values.reshape(1024, 1024, 4)[..., :3]
bpy.ops.ed.undo_push(message="Before the stroke")
before = shown()
"""
"""White, the map as it is, and a watch: when the first stroke was noticed, and when the last map had come."""

SURFACE = f"stored_metadata({MAP})['facts']['surface']"
IDLE = "live_paint.is_idle()"
MOVED = "bpy.data.objects['Cube'].location.x += 1; bpy.ops.ed.undo_push(message='Moved')"
OVER = """
live_paint.note_painted_images, live_paint.redraw_editors = note_painted_images, redraw_editors
area.spaces.active.mode = "VIEW"
"""


def paint(window: Window) -> str:
    """A stroke in the Image Editor's paint mode changes the map around it alone; one undo takes both back."""
    window.click(SWITCH)
    check(window.blender.value(f"bpy.context.scene.{SWITCH}"), "the switch is not on")
    window.blender.wait_until("timer.is_idle()", 30)
    window.blender.do("area.spaces.active.mode = 'PAINT'")
    window.settle()  # 4.3 crashes when a brush is activated before the mode was drawn
    window.blender.do(BRUSH.format(mode="TEXTURE_PAINT", settings="image_paint"))
    window.blender.do(READY.format(package=EXTENSION, map=MAP))
    window.settle()
    unpainted = window.blender.value(SURFACE)
    window.display.drag(window.place_on_image(*LEFT), window.place_on_image(*RIGHT))
    _wait_until(window, f"{SURFACE} != {unpainted!r}")
    seconds = window.blender.value("times[1] - times[0]")
    painted = window.blender.value(SURFACE)
    window.shoot("painted")
    near, far = window.blender.value("[float(abs(shown() - before)[part].max()) for part in "
                                     "((slice(520, 600), slice(440, 580)), (slice(0, 200), slice(0, 200)))]")
    check(near > 0.05 > 0.01 > far, f"the map changed by {near:.3f} near the stroke and by {far:.3f} far from it")
    window.blender.do(MOVED)
    window.press("ctrl+z")
    _wait_until(window, f"{SURFACE} == {painted!r}")
    window.press("ctrl+z")
    _wait_until(window, f"{SURFACE} == {unpainted!r}")
    check(window.blender.value("float(abs(shown() - before).max()) < 1e-4"), "undo did not bring the map back")
    window.press("ctrl+shift+z")
    _wait_until(window, f"{SURFACE} == {painted!r}")
    window.press("ctrl+z")
    _wait_until(window, f"{SURFACE} == {unpainted!r}")
    window.blender.do(OVER)
    window.click(SWITCH)
    return f"brush lifted to new pixels at 1024 x 1024: {seconds * 1000:.0f} ms"


def _wait_until(window: Window, condition: str) -> None:
    """Wait until the condition holds and no map is about to change."""
    window.blender.wait_until(f"{condition} and {IDLE}", 60)
