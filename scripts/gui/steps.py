"""What gui_test.py does in a window, in this order; each step leaves the window to the next one.

A step raises AssertionError or GuiError when Blender's data are not what they should be; it may return what it measured.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from .blender import GuiError
from .window import EXTENSION, Window

Step = Callable[[Window], str]

MAP = "bpy.context.scene.midas_normal.result"
ENDED = "running.task() is None and running.last() is not None"
TREE = "bpy.data.materials['Material'].node_tree"
NODES = f"[node.type for node in {TREE}.nodes]"
PIXELS = f"float(np.array({MAP}.pixels[:4096]).reshape(-1, 4)[:, :2].std())"
"""A figure that tells one map from another."""

COMPARE, RIGHT = "bpy.ops.midas_normal.compare", 0.84
"""A button at the right end of its row."""

PICTURE = """
def picture(size, seed):
    rng, y, x = np.random.default_rng(seed), *np.mgrid[:size, :size] / size * 16
    joints = np.minimum(np.minimum(x % 2, 2 - x % 2), np.minimum(y % 1, 1 - y % 1) * 1.5)
    grey = np.clip(joints * 8, 0.35, 1) * 0.6 + rng.normal(0, 0.02, (size, size))
    pixels = np.ones((size, size, 4), np.float32)
    pixels[..., :3] = np.clip(grey[..., None] * (0.9, 0.55, 0.4), 0, 1)
    image = bpy.data.images.new(f"tiles_{size}_{seed}.png", size, size)
    image.pixels.foreach_set(pixels.ravel())
    image.pack()
    return image

def textured(image):
    material = bpy.data.materials["Material"]
    material.use_nodes = True
    tree = material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    node.location = (-600, 300)
    tree.links.new(node.outputs[0], next(n for n in tree.nodes if n.type == "BSDF_PRINCIPLED").inputs[0])
"""


def open_the_sidebar(window: Window) -> str:
    """The sidebar of the Image Editor shows the extension's tab."""
    window.blender.do(PICTURE)
    window.turn_into("IMAGE_EDITOR")
    window.blender.do("image = picture(1024, 0); textured(image); area.spaces.active.image = image")
    window.blender.do("bpy.ops.ed.undo_push()")
    window.open_tab()
    return ""


def generate(window: Window) -> str:
    """A click on Generate gives a wired map, while the progress bar moves."""
    window.click("bpy.ops.midas_normal.generate")
    seen, job = [], "running.task().job"
    start = time.monotonic()
    while not window.blender.value(ENDED):
        seen.append(window.blender.value(f"[{job}.stage, {job}.done] if running.task() else None"))
        if len(seen) == 8:
            window.display.shoot(window.picture("generating"))
        check(time.monotonic() - start < 60, "the map was not there after a minute")
    seconds = time.monotonic() - start
    shares = {tuple(look) for look in seen if look}
    check(len(shares) >= 3, f"the progress bar did not move: {shares}")
    check(window.blender.value(f"{MAP}.name") == "tiles_1024_0_normal", "the panel does not show the new map")
    links = window.blender.value(f"[[link.from_node.type, link.to_node.type] for link in {TREE}.links]")
    check(["NORMAL_MAP", "BSDF_PRINCIPLED"] in links and ["TEX_IMAGE", "NORMAL_MAP"] in links, f"it is not wired: {links}")
    engine = window.blender.value(f"stored({MAP})['facts']['engine']")
    return f"{engine.lower()} at 1024 x 1024, worker starting: {seconds:.1f} s"


def undo_and_redo(window: Window) -> str:
    """Ctrl+Z takes the map and its nodes away in one step, Ctrl+Shift+Z brings both back without the network."""
    before = window.blender.value(PIXELS)
    window.undo()
    check("NORMAL_MAP" not in window.blender.value(NODES), "undo left the Normal Map node")
    window.redo()
    check("NORMAL_MAP" in window.blender.value(NODES), "redo did not bring the Normal Map node back")
    check(window.blender.value(PIXELS) == before, "redo did not bring the pixels back")
    check(not window.blender.value("session.client.is_busy"), "redo ran the network")
    return ""


