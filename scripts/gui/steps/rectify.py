"""A person drags the corners of a rectangle over a photo, which is rectified then, and takes it back."""

from __future__ import annotations

from ..window import Window
from .common import PICTURE, check

BEGIN = """
from bl_ext.user_default.midas_normal.ui import rectify as rectifying
with bpy.context.temp_override(area=area, region=next(r for r in area.regions if r.type == 'WINDOW')):
    bpy.ops.midas_normal.rectify('INVOKE_DEFAULT', method='CORNERS')
"""
DRAGGING = "rectifying.dragging() is not None"
CORNERS = "[round(float(share), 2) for share in rectifying.dragging().corners.ravel()]"
SHOWN = "area.spaces.active.image.name"
MADE = "tiles_256_40 rectified"


def drag_corners(window: Window) -> str:
    """Handles are dragged in the Image Editor, Enter rectifies the photo, Ctrl+Z takes that back, and Esc gives up."""
    window.blender.do(PICTURE)
    window.turn_into("IMAGE_EDITOR")
    window.blender.do("area.spaces.active.image = picture(256, 40); bpy.ops.ed.undo_push(message='Picture')")
    window.all_in_view("image.view_all")
    before = window.colour_of_image(0.1, 0.9)
    window.blender.do(BEGIN)
    window.settle()
    window.display.drag(window.place_on_image(0.2, 0.8), window.place_on_image(0.1, 0.9))
    window.settle()
    corners = window.blender.value(CORNERS)
    check(max(abs(a - b) for a, b in zip(corners, [0.1, 0.1, 0.8, 0.2, 0.8, 0.8, 0.2, 0.8])) <= 0.02,
          f"the corners are {corners}")
    window.shoot("corners")
    check(window.colour_of_image(0.1, 0.9) != before, "no handle is drawn at the corner")
    window.press("Return")
    window.blender.wait_until("generation.task() is None", 30)
    window.settle()
    check(window.blender.value(SHOWN) == MADE, f"the editor shows {window.blender.value(SHOWN)}")
    width, height = window.blender.value("list(area.spaces.active.image.size)")
    check(100 < width <= 256 and 100 < height <= 256, f"it has {width} x {height} pixels")
    window.press("ctrl+z")
    check(not window.blender.value(f"{MADE!r} in bpy.data.images"), "undo left the new image")
    check(window.blender.value("'tiles_256_40.png' in bpy.data.images"), "undo took the photo away")
    window.blender.do("area.spaces.active.image = bpy.data.images['tiles_256_40.png']")
    window.settle()
    window.blender.do(BEGIN)
    check(window.blender.value(DRAGGING), "the corners are not there a second time")
    window.press("Escape")
    check(not window.blender.value(DRAGGING) and window.blender.value("generation.task() is None"), "Esc did not give up")
    window.turn_into("VIEW_3D")
    return f"{width} x {height} pixels"
