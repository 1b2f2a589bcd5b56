"""A person makes a map in the panel, takes it back, looks at it, and gives one up."""

from __future__ import annotations

import time

from ..window import Window
from .common import ASKED, CANCEL, ENDED, GENERATE, HOLD, MAP, NODES, PICTURE, PIXELS, TREE, check, hold_worker, make

COMPARE, RIGHT = "bpy.ops.midas_normal.compare", 0.84
"""A button at the right end of its row."""

BAR = "[round(255 * c) for c in bpy.context.preferences.themes[0].user_interface.wcol_progress.item[:3]]"
"""The colour of a progress bar."""

IS_GONE = """
def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
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
    """A click on Generate gives a wired map, while the progress bar moves; then the bar is gone, mouse there or not."""
    x, y = window.find_button(GENERATE)
    before = _like_a_bar(window)
    window.click_at(x, y)
    window.display.move(x - 3, y)
    reports, job = [], "generation.task().job"
    start = time.monotonic()
    while not window.blender.value(ENDED):
        reports.append(window.blender.value(f"[{job}.stage, {job}.share] if generation.task() else None"))
        if len(reports) == 8:
            window.display.shoot(window.picture("generating"))
        check(time.monotonic() - start < 60, "the map was not there after a minute")
    seconds = time.monotonic() - start
    shares = {tuple(look) for look in reports if look}
    check(len(shares) >= 3, f"the progress bar did not move: {shares}")
    check(window.blender.value(f"{MAP}.name") == "tiles_1024_0_normal", "the panel does not show the new map")
    links = window.blender.value(f"[[link.from_node.type, link.to_node.type] for link in {TREE}.links]")
    check(["NORMAL_MAP", "BSDF_PRINCIPLED"] in links and ["TEX_IMAGE", "NORMAL_MAP"] in links, f"it is not wired: {links}")
    window.settle()
    check(_like_a_bar(window) <= before, "something is drawn as a progress bar still")
    engine = window.blender.value(f"stored_metadata({MAP})['facts']['engine']")
    return f"{engine.lower()} at 1024 x 1024, worker starting: {seconds:.1f} s"


def _like_a_bar(window: Window) -> int:
    """Return how much of the sidebar has the colour of progress bars, which active buttons have, too."""
    return window.sidebar().count(bytes(window.blender.value(BAR)))


def undo_and_redo(window: Window) -> str:
    """Ctrl+Z takes the map and its nodes away in one step, Ctrl+Shift+Z brings both back without the network."""
    before = window.blender.value(PIXELS)
    window.press("ctrl+z")
    check("NORMAL_MAP" not in window.blender.value(NODES), "undo left the Normal Map node")
    exists = window.blender.value("generation.last_outcome().exists_in_file")
    check(not exists, "the panel tells still of the map that was taken back")
    window.press("ctrl+shift+z")
    check("NORMAL_MAP" in window.blender.value(NODES), "redo did not bring the Normal Map node back")
    check(window.blender.value(PIXELS) == before, "redo did not bring the pixels back")
    exists = window.blender.value("generation.last_outcome().exists_in_file")
    check(exists, "the panel does not tell of the map that is there again")
    check(not window.blender.value("client.is_busy"), "redo ran the network")
    return ""


THUMBNAIL = "hash(np.array(thumbnail.shown().image_pixels_float, np.float32).tobytes())"
"""Tells one picture of the thumbnail from another."""


def thumbnail(window: Window) -> str:
    """The panel shows the map in small, and anew after another one was made."""
    seconds = window.blender.wait_until(f"thumbnail.icon_of({MAP}) > 0", 20)
    before = window.blender.value(THUMBNAIL)
    window.blender.do("bpy.context.scene.midas_normal.engine = 'LUMINANCE'")
    make(window)
    window.blender.wait_until(f"thumbnail.icon_of({MAP}) > 0 and {THUMBNAIL} != {before}", 20)
    window.blender.do("bpy.context.scene.midas_normal.engine = 'AUTO'")
    make(window)
    return f"after {seconds * 1000:.0f} ms"


def compare(window: Window) -> str:
    """The button beside the map shows it over the right of the picture, as Blender shows it alone, and goes back."""
    left_place, right_place = (0.35, 0.53), (0.56, 0.53)
    left, right = window.colour_of_image(*left_place), window.colour_of_image(*right_place)
    window.blender.do(f"before, area.spaces.active.image = area.spaces.active.image, {MAP}")
    window.settle()
    alone = window.colour_of_image(*right_place)
    window.blender.do("area.spaces.active.image = before")
    window.settle()
    window.click(COMPARE, RIGHT)
    window.settle(2)  # Blender 5.2 builds the shader before the first frame
    window.shoot("compared")
    check(window.colour_of_image(*left_place) == left, "the left of the picture is not shown")
    compared = window.colour_of_image(*right_place)
    check(max(abs(one - other) for one, other in zip(compared, alone)) <= 8,  # neighbouring pixels differ
          f"the right does not show the map, whose colour is {alone} there, but {compared}")
    window.click(COMPARE, RIGHT)
    window.settle()
    check(window.colour_of_image(*right_place) == right, "the Image Editor does not show the picture again")
    return ""


def cancel(window: Window) -> str:
    """A click on Cancel frees the panel at once, and the late result is swallowed."""
    window.blender.do("image = picture(1024, 2); area.spaces.active.image = image; maps = len(bpy.data.images)")
    with hold_worker(window):
        window.click(CANCEL)
        seconds = window.blender.wait_until("generation.task() is None", 20, 0.01)
        window.shoot("cancelled")
    window.blender.wait_until("not client.is_busy", 60)
    check(window.blender.value("len(bpy.data.images) == maps"), "the late result came in")
    return f"free after {seconds * 1000:.0f} ms"


def cancel_twice(window: Window) -> str:
    """A second click ends a worker that does not answer to the first; the next map has a new one."""
    window.settle()
    window.blender.do(f"{HOLD}{IS_GONE}")
    window.click(GENERATE)
    window.blender.wait_until(ASKED, 30, 0.01)
    window.click(CANCEL)
    window.blender.wait_until("generation.task() is None", 20)
    window.shoot("stopping")
    check(window.blender.value("generation.draining_task() is not None"), "the panel offers no second click")
    window.click(CANCEL)
    seconds = window.blender.wait_until("is_gone(pid)", 20, 0.01)
    window.blender.do("area.spaces.active.image = picture(256, 12)")
    make(window)
    return f"worker gone after {seconds * 1000:.0f} ms"


SCRIPTED = """
kept = bpy.context.scene.midas_normal.snapshot()
picture(64, 11).name = "scripted"
last = generation.last_outcome()
bpy.ops.midas_normal.generate("INVOKE_DEFAULT", source="IMAGE", image="scripted", target="NONE", engine="LUMINANCE",
                              strength=7.0, a=1.0)
"""


def scripted(window: Window) -> str:
    """A script that invokes the operator with settings of its own leaves those of the scene as they are."""
    window.blender.do(SCRIPTED)
    window.blender.wait_until("generation.task() is None and generation.last_outcome() is not last", 60)
    strength = window.blender.value("stored_metadata(bpy.data.images['scripted_normal'])['settings']['strength']")
    check(strength == 7.0, "it has no map")
    check(window.blender.value("bpy.context.scene.midas_normal.snapshot() == kept"), "the scene's settings were changed")
    window.blender.do("bpy.data.batch_remove([image for image in bpy.data.images if image.name.startswith('scripted')])")
    return ""