def compare(window: Window) -> str:
    """The button beside the map shows it in the Image Editor, and the picture again."""
    shown = "area.spaces.active.image.name"
    picture = window.blender.value(shown)
    window.click(COMPARE, RIGHT)
    window.settle()
    check(window.blender.value(shown) == window.blender.value(f"{MAP}.name"), "the Image Editor does not show the map")
    window.shoot("compared")
    window.click(COMPARE, RIGHT)
    window.settle()
    check(window.blender.value(shown) == picture, "the Image Editor does not show the picture again")
    return ""


def tune(window: Window) -> str:
    """Dragging the strength makes the map follow at once, in one undo step."""
    before, strength = window.blender.value(PIXELS), window.blender.value("bpy.context.scene.midas_normal.strength")
    x, y = window.place("midas_normal.strength")
    window.display.drag((x, y), (x + 12, y))
    window.blender.wait_until(FOLLOWED, 5)
    window.shoot("tuned")
    check(window.blender.value("bpy.context.scene.midas_normal.strength") > strength, "the slider did not move")
    check(window.blender.value(PIXELS) != before, "the map did not follow the slider")
    window.undo()
    window.blender.wait_until(FOLLOWED, 5)
    restored = window.blender.value("bpy.context.scene.midas_normal.strength")
    check(abs(restored - strength) < 1e-6, "a drag is not one undo step")
    check(window.blender.value(PIXELS) == before, "undo did not bring the pixels back")
    window.blender.do(WATCHED)
    seconds = statistics.median(_tuned(window, 1.0 + 0.1 * step) for step in range(1, 6))
    window.blender.do(f"bpy.context.scene.midas_normal.strength = {strength}; tuning._finish = finish")
    window.blender.wait_until(FOLLOWED, 5)
    drawing = window.blender.value("drawn()")
    return f"slider to new pixels at 1024 x 1024: {seconds * 1000:.0f} ms; a redraw takes {drawing * 1000:.0f} ms"


WATCHED = """
changes = []
finish = tuning._finish
def finished():
    finish()
    changes.append(time.perf_counter())
tuning._finish = finished
def drawn():
    start = time.perf_counter()
    bpy.ops.wm.redraw_timer(type="DRAW_WIN", iterations=5)
    return (time.perf_counter() - start) / 5
"""
FOLLOWED = f"abs(stored({MAP})['settings']['strength'] - bpy.context.scene.midas_normal.strength) < 1e-6"


def _tuned(window: Window, strength: float) -> float:
    """Seconds from one change of the strength to the map that has it."""
    window.blender.do(f"set_at = time.perf_counter(); bpy.context.scene.midas_normal.strength = {strength}")
    window.blender.wait_until(FOLLOWED, 5)
    window.settle(0.1)
    return window.blender.value("changes[-1] - set_at")


def never_block(window: Window) -> str:
    """While a map of 2048 x 2048 is made, no call of ours and no gap of a timer could be felt."""
    window.blender.do(MEASURED)
    window.blender.do("image = picture(2048, 1); area.spaces.active.image = image; idle = Gaps()")
    window.settle(4)
    window.blender.do("idle.on = False")
    x, y = window.place("bpy.ops.midas_normal.generate")
    window.blender.do("busy = Gaps(); calls = Calls()")
    window.display.click(x, y)
    window.blender.wait_until("running.task() is not None", 10, 0.01)
    window.blender.wait_until(ENDED, 120)
    window.settle(1)
    window.blender.do("busy.on = False; calls.stop()")
    check(window.blender.value(f"list({MAP}.size)") == [2048, 2048], "the map was not made")
    idle, busy = (1000 * window.blender.value(f"max({name}.seconds)") for name in ("idle", "busy"))
    longest, name = window.blender.value("calls.longest")
    return (f"2048 x 2048: longest call of ours {longest * 1000:.0f} ms ({name}); longest gap of a timer {busy:.0f} ms, "
            f"idle {idle:.0f} ms")


MEASURED = f"""
import sys
class Gaps:
    '''The gaps of a 5 ms timer that has the editor drawn again each time.'''
    def __init__(self):
        self.on, self.seconds, self.last = True, [0.0], time.perf_counter()
        bpy.app.timers.register(self.tick, first_interval=0.005)
    def tick(self):
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now
        area.tag_redraw()
        return 0.005 if self.on else None

class Calls:
    '''The longest call that Blender makes into the extension; calls within a call belong to it.'''
    def __init__(self):
        self.longest, self.depth, self.start = (0.0, ''), 0, 0.0
        sys.setprofile(self.note)
    def note(self, frame, event, argument):
        if event not in ('call', 'return') or not frame.f_globals.get('__name__', '').startswith('{EXTENSION}'):
            return
        if event == 'call':
            self.depth += 1
            if self.depth == 1:
                self.start = time.perf_counter()
        elif self.depth:
            self.depth -= 1
            if self.depth == 0:
                self.longest = max(self.longest, (time.perf_counter() - self.start, frame.f_code.co_name))
    def stop(self):
        sys.setprofile(None)
"""


