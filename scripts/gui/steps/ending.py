"""What is left when the extension, or Blender, goes."""

from __future__ import annotations

from pathlib import Path

from ..blender import open_blender
from ..display import open_screen
from ..window import EXTENSION, Window
from .common import ENDED, MAP, PICTURE, RENDER, begin, check, hold_worker, make
from .file import AT_ONCE

DISABLED = f"""
tick = timer.tick
start = time.perf_counter()
bpy.ops.preferences.addon_disable(module='{EXTENSION}')
took = time.perf_counter() - start
lists = [getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)]
left = [f"handler {{h.__name__}}" for handlers in lists if isinstance(handlers, list) for h in handlers
        if '{EXTENSION}' in getattr(h, '__module__', '')]
left += [f"class {{c.__name__}}" for base in (bpy.types.Panel, bpy.types.Operator, bpy.types.Menu, bpy.types.PropertyGroup)
         for c in base.__subclasses__() if '{EXTENSION}' in c.__module__ and c.is_registered]
left += ['the timer'] if bpy.app.timers.is_registered(tick) else []
left += ['the scene property'] if hasattr(bpy.types.Scene, 'midas_normal') else []
left += ['the worker'] if client.is_running else []
left += [str(path) for path in Path(tempfile.gettempdir()).glob('midas_normal_*')]
"""


def reenable(window: Window) -> str:
    """Disabled while a map is made, the extension leaves nothing; enabled again, it makes the next one."""
    window.turn_into("IMAGE_EDITOR")
    window.blender.do("area.spaces.active.image = bpy.data.images['tiles_1024_6.png']")
    begin(window)
    _disable(window)
    took = window.blender.value("took")
    window.blender.do(f"bpy.ops.preferences.addon_enable(module='{EXTENSION}')")
    window.find_again()
    check(window.blender.value("generation.last_outcome() is None"), "what was given up is shown again")
    window.blender.do("area.spaces.active.image = picture(256, 13)")
    window.show_tab()
    make(window)
    return f"disabled within {took * 1000:.0f} ms"


TIMED_AT_EXIT = f"""
import sys
extension = sys.modules['{EXTENSION}']
unregister = extension.unregister
def timed():
    start = time.perf_counter()
    unregister()
    Path(noted).write_text(str(time.perf_counter() - start))
extension.unregister = timed
"""


def two_blenders(window: Window) -> str:
    """Two Blenders that share a user folder make maps at the same time; quitting one while it does ends its worker too."""
    window.blender.do("area.spaces.active.image = picture(1024, 7)")
    noted, log = window.picture("quit").with_suffix(".seconds"), window.picture("log_2").with_suffix(".txt")
    with open_screen(window.display.width, window.display.height) as display, \
            open_blender(window.blender.installation, display, log) as blender:
        other = Window(blender, noted.parent)
        other.turn_into("IMAGE_EDITOR")
        blender.do(PICTURE)
        blender.do("area.spaces.active.image = picture(256, 14)")
        other.show_tab()
        make(other)
        blender.do("area.spaces.active.image = picture(1024, 8)")
        with hold_worker(window), hold_worker(other):
            other.shoot("two_blenders")
        for each in (window, other):
            each.blender.wait_until(ENDED, 120)
            check(each.blender.value(f"source_of({MAP}) == area.spaces.active.image"), "a Blender has no map")
        blender.do("area.spaces.active.image = picture(1024, 9)")
        begin(other)
        pid, folder = blender.value("[client.worker.pid, str(client.worker.folder)]")
        blender.do(f"noted = {str(noted)!r}")
        blender.do(TIMED_AT_EXIT)
        code = blender.quit()
    took = float(noted.read_text())
    check(code == 0, f"Blender ended with {code}")
    check(took < AT_ONCE, f"the extension took {took:.2f} s to end")
    check(not Path(f"/proc/{pid}").exists() and not Path(folder).exists(), "the worker or its folder is left")
    return f"ended within {took * 1000:.0f} ms"


OTHER_WINDOWS = {"Preferences": "bpy.ops.screen.userpref_show()", "a render": RENDER}


def quit_beside_other_windows(window: Window) -> str:
    """Blender ends as it should while its Preferences or a render are open, and a map is being made."""
    for name, statements in OTHER_WINDOWS.items():
        log = window.picture(f"log_{name.split()[-1]}").with_suffix(".txt")
        with open_screen(window.display.width, window.display.height) as display, \
                open_blender(window.blender.installation, display, log) as blender:
            Window(blender, log.parent)
            blender.do(PICTURE)
            blender.do(statements)
            blender.wait_until("len(bpy.context.window_manager.windows) == 2 and not bpy.app.is_job_running('RENDER')", 30)
            blender.do("image = picture(1024, 15); bpy.ops.midas_normal.generate('INVOKE_DEFAULT', image=image.name)")
            blender.wait_until("generation.task() is not None and generation.task().job.stage == 'network'", 30, 0.01)
            code = blender.quit()
        check(code == 0, f"with {name} open Blender ended with {code}")
    return ""


def disable(window: Window) -> str:
    """Without the extension no timer, handler, class, property, temporary file or process of it is left."""
    _disable(window)
    return ""


def _disable(window: Window) -> None:
    window.blender.do(DISABLED)
    left = window.blender.value("left")
    check(not left, f"disabling left {left}")
