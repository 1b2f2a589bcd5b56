"""Maps that are finished while a person is in the middle of something: a stroke with a brush, an object on its way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from ..window import Window
from .common import ASKED, HOLD, check
from .live_paint import BRUSH

MODAL = "[operator.bl_idname for window in bpy.context.window_manager.windows for operator in window.modal_operators]"
ARRIVED = "generation.task() is None or generation.task().job.outcome is not None"
IDLE = "generation.task() is None and timer.is_idle()"

CANVAS = """
canvas = picture(256, 30)
area.spaces.active.image = canvas
area.spaces.active.mode = "PAINT"
"""
PAINTED = "float(np.array(bpy.data.images['tiles_256_30.png'].pixels[:]).sum())"

GRID = """
bpy.ops.mesh.primitive_grid_add(x_subdivisions=64, y_subdivisions=64, size=4)
grid = bpy.context.object
grid.name = "Grid"
bpy.ops.object.mode_set(mode="SCULPT")
"""
SCULPTED = "float(sum(abs(vertex.co.z) for vertex in bpy.data.objects['Grid'].data.vertices))"
TIDIED = """
bpy.ops.object.mode_set(mode="OBJECT")
bpy.data.objects.remove(bpy.data.objects["Grid"])
bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
bpy.data.objects["Cube"].select_set(True)
bpy.ops.ed.undo_push()
"""

MOVED = "bpy.data.objects['Cube'].location.x"


def strokes(window: Window) -> str:
    """A map that is finished during a stroke with a brush waits for its end, and is an undo step of its own after it."""
    window.turn_into("IMAGE_EDITOR")
    window.blender.do(CANVAS)
    window.settle()  # 4.3 crashes when a brush is activated before the mode was drawn
    window.blender.do(BRUSH.format(mode="TEXTURE_PAINT", settings="image_paint"))
    _waits(window, 31, "PAINT_OT_image_paint", PAINTED, _stroke(window, *window.place_on_image(0.5, 0.5)))
    window.blender.do("area.spaces.active.mode = 'VIEW'")
    window.turn_into("VIEW_3D")
    window.blender.do(GRID)
    window.all_in_view("view3d.view_selected")
    window.blender.do(BRUSH.format(mode="SCULPT", settings="sculpt"))
    middle = window.place_in_the_middle()
    _waits(window, 32, "SCULPT_OT_brush_stroke", SCULPTED, _stroke(window, *middle), is_undone_alone=False)
    window.blender.do(TIDIED)
    return ""


def grab(window: Window) -> str:
    """A map that is finished while an object is moved waits until that stays where it is."""
    window.turn_into("VIEW_3D")
    _waits(window, 33, "TRANSFORM_OT_translate", MOVED, _move(window, *window.place_in_the_middle()))
    return ""


@contextmanager
def _stroke(window: Window, x: int, y: int) -> Iterator[None]:
    """Press the mouse, and move it on before the end of the `with` block."""
    with window.display.press(x, y):
        window.display.move(x + 30, y)
        yield
        window.display.move(x + 60, y)


@contextmanager
def _move(window: Window, x: int, y: int) -> Iterator[None]:
    """Have the selection follow the mouse until the end of the `with` block."""
    window.display.arrive(x, y)
    window.display.key("g")
    window.display.move(x + 30, y)
    yield
    window.display.move(x + 60, y)
    window.display.click()


def _waits(window: Window, seed: int, operator: str, effect: str, under_way: AbstractContextManager,
           is_undone_alone: bool = True) -> None:
    """Check that a map that is finished during an operator is stored after it, in an undo step of its own.

    effect: an expression for the number that the operator changes.
    is_undone_alone: else Blender takes the map back with the operator that came before, as it does all but strokes in
    Sculpt Mode.
    """
    picture, runs = f"tiles_256_{seed}.png", f"{operator!r} in {MODAL}"
    exists = f"'tiles_256_{seed}_normal' in bpy.data.images"
    window.blender.do(f"picture(256, {seed}); bpy.ops.ed.undo_push(message='Picture')")
    before = window.blender.value(effect)
    window.blender.do(f"{HOLD}; bpy.ops.midas_normal.generate('INVOKE_DEFAULT', image={picture!r}, target='NONE')")
    window.blender.wait_until(ASKED, 30, 0.01)
    with under_way:
        window.blender.wait_until(runs, 10)
        window.blender.do("os.kill(pid, signal.SIGCONT)")
        window.blender.wait_until(ARRIVED, 60)
        window.shoot(f"{operator.lower()}_under_way")
        check(window.blender.value(runs), f"{operator} has ended")
        check(not window.blender.value(exists), f"a map was stored during {operator}")
        description = window.blender.value("generation.describe_task(generation.task())")
        check("Waiting until" in description, "the panel does not say why")
    window.blender.wait_until(f"{exists} and {IDLE}", 60)
    after = window.blender.value(effect)
    check(after != before, f"{operator} has changed nothing")
    for keys, has_map, value in (("ctrl+z", not is_undone_alone, after), ("ctrl+z", False, before),
                                 ("ctrl+shift+z", False, after), ("ctrl+shift+z", True, after)):
        window.press(keys)
        left = "did not bring" if has_map else "left"
        check(window.blender.value(exists) == has_map, f"{keys} after {operator} {left} the map")
        check(abs(window.blender.value(effect) - value) < 1e-4, f"{keys} after {operator} gave {effect} another value")