def cancel(window: Window) -> str:
    """A click on Cancel frees the panel at once, and the late result is swallowed."""
    window.blender.do("image = picture(2048, 2); area.spaces.active.image = image; maps = len(bpy.data.images)")
    window.click("bpy.ops.midas_normal.generate")
    window.blender.wait_until("running.task() is not None and running.task().job.stage == 'network'", 30)
    x, y = window.place("bpy.ops.midas_normal.cancel")
    check(window.blender.value("running.task() is not None"), "the map was there before Cancel was clicked")
    window.display.click(x, y)
    seconds = window.blender.wait_until("running.task() is None", 5, 0.01)
    window.shoot("cancelled")
    window.blender.wait_until("not session.client.is_busy", 60)
    check(window.blender.value("len(bpy.data.images) == maps"), "the late result came in")
    return f"free after {seconds * 1000:.0f} ms"


def save_and_reopen(window: Window) -> str:
    """The map and its wiring are in the saved file; it no longer follows the settings, and the panel says so."""
    before = window.blender.value(PIXELS)
    file = window.picture("saved").with_suffix(".blend")
    window.blender.do(f"bpy.ops.wm.save_as_mainfile(filepath={str(file)!r})")
    check(not window.blender.value("bpy.data.is_dirty"), "the saved file counts as modified")
    window.blender.do(f"bpy.ops.wm.open_mainfile(filepath={str(file)!r})")
    window.reopened()
    check(window.blender.value(f"{MAP} is not None and {MAP}.packed_file is not None"), "the map is not in the file")
    check(window.blender.value(PIXELS) == before, "the map has other pixels")
    window.shoot("reopened")
    return ""


def shader_editor(window: Window) -> str:
    """The nodes lie side by side in the Shader Editor."""
    window.blender.do("bpy.context.view_layer.objects.active = bpy.data.objects['Cube']")
    window.turn_into("ShaderNodeTree")
    window.all_in_view("node.view_all")
    window.shoot("shader_editor")
    check("NORMAL_MAP" in window.blender.value(NODES), "there is no Normal Map node")
    return ""


def viewport(window: Window) -> str:
    """The cube is lit with the map."""
    window.turn_into("VIEW_3D")
    window.blender.do("area.spaces.active.shading.type = 'MATERIAL'")
    window.all_in_view("view3d.view_selected")
    window.settle(8)
    window.shoot("viewport")
    return ""


def disable(window: Window) -> str:
    """Without the extension no timer, handler, class, property, temporary file or process of it is left."""
    window.blender.do(f"""
import tempfile
from pathlib import Path
tick = pump._tick
bpy.ops.preferences.addon_disable(module='{EXTENSION}')
lists = [getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)]
left = [f"handler {{h.__name__}}" for handlers in lists if isinstance(handlers, list) for h in handlers
        if '{EXTENSION}' in getattr(h, '__module__', '')]
left += [f"class {{c.__name__}}" for base in (bpy.types.Panel, bpy.types.Operator, bpy.types.Menu, bpy.types.PropertyGroup)
         for c in base.__subclasses__() if '{EXTENSION}' in c.__module__ and c.is_registered]
left += ['the timer'] if bpy.app.timers.is_registered(tick) else []
left += ['the scene property'] if hasattr(bpy.types.Scene, 'midas_normal') else []
left += ['the worker'] if session.client.is_running else []
left += [str(path) for path in Path(tempfile.gettempdir()).glob('midas_normal_*')]
""")
    left = window.blender.value("left")
    check(not left, f"disabling left {left}")
    return ""


def check(condition: bool, otherwise: str) -> None:
    """Raises GuiError with what is wrong."""
    if not condition:
        raise GuiError(otherwise[0].upper() + otherwise[1:] + ".")


STEPS: tuple[Step, ...] = (open_the_sidebar, generate, undo_and_redo, compare, tune, never_block, cancel, save_and_reopen,
                           shader_editor, viewport, disable)
