"""What is in a file, and what becomes of it and of a map on its way when a file is opened."""

from __future__ import annotations

from ..window import Window
from .common import ENDED, MAP, PIXELS, begin, check, make

AT_ONCE = 0.3
"""Seconds within which the extension is done with a map that nobody wants any more."""


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


MARKED = """
marks = []
@bpy.app.handlers.persistent
def mark(*_):
    marks.append(time.perf_counter())
bpy.app.handlers.load_pre.insert(0, mark)
bpy.app.handlers.load_pre.append(mark)
"""
"""The time of all handlers before a file is loaded."""


def revert(window: Window) -> str:
    """Reverting, or opening another file, gives a map up at once; what only a fake user keeps is mapped and kept."""
    window.blender.do("fake = picture(256, 5); fake.use_fake_user = True; area.spaces.active.image = picture(1024, 6)")
    file = window.picture("other").with_suffix(".blend")
    window.blender.do(f"bpy.ops.wm.save_mainfile(); bpy.ops.wm.save_as_mainfile(filepath={str(file)!r}, copy=True)")
    window.blender.do(MARKED)
    took = [_interrupt(window, "bpy.ops.wm.revert_mainfile()"),
            _interrupt(window, f"bpy.ops.wm.open_mainfile(filepath={str(file)!r})")]
    window.blender.do("bpy.app.handlers.load_pre.remove(mark); bpy.app.handlers.load_pre.remove(mark)")
    window.blender.do("bpy.ops.midas_normal.generate('INVOKE_DEFAULT', image='tiles_256_5.png')")
    window.blender.wait_until(ENDED, 60)
    window.blender.do("area.spaces.active.image = bpy.data.images['tiles_256_5.png']")
    window.blender.do("bpy.ops.wm.save_mainfile(); bpy.ops.wm.revert_mainfile()")
    window.find_again()
    check(window.blender.value("'tiles_256_5_normal' in bpy.data.images"), "the map was not kept")
    make(window)
    return f"given up within {max(took) * 1000:.0f} ms"


def _interrupt(window: Window, statement: str) -> float:
    """Load a file with the statement while a map is made; return the seconds that the extension needs."""
    begin(window)
    window.blender.do(f"marks.clear(); {statement}")
    window.find_again()
    is_given_up = "generation.task() is None and generation.last_outcome() is None"
    check(window.blender.value(is_given_up), "the map was not given up")
    check(window.blender.value("bpy.ops.midas_normal.generate.poll()"), "no other map can be made")
    check(not window.blender.value("any(source_of(image) and source_of(image).name == 'tiles_1024_6.png' "
                                   "for image in bpy.data.images)"), "the map came into the other file")
    window.blender.wait_until("not client.is_busy", 60)
    window.settle()
    took = window.blender.value("marks[1] - marks[0]")
    check(took < AT_ONCE, f"giving the map up took {took:.2f} s")
    return took
